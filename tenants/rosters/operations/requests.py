"""Leave, swap and cover: asked by the worker, agreed by the colleague, decided by somebody else than the asker."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from identity.choices import Role
from identity.contracts import Actor
from identity.people import people_of_school
from kernel.errors import Invalid, NotAllowed, NotFound
from kernel.ids import new_id
from kernel.tenancy import Tenant
from tenants.evidence import queries as evidence
from tenants.notices import operations as notices
from tenants.notices.choices import NoticeKind
from tenants.organisation import queries as organisation
from tenants.rosters import away, deciding, instances, people, policies
from tenants.rosters.away import when_text
from tenants.rosters.choices import AssignmentSource, LeaveKind, RequestStatus, SwapKind, SwapStatus
from tenants.rosters.errors import (
    LeaveOfSchool,
    LeaveOverlaps,
    LeaveUsed,
    LeaveWrong,
    MonthFrozen,
    OwnRequest,
    RequestClosed,
    ShiftsOverlap,
    SwapUnfit,
)
from tenants.rosters.models import Assignment, Leave, ShiftInstance, Swap
from tenants.rosters.operations.results import ask_results, days_between
from tenants.rosters.people import day_text
from tenants.rosters.windows import Stretch, overlaps, stretches_of
from tenants.timeline import once
from tenants.timeline.operations import record

LONGEST_LEAVE = timedelta(days=190)


def _deciders(party: Any, tenant: Tenant, now: datetime, *, by_school: bool = False) -> list[UUID]:
    """The company's managers for its people, otherwise (and `by_school`) the school's supervisors and admins."""
    today = now.astimezone(tenant.tz).date()
    found = []
    if party.provider_id and not by_school:
        found = people_of_school(
            school_id=tenant.school_id, roles=[Role.PROVIDER_MANAGER], today=today, provider_id=party.provider_id
        )
    for role in (Role.SCHOOL_SUPERVISOR, Role.SCHOOL_ADMIN):
        found = found or people_of_school(school_id=tenant.school_id, roles=[role], today=today)
    return [p.account_id for p in found]


@transaction.atomic
def ask_leave(
    *,
    kind: str,
    starts_at: datetime,
    ends_at: datetime,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    reason: str = "",
    staff_id: UUID | None = None,
    evidence_id: UUID | None = None,
    client_key: str = "",
) -> Leave:
    """Ask for leave over a half-open time, for oneself or (who makes the roster) for another.

    It cancels no shift: once approved, results count it. Locks the person's time line. Raises NotAllowed,
    Invalid, LeaveWrong, LeaveOverlaps, MonthFrozen.
    """
    staff_id = staff_id or by.staff_id
    if staff_id is None or not by.may(policies.WRITE) or by.grant_id is not None:
        raise NotAllowed
    person = organisation.staff_by_id([staff_id]).get(staff_id)
    if person is None or not (policies.is_own(by, staff_id) or policies.can_edit(by, person.party_id)):
        raise NotAllowed
    claim = once.claim(key=client_key, operation="rosters.ask_leave", by=by)
    if claim.result_id:
        return Leave.objects.select_related("staff").get(pk=claim.result_id)
    if kind not in LeaveKind.values:
        raise Invalid("请选择请假类型。", field="kind")
    people.check_days(starts_at.date(), ends_at.date(), field="starts")
    if not starts_at < ends_at or ends_at - starts_at > LONGEST_LEAVE:
        raise LeaveWrong(field="ends")
    if len(reason.strip()) > 300:
        raise Invalid("事由最多 300 字。", field="reason")
    if evidence_id is not None and evidence.existing([evidence_id], by=by) != [evidence_id]:
        raise Invalid("没有找到上传的证明材料，请重新上传。", field="evidence")
    instances.lock_people([staff_id], schema=tenant.schema)
    clash = Leave.objects.filter(
        staff_id=staff_id, status__in=[RequestStatus.PENDING, RequestStatus.APPROVED], starts_at__lt=ends_at,
        ends_at__gt=starts_at,
    ).first()  # fmt: skip
    if clash:
        raise LeaveOverlaps(name=person.name, when=when_text(clash.starts_at, clash.ends_at, tenant), field="starts")
    _check_frozen(person, starts_at, ends_at, tenant)
    row = Leave.objects.create(
        staff=person, kind=kind, starts_at=starts_at, ends_at=ends_at, reason=reason.strip(), evidence_id=evidence_id,
        asked_at=now, asked_by=by.account_id, asked_by_name=by.name,
    )  # fmt: skip
    label = str(LeaveKind(kind).label)
    record(
        verb="leave.asked", sentence=f"{person.name} 申请{label}：{when_text(starts_at, ends_at, tenant)}",
        subject=row, by=by, party_id=person.party_id, staff_id=staff_id,
    )  # fmt: skip
    notices.notify(
        account_ids=_deciders(organisation.party(person.party_id), tenant, now, by_school=_of_school(row, now) != ""),
        kind=NoticeKind.TODO, title=f"{person.name} 申请{label}", text=when_text(starts_at, ends_at, tenant),
        path=f"/rosters/leaves/{row.pk}/", subject=row, occasion=f"leave.asked:{row.pk}", now=now,
        besides=by.account_id,
    )  # fmt: skip
    claim.keep(row.pk)
    return row


def _check_frozen(person: Any, starts_at: datetime, ends_at: datetime, tenant: Tenant) -> None:
    first = starts_at.astimezone(tenant.tz).date()
    last = (ends_at - timedelta(microseconds=1)).astimezone(tenant.tz).date()
    cells = [(person.pk, first + timedelta(days=n)) for n in range((last - first).days + 1)]
    frozen = policies.frozen(cells)
    if frozen:
        raise MonthFrozen(name=person.name, day=day_text(min(d for _p, d in frozen)))


def _shifts(row: Leave) -> QuerySet[ShiftInstance]:
    """The person's shifts that the leave touches."""
    return ShiftInstance.objects.filter(
        staff_id=row.staff_id, cancelled_at__isnull=True, starts_at__lt=row.ends_at, ends_at__gt=row.starts_at
    )


