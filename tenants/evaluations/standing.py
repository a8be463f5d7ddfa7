"""How a round stands, for the pages: the score opened down, and one source's sheet with its running total."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from identity.contracts import Actor
from kernel.errors import NotFound
from standards_library import queries as library
from standards_library.contracts import RequirementContract
from tenants.evaluations import document, policies
from tenants.evaluations.choices import RoundStatus, SourceMode
from tenants.evaluations.models import Area, Deduction, Entry, Round, Source
from tenants.evaluations.operations import missing_cells
from tenants.evaluations.scoring import Fault, NothingToScore, rounded, score_sheet
from tenants.rubrics.contracts import ItemContract, RubricContract

Clauses = dict[tuple[str, str], RequirementContract]


@dataclass(frozen=True, slots=True)
class CellState:
    """One source for one area: whether it is handed in, and whether the reader may score it."""

    area: Area
    entry: Entry | None
    deductions: int
    may_score: bool


@dataclass(frozen=True, slots=True)
class SourceState:
    source: Source
    cells: tuple[CellState, ...]
    may_excuse: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """A round for its page. `result` is None until it is computed; its deductions carry their `clause`."""

    sources: tuple[SourceState, ...]
    areas: tuple[Area, ...]
    missing: tuple[str, ...]
    done: int
    total: int
    deductions: int
    from_findings: int
    waived: int
    vetoes: int
    result: dict[str, Any] | None
    unharmed: bool | None  # None: not computed yet

    @property
    def percent(self) -> int:
        return self.done * 100 // self.total if self.total else 0

    @property
    def done_note(self) -> str:
        return f"{self.done} / {self.total} 项已提交"

    @property
    def findings_note(self) -> str:
        return f"其中问题整改 {self.from_findings} 条"

    @property
    def several_areas(self) -> bool:
        return len(self.areas) > 1


def standing(row: Round, *, by: Actor) -> Standing:
    """Everything the page of a round shows; the caller has checked that `by` may read it. Six queries at most."""
    rows = document.rows_of(row)
    counts: dict[tuple[UUID, UUID], int] = {}
    for d in rows.deductions:
        counts[d.source_id, d.area_id] = counts.get((d.source_id, d.area_id), 0) + 1
    open_now = row.status in (RoundStatus.COLLECTING, RoundStatus.COMPUTED)
    decide = policies.can_decide(by) and open_now
    sources = tuple(
        SourceState(
            source=s,
            cells=tuple(
                CellState(
                    area=a,
                    entry=rows.entries.get((s.pk, a.pk)),
                    deductions=counts.get((s.pk, a.pk), 0),
                    may_score=open_now and not s.excused and policies.can_score(by, s),
                )
                for a in rows.areas
            ),
            may_excuse=decide,
        )
        for s in rows.sources
    )
    total = sum(len(rows.areas) for s in rows.sources if not s.excused)
    missing = missing_cells(rows)
    result, unharmed = None, None
    if row.status in (RoundStatus.COMPUTED, RoundStatus.CLOSED) and row.result is not None:
        again = document.digest_of(document.score(rows)[1])
        unharmed = document.digest_of(row.result) == row.digest == again
        result = with_clauses(row.result)
    return Standing(
        sources=sources,
        areas=tuple(rows.areas),
        missing=tuple(missing),
        done=total - len(missing),
        total=total,
        deductions=len(rows.deductions),
        from_findings=sum(1 for d in rows.deductions if d.finding_id),
        waived=sum(1 for d in rows.deductions if d.waived),
        vetoes=sum(1 for d in rows.deductions if d.veto and not d.waived),
        result=result,
        unharmed=unharmed,
    )


def with_clauses(result: dict[str, Any]) -> dict[str, Any]:
    """A copy of a result in which every deduction carries its `clause`, or None, and items their share of faults."""
    shown = copy.deepcopy(result)
    items = [i for a in shown["areas"] for s in a["sources"] for sec in s["sections"] for i in sec["items"]]
    deductions = [d for i in items for d in i["deductions"]]
    clauses = library.requirement_details(
        (d["requirement_key"], d["edition"]) for d in deductions if d["requirement_key"]
    )
    for d in deductions:
        d["clause"] = clauses.get((d["requirement_key"], d["edition"]))
    for area in shown["areas"]:
        for source in area["sources"]:
            for section in source["sections"]:
                section["deductions"] = sum(len(i["deductions"]) for i in section["items"])
                section["left_out"] = sum(1 for i in section["items"] if not i["applicable"])
                section["touched"] = [i for i in section["items"] if i["deductions"] or not i["applicable"]]
                section["clean"] = len(section["items"]) - len(section["touched"])
            source["deductions"] = sum(s["deductions"] for s in source["sections"])
    return shown


# --- One sheet -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CellItem:
    """One item on the scoring page."""

    key: str
    rule: ItemContract
    number: str  # "2.3"
    applicable: bool
    reason: str
    lost: Decimal
    left: Decimal
    deductions: tuple[Deduction, ...]
    clauses: tuple[RequirementContract, ...]


@dataclass(frozen=True, slots=True)
class CellSection:
    title: str
    weight: Decimal
    score: Decimal | None
    items: tuple[CellItem, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """A source's sheet for an area. `total` is out of 100 as it stands; None when nothing applies."""

    source: Source
    area: Area
    entry: Entry
    several_areas: bool
    sections: tuple[CellSection, ...]
    total: Decimal | None
    veto: bool
    veto_cap: Decimal
    deductions: int
    left_out: int

    def item(self, key: str) -> CellItem | None:
        return next((i for s in self.sections for i in s.items if i.key == key), None)


