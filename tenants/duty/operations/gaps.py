"""Posts below their minimum: a gap that lasts is raised once while it lasts, becomes a finding, and is closed as it ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from identity.contracts import Actor
from kernel.errors import DomainError
from kernel.tenancy import Tenant
from tenants.duty import staffing
from tenants.duty.choices import AnomalyKind, AnomalyStatus, EntryKind, ItemStatus
from tenants.duty.contracts import Shortfall
from tenants.duty.models import Anomaly, DutyPost
from tenants.duty.operations.anomalies import end_offers, find
from tenants.duty.operations.common import lock_post, path_of, raise_anomaly, superiors, tell, write
from tenants.findings.choices import Severity
from tenants.notices import operations as notices
from tenants.notices.choices import NoticeKind

LOOKS_BACK = timedelta(hours=24)  # as far as the begin of a gap is looked for as it is raised
FOLLOWED = timedelta(days=31)  # a raised gap is followed to its end from here on


def watch_gaps(*, tenant: Tenant, now: datetime) -> int:
    """Raise what has been below its minimum for longer than the post allows, declared absences aside (those are
    watched by their own time); make findings of what lasts too long; end what is over. Returns how many steps.
    """
    allowed = dict(
        DutyPost.objects.filter(active=True, post__active=True, gap_minutes__gt=0).values_list("pk", "gap_minutes")
    )
    gaps = _running(list(allowed), tenant=tenant, now=now)
    raised = sum(
        _raise(post_id, tenant=tenant, now=now)
        for post_id, gap in gaps.items()
        if now - gap.starts_at >= timedelta(minutes=allowed[post_id])
    )
    return raised + _follow_all(tenant=tenant, now=now)


def _running(post_ids: list[UUID], *, tenant: Tenant, now: datetime) -> dict[UUID, Shortfall]:
    """The gap that runs now at each post, from where somebody first was missing without having declared it."""
    short = staffing.shortfalls(post_ids=post_ids, starts=now - LOOKS_BACK, ends=now, tz=tenant.tz)
    found = {post_id: _around(now, gaps) for post_id, gaps in short.items()}
    return {post_id: gap for post_id, gap in found.items() if gap is not None}


def _around(moment: datetime, gaps: Sequence[Shortfall]) -> Shortfall | None:
    """The undeclared gap a moment lies in, pieces that touch as one; with the numbers of its last piece."""
    whole: Shortfall | None = None
    for gap in gaps:
        if gap.declared:
            continue
        joined = whole is not None and whole.ends_at == gap.starts_at
        if whole is not None and not joined and whole.ends_at >= moment:
            break
        begun = whole.starts_at if whole is not None and joined else gap.starts_at
        whole = Shortfall(gap.post_id, begun, gap.ends_at, gap.needed, gap.present, declared=False)
    return whole if whole is not None and whole.starts_at <= moment <= whole.ends_at else None


def _followed(post_id: UUID | None = None) -> list[Anomaly]:
    rows = Anomaly.objects.filter(begun_at__isnull=False, ended_at__isnull=True)
    return list((rows.filter(post_id=post_id) if post_id else rows).order_by("post_id", "reported_at"))


@transaction.atomic
def _raise(post_id: UUID, *, tenant: Tenant, now: datetime) -> bool:
    duty = lock_post(post_id)
    gap = _running([post_id], tenant=tenant, now=now).get(post_id)
    if gap is None or now - gap.starts_at < timedelta(minutes=duty.gap_minutes):
        return False
    if duty.gap_told_at is not None and duty.gap_told_at >= gap.starts_at:
        return False
    if any(row.status == AnomalyStatus.OPEN for row in _followed(post_id)):
        return False  # a gap of days: somebody has it in hand
    duty.gap_told_at = now
    duty.save(update_fields=["gap_told_at"])
    since = gap.starts_at.astimezone(tenant.tz)
    raise_anomaly(
        duty, AnomalyKind.SHORT, f"{since:%-m月%-d日 %H:%M} 起应有 {gap.needed} 人、在岗 {gap.present} 人，请安排补位",
        by=Actor.system(tenant.school_id), tenant=tenant, now=now, severity=Severity.MAJOR, begun_at=gap.starts_at,
    )  # fmt: skip
    return True


# --- What has been raised --------------------------------------------------------------------------


def _follow_all(*, tenant: Tenant, now: datetime) -> int:
    """One look at all raised gaps; only where something is to be done the post is locked and looked at again."""
    rows = _followed()
    gaps = _gaps_of(rows, tenant=tenant, now=now)
    rules = {d.pk: d for d in DutyPost.objects.filter(pk__in={row.post_id for row in rows})}
    due = [row for row in rows if _is_due(row, gaps[row.pk], rules[row.post_id], now=now)]
    return sum(_follow(row.pk, row.post_id, tenant=tenant, now=now) for row in due)


def _gaps_of(rows: Sequence[Anomaly], *, tenant: Tenant, now: datetime) -> dict[UUID, Shortfall | None]:
    """Of each raised gap, how it stands by what is known now: someone's sign-on may have come in since. One query."""
    if not rows:
        return {}
    starts = max(min(row.begun_at for row in rows if row.begun_at), now - FOLLOWED)
    short = staffing.shortfalls(post_ids={row.post_id for row in rows}, starts=starts, ends=now, tz=tenant.tz)
    return {row.pk: _around(max(row.reported_at, starts), short.get(row.post_id, [])) for row in rows}


