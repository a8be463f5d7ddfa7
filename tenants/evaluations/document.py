"""A round's score as a document: what went in, what came out, and one digest over both.

The digest is the SHA-256 of canonical JSON (keys sorted, no blanks, UTF-8, numbers as strings). Only
what the score rests on is in it, no clock: computing the same rows again gives the same digest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from tenants.evaluations.choices import Combine, SourceMode
from tenants.evaluations.models import Area, Deduction, Entry, Round, Source
from tenants.evaluations.scoring import AreaInput as AreaRule
from tenants.evaluations.scoring import (
    Fault,
    Grade,
    ItemRule,
    RoundInput,
    RoundScore,
    SectionRule,
    Sheet,
    SourceInput,
    rounded,
    score_round,
)
from tenants.rubrics.contracts import RubricContract

FORMAT = 1


def canonical(value: Any) -> bytes:
    """The one way to write a JSON value."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def digest_of(value: Any) -> str:
    return hashlib.sha256(canonical(value)).hexdigest()


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows of one round, read together."""

    round: Round
    areas: list[Area]
    sources: list[Source]
    entries: dict[tuple[UUID, UUID], Entry]
    deductions: list[Deduction]


def rows_of(row: Round) -> Rows:
    """Read everything a round's score is made of: four queries."""
    return Rows(
        round=row,
        areas=list(Area.objects.filter(round=row).order_by("position", "id")),
        sources=list(Source.objects.filter(round=row).order_by("position", "id")),
        entries={(e.source_id, e.area_id): e for e in Entry.objects.filter(source__round=row)},
        deductions=list(Deduction.objects.filter(round=row).order_by("happened_at", "id")),
    )


def sheet_rules(rubric: RubricContract) -> Sheet:
    """The frozen rubric as the rules want it."""
    return Sheet(
        sections=tuple(
            SectionRule(str(s.id), s.weight, tuple(ItemRule(str(i.id), i.points, i.per_fault) for i in s.items))
            for s in rubric.sections
        ),
        grades=tuple(Grade(g.name, g.min) for g in rubric.grades),
        veto_cap=rubric.veto_cap,
    )


def order_key(row: Deduction) -> str:
    """Faults of an item count in the order they happened; the id breaks ties."""
    return f"{row.happened_at.isoformat()}|{row.pk}"


def _faults(deductions: Iterable[Deduction]) -> dict[tuple[str, str], tuple[Fault, ...]]:
    cells: dict[tuple[str, str], list[Fault]] = {}
    for d in deductions:
        if not d.waived:
            cell = (str(d.source_id), str(d.area_id))
            cells.setdefault(cell, []).append(Fault(order_key(d), d.item_key, d.occurrences, d.veto, d.factor))
    return {cell: tuple(faults) for cell, faults in cells.items()}


def given(rows: Rows) -> RoundInput:
    """The input of the rules. A cell whose source has not scored yet is missing (KeyError in the rules)."""
    return RoundInput(
        sheet=sheet_rules(RubricContract.from_json(rows.round.sheet)),
        sources=tuple(
            SourceInput(str(s.pk), s.weight, excused=bool(s.excused), by_sheet=s.mode == SourceMode.SHEET)
            for s in rows.sources
        ),
        areas=tuple(AreaRule(str(a.pk), a.weight) for a in rows.areas),
        by_weight=rows.round.combine == Combine.WEIGHTS,
        raw={(str(s), str(a)): e.raw for (s, a), e in rows.entries.items() if e.raw is not None},
        faults=_faults(rows.deductions),
        not_applicable={(str(s), str(a)): frozenset(e.not_applicable) for (s, a), e in rows.entries.items()},
    )


def _text(value: Fraction | Decimal | None) -> str | None:
    if value is None:
        return None
    return str(rounded(value)) if isinstance(value, Fraction) else f"{value:.2f}"


def _deduction(d: Deduction, cost: Fraction | None, effect: Fraction | None) -> dict[str, Any]:
    heavier = {"factor": _text(d.factor)} if d.factor != 1 else {}  # absent: as documents were before there was one
    return {
        **heavier,
        "id": str(d.pk),
        "origin": d.origin,
        "finding_id": str(d.finding_id) if d.finding_id else None,
        "finding_number": d.finding_number,
        "place_id": str(d.place_id) if d.place_id else None,
        "place": d.place_name,
        "requirement_key": d.requirement_key,
        "edition": d.edition,
        "reason": d.reason,
        "occurrences": d.occurrences,
        "nominal": _text(d.nominal),
        "cost": _text(cost),
        "effect": _text(effect),
        "veto": d.veto,
        "evidence": list(d.evidence),
        "happened_at": d.happened_at.isoformat(),
        "waived": d.waived,
        "waived_reason": d.waived_reason,
    }


