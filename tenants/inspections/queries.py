"""All reads of inspections."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Count, Q, QuerySet

from identity.choices import Role
from identity.contracts import Actor
from kernel import clock
from kernel.clock import day_bounds
from kernel.errors import NotAllowed, NotFound
from tenants.findings import queries as findings
from tenants.findings.choices import FindingSource, FindingStatus
from tenants.findings.contracts import FindingContract
from tenants.inspections import policies
from tenants.inspections.choices import InspectionStatus, Verdict
from tenants.inspections.models import Checklist, Inspection, Recheck, Result
from tenants.inspections.sheets import SheetEmpty, arranged
from tenants.organisation import queries as organisation
from tenants.rubrics import queries as rubrics
from tenants.rubrics.contracts import ItemContract, RubricContract

READ = "inspections:read"


def visible(by: Actor) -> QuerySet[Inspection]:
    """All for the school's office; for a company and a department's people the finished walks of their party.

    Raises NotAllowed for people without a role here and tokens without the scope.
    """
    if by.is_system:
        return Inspection.objects.all()
    if not by.may(READ) or not (by.roles or by.grant_id):
        raise NotAllowed
    if policies.reads_all(by):
        return Inspection.objects.all()
    if by.grant_id is not None:
        raise NotAllowed
    mine = Q(pk__in=[])
    if by.provider_ids and by.has(Role.PROVIDER_MANAGER):
        mine |= Q(party__provider_id__in=by.provider_ids)
    if by.staff_ids:
        mine |= Q(party_id__in=organisation.own_parties(by))
    return Inspection.objects.filter(mine, status=InspectionStatus.DONE)


def listing(
    *,
    by: Actor,
    tz: ZoneInfo,
    status: str = "",
    place_id: UUID | None = None,
    party_id: UUID | None = None,
    line: str = "",
    kind: str = "",
    inspector_id: UUID | None = None,
    from_day: date | None = None,
    until_day: date | None = None,
    text: str = "",
) -> QuerySet[Inspection]:
    """Walks `by` may see, newest first, with how many items were passed, failed, not applicable, not seen.

    `place_id` takes the whole subtree; days are local and both included.
    """
    rows = visible(by).select_related("place", "party").defer("rubric")
    if status:
        rows = rows.filter(status=status)
    if place_id:
        rows = rows.filter(place__path__startswith=organisation.place(place_id).path)
    if party_id:
        rows = rows.filter(party_id=party_id)
    if line:
        rows = rows.filter(line=line)
    if kind:
        rows = rows.filter(kind=kind)
    if inspector_id:
        rows = rows.filter(inspector_id=inspector_id)
    if from_day:
        rows = rows.filter(started_at__gte=day_bounds(from_day, tz)[0])
    if until_day:
        rows = rows.filter(started_at__lt=day_bounds(until_day, tz)[1])
    if text.strip():
        word = text.strip()
        rows = rows.filter(
            Q(number__icontains=word)
            | Q(title__icontains=word)
            | Q(place__full_name__icontains=word)
            | Q(inspector_name__icontains=word)
        )
    return rows.annotate(
        passed=Count("results", filter=Q(results__verdict=Verdict.PASS)),
        failed=Count("results", filter=Q(results__verdict=Verdict.FAIL)),
        not_applicable=Count("results", filter=Q(results__verdict=Verdict.NA)),
        unseen=Count("results", filter=Q(results__verdict=Verdict.NONE)),
    ).order_by("-started_at", "-pk")


def drafts(*, by: Actor) -> QuerySet[Inspection]:
    """Walks the actor began and has not finished, newest first, with `unseen` and `total`."""
    if by.account_id is None:
        raise NotAllowed
    return (
        visible(by)
        .filter(inspector_id=by.account_id, status=InspectionStatus.RUNNING)
        .select_related("place", "party")
        .defer("rubric")
        .annotate(
            unseen=Count("results", filter=Q(results__verdict=Verdict.NONE)),
            total=Count("results"),
        )
        .order_by("-started_at")
    )


def inspection(*, inspection_id: UUID, by: Actor) -> Inspection:
    """One walk with place and party. Raises NotFound, also for one the actor may not see."""
    row = visible(by).select_related("place", "party").filter(pk=inspection_id).first()
    if row is None:
        raise NotFound
    return row


@dataclass(frozen=True, slots=True)
class Line:
    """One item of the sheet as it stands: what was asked, what was answered, what it opened."""

    item: ItemContract
    verdict: str
    faults: int
    note: str
    answered_at: datetime | None
    findings: tuple[FindingContract, ...]

    @property
    def lost(self) -> Decimal:
        """Points lost by the sheet's own rule, before any round looks at it."""
        faults = sum(f.occurrences for f in self.findings if f.status != FindingStatus.VOID)
        return min(self.item.points, self.item.per_fault * faults)


