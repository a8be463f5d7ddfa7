"""Reads of the week's programme and of calibrations, with who may see what."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Avg, Count, Prefetch, Q, QuerySet

from identity.contracts import Actor
from kernel.errors import NotAllowed, NotFound
from kernel.tenancy import Tenant
from tenants.inspections import monthly, policies, programme
from tenants.inspections.choices import CalibrationStatus
from tenants.inspections.models import Calibration, Mark, Programme, Seat, Stop
from tenants.inspections.queries import READ
from tenants.rubrics.contracts import ItemContract, RubricContract


def _check_office(by: Actor) -> None:
    """Raise NotAllowed for all but the school's own office: plans and calibrations are theirs alone."""
    if not by.is_system and not (by.may(READ) and by.grant_id is None and by.has(*policies.OVERSEERS)):
        raise NotAllowed


def _own(by: Actor) -> UUID:
    """The actor's account; whoever has none has nothing of their own."""
    if by.account_id is None:
        raise NotAllowed
    return by.account_id


def week_of(day: date, *, by: Actor) -> Programme | None:
    """The programme of the week a day lies in, with its stops in walking order: two queries. Raises NotAllowed."""
    _check_office(by)
    stops = Prefetch("stops", queryset=Stop.objects.select_related("place").order_by("position"))
    return Programme.objects.filter(week=programme.monday_of(day)).prefetch_related(stops).first()


def programme_of(programme_id: UUID, *, by: Actor) -> Programme:
    """One programme. Raises NotAllowed, NotFound."""
    _check_office(by)
    row = Programme.objects.filter(pk=programme_id).first()
    if row is None:
        raise NotFound
    return row


def stops_of(programme_ids: Iterable[UUID]) -> list[tuple[UUID, Stop]]:
    """(programme id, stop) pairs in walking order, for loaders: one query. The caller has read the programmes."""
    rows = Stop.objects.filter(programme_id__in=list(programme_ids)).select_related("place").order_by("position")
    return [(s.programme_id, s) for s in rows]


def coverage_now(*, now: datetime, row: Programme | None, by: Actor) -> list[programme.Coverage]:
    """Coverage of each kind of place as it stands, and with the week's list done. Raises NotAllowed."""
    _check_office(by)
    paths = [s.place.path for s in row.stops.all()] if row else []
    return programme.coverage(programme.candidates(at=now), planned=paths)


def calibrations(*, by: Actor) -> QuerySet[Calibration]:
    """Those the actor scores in; arrangers see all (who is in, not what they wrote), newest first. Raises NotAllowed."""
    _check_office(by)
    rows = Calibration.objects.select_related("place").defer("sheet")
    if not (by.is_system or policies.can_calibrate(by)):
        rows = rows.filter(pk__in=Seat.objects.filter(account_id=_own(by)).values("calibration_id"))
    return rows.annotate(
        people=Count("seats", distinct=True),
        handed_in=Count("seats", filter=Q(seats__submitted_at__isnull=False), distinct=True),
    ).order_by("-opens_at", "-pk")


def missing_this_month(*, now: datetime, tenant: Tenant, by: Actor) -> tuple[bool, monthly.Proposal | None]:
    """Whether this month still has no calibration, and what one tap would arrange: for who may arrange it.

    Raises NotAllowed.
    """
    _check_office(by)
    if not policies.can_calibrate(by) or monthly.of_month(now=now, tenant=tenant) is not None:
        return False, None
    return True, monthly.proposal(now=now, tenant=tenant)


def calibration(calibration_id: UUID, *, by: Actor) -> Calibration:
    """One calibration. Raises NotAllowed, NotFound (also for who has nothing to do with it)."""
    row = calibrations(by=by).defer(None).filter(pk=calibration_id).first()
    if row is None:
        raise NotFound
    return row


def seat_of(row: Calibration, *, by: Actor) -> Seat | None:
    """The actor's own seat."""
    return row.seats.filter(account_id=by.account_id).first() if by.account_id else None


