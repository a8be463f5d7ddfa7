"""All reads of findings. Functions that take `by` show only what that person may see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db.models import Case, Count, F, IntegerField, Prefetch, Q, QuerySet, Value, When

from identity.choices import Role
from identity.contracts import Actor
from kernel.errors import NotAllowed, NotFound
from tenants.findings import policies
from tenants.findings.choices import (
    AFTER,
    BEFORE,
    UNSOLVED,
    WITH_FIXER,
    Bucket,
    ExtensionStatus,
    FindingStatus,
    Severity,
)
from tenants.findings.contracts import FindingContract
from tenants.findings.models import Extension, Finding, Step, StepPhoto
from tenants.organisation import queries as organisation
from tenants.timeline import queries as timeline
from tenants.timeline.models import Event

READ = "findings:read"
ENDED = (FindingStatus.CLOSED, FindingStatus.VOID)


def visible(by: Actor) -> QuerySet[Finding]:
    """The findings an actor may see: all for school staff, those of their own party for everybody else.

    Raises NotAllowed for people without a role here and tokens without the scope.
    """
    if by.is_system:
        return Finding.objects.all()
    if not by.may(READ) or not (by.roles or by.grant_id):
        raise NotAllowed
    if policies.reads_all(by):
        return Finding.objects.all()
    if by.grant_id is not None:
        raise NotAllowed
    mine = Q(pk__in=[])
    if by.provider_ids and by.has(Role.PROVIDER_MANAGER):
        mine |= Q(party__provider_id__in=by.provider_ids)
    if by.staff_ids:
        mine |= Q(party_id__in=organisation.own_parties(by))
    return Finding.objects.filter(mine)


def finding(*, finding_id: UUID, by: Actor) -> Finding:
    """One finding with place and party. Raises NotFound, also for one the actor may not see."""
    row = visible(by).select_related("place", "party", "repeat_of").filter(pk=finding_id).first()
    if row is None:
        raise NotFound
    return row


def is_overdue(row: Finding, now: datetime) -> bool:
    """Past the deadline while it is the fixer's turn; waiting for verification is not the fixer's delay."""
    return row.status in WITH_FIXER and row.deadline < now


def overdue_filter(now: datetime) -> Q:
    """`is_overdue` as a filter."""
    return Q(status__in=WITH_FIXER, deadline__lt=now)


def mine_filter(by: Actor) -> Q:
    """What waits for this person: fixes for the responsible party, verifications for those who oversee."""
    waits = Q(pk__in=[])
    if by.has(Role.PROVIDER_MANAGER, Role.FRONTLINE):
        waits |= Q(status__in=WITH_FIXER)  # `visible` has already cut to their own party
    if by.has(*policies.OVERSEERS) and by.account_id is not None:
        turn = Q(verifier_id=by.account_id) | Q(verifier_id__isnull=True, found_by=by.account_id)
        if by.has(Role.SCHOOL_ADMIN, Role.SCHOOL_SUPERVISOR):
            turn |= Q(verifier_id__isnull=True)
        if by.has(Role.SCHOOL_ADMIN):
            turn |= Q(verifier_id__isnull=False)
        waits |= Q(status=FindingStatus.VERIFYING) & turn & ~Q(fixers__contains=[by.account_id])
    return waits


def listing(
    *,
    by: Actor,
    now: datetime,
    bucket: str = Bucket.ALL,
    status: str = "",
    overdue: bool = False,
    place_id: UUID | None = None,
    party_id: UUID | None = None,
    line: str = "",
    source: str = "",
    source_id: UUID | None = None,
    severity: str = "",
    text: str = "",
    found_from: date | None = None,
    found_until: date | None = None,
    repeated: bool = False,
    category: str = "",
    unconcluded: bool = False,
) -> QuerySet[Finding]:
    """Findings `by` may see, what needs them first: theirs to do, then overdue, then by deadline; closed ones last.

    `place_id` takes the whole subtree; `text` searches number, title and place.
    """
    rows = visible(by).select_related("place", "party")
    mine, late = mine_filter(by), overdue_filter(now)
    if bucket == Bucket.MINE:
        rows = rows.filter(mine)
    elif bucket == Bucket.OVERDUE:
        rows = rows.filter(late)
    elif bucket == Bucket.UNSOLVED:
        rows = rows.filter(status__in=UNSOLVED)
    elif bucket == Bucket.CLOSED:
        rows = rows.filter(status=FindingStatus.CLOSED)
    if status:
        rows = rows.filter(status=status)
    if overdue:
        rows = rows.filter(late)
    if place_id:
        rows = rows.filter(place__path__startswith=organisation.place(place_id).path)
    if party_id:
        rows = rows.filter(party_id=party_id)
    if line:
        rows = rows.filter(line=line)
    if source:
        rows = rows.filter(source=source)
    if source_id:
        rows = rows.filter(source_id=source_id)
    if severity:
        rows = rows.filter(severity=severity)
    if found_from:
        rows = rows.filter(found_at__date__gte=found_from)
    if found_until:
        rows = rows.filter(found_at__date__lte=found_until)
    if repeated:
        rows = rows.filter(repeat_of__isnull=False)
    if category:
        rows = rows.filter(category=category)
    if unconcluded:
        rows = rows.filter(unconcluded_filter())
    if text.strip():
        word = text.strip()
        rows = rows.filter(Q(number__icontains=word) | Q(title__icontains=word) | Q(place__full_name__icontains=word))
    return rows.annotate(
        urgency=Case(
            When(mine & late, then=Value(0)),
            When(mine, then=Value(1)),
            When(late, then=Value(2)),
            When(status__in=ENDED, then=Value(4)),
            default=Value(3),
            output_field=IntegerField(),
        )
    ).order_by("urgency", Case(When(status__in=ENDED, then=None), default=F("deadline")), "-found_at", "-pk")


def unconcluded_filter() -> Q:
    """Closed, of the kind that must say what changed because of it, and it does not yet say so."""
    grave = Q(repeat_of__isnull=False) | Q(veto=True) | Q(severity=Severity.CRITICAL)
    return Q(status=FindingStatus.CLOSED, consequence="") & grave


@dataclass(frozen=True, slots=True)
class Counts:
    """How many findings of each tab the actor has."""

    mine: int
    overdue: int
    unsolved: int
    closed: int
    all: int


def counts(*, by: Actor, now: datetime) -> Counts:
    """The tabs' numbers in one query."""
    row = visible(by).aggregate(
        mine=Count("pk", filter=mine_filter(by)),
        overdue=Count("pk", filter=overdue_filter(now)),
        unsolved=Count("pk", filter=Q(status__in=UNSOLVED)),
        closed=Count("pk", filter=Q(status=FindingStatus.CLOSED)),
        all=Count("pk"),
    )
    return Counts(**row)