def _of_school(row: Leave, now: datetime) -> str:
    """Why a company may not grant this leave itself, or ""."""
    return deciding.why_of_school([row], now=now).get(row.pk, "")


def _leave(leave_id: UUID) -> Leave:
    row = Leave.objects.select_for_update(of=("self",)).select_related("staff").filter(pk=leave_id).first()
    if row is None:
        raise NotFound
    return row


@transaction.atomic
def decide_leave(*, leave_id: UUID, approve: bool, by: Actor, tenant: Tenant, now: datetime, note: str = "") -> Leave:
    """Approve or refuse; never by who asked or whose leave it is. A company grants its people leave ahead of their
    shifts; field work and what touches a shift that has begun the school grants. Locks the leave.

    Raises NotFound, NotAllowed, OwnRequest, RequestClosed, Invalid (a refusal says why), LeaveOfSchool, MonthFrozen.
    """
    row = _leave(leave_id)
    _check_decider(by, row.staff, row.asked_by)
    if row.status != RequestStatus.PENDING:
        raise RequestClosed(status=row.get_status_display())
    note = note.strip()[:300]
    if not approve and not note:
        raise Invalid("请写明不批准的原因。", field="note")
    if approve:
        if not policies.decides_begun(by) and (why := _of_school(row, now)):
            raise LeaveOfSchool(why=why)
        _check_frozen(row.staff, row.starts_at, row.ends_at, tenant)
    row.status = RequestStatus.APPROVED if approve else RequestStatus.REFUSED
    row.decided_at, row.decided_by, row.decided_by_name, row.decision_note = now, by.account_id, by.name, note
    row.save()
    if approve:
        _ask_results(row, tenant, now)
    when = when_text(row.starts_at, row.ends_at, tenant)
    said = "批准" if approve else "未批准"
    record(
        verb="leave.decided", sentence=f"{said} {row.staff.name} 的{row.get_kind_display()}：{when}", subject=row,
        by=by, party_id=row.staff.party_id, staff_id=row.staff_id, approved=approve,
        starts_at=row.starts_at.isoformat(), ends_at=row.ends_at.isoformat(),
    )  # fmt: skip
    notices.settle(subject=row, now=now)
    _tell(
        [row.staff.account_id, row.asked_by], f"您的{row.get_kind_display()}{'已批准' if approve else '未批准'}",
        f"{when}{'：' + note if note else ''}", row, f"leave.decided:{row.pk}", by=by, now=now,
    )  # fmt: skip
    return row


