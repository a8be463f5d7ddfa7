"""Rows of people: checked one by one, compared with who is there, written in one go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from kernel.ids import new_id
from kernel.spreadsheets import Column, date_of, lost_digits
from kernel.tables import Line, Plan, Table, Tell
from kernel.tenancy import Tenant
from tenants.organisation import personal
from tenants.organisation.choices import StaffStatus
from tenants.organisation.models import Party, Post, Staff
from tenants.organisation.pinyin import pinyin_key

TITLE = "员工名单"
ALIASES = {
    "员工编号": "工号",
    "员工姓名": "姓名",
    "单位": "所属单位",
    "部门": "所属单位",
    "所属部门": "所属单位",
    "手机": "手机号",
    "手机号码": "手机号",
    "电话": "手机号",
    "联系电话": "手机号",
    "身份证": "身份证号",
    "身份证号码": "身份证号",
    "入职时间": "入职日期",
}
NOTES = [
    "1. 带 * 的列必须填写；其余可不填，更新已有员工时留空表示保持原值。",
    "2. 「工号」相同即视为同一人：已有则更新，没有则新增。所属单位和岗位须先在系统中建好。",
    "3. 手机号、身份证号列已设为文本格式，请勿改动；日期写成 2026-03-01。第 3 行为示例，导入时忽略。",
]


def columns() -> list[Column]:
    """The columns of the template, with the school's own parties and posts to choose from."""
    parties = list(Party.objects.filter(active=True).order_by("name").values_list("name", flat=True))
    posts = sorted(set(Post.objects.filter(active=True).values_list("name", flat=True)))
    return [
        Column("工号", required=True, text=True, width=14, example="示例-G0001", note="本校内唯一，用来辨认同一个人"),
        Column("姓名", required=True, width=12, example="张三", note="与身份证一致"),
        Column("所属单位", required=True, width=28, choices=parties, example=parties[0] if parties else "后勤保障部", note="从下拉列表选择：自管部门或外包合同的名称"),
        Column("岗位", width=18, choices=posts, example=posts[0] if posts else "保洁员", note="该单位下已建的岗位，可不填"),
        Column("手机号", text=True, width=16, example="13800138000", note="11 位手机号或带区号的固话；加密保存，页面只显示前 3 后 4 位"),
        Column("身份证号", text=True, width=24, example="11010519491231002X", note="18 位，最后一位可为 X；会核对校验位；加密保存，页面只显示首尾"),
        Column("入职日期", width=14, example="2026-03-01", note="2026-03-01、2026/3/1 或 2026年3月1日 都可以"),
    ]  # fmt: skip


@dataclass(slots=True)
class Wanted:
    """A checked row: plain words and ready columns, nothing clear that must be sealed."""

    line: Line
    number: str
    name: str
    party_id: Any
    post_id: Any
    phone: str  # clean; sealed only when it is written
    id_card: str
    hired_on: date | None
    id_card_index: str | None = None
    phone_index: str = ""
    staff: Staff | None = None
    changed: list[str] = field(default_factory=list)


def check(table: Table, *, tenant: Tenant, tell: Tell) -> list[Wanted]:
    """Check every row by itself and against the rows before it; wrong ones keep their reasons and are left out."""
    from kernel.crypto import blind_index

    parties = {p.name: p for p in Party.objects.all()}
    posts = {(post.party_id, post.name): post for post in Post.objects.filter(active=True)}
    numbers: dict[str, int] = {}
    cards: dict[str, int] = {}
    good: list[Wanted] = []
    for done, line in enumerate(table.lines, start=1):
        if done % 500 == 0:
            tell(done, len(table.lines), f"正在检查第 {done} 行，共 {len(table.lines)} 行")
        number, name = line.text("工号"), line.text("姓名")
        if lost_digits(line.cells.get("工号")) or len(number) > 30:
            line.wrong("工号", "最多 30 位；长数字请设为文本格式后重新填写")
        if len(name) > 40:
            line.wrong("姓名", "最多 40 字")
        if number:
            if number in numbers:
                line.wrong("工号", f"与第 {numbers[number]} 行重复")
            else:
                numbers[number] = line.number
        party = _party(line, parties)
        post = None
        if party and (post_name := line.text("岗位")):
            post = posts.get((party.pk, post_name))
            if post is None:
                line.wrong("岗位", f"「{party.name}」下没有名为「{post_name[:20]}」的岗位，请先在「岗位」页建好")
        phone, id_card = _phone(line), _id_card(line)
        index = None
        if id_card:
            index = blind_index(id_card, schema=tenant.schema, context=personal.ID_CARD)
            if index in cards:
                line.wrong("身份证号", f"与第 {cards[index]} 行相同")
            else:
                cards[index] = line.number
        hired_on = _day(line, "入职日期")
        if not line.errors and party:
            good.append(
                Wanted(
                    line=line,
                    number=number,
                    name=name,
                    party_id=party.pk,
                    post_id=post.pk if post else None,
                    phone=phone,
                    id_card=id_card,
                    hired_on=hired_on,
                    id_card_index=index,
                    phone_index=blind_index(phone, schema=tenant.schema, context=personal.PHONE) if phone else "",
                )
            )
    return good