def cell_of(row: Round, *, source_id: UUID, area_id: UUID) -> Cell:
    """One source's sheet, scored as it stands now. Raises NotFound, also for a draft (nothing to score yet)."""
    entry = (
        Entry.objects.select_related("source", "area")
        .filter(source_id=source_id, area_id=area_id, source__round=row, area__round=row)
        .first()
    )
    if entry is None:
        raise NotFound
    source, area = entry.source, entry.area
    rubric = RubricContract.from_json(row.sheet)
    taken: dict[str, list[Deduction]] = {}
    if source.mode == SourceMode.SHEET:
        for d in Deduction.objects.filter(source=source, area=area).order_by("happened_at", "id"):
            taken.setdefault(d.item_key, []).append(d)
    faults = [
        Fault(document.order_key(d), d.item_key, d.occurrences, d.veto, d.factor)
        for rows in taken.values()
        for d in rows
        if not d.waived
    ]
    left_out = frozenset(entry.not_applicable)
    try:
        filled = score_sheet(document.sheet_rules(rubric), faults, left_out)
    except NothingToScore:
        filled = None
    lost = {i.key: i.lost for s in filled.sections for i in s.items} if filled else {}
    scores = {s.key: s.score for s in filled.sections} if filled else {}
    details = (
        library.requirement_details((k, i.edition) for i in rubric.items() for k in i.requirement_keys)
        if source.mode == SourceMode.SHEET
        else {}
    )
    sections = []
    for n, section in enumerate(rubric.sections, start=1):
        items = []
        for m, rule in enumerate(section.items, start=1):
            key = str(rule.id)
            gone = rounded(lost[key]) if key in lost else Decimal("0.00")
            items.append(
                CellItem(
                    key=key, rule=rule, number=f"{n}.{m}", applicable=key not in left_out,
                    reason=entry.not_applicable.get(key, ""), lost=gone, left=rule.points - gone,
                    deductions=tuple(taken.get(key, [])),
                    clauses=tuple(
                        details[k, rule.edition] for k in rule.requirement_keys if (k, rule.edition) in details
                    ),
                )
            )  # fmt: skip
        exact_score = scores.get(str(section.id))
        sections.append(
            CellSection(
                section.title, section.weight, rounded(exact_score) if exact_score is not None else None, tuple(items)
            )
        )
    return Cell(
        source=source,
        area=area,
        entry=entry,
        several_areas=row.areas.count() > 1,
        sections=tuple(sections) if source.mode == SourceMode.SHEET else (),
        total=rounded(filled.total) if filled else None,
        veto=filled.veto if filled else False,
        veto_cap=rubric.veto_cap,
        deductions=sum(len(rows) for rows in taken.values()),
        left_out=len(left_out),
    )