def score(rows: Rows) -> tuple[RoundScore, dict[str, Any]]:
    """Score the rows and write the result down, opened from the total to each deduction.

    Raises what `scoring.score_round` raises.
    """
    rubric = RubricContract.from_json(rows.round.sheet)
    answer = score_round(given(rows))
    sources = {str(s.pk): s for s in rows.sources}
    areas = {str(a.pk): a for a in rows.areas}
    taken: dict[tuple[str, str, str], list[Deduction]] = {}
    for d in rows.deductions:
        taken.setdefault((str(d.source_id), str(d.area_id), d.item_key), []).append(d)
    by_weight = rows.round.combine == Combine.WEIGHTS
    all_areas = sum((Fraction(a.weight) if by_weight else Fraction(1) for a in rows.areas), Fraction(0))

    def sheet_json(source: Source, area: Area, share: Fraction) -> list[dict[str, Any]]:
        filled = area_scores[str(area.pk)].sheets[str(source.pk)]
        reasons = entry.not_applicable if (entry := rows.entries.get((source.pk, area.pk))) else {}
        sections = []
        for plain, section in zip(rubric.sections, filled.sections, strict=True):
            items = []
            for text, item in zip(plain.items, section.items, strict=True):
                items.append(
                    {
                        "id": item.key,
                        "text": text.text,
                        "points": _text(item.points),
                        "per_fault": _text(text.per_fault),
                        "fault_unit": text.fault_unit,
                        "requirement_keys": list(text.requirement_keys),
                        "edition": text.edition,
                        "applicable": item.applicable,
                        "reason": reasons.get(item.key, ""),
                        "lost": _text(item.lost),
                        "cost": _text(item.cost),
                        "deductions": [
                            _deduction(
                                d,
                                None if d.waived else filled.faults[order_key(d)],
                                None if d.waived else filled.faults[order_key(d)] * share,
                            )
                            for d in taken.get((str(source.pk), str(area.pk), item.key), [])
                        ],
                    }
                )
            sections.append(
                {
                    "id": section.key,
                    "title": plain.title,
                    "weight": _text(section.weight),
                    "score": _text(section.score),
                    "items": items,
                }
            )
        return sections

    area_scores = {a.key: a for a in answer.areas}
    out_areas = []
    for scored in answer.areas:
        area = areas[scored.key]
        area_share = (Fraction(area.weight) if by_weight else Fraction(1)) / all_areas
        in_force = {p.key: p for p in scored.sources}
        whole = sum((p.weight for p in scored.sources), Fraction(0))
        out_sources = []
        for key, source in sources.items():
            part = in_force.get(key)
            entry = rows.entries.get((source.pk, area.pk))
            out_sources.append(
                {
                    "id": key,
                    "name": source.name,
                    "weight": _text(source.weight),
                    "mode": source.mode,
                    "excused": source.excused,
                    "raw": _text(part.raw) if part else None,
                    "weighted": _text(part.weighted) if part else None,
                    "comment": entry.comment if entry else "",
                    "scored_by": entry.submitted_by_name if entry else "",
                    "sections": sheet_json(source, area, part.weight / whole * area_share)
                    if part and source.mode == SourceMode.SHEET
                    else [],
                }
            )
        out_areas.append(
            {
                "id": scored.key,
                "name": area.name,
                "weight": _text(area.weight),
                "score": _text(scored.total),
                "before_veto": _text(scored.before_veto),
                "veto": scored.veto,
                "share": _text(scored.share),
                "sources": out_sources,
            }
        )
    row = rows.round
    heavier = {"repeat_factor": _text(row.repeat_factor)} if row.repeat_factor != 1 else {}
    return answer, {
        **heavier,
        "format": FORMAT,
        "round": str(row.pk),
        "kind": row.kind,
        "starts_on": row.starts_on.isoformat(),
        "ends_on": row.ends_on.isoformat(),
        "party": {"id": str(row.party_id), "name": row.party_name},
        "rubric": {
            "id": str(row.rubric_id),
            "title": rubric.title,
            "revision": rubric.revision,
            "edition": rubric.edition,
            "digest": row.sheet_digest,
        },
        "trial": row.trial,
        "combine": row.combine,
        "veto_cap": _text(rubric.veto_cap),
        "grades": [{"name": g.name, "min": _text(g.min)} for g in rubric.grades],
        "score": _text(answer.score),
        "before_veto": _text(answer.before_veto),
        "grade": answer.grade,
        "veto": answer.veto,
        "areas": out_areas,
    }