def seats_shown(calibration_ids: Iterable[UUID], *, by: Actor) -> list[tuple[UUID, Seat]]:
    """(calibration id, seat) pairs with names; the numbers are blanked where they are not the actor's to see."""
    rows = Seat.objects.filter(calibration_id__in=list(calibration_ids)).order_by("name", "id")
    found = []
    for seat in rows:
        if not policies.sees_bias_of(by, seat.account_id):
            seat.lost = seat.bias = seat.agreement = seat.accuracy = None
        found.append((seat.calibration_id, seat))
    return found


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one of the scorers saw of an item."""

    who: str
    mine: bool
    expert: bool
    mark: Mark


@dataclass(frozen=True, slots=True)
class Disputed:
    """An item the scorers did not agree on, with what each wrote and photographed."""

    item: ItemContract
    opinions: tuple[Opinion, ...]


def may_compare(row: Calibration, *, by: Actor) -> bool:
    """Revealed, and one of the scorers or the head."""
    if row.status != CalibrationStatus.REVEALED:
        return False
    return policies.sees_bias_of(by, UUID(int=0)) or seat_of(row, by=by) is not None


def disputed(row: Calibration, *, by: Actor) -> list[Disputed]:
    """The items judged differently, in the order of the sheet; nothing before it is revealed."""
    if not may_compare(row, by=by):
        return []
    marks = Mark.objects.filter(seat__calibration=row).select_related("seat").order_by("seat__expert", "seat__name")
    by_item: dict[UUID, list[Mark]] = {}
    for mark in marks:
        by_item.setdefault(mark.item_id, []).append(mark)
    found = []
    for item in RubricContract.from_json(row.sheet).items():
        seen = by_item.get(item.id, [])
        if len({(m.verdict, m.faults) for m in seen}) > 1:
            opinions = tuple(Opinion(m.seat.name, m.seat.account_id == by.account_id, m.seat.expert, m) for m in seen)
            found.append(Disputed(item, opinions))
    return found


@dataclass(frozen=True, slots=True)
class Tendency:
    """How somebody scores on the whole: means over their revealed calibrations. Bias above zero: milder than others."""

    account_id: UUID
    name: str
    times: int
    bias: Decimal | None
    agreement: Decimal | None
    accuracy: Decimal | None


def tendencies(*, by: Actor) -> list[Tendency]:
    """One's own, and for the head everybody's, by name: one query. Raises NotAllowed."""
    _check_office(by)
    rows = Seat.objects.filter(calibration__status=CalibrationStatus.REVEALED, submitted_at__isnull=False)
    if not policies.sees_bias_of(by, UUID(int=0)):
        rows = rows.filter(account_id=_own(by))
    sums = (
        rows.order_by()
        .values("account_id", "name")
        .annotate(times=Count("pk"), bias=Avg("bias"), agreement=Avg("agreement"), accuracy=Avg("accuracy"))
    )
    return [Tendency(**r) for r in sums.order_by("name", "account_id")]


def shows_evidence(actor: Actor, evidence_id: UUID) -> bool:
    """Witness for tenants.evidence: a photo of a sheet is shown to its scorer, and when revealed to those who compare."""
    if actor.account_id is None or actor.grant_id is not None:
        return False
    rows = Mark.objects.filter(photo_ids__contains=[str(evidence_id)])
    if rows.filter(seat__account_id=actor.account_id).exists():
        return True
    revealed = rows.filter(seat__calibration__status=CalibrationStatus.REVEALED)
    if policies.sees_bias_of(actor, UUID(int=0)):
        return revealed.exists()
    return revealed.filter(seat__calibration__seats__account_id=actor.account_id).exists()


def this_week(*, now: datetime, tz: ZoneInfo, by: Actor) -> list[Stop]:
    """What the actor is to see this week: their own stops and those for anybody, once accepted. Raises NotAllowed."""
    row = week_of(now.astimezone(tz).date(), by=by)
    if row is None or row.accepted_at is None:
        return []
    return [s for s in row.stops.all() if s.inspector_id in (None, by.account_id)]