def todo_count(*, by: Actor) -> int:
    """What waits for this person; for badges."""
    return visible(by).filter(mine_filter(by)).count()


def steps_of(finding_ids: Iterable[UUID], *, photos: bool = True) -> QuerySet[Step]:
    """All steps of some findings, oldest first, with their photos: two queries. The caller has read the findings."""
    rows = Step.objects.filter(finding_id__in=list(finding_ids)).order_by("at", "id")
    if not photos:
        return rows
    return rows.prefetch_related(Prefetch("photos", queryset=StepPhoto.objects.order_by("position")))


def extensions_of(finding_ids: Iterable[UUID]) -> list[tuple[UUID, Extension]]:
    """(finding id, request for more time) pairs, oldest first: one query. The caller has read the findings."""
    rows = Extension.objects.filter(finding_id__in=list(finding_ids)).order_by("asked_at", "id")
    return [(r.finding_id, r) for r in rows]


def extensions_waiting(*, by: Actor) -> QuerySet[Extension]:
    """Requests that wait for an answer, on findings `by` may see, the longest waiting first."""
    rows = Extension.objects.filter(status=ExtensionStatus.PENDING, finding__in=visible(by))
    return rows.select_related("finding__place", "finding__party").order_by("asked_at")


def category_of_item(item_id: UUID) -> str:
    """The category somebody named last for a finding of a rubric item; empty while nobody has. For other features."""
    rows = Finding.objects.filter(rubric_item_id=item_id).exclude(category="").exclude(status=FindingStatus.VOID)
    return rows.order_by("-found_at", "-pk").values_list("category", flat=True).first() or ""


def chain_of(row: Finding) -> list[Finding]:
    """The findings this one repeats, newest first, at most ten back. The caller has read the finding."""
    found: list[Finding] = []
    at = row
    while at.repeat_of_id and len(found) < 10:
        before = Finding.objects.filter(pk=at.repeat_of_id).first()
        if before is None:
            break
        found.append(before)
        at = before
    return found


def repeated_by(finding_id: UUID) -> list[Finding]:
    """Findings that repeat this one. The caller has read the finding."""
    return list(Finding.objects.filter(repeat_of_id=finding_id).exclude(status=FindingStatus.VOID).order_by("found_at"))


def photo_ids_of_steps(step_ids: Iterable[UUID]) -> list[tuple[UUID, UUID]]:
    """(step id, evidence id) pairs in order: one query. The caller has read the findings."""
    rows = StepPhoto.objects.filter(step_id__in=list(step_ids)).order_by("step_id", "position")
    return list(rows.values_list("step_id", "evidence_id"))