def _ask_results(row: Leave, tenant: Tenant, now: datetime) -> None:
    days = days_between(row.starts_at, row.ends_at, tenant)
    ask_results(((row.staff_id, day) for day in days), tenant=tenant, now=now)


def _check_decider(by: Actor, person: Any, asked_by: UUID | None) -> None:
    if not policies.can_edit(by, person.party_id):
        raise NotFound if not policies.reads_all(by) else NotAllowed
    if policies.is_own(by, person.pk) or (by.account_id is not None and by.account_id in (asked_by, person.account_id)):
        raise OwnRequest


def _tell(
    accounts: list[UUID | None], title: str, text: str, subject: Any, occasion: str, *, by: Actor, now: datetime,
    kind: NoticeKind = NoticeKind.INFO, path: str = "/m/roster/requests/",
) -> None:  # fmt: skip
    notices.notify(
        account_ids=[a for a in accounts if a], kind=kind, title=title, text=text, path=path, subject=subject,
        occasion=occasion, now=now, besides=by.account_id,
    )  # fmt: skip


@transaction.atomic
def withdraw_leave(*, leave_id: UUID, by: Actor, tenant: Tenant, now: datetime) -> Leave:
    """Take back a leave that has not ended; an approved one too, unless its month is confirmed. Locks the leave.

    What was allowed is not undone: an approved leave that already covers a shift ends now, where its person takes it
    back (they are here), and after the shift that runs, where somebody else does.
    Raises NotFound, NotAllowed, RequestClosed, LeaveUsed, MonthFrozen.
    """
    row = _leave(leave_id)
    is_person = policies.is_own(by, row.staff_id)
    own = is_person or (by.account_id is not None and by.account_id == row.asked_by)
    if not by.may(policies.WRITE) or not (own or policies.can_edit(by, row.staff.party_id)):
        raise NotFound
    if row.status not in (RequestStatus.PENDING, RequestStatus.APPROVED) or (
        row.status == RequestStatus.APPROVED and row.ends_at <= now
    ):
        raise RequestClosed(status=row.get_status_display())
    when, was, cut = when_text(row.starts_at, row.ends_at, tenant), row.status, row.starts_at
    if was == RequestStatus.APPROVED:
        cut = _unused_from(row, now, is_person=is_person)
    days = days_between(row.starts_at, row.ends_at, tenant)
    _check_frozen(row.staff, cut, row.ends_at, tenant)
    if cut > row.starts_at:
        row.ends_at = cut
    else:
        row.status = RequestStatus.WITHDRAWN
    row.withdrawn_at = now
    row.save(update_fields=["status", "ends_at", "withdrawn_at"])
    kept = f"，已休的保留：{when_text(row.starts_at, cut, tenant)}" if cut > row.starts_at else ""
    if was == RequestStatus.APPROVED:
        ask_results(((row.staff_id, day) for day in days), tenant=tenant, now=now)
    record(
        verb="leave.withdrawn", sentence=f"撤回 {row.staff.name} 的{row.get_kind_display()}：{when}{kept}",
        subject=row, by=by, party_id=row.staff.party_id, staff_id=row.staff_id, was=was,
        starts_at=row.starts_at.isoformat(), ends_at=row.ends_at.isoformat(),
    )  # fmt: skip
    notices.settle(subject=row, now=now)
    if not is_person:
        _tell(
            [row.staff.account_id], f"您的{row.get_kind_display()}已被撤回", f"{when}{kept}", row,
            f"leave.withdrawn:{row.pk}:{now:%Y%m%d%H%M%S}", by=by, now=now,
        )  # fmt: skip
    return row


