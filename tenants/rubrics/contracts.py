"""A rubric as other features see it: frozen, whole, Decimal, and storable as JSON with a digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self
from uuid import UUID


@dataclass(frozen=True, slots=True)
class GradeContract:
    """A grade is reached from `min` points on."""

    name: str
    min: Decimal


@dataclass(frozen=True, slots=True)
class ItemContract:
    """One item. `points` is the most that can be lost, `per_fault` what one `fault_unit` costs."""

    id: UUID
    text: str
    method: str
    points: Decimal
    per_fault: Decimal
    fault_unit: str
    veto: bool
    requirement_keys: tuple[str, ...]
    veto_requirement_keys: tuple[str, ...]
    basis: str
    template_key: str
    edition: str
    changed_here: bool
    good_photo_id: UUID | None
    bad_photo_id: UUID | None


@dataclass(frozen=True, slots=True)
class SectionContract:
    """A dimension (维度) with its weight; the points of its items add up to the weight."""

    id: UUID
    title: str
    weight: Decimal
    template_key: str
    items: tuple[ItemContract, ...]


@dataclass(frozen=True, slots=True)
class RubricContract:
    """One revision of a rubric. Weights of `sections` add up to 100; `grades` stand best first.

    `as_json()` is what a round or an inspection freezes; `from_json()` reads it back; `digest` is the
    sha256 of that JSON in canonical form, so equal digests mean equal rubrics.
    """

    id: UUID
    title: str
    revision: int
    period: str
    lines: tuple[str, ...]
    template_key: str
    edition: str
    grades: tuple[GradeContract, ...]
    veto_cap: Decimal
    payment_note: str
    sections: tuple[SectionContract, ...]

    def items(self) -> Iterator[ItemContract]:
        """All items in the order of the sheet."""
        for section in self.sections:
            yield from section.items

    def item(self, item_id: UUID) -> ItemContract | None:
        """The item with this id, or None."""
        return next((item for item in self.items() if item.id == item_id), None)

    def requirement_keys(self) -> tuple[str, ...]:
        """Every requirement cited, once, in order."""
        return tuple(dict.fromkeys(key for item in self.items() for key in item.requirement_keys))

    def grade_of(self, score: Decimal, *, vetoed: bool = False) -> str:
        """The grade a score reaches; a veto is the lowest grade whatever the score."""
        if not self.grades:
            return ""
        if vetoed:
            return self.grades[-1].name
        return next((g.name for g in self.grades if score >= g.min), self.grades[-1].name)

    @property
    def digest(self) -> str:
        text = json.dumps(self.as_json(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values; Decimals as strings with two places."""
        return {
            "id": str(self.id),
            "title": self.title,
            "revision": self.revision,
            "period": self.period,
            "lines": list(self.lines),
            "template_key": self.template_key,
            "edition": self.edition,
            "grades": [{"name": g.name, "min": f"{g.min:.2f}"} for g in self.grades],
            "veto_cap": f"{self.veto_cap:.2f}",
            "payment_note": self.payment_note,
            "sections": [
                {
                    "id": str(s.id),
                    "title": s.title,
                    "weight": f"{s.weight:.2f}",
                    "template_key": s.template_key,
                    "items": [
                        {
                            "id": str(i.id),
                            "text": i.text,
                            "method": i.method,
                            "points": f"{i.points:.2f}",
                            "per_fault": f"{i.per_fault:.2f}",
                            "fault_unit": i.fault_unit,
                            "veto": i.veto,
                            "requirement_keys": list(i.requirement_keys),
                            "veto_requirement_keys": list(i.veto_requirement_keys),
                            "basis": i.basis,
                            "template_key": i.template_key,
                            "edition": i.edition,
                            "changed_here": i.changed_here,
                            "good_photo_id": str(i.good_photo_id) if i.good_photo_id else None,
                            "bad_photo_id": str(i.bad_photo_id) if i.bad_photo_id else None,
                        }
                        for i in s.items
                    ],
                }
                for s in self.sections
            ],
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """The rubric that `as_json` wrote."""
        return cls(
            id=UUID(kept["id"]),
            title=kept["title"],
            revision=kept["revision"],
            period=kept["period"],
            lines=tuple(kept["lines"]),
            template_key=kept["template_key"],
            edition=kept["edition"],
            grades=tuple(GradeContract(g["name"], Decimal(g["min"])) for g in kept["grades"]),
            veto_cap=Decimal(kept["veto_cap"]),
            payment_note=kept["payment_note"],
            sections=tuple(
                SectionContract(
                    id=UUID(s["id"]),
                    title=s["title"],
                    weight=Decimal(s["weight"]),
                    template_key=s["template_key"],
                    items=tuple(_item_from(i) for i in s["items"]),
                )
                for s in kept["sections"]
            ),
        )


def _item_from(kept: Mapping[str, Any]) -> ItemContract:
    return ItemContract(
        id=UUID(kept["id"]),
        text=kept["text"],
        method=kept["method"],
        points=Decimal(kept["points"]),
        per_fault=Decimal(kept["per_fault"]),
        fault_unit=kept["fault_unit"],
        veto=kept["veto"],
        requirement_keys=tuple(kept["requirement_keys"]),
        veto_requirement_keys=tuple(kept["veto_requirement_keys"]),
        basis=kept["basis"],
        template_key=kept["template_key"],
        edition=kept["edition"],
        changed_here=kept["changed_here"],
        good_photo_id=UUID(kept["good_photo_id"]) if kept["good_photo_id"] else None,
        bad_photo_id=UUID(kept["bad_photo_id"]) if kept["bad_photo_id"] else None,
    )
