"""All reads of duty. Functions that take `by` show only what that person may see; the others serve the operations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import TypeVar
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Case, F, Max, Model, Prefetch, Q, QuerySet, When

from identity.choices import Role
from identity.contracts import Actor
from kernel.clock import day_bounds
from kernel.crypto import blind_index
from kernel.errors import NotAllowed, NotFound
from kernel.tenancy import Tenant
from tenants.duty import chain, policies, staffing
from tenants.duty.choices import UNANSWERED, AnomalyStatus, CallStatus, FaceState, ItemStatus
from tenants.duty.models import (
    Absence,
    Anomaly,
    AnomalyFile,
    Attempt,
    Call,
    CameraReport,
    CameraSystem,
    DeliveryHook,
    DutyPost,
    Handover,
    HandoverItem,
    LogEntry,
    Seal,
    Stint,
    Summons,
)
from tenants.evidence import queries as evidence
from tenants.evidence.contracts import EvidenceContract
from tenants.evidence.models import Evidence
from tenants.organisation import queries as organisation
from tenants.organisation.models import Staff
from tenants.punches import queries as punches
from tenants.punches.models import Punch
from tenants.timeline.queries import events_with_verb

Row = TypeVar("Row", bound=Model)
OPEN_ITEMS = (ItemStatus.OFFERED, ItemStatus.REFUSED)

# --- Who sees what ---------------------------------------------------------------------------------


def _scope(by: Actor) -> Q | None:
    """Which posts an actor may see, as a filter on `post`; None: all. Raises NotAllowed."""
    if by.is_system or policies.reads_all(by):
        return None
    if by.grant_id is not None or not by.roles or not by.may(policies.READ):
        raise NotAllowed
    mine = Q(pk__in=[])
    if by.has(Role.PROVIDER_MANAGER) and by.provider_ids:
        mine |= Q(post__party__provider_id__in=by.provider_ids)
    if by.staff_ids:
        mine |= Q(post__party_id__in=organisation.own_parties(by))
    return mine


def _seen(rows: QuerySet[Row], by: Actor) -> QuerySet[Row]:
    scope = _scope(by)
    return rows if scope is None else rows.filter(scope)


def visible_posts(by: Actor) -> QuerySet[DutyPost]:
    """The duty posts an actor may see: all for the office, their own party's for companies and frontline."""
    return _seen(DutyPost.objects.filter(post__active=True), by).select_related("post__party", "post__place")


def visible_calls(by: Actor) -> QuerySet[Call]:
    """Calls one may see: the office all, a company its own posts', a frontline worker those they were under.

    A call that has not gone out is seen by nobody but the office, and a random one not even there.
    """
    rows = Call.objects.select_related("post__party", "post__place")
    if by.is_system:
        return rows
    rows = rows.exclude(Q(status=CallStatus.WAITING) & Q(slot__isnull=False))
    if _scope(by) is None:
        return rows
    mine = Q(pk__in=[])
    if by.has(Role.PROVIDER_MANAGER) and by.provider_ids:
        mine |= Q(post__party__provider_id__in=by.provider_ids)
    if by.staff_ids:
        mine |= Q(pk__in=Summons.objects.filter(staff_id__in=by.staff_ids).values("call_id"))
    return rows.filter(mine).exclude(status=CallStatus.WAITING)


def visible_anomalies(by: Actor) -> QuerySet[Anomaly]:
    """Anomalies of the posts one may see."""
    return _seen(Anomaly.objects.select_related("post__party", "post__place", "holder"), by)


def visible_handovers(by: Actor) -> QuerySet[Handover]:
    """Handovers of the posts one may see."""
    return _seen(Handover.objects.select_related("post__party", "receiver", "stint__staff"), by)


def visible_stints(by: Actor) -> QuerySet[Stint]:
    """Stints of the posts one may see."""
    return _seen(Stint.objects.select_related("post__party", "staff"), by)


def signed_on_of(staff_ids: Iterable[UUID], *, by: Actor) -> dict[UUID, Stint]:
    """The open stints of people at posts one may see; nothing to whoever may see none. For boards beside the cockpit."""
    try:
        rows = visible_stints(by).filter(staff_id__in=list(staff_ids), signed_off_at__isnull=True)
    except NotAllowed:
        return {}
    return {row.staff_id: row for row in rows}