def _unused_from(row: Leave, now: datetime, *, is_person: bool) -> datetime:
    """From when on an approved leave can still be taken back: its start while no shift of it has begun.

    Raises LeaveUsed where nothing of it is left.
    """
    begun = list(_shifts(row).filter(starts_at__lte=now).values_list("ends_at", flat=True))
    if not begun:
        return row.starts_at
    minute = now.replace(second=0, microsecond=0)
    cut = max(row.starts_at, minute) if is_person else max(minute, *(end for end in begun))
    if cut >= row.ends_at:
        raise LeaveUsed
    return cut


# --- Swap and cover ------------------------------------------------------------------------------


def _assignment(assignment_id: UUID) -> Assignment:
    row = (
        Assignment.objects.select_related("staff", "shift", "post")
        .filter(pk=assignment_id, cancelled_at__isnull=True, published_at__isnull=False)
        .first()
    )
    if row is None:
        raise NotFound
    return row


@transaction.atomic
def ask_swap(
    *,
    assignment_id: UUID,
    taker_id: UUID,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    counter_id: UUID | None = None,
    reason: str = "",
    client_key: str = "",
) -> Swap:
    """Ask a colleague to take a shift (替班), or to change it for one of theirs (换班: `counter_id`).

    The colleague agrees first, then a superior decides. Raises NotAllowed, NotFound, SwapUnfit, ShiftsOverlap.
    """
    if not by.may(policies.WRITE) or by.grant_id is not None or by.account_id is None:
        raise NotAllowed
    claim = once.claim(key=client_key, operation="rosters.ask_swap", by=by)
    if claim.result_id:
        return Swap.objects.select_related("assignment__staff", "taker").get(pk=claim.result_id)
    given = _assignment(assignment_id)
    if not policies.is_own(by, given.staff_id):
        raise NotAllowed
    taker = organisation.staff_by_id([taker_id]).get(taker_id)
    if taker is None or taker.party_id != given.staff.party_id:
        raise NotFound
    counter = _assignment(counter_id) if counter_id else None
    instances.lock_people([given.staff_id, taker_id], schema=tenant.schema)
    if Swap.objects.filter(assignment=given, status__in=[SwapStatus.ASKED, SwapStatus.ACCEPTED]).exists():
        raise SwapUnfit(why="这个班次已有一份换班申请在处理。", field="assignment")
    _check_swap(given, counter, taker, now=now, tenant=tenant)
    row = Swap.objects.create(
        kind=SwapKind.SWAP if counter else SwapKind.COVER, assignment=given, counter=counter, taker=taker,
        reason=reason.strip()[:300], asked_at=now, asked_by=by.account_id, asked_by_name=by.name,
    )  # fmt: skip
    words = _swap_words(row)
    record(
        verb="swap.asked", sentence=words, subject=row, by=by, party_id=given.staff.party_id, staff_id=given.staff_id
    )
    _tell([taker.account_id], f"{given.staff.name} 想和您{row.get_kind_display()}", words, row, f"swap.asked:{row.pk}",
          by=by, now=now, kind=NoticeKind.TODO)  # fmt: skip
    claim.keep(row.pk)
    return row


def _swap_words(row: Swap) -> str:
    given = row.assignment
    words = f"{given.staff.name} {day_text(given.day)}「{given.shift}」→ {row.taker.name}"
    if row.counter:
        words += f"，{row.taker.name} {day_text(row.counter.day)}「{row.counter.shift}」→ {given.staff.name}"
    return words


