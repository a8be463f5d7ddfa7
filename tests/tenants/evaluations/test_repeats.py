"""复发 costs more: by the round's factor, capped by the item, shown in the document, and nothing else changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from kernel.errors import Invalid
from kernel.tenancy import Tenant
from tenants.evaluations import document, operations, queries
from tenants.evaluations.models import Deduction, Round
from tenants.evaluations.scoring import Fault, Grade, ItemRule, SectionRule, Sheet, score_sheet
from tenants.findings import operations as findings
from tenants.organisation.models import Party
from tests.factories.evaluations import OFFICE, USERS, admin, hand_in_all, make_round
from tests.factories.findings import make_closed, make_finding
from tests.factories.organisation import make_contract, make_place
from tests.factories.rubrics import make_rubric

D = Decimal
SHEET = Sheet(
    (SectionRule("s", D(100), (ItemRule("i", D("10"), D("1.50")), ItemRule("k", D("90"), D("1")))),),
    (Grade("优秀", D(90)),),
    D("59.99"),
)
SOURCES = (OFFICE, USERS)
OCTOBER = datetime(2026, 10, 5, 2, 0, tzinfo=UTC)


def test_the_factor_multiplies_and_the_item_still_caps() -> None:
    once = score_sheet(SHEET, [Fault("a", "i", 2)])
    again = score_sheet(SHEET, [Fault("a", "i", 2, factor=D("1.50"))])
    assert (once.total, again.total) == (97, D("95.5"))
    assert score_sheet(SHEET, [Fault("a", "i", 9, factor=D("3"))]).total == 90
    with pytest.raises(ValueError, match="heavier"):
        score_sheet(SHEET, [Fault("a", "i", 1, factor=D("0.5"))])


def scored(alpha: Tenant, *, repeat_factor: D | None = None) -> tuple[Round, Party]:
    rubric, party, place = make_rubric(), make_contract(), make_place()
    item = rubric.sections.first().items.first()
    where = {"party": party, "place": place, "rubric_item_id": item.pk}
    make_closed(alpha, **where, now=OCTOBER)
    make_finding(alpha, **where, now=OCTOBER + timedelta(days=9))
    row = make_round(alpha, party=party, rubric=rubric, opened=False)
    if repeat_factor is not None:
        layout = {"sources": SOURCES, "by": admin(alpha), "tenant": alpha}
        operations.change_layout(round_id=row.pk, repeat_factor=repeat_factor, **layout)
    row = operations.open_round(round_id=row.pk, by=admin(alpha), tenant=alpha)
    hand_in_all(row, alpha)
    return operations.compute_round(
        round_id=row.pk, by=admin(alpha), tenant=alpha, now=OCTOBER + timedelta(days=30)
    ), party


def test_a_repeat_takes_one_and_a_half_unless_said_otherwise(alpha: Tenant) -> None:
    row, _party = scored(alpha)
    assert row.repeat_factor == D("1.50")
    marks = list(Deduction.objects.filter(round=row).order_by("happened_at").values_list("factor", "nominal"))
    assert marks == [(D("1.00"), D("1.00")), (D("1.50"), D("1.50"))]
    shown = [
        d
        for area in row.result["areas"] for source in area["sources"] for section in source["sections"]
        for item in section["items"] for d in item["deductions"]
    ]  # fmt: skip
    assert [d.get("factor") for d in shown] == [None, "1.50"]
    assert row.result["repeat_factor"] == "1.50"
    assert queries.unharmed(row)


def test_the_school_and_the_round_decide(alpha: Tenant) -> None:
    findings.set_repeat_rule(days=90, factor=D("2.00"), by=admin(alpha), tenant=alpha)
    row, party = scored(alpha)
    assert row.repeat_factor == D("2.00")
    assert Deduction.objects.filter(round=row, factor=D("2.00")).count() == 1
    findings.set_repeat_rule(days=90, factor=D("3.00"), by=admin(alpha), tenant=alpha)
    row.refresh_from_db()
    assert row.repeat_factor == D("2.00")  # a round keeps what it was made with
    draft = make_round(alpha, party=party, opened=False, month=11)
    with pytest.raises(Invalid):
        operations.change_layout(
            round_id=draft.pk, sources=SOURCES, repeat_factor=D("0.9"), by=admin(alpha), tenant=alpha
        )


def test_a_factor_of_one_leaves_the_document_as_it_was(alpha: Tenant) -> None:
    row, _party = scored(alpha, repeat_factor=D(1))
    assert "repeat_factor" not in row.result
    assert "factor" not in document.canonical(row.result).decode()