def photos_of(finding_ids: Iterable[UUID]) -> dict[UUID, tuple[tuple[UUID, ...], tuple[UUID, ...]]]:
    """(photos of the problem, photos of the fix) by finding, oldest first: one query."""
    ids = list(finding_ids)
    found: dict[UUID, tuple[list[UUID], list[UUID]]] = {i: ([], []) for i in ids}
    rows = (
        StepPhoto.objects.filter(step__finding_id__in=ids, step__kind__in=[*BEFORE, *AFTER])
        .order_by("step__at", "step_id", "position")
        .values_list("step__finding_id", "step__kind", "evidence_id")
    )
    for finding_id, kind, evidence_id in rows:
        found[finding_id][0 if kind in BEFORE else 1].append(evidence_id)
    return {i: (tuple(before), tuple(after)) for i, (before, after) in found.items()}


def _contracts(rows: Iterable[Finding]) -> list[FindingContract]:
    rows = list(rows)
    photos = photos_of(r.pk for r in rows) if rows else {}
    return [
        FindingContract(
            id=r.pk,
            number=r.number,
            title=r.title,
            place_id=r.place_id,
            place_name=r.place.full_name,
            party_id=r.party_id,
            party_name=r.party.name,
            line=r.line,
            rubric_item_id=r.rubric_item_id,
            requirement_key=r.requirement_key,
            edition=r.edition,
            occurrences=r.occurrences,
            severity=r.severity,
            veto=r.veto,
            status=FindingStatus(r.status),
            found_at=r.found_at,
            found_by_name=r.found_by_name,
            deadline=r.deadline,
            closed_at=r.closed_at,
            closed_by_name=r.closed_by_name,
            source=r.source,
            source_id=r.source_id,
            photo_ids=photos[r.pk][0],
            after_photo_ids=photos[r.pk][1],
            repeat=r.repeat_of_id is not None,
        )
        for r in rows
    ]


def for_scoring(*, party_id: UUID, starts: datetime, ends: datetime) -> list[FindingContract]:
    """Findings of a party found in the half-open interval, oldest first: what a round may deduct for. Two queries.

    Voided ones are left out.
    """
    rows = Finding.objects.filter(party_id=party_id, found_at__gte=starts, found_at__lt=ends)
    rows = rows.exclude(status=FindingStatus.VOID)
    return _contracts(rows.select_related("place", "party").order_by("found_at", "number"))


def of_source(*, source: str, source_ids: Iterable[UUID]) -> list[FindingContract]:
    """Findings opened by some inspections (or other sources), in the order found. Two queries."""
    rows = Finding.objects.filter(source=source, source_id__in=list(source_ids))
    return _contracts(rows.select_related("place", "party").order_by("found_at", "number"))


def unsolved_at(*, place_id: UUID) -> list[FindingContract]:
    """Findings not yet closed at a place and everything below it, oldest first. Three queries."""
    path = organisation.place(place_id).path
    rows = Finding.objects.filter(place__path__startswith=path, status__in=UNSOLVED)
    return _contracts(rows.select_related("place", "party").order_by("found_at", "number"))


def contracts_by_id(ids: Iterable[UUID]) -> dict[UUID, FindingContract]:
    """Contracts by id, for loaders and score pages. The caller has checked that they may be shown. Two queries."""
    rows = Finding.objects.filter(pk__in=list(set(ids))).select_related("place", "party")
    return {c.id: c for c in _contracts(rows)}


def rows_by_id(ids: Iterable[UUID], *, by: Actor) -> dict[UUID, Finding]:
    """Rows `by` may see, by id, for loaders: one query."""
    return {r.pk: r for r in visible(by).select_related("place", "party").filter(pk__in=list(set(ids)))}


def rows_of_source(*, source: str, source_ids: Iterable[UUID], by: Actor) -> list[Finding]:
    """Rows of some sources that `by` may see, in the order found, for loaders: one query."""
    rows = visible(by).select_related("place", "party").filter(source=source, source_id__in=list(source_ids))
    return list(rows.order_by("found_at", "number"))


def check_reads_all(actor: Actor) -> None:
    """Raise NotAllowed unless the actor may see every finding: numbers over all parties are theirs alone."""
    if not (actor.may(READ) and policies.reads_all(actor)):
        raise NotAllowed


def shows_evidence(actor: Actor, evidence_id: UUID) -> bool:
    """Witness for tenants.evidence: the photo belongs to a finding the actor may see."""
    try:
        return visible(actor).filter(steps__photos__evidence_id=evidence_id).exists()
    except NotAllowed:
        return False


def plan_changes(*, finding_id: UUID, by: Actor) -> list[Event]:
    """What a conclusion "修改计划或制度" may point at, newest first, 50 at most: for who verifies or concludes.

    Two queries. Raises NotFound.
    """
    row, own = finding(finding_id=finding_id, by=by), organisation.own_party_ids(by)
    if not (policies.can_verify(by, row, own_party_ids=own) or policies.can_conclude(by, row, own_party_ids=own)):
        return []
    return list(timeline.plan_changes(since=row.found_at, place_id=row.place_id, party_id=row.party_id)[:50])