def _check_swap(given: Assignment, counter: Assignment | None, taker: Any, *, now: datetime, tenant: Tenant) -> None:
    """Raise SwapUnfit (also for a shift that has begun: when asked, answered and decided), ShiftsOverlap, certificate
    or employment refusals."""
    today = now.astimezone(tenant.tz).date()
    if taker.pk == given.staff_id:
        raise SwapUnfit(why="不能和自己换班。", field="taker")
    if given.shift_id is None or given.day < today or (counter and counter.day < today):
        raise SwapUnfit(why="只能换今天以后的班次。", field="assignment")
    if instances.begun([given, *([counter] if counter else [])], now=now):
        raise SwapUnfit(why="其中一个班次已经开始；已经开始的班次由谁上就记谁的。", field="assignment")
    if counter is not None and (counter.staff_id != taker.pk or counter.shift_id is None):
        raise SwapUnfit(why="对方的班次已变动，请重新选择。", field="counter")
    people.check_employed(taker, given.day)
    needs = {(taker.pk, given.post_id, given.day)}
    names = {taker.pk: taker.name, given.staff_id: given.staff.name}
    posts = {given.post_id: given.post.name if given.post else ""}
    if counter is not None:
        people.check_employed(given.staff, counter.day)
        needs.add((given.staff_id, counter.post_id, counter.day))
        posts[counter.post_id] = counter.post.name if counter.post else ""
    lacking = people.lacking({(s, p, d) for s, p, d in needs if p})
    for (staff_id, post_id, day), kinds in sorted(lacking.items(), key=lambda i: i[0][2]):
        raise people.certificate_refusal(names[staff_id], day, posts[post_id], kinds)
    cells = [(given.staff_id, given.day), (taker.pk, given.day)]
    if counter is not None:
        cells += [(given.staff_id, counter.day), (taker.pk, counter.day)]
    frozen = policies.frozen(cells)
    if frozen:
        raise MonthFrozen(name=given.staff.name, day=day_text(min(d for _p, d in frozen)))
    changes = [(given, taker), *([(counter, given.staff)] if counter else [])]
    _check_away(changes)
    _check_busy(changes, tenant)


def _check_away(changes: list[tuple[Assignment, Any]]) -> None:
    """Who is on approved leave takes no shift. Of what kind it is is nobody's business among colleagues."""
    takers = {a.pk: person for a, person in changes}
    rows = ShiftInstance.objects.filter(assignment_id__in=takers, cancelled_at__isnull=True)
    spans = [(takers[r.assignment_id].pk, r.day, r.starts_at, r.ends_at) for r in rows]
    names = {person.pk: person.name for person in takers.values()}
    for staff_id, day in sorted(away.leaves_over(spans), key=lambda cell: cell[1]):
        raise SwapUnfit(
            why=f"{names[staff_id]} {day_text(day)}已批准请假，请换一位同事，或由本人先撤回请假。", field="taker"
        )


def _check_busy(changes: list[tuple[Assignment, Any]], tenant: Tenant) -> None:
    """Nobody takes a shift while they have another one: said when it is asked, not after two people agreed.

    Only what is published: of a draft nobody but who makes the roster knows; it gives way when they decide.
    """
    parts = instances.segments_of({a.shift_id for a, _person in changes if a.shift_id})
    for given, person in changes:
        wanted = stretches_of(given.day, parts[given.shift_id] if given.shift_id else [], tenant.tz)
        busy = ShiftInstance.objects.filter(
            staff_id=person.pk, cancelled_at__isnull=True, day__range=(given.day - instances.NEAR, given.day + instances.NEAR)
        ).exclude(assignment_id__in=[a.pk for a, _person in changes])  # fmt: skip
        for i in busy.select_related("assignment__shift").order_by("starts_at"):
            if any(overlaps(Stretch(i.starts_at, i.ends_at), s) for s in wanted):
                when = day_text(given.day) + (f"与{day_text(i.day)}" if i.day != given.day else "")
                raise ShiftsOverlap(
                    name=person.name, first=str(i.assignment.shift), second=str(given.shift), when=when, field="taker"
                )