def people_on_duty(*, by: Actor) -> list[tuple[str, str]]:
    """(staff id, "name（post）") of who is on duty at the posts one may see, by post and name: one query."""
    rows = visible_stints(by).filter(signed_off_at__isnull=True).select_related("post").distinct()
    return [(str(s.staff_id), f"{s.staff.name}（{s.post.name}）") for s in rows.order_by("post__name", "staff__name")]


def visible_reports(by: Actor) -> QuerySet[CameraReport]:
    """Camera reports: the office and the institute under a grant; they are suspicions, not for companies."""
    if not (by.is_system or policies.reads_all(by)):
        raise NotAllowed
    return CameraReport.objects.select_related("post__party", "post__place", "system")


def cameras(*, by: Actor) -> QuerySet[CameraSystem]:
    """The camera systems, without their secrets. Raises NotAllowed."""
    if not policies.can_configure(by):
        raise NotAllowed
    return CameraSystem.objects.defer("secret_sealed")


def delivery_hook(*, by: Actor) -> DeliveryHook | None:
    """The school's delivery service, without its secret; None before it is named. Raises NotAllowed."""
    if not policies.can_configure(by):
        raise NotAllowed
    return DeliveryHook.objects.defer("secret_sealed").filter(pk=1).first()


def visible_log(by: Actor) -> QuerySet[LogEntry]:
    """Log lines of the posts one may see, newest first."""
    return _seen(LogEntry.objects.select_related("post"), by).order_by("-at", "-seq")


def _one(rows: QuerySet[Row], key: UUID) -> Row:
    row = rows.filter(pk=key).first()
    if row is None:
        raise NotFound
    return row


def duty_post(*, post_id: UUID, by: Actor) -> DutyPost:
    """One duty post. Raises NotFound, also for one the actor may not see."""
    return _one(visible_posts(by), post_id)


def rules_of(post_id: UUID) -> DutyPost | None:
    """The rules of a post, if it is a duty post. The caller has asked who may change them."""
    return DutyPost.objects.select_related("post").filter(pk=post_id).first()


def call(*, call_id: UUID, by: Actor) -> Call:
    """One call. Raises NotFound."""
    return _one(visible_calls(by), call_id)


def anomaly(*, anomaly_id: UUID, by: Actor) -> Anomaly:
    """One anomaly. Raises NotFound."""
    return _one(visible_anomalies(by).distinct(), anomaly_id)


def handover(*, handover_id: UUID, by: Actor) -> Handover:
    """One handover. Raises NotFound."""
    return _one(visible_handovers(by).distinct(), handover_id)


def report(*, report_id: UUID, by: Actor) -> CameraReport:
    """One camera report. Raises NotFound."""
    return _one(visible_reports(by), report_id)


def shows_evidence(actor: Actor, evidence_id: UUID) -> bool:
    """Witness for tenants.evidence: the photo or voice belongs to something of duty that the actor may see."""
    try:
        own = Q(summons__photo_id=evidence_id) | Q(summons__voice_id=evidence_id)
        own |= Q(summons__attempts__photo_id=evidence_id) | Q(summons__attempts__voice_id=evidence_id)
        if visible_calls(actor).filter(own).exists():
            return True
        return visible_anomalies(actor).filter(files__evidence_id=evidence_id).exists()
    except NotAllowed:
        return False


# --- For the operations ----------------------------------------------------------------------------


def line_of(row: LogEntry) -> chain.Line:
    """A log row as it is sealed."""
    return chain.Line(
        row.seq, row.at, row.kind, row.text, row.stint_id, row.subject_id, row.corrects, row.account_id, row.actor_name
    )


def last_entry(post_id: UUID) -> LogEntry:
    """The newest line of a post's log."""
    return LogEntry.objects.filter(post_id=post_id).order_by("-seq")[0]


def photos_among(ids: Iterable[UUID]) -> list[UUID]:
    """Those of the evidence ids that are photos."""
    found = evidence.contracts_of(ids)
    return [key for key, row in found.items() if row.is_photo]