def _too_long(row: Anomaly, gap: Shortfall | None, duty: DutyPost) -> bool:
    if gap is None or row.begun_at is None or not duty.gap_finding_minutes or row.finding_id is not None:
        return False
    return gap.ends_at - min(gap.starts_at, row.begun_at) >= timedelta(minutes=duty.gap_finding_minutes)


def _is_over(gap: Shortfall | None, duty: DutyPost, *, now: datetime) -> bool:
    return gap is None or gap.ends_at < now or not duty.active


def _is_due(row: Anomaly, gap: Shortfall | None, duty: DutyPost, *, now: datetime) -> bool:
    return _is_over(gap, duty, now=now) or _too_long(row, gap, duty)


@transaction.atomic
def _follow(anomaly_id: UUID, post_id: UUID, *, tenant: Tenant, now: datetime) -> bool:
    duty = lock_post(post_id)
    row = Anomaly.objects.get(pk=anomaly_id)
    if row.ended_at is not None:
        return False
    gap = _gaps_of([row], tenant=tenant, now=now)[row.pk]
    done = _too_long(row, gap, duty) and _find(row, duty=duty, tenant=tenant, now=now)
    if _is_over(gap, duty, now=now):
        _end(row, gap, duty=duty, tenant=tenant, now=now)
        return True
    return done


def _find(row: Anomaly, *, duty: DutyPost, tenant: Tenant, now: datetime) -> bool:
    """Make it a finding; where that is refused the superiors are told why, once, and it is tried again."""
    by = Actor.system(tenant.school_id)
    try:
        with transaction.atomic():
            find(row, duty=duty, by=by, tenant=tenant, now=now)
    except DomainError as refused:
        row.finding_id = None
        notices.notify(
            account_ids=superiors(duty, tenant=tenant, now=now), kind=NoticeKind.TODO,
            title=f"在岗人数不足没能转为问题：{duty.post.name}", text=f"{row.number}：{refused.sentence}",
            path=path_of("anomalies", row.pk), subject=row, occasion=f"duty.gap_unfound:{row.pk}", now=now,
        )  # fmt: skip
        return False
    return True


def _end(row: Anomaly, gap: Shortfall | None, *, duty: DutyPost, tenant: Tenant, now: datetime) -> None:
    """It is over: the times are kept, and the anomaly is closed with them unless a superior has it in hand."""
    by = Actor.system(tenant.school_id)
    if gap is None:
        row.ended_at = row.begun_at
        words = "补录后，这段时间并不缺人"
    else:
        assert row.begun_at is not None
        row.begun_at, row.ended_at = min(gap.starts_at, row.begun_at), gap.ends_at
        since, until = row.begun_at.astimezone(tenant.tz), gap.ends_at.astimezone(tenant.tz)
        shown = f"{until:%H:%M}" if since.date() == until.date() else f"{until:%-m月%-d日 %H:%M}"
        lasted = round((row.ended_at - row.begun_at).total_seconds() / 60)
        words = f"{since:%-m月%-d日 %H:%M} 至 {shown} 低于最低人数，共 {lasted} 分钟，已结束"
    if row.status == AnomalyStatus.OPEN and row.taken_by is None:
        row.status, row.closed_at, row.closed_by_name, row.result = AnomalyStatus.CLOSED, now, by.name, words
        end_offers(row, status=ItemStatus.WITHDRAWN, by=by, now=now)
        notices.settle(subject=row, now=now)
    row.save(update_fields=["begun_at", "ended_at", "status", "closed_at", "closed_by_name", "result"])
    write(duty, EntryKind.ANOMALY, f"{row.number} {words}", by=by, now=now, subject_id=row.pk)
    tell(duty, "gap_ended", f"{row.number} {words}", subject=row, by=by, tenant=tenant)