def _drafts_in_the_way(moved: list[Assignment], tenant: Tenant) -> list[Assignment]:
    """Drafts of the takers that would share time with what they take: an approved swap is the later word."""
    line = Assignment.objects.filter(
        staff_id__in=[a.staff_id for a in moved], published_at__isnull=True, cancelled_at__isnull=True,
        shift__isnull=False, day__gte=min(a.day for a in moved) - instances.NEAR,
        day__lte=max(a.day for a in moved) + instances.NEAR,
    )  # fmt: skip
    drafts = list(line.select_for_update(of=("self",)))
    parts = instances.segments_of({a.shift_id for a in [*drafts, *moved] if a.shift_id})

    def spans(a: Assignment) -> list[Stretch]:
        return stretches_of(a.day, parts[a.shift_id] if a.shift_id else [], tenant.tz)

    return [
        d
        for d in drafts
        if any(overlaps(x, y) for a in moved if a.staff_id == d.staff_id for x in spans(a) for y in spans(d))
    ]


def _swap(swap_id: UUID) -> Swap:
    row = (
        Swap.objects.select_for_update(of=("self",))
        .select_related(
            "assignment__staff", "assignment__shift", "assignment__post", "counter__staff", "counter__shift",
            "counter__post", "taker",
        )
        .filter(pk=swap_id)
        .first()
    )  # fmt: skip
    if row is None:
        raise NotFound
    return row


@transaction.atomic
def answer_swap(*, swap_id: UUID, accept: bool, by: Actor, tenant: Tenant, now: datetime) -> Swap:
    """The colleague agrees or declines. Locks the swap. Raises NotFound, RequestClosed, SwapUnfit."""
    row = _swap(swap_id)
    if not by.may(policies.WRITE) or not policies.is_own(by, row.taker_id):
        raise NotFound
    if row.status != SwapStatus.ASKED:
        raise RequestClosed(status=row.get_status_display())
    if accept:
        _still(row)
        _check_swap(row.assignment, row.counter, row.taker, now=now, tenant=tenant)
    row.status = SwapStatus.ACCEPTED if accept else SwapStatus.DECLINED
    row.answered_at = now
    row.save(update_fields=["status", "answered_at"])
    party_id = row.assignment.staff.party_id
    record(
        verb="swap.answered", sentence=f"{row.taker.name}{'同意' if accept else '未同意'}：{_swap_words(row)}",
        subject=row, by=by, party_id=party_id, staff_id=row.taker_id, accepted=accept,
    )  # fmt: skip
    notices.settle(subject=row, now=now)
    _tell([row.asked_by], f"{row.taker.name}{'同意了' if accept else '没有同意'}您的{row.get_kind_display()}",
          _swap_words(row), row, f"swap.answered:{row.pk}", by=by, now=now)  # fmt: skip
    if accept:
        _tell(
            [*_deciders(organisation.party(party_id), tenant, now)], f"{row.get_kind_display()}待审批",
            _swap_words(row), row, f"swap.accepted:{row.pk}", by=by, now=now, kind=NoticeKind.TODO,
            path="/rosters/requests/",
        )  # fmt: skip
    return row


def _still(row: Swap) -> None:
    gone = row.assignment.cancelled_at or (row.counter and row.counter.cancelled_at)
    if gone:
        raise SwapUnfit(why="其中一个班次已变动，请重新申请。")


