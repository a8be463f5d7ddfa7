"""The week's programme: proposed, edited, accepted, and ticked off by the walks themselves."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from identity.choices import Role
from identity.contracts import Actor
from identity.people import people_of_school
from kernel.errors import DomainError, Invalid, NotAllowed, NotFound
from kernel.tenancy import Tenant
from tenants.inspections import pace, policies, programme
from tenants.inspections.choices import ProgrammeStatus, Verdict
from tenants.inspections.models import CoverageTarget, Inspection, Programme, Stop
from tenants.notices import operations as notices
from tenants.notices.choices import NoticeKind
from tenants.organisation import queries as organisation
from tenants.organisation.choices import PlaceKind
from tenants.timeline.operations import record

DEFAULT_MINUTES = 6 * 60


class ProgrammeAccepted(DomainError):
    code = "programme_accepted"
    message = _("本周抽检计划已确认，不能重新生成。可以逐条增加、删除或改派。")


class StopDone(DomainError):
    code = "stop_done"
    message = _("这一处已经巡查过，不能再改。")


class StopTwice(DomainError):
    code = "stop_twice"
    message = _("这一处已经在本周计划里。")


@transaction.atomic
def propose_programme(*, week: date, minutes: int, by: Actor, tenant: Tenant, now: datetime) -> Programme:
    """Make (or make anew) the list of a week for so many inspector-minutes. What was added by hand stays.

    `week` may be any day of it. Locks the week's programme. Raises NotAllowed, Invalid, ProgrammeAccepted.
    """
    if not policies.can_plan(by):
        raise NotAllowed
    if not 30 <= minutes <= 200 * 60:
        raise Invalid(_("可用工时应在 0.5—200 小时之间。"), field="hours")
    monday = programme.monday_of(week)
    today = now.astimezone(tenant.tz).date()
    if not programme.monday_of(today) <= monday <= today + timedelta(days=35):
        raise Invalid(_("只能为本周和未来五周排计划。"), field="week")
    row, made = Programme.objects.select_for_update().get_or_create(
        week=monday, defaults={"minutes": minutes, "made_at": now, "made_by_name": by.name}
    )
    if row.status == ProgrammeStatus.ACCEPTED:
        raise ProgrammeAccepted
    if not made:
        row.minutes, row.made_at, row.made_by_name = minutes, now, by.name
        row.save(update_fields=["minutes", "made_at", "made_by_name"])
    row.stops.filter(by_hand=False, done_at=None).delete()
    kept = list(row.stops.values_list("place__path", "minutes"))
    spent = sum(needed for _path, needed in kept)
    found = programme.propose(
        week=monday, minutes=max(0, minutes - spent), tz=tenant.tz, kept=[path for path, _needed in kept]
    )
    Stop.objects.bulk_create(
        [
            Stop(
                programme=row, place_id=p.candidate.place_id, line=p.candidate.line, checklist_id=p.checklist_id,
                minutes=p.candidate.minutes, score=p.candidate.score, why=p.candidate.why[:300],
            )
            for p in found
        ]
    )  # fmt: skip
    _number(row)
    record(
        verb="programme.proposed", sentence=f"生成 {monday:%Y-%m-%d} 当周抽检计划：{row.stops.count()} 处", subject=row,
        by=by,
    )  # fmt: skip
    return row


def _number(row: Programme) -> None:
    """Put the stops into walking order."""
    stops = {s.place_id: s for s in row.stops.select_related("place")}
    for n, place_id in enumerate(programme.walking_order({i: s.place.path for i, s in stops.items()}), start=1):
        stops[place_id].position = n
    Stop.objects.bulk_update(stops.values(), ["position"])


def _locked(programme_id: UUID, by: Actor) -> Programme:
    if not policies.can_plan(by):
        raise NotAllowed
    row = Programme.objects.select_for_update().filter(pk=programme_id).first()
    if row is None:
        raise NotFound
    return row


def _stop(stop_id: UUID, by: Actor) -> tuple[Programme, Stop]:
    stop = Stop.objects.select_related("place").filter(pk=stop_id).first()
    if stop is None:
        raise NotFound
    row = _locked(stop.programme_id, by)
    stop.refresh_from_db()
    if stop.done_at:
        raise StopDone
    return row, stop


@transaction.atomic
def accept_programme(*, programme_id: UUID, by: Actor, tenant: Tenant, now: datetime) -> Programme:
    """待确认 → 已确认; named inspectors are told. Locks the programme. Raises NotAllowed, NotFound."""
    row = _locked(programme_id, by)
    if row.status == ProgrammeStatus.ACCEPTED:
        return row
    row.status, row.accepted_at, row.accepted_by_name = ProgrammeStatus.ACCEPTED, now, by.name
    row.save(update_fields=["status", "accepted_at", "accepted_by_name"])
    notices.settle(subject=row, now=now)
    told = {i for i in row.stops.values_list("inspector_id", flat=True) if i}
    notices.notify(
        account_ids=told, kind=NoticeKind.TODO, title=f"{row.week:%m-%d} 当周的抽检任务已下达", path="/m/inspections/week/",
        subject=row, occasion=f"programme.accepted:{row.pk}", now=now, besides=by.account_id,
    )  # fmt: skip
    record(verb="programme.accepted", sentence=f"确认 {row.week:%Y-%m-%d} 当周抽检计划", subject=row, by=by)
    return row


@transaction.atomic
def add_stop(*, programme_id: UUID, place_id: UUID, why: str = "", by: Actor, tenant: Tenant, now: datetime) -> Stop:
    """Put a place on the list by hand. Locks the programme. Raises NotAllowed, NotFound, StopTwice."""
    row = _locked(programme_id, by)
    place = organisation.place(place_id)
    if row.stops.filter(place_id=place.pk).exists():
        raise StopTwice(field="place")
    known = {c.place_id: c for c in programme.candidates(at=now)}.get(place.pk)
    targets = programme.targets()
    minutes = known.minutes if known else targets[place.kind].minutes if place.kind in targets else 20
    stop = Stop.objects.create(
        programme=row, place_id=place.pk, minutes=minutes, by_hand=True, line=known.line if known else "",
        score=known.score if known else 0, why=why.strip()[:300] or f"{by.name}增加。",
        checklist_id=programme.first_checklists().get(known.line) if known else None,
    )  # fmt: skip
    _number(row)
    record(
        verb="programme.stop_added", sentence=f"抽检计划增加 {place.full_name}"[:300], subject=row, by=by,
        place_id=place.pk,
    )  # fmt: skip
    return stop


@transaction.atomic
def drop_stop(*, stop_id: UUID, by: Actor, tenant: Tenant) -> Programme:
    """Take a place off the list. Locks the programme. Raises NotAllowed, NotFound, StopDone."""
    row, stop = _stop(stop_id, by)
    record(
        verb="programme.stop_dropped", sentence=f"抽检计划去掉 {stop.place.full_name}"[:300], subject=row, by=by,
        place_id=stop.place_id,
    )  # fmt: skip
    stop.delete()
    _number(row)
    return row


@transaction.atomic
def assign_stop(*, stop_id: UUID, inspector_id: UUID | None, by: Actor, tenant: Tenant, now: datetime) -> Stop:
    """Say who goes there, or nobody in particular. Locks the programme. Raises NotAllowed, NotFound, StopDone, Invalid."""
    row, stop = _stop(stop_id, by)
    name = ""
    if inspector_id:
        today = now.astimezone(tenant.tz).date()
        people = people_of_school(school_id=tenant.school_id, roles=policies.OVERSEERS, today=today)
        name = next((p.name for p in people if p.account_id == inspector_id), "")
        if not name:
            raise Invalid(_("巡查人必须是本校的监管人员、分管领导或管理员。"), field="inspector")
    stop.inspector_id, stop.inspector_name = inspector_id, name
    stop.save(update_fields=["inspector_id", "inspector_name"])
    record(
        verb="programme.stop_assigned", sentence=f"{stop.place.full_name} 由{name or '任意监管人员'}巡查"[:300],
        subject=row, by=by, place_id=stop.place_id,
    )  # fmt: skip
    if inspector_id and row.status == ProgrammeStatus.ACCEPTED:
        notices.notify(
            account_ids=[inspector_id], kind=NoticeKind.TODO, title=f"抽检任务：{stop.place.full_name}"[:160],
            path="/m/inspections/week/", subject=row, occasion=f"programme.stop:{stop.pk}:{inspector_id}", now=now,
            besides=by.account_id,
        )  # fmt: skip
    return stop


def tick_off(inspection: Inspection, *, tenant: Tenant, now: datetime) -> int:
    """A finished walk of a place that looked (pace.py) ticks off this week's stop there.

    Call in the walk's transaction.
    """
    verdicts = list(inspection.results.values_list("verdict", flat=True))
    if not pace.looked(inspection, answered=sum(v != Verdict.NONE for v in verdicts), asked=len(verdicts)):
        return 0
    monday = programme.monday_of(now.astimezone(tenant.tz).date())
    stops = Stop.objects.filter(
        programme__week=monday, done_at=None, line__in=["", inspection.line],
        place_id=inspection.place_id,
    )  # fmt: skip
    ids = list(stops.values_list("pk", flat=True))
    return Stop.objects.filter(pk__in=ids).update(inspection_id=inspection.pk, done_at=now)


@transaction.atomic
def set_coverage_target(
    *, kind: str, every_days: int | None, minutes: int = 30, by: Actor, tenant: Tenant
) -> CoverageTarget | None:
    """The school's own target for a kind of place; None days: no target. The first own row replaces all defaults
    by rows, so that the others stay as shown. Raises NotAllowed, Invalid.
    """
    if not policies.can_plan(by):
        raise NotAllowed
    if kind not in PlaceKind.values:
        raise Invalid(field="kind")
    if every_days is not None and not (1 <= every_days <= 730 and 1 <= minutes <= 480):
        raise Invalid(_("覆盖周期应在 1—730 天之间，每次用时应在 1—480 分钟之间。"), field="every_days")
    if not CoverageTarget.objects.exists():
        CoverageTarget.objects.bulk_create(
            [CoverageTarget(kind=k, every_days=t.every_days, minutes=t.minutes) for k, t in programme.targets().items()]
        )
    said = f"覆盖目标：{PlaceKind(kind).label}" + (f"每 {every_days} 天一次" if every_days else "不要求")
    if every_days is None:
        if CoverageTarget.objects.exclude(kind=kind).count() == 0:
            raise Invalid(_("至少保留一类场所的覆盖目标。"), field="every_days")
        row = CoverageTarget.objects.filter(kind=kind).first()
        if row is not None:
            record(verb="programme.target_changed", sentence=said, subject=row, by=by)
            row.delete()
        return None
    row, _made = CoverageTarget.objects.update_or_create(
        kind=kind, defaults={"every_days": every_days, "minutes": minutes}
    )
    record(verb="programme.target_changed", sentence=said, subject=row, by=by)
    return row


def propose_next_week(*, tenant: Tenant, now: datetime) -> Programme | None:
    """The sweep: from Friday noon on next week's list is there, once, for the supervisors to accept."""
    local = now.astimezone(tenant.tz)
    if (local.weekday(), local.hour) < (4, 12):
        return None
    monday = programme.monday_of(local.date()) + timedelta(days=7)
    if Programme.objects.filter(week=monday).exists() or not organisation.has_places():
        return None
    last = Programme.objects.order_by("-week").first()
    with transaction.atomic():
        row = propose_programme(
            week=monday, minutes=last.minutes if last else DEFAULT_MINUTES, by=Actor.system(tenant.school_id),
            tenant=tenant, now=now,
        )  # fmt: skip
        people = people_of_school(school_id=tenant.school_id, roles=[Role.SCHOOL_SUPERVISOR], today=local.date())
        notices.notify(
            account_ids=[p.account_id for p in people], kind=NoticeKind.TODO, title="下周抽检计划已生成，请确认",
            text=f"{row.stops.count()} 处，约 {row.minutes // 60} 小时", path=f"/inspections/week/?week={monday}",
            subject=row, occasion=f"programme.proposed:{row.week}", now=now,
        )  # fmt: skip
    return row
