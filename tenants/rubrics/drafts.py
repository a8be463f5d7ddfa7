"""What a person (or the API) wants a sheet to say: the input of the operations."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from uuid import UUID

from tenants.rubrics.contracts import GradeContract, ItemContract, RubricContract, SectionContract


@dataclass(frozen=True, slots=True)
class ItemDraft:
    """One item; `id` is None for a new one. Origin fields are set by operations only, never from a form."""

    id: UUID | None
    text: str
    points: Decimal
    per_fault: Decimal
    fault_unit: str = "处"
    method: str = ""
    veto: bool = False
    requirement_keys: tuple[str, ...] = ()
    basis: str = ""
    good_photo_id: UUID | None = None
    bad_photo_id: UUID | None = None
    template_key: str | None = None
    edition: str | None = None
    veto_requirement_keys: tuple[str, ...] | None = None  # None: those of the cited that are veto requirements


@dataclass(frozen=True, slots=True)
class SectionDraft:
    id: UUID | None
    title: str
    weight: Decimal
    items: tuple[ItemDraft, ...] = ()
    template_key: str | None = None
    edition: str | None = None


@dataclass(frozen=True, slots=True)
class SheetDraft:
    """A whole sheet. Saving it replaces the sheet: what is left out is dropped."""

    title: str
    period: str
    lines: tuple[str, ...]
    grades: tuple[GradeContract, ...]
    veto_cap: Decimal
    payment_note: str = ""
    sections: tuple[SectionDraft, ...] = field(default=())

    def from_outside(self) -> SheetDraft:
        """The same without any claim of origin."""
        return replace(
            self,
            sections=tuple(
                replace(
                    s,
                    template_key=None,
                    edition=None,
                    items=tuple(
                        replace(i, template_key=None, edition=None, veto_requirement_keys=None) for i in s.items
                    ),
                )
                for s in self.sections
            ),
        )


def item_draft(kept: ItemContract) -> ItemDraft:
    """The draft that changes nothing."""
    return ItemDraft(
        id=kept.id,
        text=kept.text,
        points=kept.points,
        per_fault=kept.per_fault,
        fault_unit=kept.fault_unit,
        method=kept.method,
        veto=kept.veto,
        requirement_keys=kept.requirement_keys,
        basis=kept.basis,
        good_photo_id=kept.good_photo_id,
        bad_photo_id=kept.bad_photo_id,
        template_key=kept.template_key,
        edition=kept.edition,
        veto_requirement_keys=kept.veto_requirement_keys,
    )


def section_draft(kept: SectionContract) -> SectionDraft:
    return SectionDraft(
        id=kept.id,
        title=kept.title,
        weight=kept.weight,
        items=tuple(item_draft(i) for i in kept.items),
        template_key=kept.template_key,
    )


def sheet_draft(kept: RubricContract) -> SheetDraft:
    """The draft that changes nothing: the start of an edit."""
    return SheetDraft(
        title=kept.title,
        period=kept.period,
        lines=kept.lines,
        grades=kept.grades,
        veto_cap=kept.veto_cap,
        payment_note=kept.payment_note,
        sections=tuple(section_draft(s) for s in kept.sections),
    )