def _party(line: Line, parties: dict[str, Party]) -> Party | None:
    name = line.text("所属单位")
    if not name:
        return None
    party = parties.get(name)
    if party is None:
        line.wrong("所属单位", f"系统中没有「{name[:30]}」，请先在「部门与合同」页建好，或从下拉列表选择")
    elif not party.active:
        line.wrong("所属单位", f"「{party.name}」已停用，请选择别的单位")
        return None
    return party


def _phone(line: Line) -> str:
    text = line.text("手机号")
    if not text:
        return ""
    try:
        return personal.clean_phone(text)
    except personal.BadPhone as wrong:
        line.wrong("手机号", str(wrong))
        return ""


def _id_card(line: Line) -> str:
    if lost_digits(line.cells.get("身份证号")):
        line.wrong("身份证号", "被存成了数字，末三位已丢失：请把该列设为文本格式后重新填写")
        return ""
    text = line.text("身份证号")
    if not text:
        return ""
    try:
        return personal.clean_id_card(text)
    except personal.BadIdCard as wrong:
        line.wrong("身份证号", str(wrong))
        return ""


def _day(line: Line, head: str) -> date | None:
    try:
        return date_of(line.cells.get(head))
    except (ValueError, OverflowError):
        line.wrong(head, "不是日期，请写成 2026-03-01 的样子")
        return None


def compare(table: Table, wanted: Sequence[Wanted], *, tenant: Tenant) -> Plan:
    """Compare checked rows with the people in the school: two queries, whatever the number of rows."""
    plan = Plan(lines=table.lines)
    there = {s.number: s for s in Staff.objects.filter(number__in=[w.number for w in wanted])}
    cards = dict(
        Staff.objects.filter(id_card_index__in=[w.id_card_index for w in wanted if w.id_card_index]).values_list(
            "id_card_index", "number"
        )
    )
    parties = dict(Party.objects.values_list("pk", "name"))
    for row in wanted:
        owner = cards.get(row.id_card_index) if row.id_card_index else None
        if owner is not None and owner != row.number:
            row.line.wrong("身份证号", f"已登记在工号 {owner} 名下，请核对是否同一人")
            continue
        person = there.get(row.number)
        if person is None:
            plan.new.append(row)
            plan.show(row.line, "new", f"{row.name}（{row.number}），{parties[row.party_id]}")
            continue
        if person.status == StaffStatus.LEFT:
            row.line.wrong("工号", "属于已离职员工，请先在员工页办理返岗，或换一个工号")
            continue
        row.staff = person
        row.changed = _changes(row, person)
        if row.changed:
            plan.updated.append(row)
            plan.show(row.line, "updated", f"{row.name}（{row.number}）：{'、'.join(row.changed)}")
        else:
            plan.unchanged += 1
    return plan


def _changes(row: Wanted, person: Staff) -> list[str]:
    changed = []
    if row.name != person.name:
        changed.append("姓名")
    if row.party_id != person.party_id:
        changed.append("所属单位")
    if row.post_id and row.post_id != person.post_id:
        changed.append("岗位")
    elif not row.post_id and person.post_id and row.party_id != person.party_id:
        changed.append("岗位")  # the old post belongs to the old party
    if row.phone and row.phone_index != person.phone_index:
        changed.append("手机号")
    if row.id_card_index and row.id_card_index != person.id_card_index:
        changed.append("身份证号")
    if row.hired_on and row.hired_on != person.hired_on:
        changed.append("入职日期")
    return changed


WRITTEN = [
    "name", "pinyin", "party", "post", "hired_on", "employment_changed_at", "phone_sealed", "phone_masked", "phone_index",
    "id_card_sealed", "id_card_masked", "id_card_index",
]  # fmt: skip


def write(plan: Plan, *, tenant: Tenant, now: datetime) -> None:
    """Write people set-based: plain inserts for the new (columns go as arrays), upserts by work number for the changed.

    A number that somebody else took in this very moment breaks the transaction; the job is then taken up
    again and compares anew.
    """
    fresh: list[Staff] = []
    changed: list[Staff] = []
    for wanted in [*plan.new, *plan.updated]:
        person = wanted.staff or Staff(id=new_id(), number=wanted.number)
        if not wanted.post_id and person.party_id != wanted.party_id:
            person.post_id = None
        person.name, person.pinyin, person.party_id = wanted.name, pinyin_key(wanted.name, 120), wanted.party_id
        person.post_id = wanted.post_id or person.post_id
        if wanted.staff and wanted.hired_on and wanted.hired_on != person.hired_on:
            person.employment_changed_at = now
        person.hired_on = wanted.hired_on or person.hired_on
        columns: dict[str, Any] = {}
        if wanted.phone and wanted.phone_index != person.phone_index:
            columns |= personal.sealed_phone(wanted.phone, schema=tenant.schema)
        if wanted.id_card and wanted.id_card_index != person.id_card_index:
            columns |= personal.sealed_id_card(wanted.id_card, schema=tenant.schema)
        for column, value in columns.items():
            setattr(person, column, value)
        (changed if wanted.staff else fresh).append(person)
    Staff.objects.bulk_create(fresh, batch_size=2000)
    Staff.objects.bulk_create(
        changed, batch_size=1000, update_conflicts=True, unique_fields=["number"], update_fields=WRITTEN
    )
