"""Rows of places: parents may stand in the file or in the school; matched by code, else by full name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kernel.errors import DomainError
from kernel.spreadsheets import Column
from kernel.tables import Line, Plan, Table, Tell
from kernel.tenancy import Tenant
from tenants.organisation.choices import INSIDE, PlaceKind
from tenants.organisation.models import Place
from tenants.organisation.operations import places as tree

TITLE = "场所名单"
ALIASES = {
    "上级": "上级场所",
    "所属上级": "上级场所",
    "场所名称": "名称",
    "类型": "类别",
    "场所类别": "类别",
    "场所编码": "编码",
    "编号": "编码",
}
NOTES = [
    "1. 带 * 的列必须填写。类别：校区、楼栋、楼层、区域、点位；校区不填上级。",
    "2. 上级写全称，用「 / 」隔开，例如：东校区 / 1号公寓。上级可以是系统里已有的，也可以是本文件里的其他行，先后不限。",
    "3. 编码可不填，由系统生成；填写后印在二维码上，全校唯一。第 3 行为示例，导入时忽略。",
]
KINDS = {str(kind.label): kind.value for kind in PlaceKind} | {
    "楼宇": PlaceKind.BUILDING.value,
    "建筑": PlaceKind.BUILDING.value,
    "楼": PlaceKind.BUILDING.value,
    "层": PlaceKind.FLOOR.value,
    "点": PlaceKind.POINT.value,
    "房间": PlaceKind.AREA.value,
}


def columns() -> list[Column]:
    """The columns of the template, with the school's own places to choose parents from."""
    parents = list(
        Place.objects.filter(active=True)
        .exclude(kind=PlaceKind.POINT)
        .order_by("full_name")
        .values_list("full_name", flat=True)[:5000]
    )
    return [
        Column("上级场所", width=36, choices=parents, example="东校区 / 1号公寓", note="上级的全称，用「 / 」隔开；校区不填"),
        Column("名称", required=True, width=20, example="示例：1层", note="同一上级下不能重名"),
        Column("类别", required=True, width=10, choices=[str(k.label) for k in PlaceKind], example="楼层", note="校区、楼栋、楼层、区域、点位"),
        Column("编码", text=True, width=16, example="", note="字母、数字、短横线，2—24 位；不填由系统生成"),
    ]  # fmt: skip


@dataclass(slots=True)
class Wanted:
    line: Line
    parent: str  # full name, "" for a campus
    name: str
    kind: str
    code: str
    place: Place | None = None

    @property
    def full_name(self) -> str:
        return f"{self.parent} / {self.name}" if self.parent else self.name


def _path(text: str) -> str:
    """东校区/1号公寓 ＞ 3层 → 东校区 / 1号公寓 / 3层."""
    return " / ".join(part for part in (p.strip() for p in re.split(r"\s*[/／>＞\\]\s*", text)) if part)


def check(table: Table, *, tenant: Tenant, tell: Tell) -> list[Wanted]:
    """Check every row by itself and against the rows before it."""
    codes: dict[str, int] = {}
    names: dict[str, int] = {}
    good: list[Wanted] = []
    for done, line in enumerate(table.lines, start=1):
        if done % 1000 == 0:
            tell(done, len(table.lines), f"正在检查第 {done} 行，共 {len(table.lines)} 行")
        kind = KINDS.get(line.text("类别"), "")
        if line.text("类别") and not kind:
            line.wrong("类别", f"应为：{'、'.join(str(k.label) for k in PlaceKind)}")
        name = code = ""
        try:
            name = tree.clean_name(line.text("名称")) if line.text("名称") else ""
        except DomainError as refused:
            line.wrong("名称", refused.sentence)
        try:
            code = tree.clean_code(line.text("编码"))
        except DomainError as refused:
            line.wrong("编码", refused.sentence)
        parent = _path(line.text("上级场所"))
        if kind == PlaceKind.CAMPUS and parent:
            line.wrong("上级场所", "校区是最上层，不填上级")
        elif kind and kind != PlaceKind.CAMPUS and not parent:
            line.wrong("上级场所", f"没有填写（{PlaceKind(kind).label}要有上级）")
        row = Wanted(line=line, parent=parent, name=name, kind=kind, code=code)
        for seen, key, head, words in (
            (codes, code, "编码", "与第 {} 行重复"),
            (names, row.full_name if name else "", "名称", "与第 {} 行是同一个场所"),
        ):
            if key and key in seen:
                line.wrong(head, words.format(seen[key]))
            elif key:
                seen[key] = line.number
        if not line.errors:
            good.append(row)
    return good