def anomaly_of_voice(ids: Iterable[UUID]) -> str:
    """The number of an anomaly that one of these recordings, or the same bytes, already serves; else nothing."""
    wanted = [i for i in set(ids) if i not in set(photos_among(ids))]
    if not wanted:
        return ""
    same = {*wanted, *(one for others in evidence.same_files(wanted).values() for one in others)}
    found = AnomalyFile.objects.filter(evidence_id__in=same).order_by("pk").values_list("anomaly__number", flat=True)
    return str(found.first() or "")


def was_used(file: EvidenceContract, *, besides: UUID) -> bool:
    """Whether the same bytes already answered a call, as a picture or a voice, also in an answer that did not hold."""
    same = Evidence.objects.filter(source_sha256=file.source_sha256).values("pk")
    shown = Q(photo_id__in=same) | Q(voice_id__in=same)
    return Attempt.objects.filter(shown).exists() or Summons.objects.filter(shown).exclude(pk=besides).exists()


def names_of_answers(row: Call) -> str:
    """Who has answered, for sentences."""
    rows = Summons.objects.filter(call=row, answered_at__isnull=False).order_by("answered_at")
    return "、".join(rows.values_list("staff__name", flat=True))


def staff_summoned(call: Call) -> list[UUID]:
    """The people on duty a call went to, for their timelines. One query."""
    return list(Summons.objects.filter(call=call, on_duty=True).order_by("pk").values_list("staff_id", flat=True))


def attempts_of(summons_ids: Iterable[UUID]) -> list[tuple[UUID, Attempt]]:
    """(summons id, answer that did not hold) pairs in order: one query. The caller has read the calls."""
    rows = Attempt.objects.filter(summons_id__in=list(summons_ids)).select_related("place").order_by("pk")
    return [(row.summons_id, row) for row in rows]


def staff_under(rows: Iterable[Call]) -> dict[UUID, list[Summons]]:
    """Summons by call, in order of answering: one query. The caller has read the calls."""
    found: dict[UUID, list[Summons]] = defaultdict(list)
    for call_id, one in summons_of(row.pk for row in rows):
        found[call_id].append(one)
    return dict(found)


def summons_of(call_ids: Iterable[UUID]) -> list[tuple[UUID, Summons]]:
    """(call id, summons) pairs in order of answering, for loaders: one query. The caller has read the calls."""
    rows = Summons.objects.filter(call_id__in=list(call_ids)).select_related("staff", "place")
    return [(row.call_id, row) for row in rows.order_by(F("answered_at").asc(nulls_last=True), "pk")]


# --- Lists -----------------------------------------------------------------------------------------


def calls(
    *,
    by: Actor,
    tz: ZoneInfo,
    outcome: str = "",
    status: str = "",
    kind: str = "",
    post_id: UUID | None = None,
    line: str = "",
    place_id: UUID | None = None,
    night: bool | None = None,
    off_post: bool | None = None,
    unreached: bool = False,
    from_day: date | None = None,
    until_day: date | None = None,
    text: str = "",
) -> QuerySet[Call]:
    """Calls one may see, newest first; days are local and both included. `unreached`: unanswered, did not arrive, not judged."""
    rows = visible_calls(by)
    if outcome:
        rows = rows.filter(outcome=outcome)
    if status:
        rows = rows.filter(status=status)
    if kind:
        rows = rows.filter(kind=kind)
    if post_id:
        rows = rows.filter(post_id=post_id)
    if line:
        rows = rows.filter(post__line=line)
    if place_id:
        rows = rows.filter(post__place__path__startswith=organisation.place(place_id).path)
    if night is not None:
        rows = rows.filter(night=night)
    if off_post is not None:
        rows = rows.filter(off_post=off_post)
    if unreached:
        silent = Summons.objects.filter(on_duty=True, delivered_at__isnull=True, answered_at__isnull=True)
        rows = rows.filter(outcome__in=UNANSWERED, judged_at__isnull=True, pk__in=silent.values("call_id"))
    if from_day:
        rows = rows.filter(due_at__gte=day_bounds(from_day, tz)[0])
    if until_day:
        rows = rows.filter(due_at__lt=day_bounds(until_day, tz)[1])
    if text.strip():
        word = text.strip()
        rows = rows.filter(
            Q(post__name__icontains=word)
            | Q(post__place__full_name__icontains=word)
            | Q(pk__in=Summons.objects.filter(staff__name__icontains=word).values("call_id"))
        )
    return rows.order_by("-due_at", "-pk")


