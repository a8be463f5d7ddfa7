"""From the first step to the last: the phone reports, perhaps late, perhaps twice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from identity.contracts import Actor
from kernel.anchors import NOTHING, Counted, moment_of
from kernel.errors import Invalid, NotAllowed
from kernel.live import announce
from kernel.tenancy import Tenant
from tenants.evidence import queries as evidence
from tenants.findings import operations as findings
from tenants.findings.choices import FindingSource
from tenants.notices import operations as notices
from tenants.notices.choices import NoticeKind
from tenants.organisation import queries as organisation
from tenants.patrols import policies, queries
from tenants.patrols.choices import CLOSED, QuestionKind, ScanMethod, StopStatus, TourStatus
from tenants.patrols.errors import (
    AnswerMissing,
    NotOnRoute,
    PhotoRequired,
    TooEarly,
    TooLate,
    TourClosed,
    TourTaken,
)
from tenants.patrols.models import Point, Question, Stop, Tour
from tenants.patrols.operations.drafts import ScanDraft, plain_tag
from tenants.patrols.operations.excusing import IN_TIME, excuse
from tenants.patrols.operations.tours import close, locked, make_stops, overseers, parties_of, recorded
from tenants.punches import expected
from tenants.timeline import once

AHEAD_OF_CLOCK = timedelta(minutes=2)


def _when(said: datetime, counted: Counted, tenant: Tenant, now: datetime) -> tuple[datetime, bool]:
    """The time that counts, and whether the server's own anchor says so; else the phone's claim, never the future."""
    at = moment_of(counted, schema=tenant.schema, received_at=now)
    if at is not None:
        return at, True
    return (now if said > now + AHEAD_OF_CLOCK else said), False


def _as_whom(tour: Tour, by: Actor, at: datetime) -> UUID | None:
    """As which of their own rows somebody walks: of the route's party, on shift then; else as whom they act."""
    rows = organisation.own_staff_ids_of(tour.route.party_id, by=by) if by.other_staff_ids else []
    return expected.whose(by, at, among=rows) if rows else by.staff_id


def _begin(tour: Tour, at: datetime, by: Actor, tenant: Tenant, now: datetime) -> None:
    """Give the tour to `by`, with the route's points of this moment. The tour is locked."""
    if not policies.can_walk(by, tour.route, party_ids=parties_of(by)):
        raise NotAllowed
    if tour.walker_id is not None and tour.walker_id != by.account_id:
        raise TourTaken(name=tour.walker_name)
    if tour.status not in (TourStatus.DUE, TourStatus.MISSED):
        raise TourClosed
    if at < tour.starts_at:
        raise TooEarly(at=f"{tour.starts_at.astimezone(tenant.tz):%m月%d日 %H:%M}")
    if at >= tour.ends_at or now > tour.ends_at + queries.OFFLINE:
        raise TooLate
    tour.status, tour.started_at = TourStatus.WALKING, at
    tour.walker_id, tour.walker_name, tour.walker_staff_id = by.account_id, by.name, _as_whom(tour, by, at)
    tour.finished_at = tour.abandoned_at = tour.judged_at = tour.credibility = None
    tour.save()
    make_stops(tour)
    Stop.objects.filter(tour=tour, status=StopStatus.MISSED).update(status=StopStatus.DUE)
    recorded(tour, "started", f"开始巡更：{tour.route.name}", by)
    announce("presence", tenant=tenant)


@transaction.atomic
def start_tour(
    *,
    tour_id: UUID,
    at: datetime,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    counted: Counted = NOTHING,
    client_key: str = "",
) -> Tour:
    """Begin a tour in its window. A phone that was offline may say so later, up to 72 hours after the window.

    Locks the tour. Raises NotFound, NotAllowed, TourTaken, TourClosed, TooEarly, TooLate.
    """
    tour = locked(tour_id, by)
    if once.claim_for(key=client_key, operation="patrols.start", by=by, result_id=tour.pk):
        return tour
    if tour.status == TourStatus.WALKING and tour.walker_id == by.account_id:
        return tour  # a second tap, or the first scan was faster
    _begin(tour, _when(at, counted, tenant, now)[0], by, tenant, now)
    return tour