def compare(table: Table, wanted: Sequence[Wanted], *, tenant: Tenant) -> Plan:
    """Match rows with the school's tree; parents are resolved through the file and the school, in any order."""
    plan = Plan(lines=table.lines)
    by_name: dict[str, Place] = {}
    by_code: dict[str, Place] = {}
    for place in Place.objects.all():
        by_name[place.full_name] = place
        by_code[place.code] = place
    named = {row.full_name: row for row in wanted}
    wrong_names = {_join(_path(line.text("上级场所")), line.text("名称")): line for line in table.lines if line.errors}
    state: dict[str, Place | None] = {}
    taken = set(by_code) | {row.code for row in wanted if row.code}
    fresh = iter(tree.fresh_codes(sum(1 for row in wanted if not row.code), taken))

    def resolve(full_name: str) -> Place | None:
        """The place a full name stands for: from the school, or built from the file; None when impossible."""
        chain: list[Wanted] = []
        name = full_name
        while name and name not in state and name in named and len(chain) <= 12:
            chain.append(named[name])
            name = named[name].parent
        for row in reversed(chain):
            state[row.full_name] = one(row)
        return state.get(full_name) or (by_name.get(full_name) if full_name not in named else None)

    def one(row: Wanted) -> Place | None:
        line = row.line
        parent = (state.get(row.parent) if row.parent in named else by_name.get(row.parent)) if row.parent else None
        if row.parent and parent is None:
            if row.parent in wrong_names or (row.parent in named and named[row.parent].line.errors):
                bad = wrong_names[row.parent] if row.parent in wrong_names else named[row.parent].line
                line.wrong("上级场所", f"所在的第 {bad.number} 行有错误，请先改正那一行")
            else:
                line.wrong("上级场所", f"「{row.parent[:60]}」不存在，系统里和本文件里都没有")
            return None
        if row.kind not in INSIDE[parent.kind if parent else None]:
            where = parent.get_kind_display() if parent else "最上层"
            line.wrong("类别", f"{PlaceKind(row.kind).label}不能放在{where}下面")
            return None
        if parent and not parent.active:
            line.wrong("上级场所", f"「{parent.full_name}」已停用，请先启用")
            return None
        owner = by_code.get(row.code) if row.code else None
        same = by_name.get(row.full_name)
        if owner is not None and (same is None or owner.pk != same.pk):
            line.wrong("编码", f"已被「{owner.full_name}」使用；改名、移动请在场所页操作")
            return None
        if same is not None:
            return _update(row, same)
        try:
            place = tree.build(parent=parent, kind=row.kind, name=row.name, code=row.code or next(fresh))
        except DomainError as refused:
            line.wrong("名称", refused.sentence)
            return None
        row.place = place
        plan.new.append(row)
        plan.show(line, "new", f"{PlaceKind(row.kind).label}：{place.full_name}")
        return place

    def _update(row: Wanted, same: Place) -> Place | None:
        if same.kind != row.kind:
            row.line.wrong("类别", f"系统中「{same.full_name}」是{same.get_kind_display()}，类别不能通过导入修改")
            return None
        if row.code and row.code != same.code:
            plan.show(row.line, "updated", f"{same.full_name}：编码 {same.code} → {row.code}")
            same.code = row.code
            row.place = same
            plan.updated.append(row)
        else:
            plan.unchanged += 1
        return same

    for row in wanted:
        if row.full_name not in state:
            resolve(row.full_name)
    return plan


def _join(parent: str, name: str) -> str:
    return f"{parent} / {name}" if parent else name


def write(plan: Plan, *, tenant: Tenant, now: datetime) -> None:
    """Write new places (parents first) and changed codes, set-based. The tree is locked by the caller."""
    rows: list[Any] = sorted((w.place for w in plan.new), key=lambda p: p.path.count("/"))
    Place.objects.bulk_create(rows, batch_size=1000)
    Place.objects.bulk_update([w.place for w in plan.updated], ["code"], batch_size=1000)