def _within(
    rows: QuerySet[Row],
    moment: str,
    *,
    place_id: UUID | None,
    from_day: date | None,
    until_day: date | None,
    tz: ZoneInfo,
) -> QuerySet[Row]:
    """Rows of posts at a place or within it, of some local days."""
    if place_id:
        rows = rows.filter(post__place__path__startswith=organisation.place(place_id).path)
    if from_day:
        rows = rows.filter(**{f"{moment}__gte": day_bounds(from_day, tz)[0]})
    if until_day:
        rows = rows.filter(**{f"{moment}__lt": day_bounds(until_day, tz)[1]})
    return rows


def anomalies(
    *,
    by: Actor,
    tz: ZoneInfo,
    status: str = "",
    kind: str = "",
    severity: str = "",
    post_id: UUID | None = None,
    raised: bool = False,
    text: str = "",
    place_id: UUID | None = None,
    from_day: date | None = None,
    until_day: date | None = None,
) -> QuerySet[Anomaly]:
    """Anomalies one may see: open ones first, what went up before the rest, newest first; days of reporting are local
    and both included.
    """
    rows = visible_anomalies(by)
    if status:
        rows = rows.filter(status=status)
    if kind:
        rows = rows.filter(kind=kind)
    if severity:
        rows = rows.filter(severity=severity)
    if post_id:
        rows = rows.filter(post_id=post_id)
    rows = _within(rows, "reported_at", place_id=place_id, from_day=from_day, until_day=until_day, tz=tz)
    if raised:
        rows = rows.filter(status=AnomalyStatus.OPEN, raised_at__isnull=False, taken_by__isnull=True)
    if text.strip():
        word = text.strip()
        rows = rows.filter(Q(number__icontains=word) | Q(text__icontains=word) | Q(post__name__icontains=word))
    return rows.distinct().order_by("-status", F("raised_at").asc(nulls_last=True), "-reported_at", "-pk")


def handovers(
    *,
    by: Actor,
    tz: ZoneInfo,
    open_only: bool = False,
    post_id: UUID | None = None,
    place_id: UUID | None = None,
    from_day: date | None = None,
    until_day: date | None = None,
    text: str = "",
) -> QuerySet[Handover]:
    """Handovers one may see, newest first; days are local and both included."""
    rows = visible_handovers(by)
    if open_only:
        rows = rows.filter(done_at__isnull=True)
    if post_id:
        rows = rows.filter(post_id=post_id)
    rows = _within(rows, "opened_at", place_id=place_id, from_day=from_day, until_day=until_day, tz=tz)
    if text.strip():
        word = text.strip()
        rows = rows.filter(
            Q(post__name__icontains=word)
            | Q(receiver__name__icontains=word)
            | Q(stint__staff__name__icontains=word)
            | Q(pk__in=HandoverItem.objects.filter(anomaly__number__icontains=word).values("handover_id"))
        )
    return rows.distinct().order_by("-opened_at", "-pk")


def log_lines(
    *,
    by: Actor,
    tz: ZoneInfo,
    post_id: UUID,
    kind: str = "",
    from_day: date | None = None,
    until_day: date | None = None,
    text: str = "",
) -> QuerySet[LogEntry]:
    """The log of one post, newest first; days are local and both included. Nothing for a post one may not see."""
    rows = visible_log(by).filter(post_id=post_id)
    if kind:
        rows = rows.filter(kind=kind)
    if text.strip():
        rows = rows.filter(Q(text__icontains=text.strip()) | Q(actor_name__icontains=text.strip()))
    rows = _within(rows, "at", place_id=None, from_day=from_day, until_day=until_day, tz=tz)
    return rows.distinct().order_by("-seq")


def items_of(handover_ids: Iterable[UUID]) -> list[tuple[UUID, HandoverItem]]:
    """(handover id, item) pairs with their anomalies: one query. The caller has read the handovers."""
    rows = HandoverItem.objects.filter(handover_id__in=list(handover_ids)).select_related("anomaly__holder")
    return [(row.handover_id, row) for row in rows.order_by("pk")]