@dataclass(frozen=True, slots=True)
class Part:
    """A section with its lines."""

    id: UUID
    title: str
    weight: Decimal
    lines: tuple[Line, ...]

    @property
    def unseen(self) -> int:
        return sum(line.verdict == Verdict.NONE for line in self.lines)

    @property
    def failed(self) -> int:
        return sum(line.verdict == Verdict.FAIL for line in self.lines)


@dataclass(frozen=True, slots=True)
class Sheet:
    """The whole walk: parts, counts, findings opened, points lost."""

    parts: tuple[Part, ...]
    findings: tuple[FindingContract, ...]

    def count(self, verdict: str) -> int:
        return sum(line.verdict == verdict for part in self.parts for line in part.lines)

    @property
    def passed(self) -> int:
        return self.count(Verdict.PASS)

    @property
    def failed(self) -> int:
        return self.count(Verdict.FAIL)

    @property
    def not_applicable(self) -> int:
        return self.count(Verdict.NA)

    @property
    def unseen(self) -> int:
        return self.count(Verdict.NONE)

    @property
    def total(self) -> int:
        return sum(len(part.lines) for part in self.parts)

    @property
    def answered(self) -> int:
        return self.total - self.unseen

    @property
    def lost(self) -> Decimal:
        return sum((line.lost for part in self.parts for line in part.lines), Decimal("0.00"))


def sheet(row: Inspection) -> Sheet:
    """The sheet of a walk the caller has read: three queries whatever its length."""
    rubric = RubricContract.from_json(row.rubric)
    results: dict[UUID, Result] = {r.item_id: r for r in row.results.all()}
    opened = findings_of([row.pk])
    by_item: dict[UUID | None, list[FindingContract]] = {}
    for found in opened:
        by_item.setdefault(found.rubric_item_id, []).append(found)
    parts = tuple(
        Part(
            id=section.id,
            title=section.title,
            weight=section.weight,
            lines=tuple(
                Line(
                    item=item,
                    verdict=results[item.id].verdict,
                    faults=results[item.id].faults,
                    note=results[item.id].note,
                    answered_at=results[item.id].answered_at,
                    findings=tuple(by_item.get(item.id, ())),
                )
                for item in section.items
                if item.id in results
            ),
        )
        for section in rubric.sections
    )
    return Sheet(parts=parts, findings=tuple(opened))


def findings_of(inspection_ids: Iterable[UUID]) -> list[FindingContract]:
    """What some walks opened, in the order found. The caller has read the walks. Two queries."""
    return findings.of_source(source=FindingSource.INSPECTION, source_ids=inspection_ids)


def carried_over(row: Inspection) -> list[FindingContract]:
    """Findings still open from before at the walk's place, oldest first: they stand on top of the sheet.

    What the walk itself opened is not "from before"; what it already rechecked stays in `rechecks`.
    """
    return [
        f for f in findings.unsolved_at(place_id=row.place_id) if f.source_id != row.pk and f.found_at <= row.started_at
    ]


@dataclass(frozen=True, slots=True)
class Rechecked:
    """A finding from before and what this walk saw of it."""

    finding: FindingContract
    solved: bool
    at: datetime


def rechecks(row: Inspection) -> list[Rechecked]:
    """What the walk saw of earlier findings, in order."""
    seen = list(Recheck.objects.filter(inspection=row).order_by("at", "id"))
    known = findings.contracts_by_id(r.finding_id for r in seen)
    return [Rechecked(known[r.finding_id], r.solved, r.at) for r in seen if r.finding_id in known]


@dataclass(frozen=True, slots=True)
class Answer:
    """上次巡查的问题解决了没有: of the findings of one walk, how many stand where."""

    total: int
    closed: int
    overdue: int
    waiting: int  # 待复查
    open: int  # 待整改 and 整改中, in time

    @property
    def solved(self) -> bool | None:
        """是 / 否 / 不知道: None only when there was nothing to solve."""
        return None if not self.total else self.closed == self.total


def solved(found: Iterable[FindingContract], now: datetime) -> Answer:
    """Add up the state of a walk's findings; voided ones do not count."""
    rows = [f for f in found if f.status != FindingStatus.VOID]
    closed = sum(f.status == FindingStatus.CLOSED for f in rows)
    overdue = sum(f.overdue(now) for f in rows)
    waiting = sum(f.status == FindingStatus.VERIFYING for f in rows)
    return Answer(len(rows), closed, overdue, waiting, len(rows) - closed - overdue - waiting)


def last_of_place(*, place_id: UUID, by: Actor) -> Inspection | None:
    """The newest finished walk of a place or anything below it, if there was one."""
    path = organisation.place(place_id).path
    rows = visible(by).filter(place__path__startswith=path, status=InspectionStatus.DONE)
    return rows.select_related("place", "party").order_by("-finished_at").first()


def checklists(
    *, by: Actor, active: bool | None = True, kind: str = "", line: str = "", text: str = ""
) -> QuerySet[Checklist]:
    """The sheets on offer (`active` False: those that are not, None: all), by title; of one kind, of one service line,
    with a word in the title. Raises NotAllowed."""
    check_reads_all(by)
    rows = Checklist.objects.all() if active is None else Checklist.objects.filter(active=active)
    if kind:
        rows = rows.filter(kind=kind)
    if line:
        rows = rows.filter(line=line)
    return rows.filter(title__icontains=text.strip()) if text.strip() else rows


