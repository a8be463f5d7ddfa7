"""What schools are handed instead of the library's rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class RequirementContract:
    """One requirement with its citation, ready to show beside an item, a finding or a deduction."""

    key: str
    edition: str
    text: str
    domain: str
    domain_name: str
    kind: str
    kind_name: str
    document_key: str
    document_title: str
    document_code: str
    issuer: str
    effective_on: date | None
    clause: str
    measure: str
    value_origin: str
    origin_label: str
    set_by_document: bool  # a law or standard sets the number; otherwise it is derived, suggested or contractual
    verification: str
    verification_label: str
    veto: bool
    evidence: str
    applicability: str
    default_deduction: Decimal
    retired: bool

    @property
    def citation(self) -> str:
        """《学校食品安全与营养健康管理规定》第二十条 (or the title alone)."""
        return f"《{self.document_title}》{self.clause}"


@dataclass(frozen=True, slots=True)
class TemplateItemContract:
    key: str
    text: str
    kind: str
    points: Decimal
    per_fault: Decimal
    fault_unit: str
    veto: bool
    requirement_keys: tuple[str, ...]
    veto_requirement_keys: tuple[str, ...]
    evidence: str


@dataclass(frozen=True, slots=True)
class TemplateDimensionContract:
    key: str
    title: str
    weight: Decimal
    items: tuple[TemplateItemContract, ...]


@dataclass(frozen=True, slots=True)
class TemplateContract:
    """A template of one edition, whole. `grades`: (name, from how many points), best first."""

    key: str
    edition: str
    title: str
    period: str
    domains: tuple[str, ...]
    lines: tuple[str, ...]
    grades: tuple[tuple[str, Decimal], ...]
    veto_cap: Decimal
    payment_note: str
    scoring: dict[str, str]
    dimensions: tuple[TemplateDimensionContract, ...]


@dataclass(frozen=True, slots=True)
class TemplateUse:
    """Where a requirement is used: one item of one template."""

    template_key: str
    template_title: str
    dimension_title: str
    item_key: str
    item_text: str
    points: Decimal
    veto: bool