@transaction.atomic
def scan(*, tour_id: UUID, seen: ScanDraft, by: Actor, tenant: Tenant, now: datetime, client_key: str = "") -> Stop:
    """Note that the walker was at a point, with answers and photos; an answer out of the normal opens a finding.

    Scans arrive in any order, late, or twice: the first report of a point is kept. The first scan begins the
    tour if the phone's start did not arrive. After the end a scan made before it still counts, and the tour is
    judged again; so does one made in time where the platform ended the tour. What it says against a finding about
    missed points: `excusing`. Locks the tour. Raises NotFound, NotAllowed, NotOnRoute, PhotoRequired, AnswerMissing,
    TourClosed, TooEarly, TooLate, PhotoUnknown. A party closed meanwhile costs the finding, never the scan.
    """
    tour = locked(tour_id, by)
    at, anchored = _when(seen.at, seen.counted, tenant, now)
    if tour.status in (TourStatus.DUE, TourStatus.MISSED):
        _begin(tour, at, by, tenant, now)
    if not policies.can_scan(by, tour):
        raise TourTaken(name=tour.walker_name) if tour.walker_id else NotAllowed
    if tour.status in CLOSED and (tour.finished_at is None or at > _last_moment(tour, tour.finished_at)):
        raise TourClosed
    stop = _stop_of(tour, seen)
    if (
        once.claim_for(key=client_key, operation="patrols.scan", by=by, result_id=stop.pk)
        or stop.status == StopStatus.SEEN
    ):
        return stop
    asked = list(stop.point.questions.filter(removed_at__isnull=True))
    answers = _checked(asked, seen.answers)
    photos = list(dict.fromkeys(seen.photo_ids))
    if stop.point.photo_required and not photos:
        raise PhotoRequired(field="photos", place=stop.point.place.name)
    if photos and evidence.existing(photos, by=by) != photos:
        raise findings.PhotoUnknown(field="photos")
    stop.status, stop.scanned_at, stop.received_at, stop.anchored = StopStatus.SEEN, at, now, anchored
    stop.stopwatch = anchored and seen.counted.monotonic
    stop.method = _method(stop.point, seen)
    stop.latitude, stop.longitude, stop.accuracy_m = seen.latitude, seen.longitude, seen.accuracy_m
    stop.asked = [
        {"id": str(q.pk), "text": q.text, "kind": q.kind, "unit": q.unit, "low": _text(q.low), "high": _text(q.high)}
        for q in asked
    ]
    stop.answers, stop.photo_ids, stop.note = answers, photos, seen.note.strip()[:300]
    stop.save()
    Tour.objects.filter(pk=tour.pk).update(received_at=now)
    recorded(
        tour, "scanned", f"到点：{queries.where(stop.point.place.full_name)}（{ScanMethod(stop.method).label}）", by,
        place_id=stop.point.place_id, scanned_at=at.isoformat(),
    )  # fmt: skip
    _open_findings(tour, stop, asked, by, tenant, now)
    _makes_up(tour, stop)
    if tour.status in CLOSED:
        close(tour, at=max(tour.finished_at or at, at), now=now, tenant=tenant, by=by)
    excuse(tour, stop, tenant=tenant, now=now)
    return stop


def _last_moment(tour: Tour, finished_at: datetime) -> datetime:
    """Until when a scan of an ended tour may have been made: its end; where the platform ended it, that of its window."""
    return finished_at if tour.abandoned_at is None else max(finished_at, tour.ends_at + IN_TIME)


def _stop_of(tour: Tour, seen: ScanDraft) -> Stop:
    stops = Stop.objects.select_for_update(of=("self",)).filter(tour=tour).select_related("point__place")
    if seen.nfc_tag:
        tag = plain_tag(seen.nfc_tag)
        found = next((stop for stop in stops if tag and plain_tag(stop.point.nfc_tag) == tag), None)
    elif seen.code:
        found = stops.filter(point__place__code__iexact=seen.code.strip()).first()
    else:
        found = None  # a point without its tag or code was not seen
    if found is None or (seen.point_id is not None and found.point_id != seen.point_id):
        raise NotOnRoute(field="code")
    return found


def _method(point: Point, seen: ScanDraft) -> str:
    """What was really shown: a tag number proves touching only where the point has that tag."""
    if seen.nfc_tag and plain_tag(seen.nfc_tag) == plain_tag(point.nfc_tag):
        return ScanMethod.NFC
    return ScanMethod.NUMBER if seen.method == ScanMethod.NUMBER else ScanMethod.QR


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


def _number(text: str) -> Decimal:
    value = Decimal(text.strip())
    if not value.is_finite():
        raise InvalidOperation
    return value