def files_of(anomaly_ids: Iterable[UUID]) -> list[tuple[UUID, EvidenceContract]]:
    """(anomaly id, photo or voice) pairs in order: two queries. The caller has read the anomalies."""
    pairs = list(
        AnomalyFile.objects.filter(anomaly_id__in=list(anomaly_ids)).order_by("anomaly_id", "position")
        .values_list("anomaly_id", "evidence_id")
    )  # fmt: skip
    known = evidence.contracts_of(i for _a, i in pairs)
    return [(owner, known[i]) for owner, i in pairs if i in known]


def seals_of(post_id: UUID) -> QuerySet[Seal]:
    """The seals of one post's log, newest first. The caller has read the post."""
    return Seal.objects.filter(post_id=post_id).order_by("-number")


def keyed(digest: str, what: str, *, tenant: Tenant) -> str:
    """The hash of a seal's digest under the school's key: whoever can write into the database alone cannot make it."""
    return blind_index(digest, schema=tenant.schema, context=f"duty_log.{what}")


def unsealed_lines(post_id: UUID) -> int:
    """How many lines no seal covers yet: those since the last sign-off. The caller has read the post."""
    sealed = Seal.objects.filter(post_id=post_id).aggregate(n=Max("last_seq"))["n"] or 0
    return LogEntry.objects.filter(post_id=post_id, seq__gt=sealed).count()


def check_log(*, post_id: UUID, by: Actor, tenant: Tenant) -> chain.Fault | None:
    """Verify the whole chain of a post's log against its lines, the post's own count and keyed hash, and the timeline.

    None: nothing was changed and nothing is missing. Lines not sealed yet are counted, not proven. Raises NotFound.
    """
    duty = duty_post(post_id=post_id, by=by)
    seals = [
        chain.Sealed(
            s.number, s.first_seq, s.last_seq, bytes(s.body), s.previous, s.digest, version=s.version,
            post_id=s.post_id, stint_id=s.stint_id, at=s.at,
            keyed=s.version < chain.VERSION or s.mark == keyed(s.digest, "seal", tenant=tenant),
        )
        for s in Seal.objects.filter(post_id=post_id).order_by("number")
    ]  # fmt: skip
    lines = {row.seq: line_of(row) for row in LogEntry.objects.filter(post_id=post_id).order_by("seq").iterator()}
    last = seals[-1].digest if seals else ""
    kept = chain.Kept(
        last_seq=duty.last_seq, anchor=_anchor(post_id), used=Stint.objects.filter(post_id=post_id).exists(),
        head=duty.log_head == keyed(last, "head", tenant=tenant) if duty.log_head else None,
    )  # fmt: skip
    return chain.check(seals, lines, kept=kept)


def _anchor(post_id: UUID) -> str:
    event = events_with_verb("duty.sealed").filter(post_id=post_id).first()
    return str(event.payload.get("digest", "")) if event else ""


# --- One person ------------------------------------------------------------------------------------


def punch_key(stint_id: UUID, direction: str) -> UUID:
    """The id under which signing on ("in") or off ("out") was sent as a punch: one per stint and direction."""
    return uuid5(stint_id, f"duty.punch.{direction}")


def punch_of(stint: Stint, direction: str, *, by: Actor) -> Punch | None:
    """The person's own punch that came of signing on or off; None where none was due."""
    return punches.own_by_client_id(punch_key(stint.pk, direction), by=by)


def open_stints(by: Actor) -> QuerySet[Stint]:
    """What the person has not ended: of the row they act as first, then the newest. One stands in one place at a time."""
    rows = Stint.objects.filter(staff_id__in=by.staff_ids, signed_off_at__isnull=True)
    return rows.order_by(Case(When(staff_id=by.staff_id, then=0), default=1), "-signed_on_at")


def own_stint(by: Actor) -> Stint | None:
    """The open stint of the person, of whichever of their rows, with post and open absence; two queries."""
    rows = open_stints(by).select_related("post__place", "post__party", "staff")
    return rows.prefetch_related(
        Prefetch(
            "absences",
            queryset=Absence.objects.filter(ends_at__isnull=True).select_related("relief"),
            to_attr="open_absences",
        )
    ).first()