def checklist(*, checklist_id: UUID, by: Actor) -> Checklist:
    """One sheet, on offer or not. Raises NotAllowed, NotFound."""
    row = checklists(by=by, active=None).filter(pk=checklist_id).first()
    if row is None:
        raise NotFound
    return row


@dataclass(frozen=True, slots=True)
class Basis:
    """What stands behind a checklist now: what a walk begun now would ask for, and from where.

    `sheet` is None where the rubric dropped all of its items; `gone` counts those it dropped.
    """

    title: str
    in_force: bool
    sheet: RubricContract | None
    gone: int

    @property
    def items(self) -> list[tuple[str, ItemContract]]:
        """(section, item) in walking order."""
        return [(s.title, i) for s in self.sheet.sections for i in s.items] if self.sheet else []


def bases_of(rows: Iterable[Checklist]) -> dict[UUID, Basis]:
    """The basis of each checklist by id: four queries whatever the number. The caller has read the rows."""
    found, lists = {}, list(rows)
    known = rubrics.frozen_many({r.rubric_id for r in lists})
    in_force = set(rubrics.active_rubrics().filter(pk__in=known).values_list("pk", flat=True))
    for row in lists:
        whole = known.get(row.rubric_id)
        try:
            sheet = arranged(whole, [UUID(i) for i in row.item_ids]) if whole else None
        except SheetEmpty:
            sheet = None
        left = sum(1 for _ in sheet.items()) if sheet else 0
        found[row.pk] = Basis(
            whole.title if whole else "", row.rubric_id in in_force, sheet, len(row.item_ids) - left
        )  # fmt: skip
    return found


def items_of_checklists(ids: list[UUID]) -> list[tuple[UUID, tuple[str, ItemContract]]]:
    """(checklist id, (section, item)) pairs in walking order, for loaders. The caller has read the rows."""
    bases = bases_of(Checklist.objects.filter(pk__in=ids))
    return [(pk, pair) for pk in ids if pk in bases for pair in bases[pk].items]


def running_by(checklist_ids: Iterable[UUID]) -> dict[UUID, int]:
    """How many walks are under way by each checklist: they keep what it said when they began. One query."""
    rows = Inspection.objects.filter(status=InspectionStatus.RUNNING, checklist_id__in=list(checklist_ids))
    return {pk: n for pk, n in rows.values_list("checklist_id").annotate(Count("pk")).order_by() if pk}


def rows_by_id(ids: Iterable[UUID], *, by: Actor) -> dict[UUID, Inspection]:
    """Walks `by` may see, by id, for loaders: one query."""
    wanted = list(set(ids))
    return {r.pk: r for r in visible(by).select_related("place", "party").defer("rubric").filter(pk__in=wanted)}


def results_of(ids: list[UUID]) -> list[tuple[UUID, Result]]:
    """(walk id, result) pairs in the order of the sheet, for loaders: one query."""
    rows = Result.objects.filter(inspection_id__in=ids).order_by("inspection_id", "position")
    return [(r.inspection_id, r) for r in rows]


def results_with_items(ids: list[UUID]) -> list[tuple[UUID, Result]]:
    """(walk id, result) pairs in the order of the sheet, each with `frozen`: what its item said. Two queries."""
    said: dict[tuple[UUID, UUID], dict[str, object]] = {}
    for pk, rubric in Inspection.objects.filter(pk__in=ids).values_list("pk", "rubric"):
        for section in RubricContract.from_json(rubric).sections:
            for item in section.items:
                said[pk, item.id] = {
                    "section": section.title,
                    "text": item.text,
                    "method": item.method,
                    "points": item.points,
                    "per_fault": item.per_fault,
                    "veto": item.veto,
                }
    rows = [(pk, row) for pk, row in results_of(ids) if (pk, row.item_id) in said]
    for pk, row in rows:
        row.frozen = said[pk, row.item_id]  # type: ignore[attr-defined]
    return rows


def rechecks_of(ids: list[UUID]) -> list[tuple[UUID, Recheck]]:
    """(walk id, recheck) pairs in order, for loaders: one query."""
    rows = Recheck.objects.filter(inspection_id__in=ids).order_by("at", "id")
    return [(r.inspection_id, r) for r in rows]


def answers_of(ids: list[UUID]) -> dict[UUID, Answer]:
    """The answer to "was it solved?" for many walks: two queries. The caller has read the walks."""
    now = clock.now()
    opened: dict[UUID, list[FindingContract]] = {i: [] for i in ids}
    for found in findings_of(ids):
        if found.source_id:
            opened[found.source_id].append(found)
    return {i: solved(rows, now) for i, rows in opened.items()}


def check_reads_all(actor: Actor) -> None:
    """Raise NotAllowed unless the actor may see every walk."""
    if not (actor.may(READ) and policies.reads_all(actor)):
        raise NotAllowed