def _checked(asked: Sequence[Question], answers: dict[str, str]) -> dict[str, str]:
    """The answers to what is asked, each in its form. Raises AnswerMissing, Invalid."""
    kept = {}
    for question in asked:
        text = str(answers.get(str(question.pk), "")).strip()[:300]
        if not text:
            raise AnswerMissing(field=str(question.pk), question=question.text)
        if question.kind == QuestionKind.YES_NO and text not in {"yes", "no"}:
            raise Invalid(_("请选择正常或异常。"), field=str(question.pk))
        if question.kind == QuestionKind.NUMBER:
            try:
                _number(text)
            except InvalidOperation:
                raise Invalid(_("读数应是数字，例如 0.35。"), field=str(question.pk)) from None
        kept[str(question.pk)] = text
    return kept


def abnormal(*, kind: str, low: Decimal | str | None, high: Decimal | str | None, answer: str) -> bool:
    """Whether an answer to a question, as it stood when asked, is out of the normal: 异常, or outside its limits."""
    if kind == QuestionKind.YES_NO:
        return answer == "no"
    if kind != QuestionKind.NUMBER:
        return False
    value = _number(answer)
    return (low is not None and value < Decimal(low)) or (high is not None and value > Decimal(high))


def _open_findings(tour: Tour, stop: Stop, asked: Sequence[Question], by: Actor, tenant: Tenant, now: datetime) -> None:
    """A finding per answer out of the normal. Nobody answers for a closed party: then the office is told instead."""
    withheld = []
    for question in asked:
        text = stop.answers[str(question.pk)]
        if not abnormal(kind=question.kind, low=question.low, high=question.high, answer=text):
            continue
        said = "异常" if question.kind == QuestionKind.YES_NO else f"读数 {text}{question.unit}，超出正常范围"
        title = f"{question.text}：{said}"[:120]
        try:
            findings.open_finding(
                title=title, place_id=stop.point.place_id, line=tour.route.line, party_id=tour.route.party_id,
                detail=stop.note, source=FindingSource.PATROL, source_id=tour.pk,
                source_key=f"{stop.point_id}:{question.position}", category=question.problem,
                photo_ids=stop.photo_ids, by=by, tenant=tenant, now=now,
            )  # fmt: skip
        except findings.PartyMissing:
            withheld.append(title)
    if withheld:
        _withhold(tour, stop, withheld, by, tenant, now)


def _withhold(tour: Tour, stop: Stop, titles: Sequence[str], by: Actor, tenant: Tenant, now: datetime) -> None:
    """The scan stands; that no finding could be opened is said on the timeline and to the supervisors."""
    where = stop.point.place.name
    words = "；".join(titles)
    recorded(tour, "finding_withheld", f"{where} {words}。责任单位已停用，未开出问题", by, place_id=stop.point.place_id)
    notices.notify(
        account_ids=overseers(tenant, now), kind=NoticeKind.TODO, title=f"巡更异常待指定责任单位：{where}",
        text=f"{tour.number} {words}；{tour.route.party.name}已停用，请指定责任单位后登记问题",
        path=f"/patrols/tours/{tour.pk}/", subject=tour, occasion=f"patrol.withheld:{stop.pk}", now=now,
    )  # fmt: skip


def _makes_up(tour: Tour, stop: Stop) -> None:
    """A stop of a make-up tour was seen: the one it stands for is made up, and stays visible as missed."""
    if tour.makes_up_for_id:
        Stop.objects.filter(made_up_by=tour, point_id=stop.point_id).update(status=StopStatus.RESCHEDULED)


@transaction.atomic
def finish_tour(
    *, tour_id: UUID, at: datetime, by: Actor, tenant: Tenant, now: datetime, note: str = "",
    counted: Counted = NOTHING, client_key: str = "",
) -> Tour:  # fmt: skip
    """End a tour: points not seen are missed, and the judgement is asked for. One the platform ended is ended by its
    walker yet. Raises NotFound, TourTaken, TourClosed.
    """
    tour = locked(tour_id, by)
    if once.claim_for(key=client_key, operation="patrols.finish", by=by, result_id=tour.pk):
        return tour
    if not policies.can_scan(by, tour):
        raise TourTaken(name=tour.walker_name) if tour.walker_id else NotAllowed
    if tour.status != TourStatus.WALKING and tour.abandoned_at is None:
        raise TourClosed
    tour.note, tour.abandoned_at = note.strip()[:300], None
    tour.save(update_fields=["note", "abandoned_at"])
    ended = max(_when(at, counted, tenant, now)[0], tour.finished_at or tour.started_at or now)
    close(tour, at=ended, by=by, now=now, tenant=tenant)
    recorded(tour, "finished", f"结束巡更：{tour.get_status_display()}", by)  # type: ignore[attr-defined]
    return tour