@transaction.atomic
def decide_swap(*, swap_id: UUID, approve: bool, by: Actor, tenant: Tenant, now: datetime, note: str = "") -> Swap:
    """Approve (the shifts change hands at once) or refuse; never by one of the two. Locks both time lines.

    Raises NotFound, NotAllowed, OwnRequest, RequestClosed, SwapUnfit, ShiftsOverlap, CertificateLacking, MonthFrozen.
    """
    row = _swap(swap_id)
    given, counter, taker = row.assignment, row.counter, row.taker
    _check_decider(by, given.staff, row.asked_by)
    if policies.is_own(by, taker.pk) or (by.account_id is not None and by.account_id == taker.account_id):
        raise OwnRequest
    if row.status != SwapStatus.ACCEPTED:
        raise RequestClosed(status=row.get_status_display())
    note = note.strip()[:300]
    if not approve and not note:
        raise Invalid("请写明不批准的原因。", field="note")
    if approve:
        instances.lock_people([given.staff_id, taker.pk], schema=tenant.schema)
        given.refresh_from_db(fields=["cancelled_at"])
        if counter:
            counter.refresh_from_db(fields=["cancelled_at"])
        _still(row)
        _check_swap(given, counter, taker, now=now, tenant=tenant)
        source = AssignmentSource.SWAP if counter else AssignmentSource.COVER
        moved = [_handed(given, taker, source, now)]
        if counter is not None:
            moved.append(_handed(counter, given.staff, source, now))
        rests = Assignment.objects.filter(
            staff_id__in=[a.staff_id for a in moved], day__in=[a.day for a in moved], shift__isnull=True,
            cancelled_at__isnull=True,
        )  # fmt: skip
        freed = [r for r in rests if (r.staff_id, r.day) in {(a.staff_id, a.day) for a in moved}]
        freed += _drafts_in_the_way(moved, tenant)
        instances.cancel([given, *([counter] if counter else []), *freed], now=now)
        Assignment.objects.bulk_create(moved)
        instances.make(moved, tenant=tenant)
        touched = [given, *([counter] if counter else []), *moved]
        ask_results(((a.staff_id, a.day) for a in touched), tenant=tenant, now=now)
    row.status = SwapStatus.APPROVED if approve else SwapStatus.REFUSED
    row.decided_at, row.decided_by, row.decided_by_name, row.decision_note = now, by.account_id, by.name, note
    row.save()
    words = _swap_words(row)
    record(
        verb="swap.decided", sentence=f"{'批准' if approve else '未批准'}{row.get_kind_display()}：{words}",
        subject=row, by=by, party_id=given.staff.party_id, staff_id=given.staff_id, approved=approve,
    )  # fmt: skip
    notices.settle(subject=row, now=now)
    said = "已批准" if approve else "未批准"
    _tell([given.staff.account_id, taker.account_id], f"{row.get_kind_display()}{said}", f"{words} {note}".strip(),
          row, f"swap.decided:{row.pk}", by=by, now=now)  # fmt: skip
    return row


def _handed(row: Assignment, to: Any, source: str, now: datetime) -> Assignment:
    return Assignment(
        id=new_id(), staff=to, day=row.day, shift=row.shift, post=row.post, party_id=row.party_id,
        place_id=row.place_id, source=source, published_at=now, created_at=now,
    )  # fmt: skip


@transaction.atomic
def withdraw_swap(*, swap_id: UUID, by: Actor, tenant: Tenant, now: datetime) -> Swap:
    """The asker takes it back while it is open. Locks the swap. Raises NotFound, RequestClosed."""
    row = _swap(swap_id)
    if not by.may(policies.WRITE) or not policies.is_own(by, row.assignment.staff_id):
        raise NotFound
    if row.status not in (SwapStatus.ASKED, SwapStatus.ACCEPTED):
        raise RequestClosed(status=row.get_status_display())
    row.status = SwapStatus.WITHDRAWN
    row.save(update_fields=["status"])
    record(
        verb="swap.withdrawn", sentence=f"撤回：{_swap_words(row)}", subject=row, by=by,
        party_id=row.assignment.staff.party_id, staff_id=row.assignment.staff_id,
    )  # fmt: skip
    notices.settle(subject=row, now=now)
    return row


def half_day(day: date, part: str, tenant: Tenant) -> tuple[datetime, datetime]:
    """全天, 上午 (until 12:00) or 下午 (from 12:00) of a local day, half-open."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=tenant.tz)
    noon = midnight.replace(hour=12)
    following = day + timedelta(days=1)
    end = datetime(following.year, following.month, following.day, tzinfo=tenant.tz)
    return {"am": (midnight, noon), "pm": (noon, end)}.get(part, (midnight, end))
