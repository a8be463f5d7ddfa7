"""Rubrics without the library: balanced, small, active."""

from __future__ import annotations

from decimal import Decimal

from tenants.rubrics.choices import RubricStatus
from tenants.rubrics.models import Item, Rubric, Section

GRADES = [
    {"name": "优秀", "min": "90.00"},
    {"name": "良好", "min": "80.00"},
    {"name": "合格", "min": "60.00"},
    {"name": "不合格", "min": "0.00"},
]


def make_rubric(
    *,
    title: str = "保洁考核表",
    status: str = RubricStatus.ACTIVE,
    weights: tuple[int, ...] = (60, 40),
    items_each: int = 2,
    lines: tuple[str, ...] = ("cleaning",),
    veto_item: bool = False,
) -> Rubric:
    """A rubric whose sections weigh `weights` (their sum should be 100), the points spread over equal items.

    With `veto_item`, the very last item is a veto item.
    """
    rubric = Rubric.objects.create(title=title, status=status, lines=list(lines), grades=GRADES, veto_cap="59.99")
    for n, weight in enumerate(weights):
        section = Section.objects.create(rubric=rubric, title=f"维度{n + 1}", weight=weight, position=n)
        share = (Decimal(weight) / items_each).quantize(Decimal("0.01"))
        for k in range(items_each):
            last = k == items_each - 1
            Item.objects.create(
                section=section,
                text=f"检查内容 {n + 1}.{k + 1}",
                method="现场查看",
                points=Decimal(weight) - share * (items_each - 1) if last else share,
                per_fault=Decimal("1.00"),
                fault_unit="处",
                veto=veto_item and last and n == len(weights) - 1,
                position=k,
            )
    return rubric