def unsettled() -> Q:
    """Summons whose person must (still, or once more) answer; `call` says whether it is not too late."""
    return Q(answered_at__isnull=True) | Q(place_ok=False) | Q(face=FaceState.OTHER) | ~Q(doubt="")


def ringing(by: Actor, *, now: datetime) -> list[Call]:
    """The calls this person must answer now, or can still answer late; the most urgent first."""
    if by.staff_id is None or not by.may(policies.READ):
        return []
    mine = Summons.objects.filter(staff_id__in=by.staff_ids, on_duty=True).filter(unsettled())
    rows = Call.objects.filter(pk__in=mine.values("call_id")).select_related("post__place")
    late = Q(
        status=CallStatus.DONE, outcome__in=UNANSWERED, judged_at__isnull=True, sent_at__gt=now - timedelta(hours=12)
    )
    return list(rows.filter(Q(status=CallStatus.RINGING) | late).order_by("-status", "deadline")[:5])


def own_summons(call_row: Call, by: Actor) -> Summons | None:
    """The person's part of a call, as whichever of their rows: while it is open what waits for an answer goes first."""
    over = call_row.status == CallStatus.DONE and call_row.outcome not in UNANSWERED
    rows = Summons.objects.filter(call=call_row, staff_id__in=by.staff_ids)
    return rows.order_by(Case(When(unsettled(), then=int(over)), default=int(not over)), "-on_duty", "staff_id").first()


def posts_to_sign_on(by: Actor, *, now: datetime) -> list[tuple[DutyPost, bool]]:
    """Duty posts of the person's parties, with whether the roster names the person there now; those first, then their own."""
    if by.staff_id is None:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT post_id FROM rosters_shiftinstance WHERE staff_id = ANY(%s) AND cancelled_at IS NULL"
            " AND in_from <= %s AND ends_at > %s",
            [list(by.staff_ids), now, now],
        )
        rostered = {row[0] for row in cursor.fetchall()}
    rows = DutyPost.objects.filter(active=True, post__active=True, post__party_id__in=organisation.own_parties(by))
    rows = rows.select_related("post__place", "post__party").order_by("post__name", "post__party__name")
    found = [(row, row.pk in rostered) for row in rows]
    own = {person.post_id for person in organisation.staff_by_id(by.staff_ids).values()}
    return sorted(found, key=lambda pair: (not pair[1], pair[0].pk not in own))


def held_by(by: Actor) -> list[Anomaly]:
    """What is open in the person's hands, with what became of the last offer."""
    rows = Anomaly.objects.filter(holder_id__in=by.staff_ids, status=AnomalyStatus.OPEN).select_related("post")
    return list(
        rows.prefetch_related(
            Prefetch(
                "handings",
                queryset=HandoverItem.objects.filter(status__in=OPEN_ITEMS).select_related("handover__receiver"),
                to_attr="offers",
            )
        ).order_by("reported_at")
    )


def offered_to(by: Actor) -> list[HandoverItem]:
    """What waits for the person to accept or refuse."""
    if by.staff_id is None or not by.may(policies.READ):
        return []
    rows = HandoverItem.objects.filter(handover__receiver_id__in=by.staff_ids, status=ItemStatus.OFFERED)
    return list(rows.select_related("anomaly__post", "handover__stint__staff").order_by("handover_id", "pk"))


def colleagues_on(by: Actor, *, post_id: UUID) -> list[Staff]:
    """Who else is on duty at the person's post, by name: may be named as the owner of what is reported."""
    rows = Stint.objects.filter(post_id=post_id, signed_off_at__isnull=True).select_related("staff")
    return [row.staff for row in rows.order_by("staff__pinyin") if row.staff_id != by.staff_id]


def possible_receivers(by: Actor, *, post_id: UUID, now: datetime) -> list[Staff]:
    """Whom the person may hand over to, by name."""
    ids = staffing.receivers(post_id=post_id, now=now) - ({by.staff_id} if by.staff_id else set())
    return sorted(organisation.staff_by_id(ids).values(), key=lambda p: p.pinyin)
