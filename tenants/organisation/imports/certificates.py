"""Rows of certificates: several per person; the same kind and number is the same certificate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from kernel.ids import new_id
from kernel.spreadsheets import Column, date_of, lost_digits
from kernel.tables import Line, Plan, Table, Tell
from kernel.tenancy import Tenant
from tenants.organisation import certificates
from tenants.organisation.choices import CertificateKind, StaffStatus
from tenants.organisation.models import Certificate, Staff

TITLE = "证书名单"
ALIASES = {
    "员工编号": "工号",
    "员工姓名": "姓名",
    "证书类型": "证书类别",
    "证书名称": "证书类别",
    "类别": "证书类别",
    "证号": "证书编号",
    "证件编号": "证书编号",
    "编号": "证书编号",
    "发证时间": "发证日期",
    "初领日期": "发证日期",
    "复审日期": "下次复审日期",
    "应复审日期": "下次复审日期",
    "到期日期": "有效期至",
    "有效期": "有效期至",
}
NOTES = [
    "1. 带 * 的列必须填写。一人有几种证书就写几行；工号须是系统中的在职员工，填了姓名会核对。",
    "2. 「证书类别」和「证书编号」都相同即视为同一张：已有则更新，没有则新增。更新时留空的日期保持原值。",
    "3. 新增时复审日期或有效期留空，由系统按类别推算留空的一项（特种作业证 3 年复审、6 年有效，健康证明 1 年）。第 3 行为示例，导入时忽略。",
]
KINDS = {str(kind.label): kind for kind in CertificateKind} | {
    "健康证": CertificateKind.HEALTH,
    "保安证": CertificateKind.SECURITY_GUARD,
    "保安员证书": CertificateKind.SECURITY_GUARD,
    "消防证": CertificateKind.FIRE_CONTROL,
    "消控证": CertificateKind.FIRE_CONTROL,
    "建构筑物消防员证": CertificateKind.FIRE_CONTROL,
    "电工证": CertificateKind.ELECTRICIAN,
    "低压电工证": CertificateKind.ELECTRICIAN,
    "高压电工证": CertificateKind.ELECTRICIAN,
    "高处作业证": CertificateKind.WORK_AT_HEIGHT,
    "登高证": CertificateKind.WORK_AT_HEIGHT,
    "焊工证": CertificateKind.WELDING,
    "制冷证": CertificateKind.REFRIGERATION,
    "电梯证": CertificateKind.ELEVATOR,
    "电梯安全管理证": CertificateKind.ELEVATOR,
    "锅炉证": CertificateKind.BOILER,
    "司炉证": CertificateKind.BOILER,
    "食品安全管理员证": CertificateKind.FOOD_SAFETY,
}


def columns() -> list[Column]:
    """The columns of the template."""
    return [
        Column("工号", required=True, text=True, width=14, example="示例-G0001", note="系统中在职员工的工号"),
        Column("姓名", width=12, example="张三", note="可不填；填了会与工号核对"),
        Column("证书类别", required=True, width=28, choices=[str(k.label) for k in CertificateKind], example=str(CertificateKind.ELECTRICIAN.label), note="从下拉列表选择"),
        Column("证书编号", required=True, text=True, width=24, example="T440106199001011234", note="证书上的编号"),
        Column("发证日期", required=True, width=14, example="2024-03-01", note="写成 2024-03-01"),
        Column("下次复审日期", width=14, example="2027-03-01", note="不需复审的不填"),
        Column("有效期至", width=14, example="2030-02-28", note="长期有效的不填"),
    ]  # fmt: skip


@dataclass(slots=True)
class Wanted:
    """A checked row."""

    line: Line
    staff_number: str
    name: str
    kind: CertificateKind
    number: str
    issued_on: date
    review_on: date | None
    expires_on: date | None
    staff: Staff | None = None
    certificate: Certificate | None = None


def check(table: Table, *, tenant: Tenant, tell: Tell) -> list[Wanted]:
    """Check every row by itself and against the rows before it; wrong ones keep their reasons and are left out."""
    seen: dict[tuple[str, str], int] = {}
    good: list[Wanted] = []
    for done, line in enumerate(table.lines, start=1):
        if done % 1000 == 0:
            tell(done, len(table.lines), f"正在检查第 {done} 行，共 {len(table.lines)} 行")
        kind = KINDS.get(line.text("证书类别").replace("(", "（").replace(")", "）"))
        if line.text("证书类别") and kind is None:
            line.wrong("证书类别", f"「{line.text('证书类别')[:20]}」无法识别，请从模板的下拉列表选择")
        number = line.text("证书编号")
        for head, most in (("工号", 30), ("证书编号", 60)):
            if lost_digits(line.cells.get(head)):
                line.wrong(head, "被存成了数字，末几位已丢失：请把该列设为文本格式后重新填写")
            elif len(line.text(head)) > most:
                line.wrong(head, f"最多 {most} 位")
        issued_on, review_on, expires_on = (_day(line, head) for head in ("发证日期", "下次复审日期", "有效期至"))
        for head, day in (("下次复审日期", review_on), ("有效期至", expires_on)):
            if issued_on and day and day <= issued_on:
                line.wrong(head, "应晚于发证日期")
        if kind and number:
            if (kind, number) in seen:
                line.wrong("证书编号", f"与第 {seen[kind, number]} 行是同一张证书")
            else:
                seen[kind, number] = line.number
        if not line.errors and kind and issued_on:
            good.append(
                Wanted(line, line.text("工号"), line.text("姓名"), kind, number, issued_on, review_on, expires_on)
            )
    return good


def _day(line: Line, head: str) -> date | None:
    if line.text(head) in ("长期", "长期有效", "无", "/", "—"):
        return None
    try:
        return date_of(line.cells.get(head))
    except (ValueError, OverflowError):
        line.wrong(head, "不是日期，请写成 2026-03-01 的样子")
        return None


def compare(table: Table, wanted: Sequence[Wanted], *, tenant: Tenant) -> Plan:
    """Compare checked rows with the school's people and certificates: two queries, whatever the number of rows."""
    plan = Plan(lines=table.lines)
    people = {s.number: s for s in Staff.objects.filter(number__in={w.staff_number for w in wanted})}
    there = {
        (c.kind, c.number): c
        for c in Certificate.objects.filter(number__in={w.number for w in wanted}).select_related("staff")
    }
    for row in wanted:
        person = people.get(row.staff_number)
        if person is None:
            row.line.wrong("工号", f"系统中没有工号 {row.staff_number}，请先导入员工")
        elif person.status == StaffStatus.LEFT:
            row.line.wrong("工号", "属于已离职员工，不能登记证书")
        elif row.name and row.name != person.name:
            row.line.wrong("姓名", f"与工号 {row.staff_number} 的姓名「{person.name}」不一致，请核对")
        else:
            row.staff, row.certificate = person, there.get((row.kind, row.number))
            if row.certificate and row.certificate.staff_id != person.pk:
                row.line.wrong("证书编号", f"已登记在工号 {row.certificate.staff.number} 名下，请核对")
            else:
                _sort(plan, row, person)
    return plan


def _sort(plan: Plan, row: Wanted, person: Staff) -> None:
    """New, updated or as it is; dates left empty keep what is there, or follow the rule of a new one."""
    words = f"{person.name}（{person.number}）{row.kind.label} {row.number}"
    if row.certificate is None:
        row.review_on, row.expires_on = certificates.completed(row.kind, row.issued_on, row.review_on, row.expires_on)
        plan.new.append(row)
        plan.show(row.line, "new", f"{words}，{_until(row)}")
        return
    old = row.certificate
    row.review_on, row.expires_on = row.review_on or old.review_on, row.expires_on or old.expires_on
    if any(day is not None and day <= row.issued_on for day in (row.review_on, row.expires_on)):
        row.line.wrong("有效期至", "有效期和复审日期都应晚于发证日期；已有的日期请一并填写新的")
    elif (row.issued_on, row.review_on, row.expires_on) == (old.issued_on, old.review_on, old.expires_on):
        plan.unchanged += 1
    else:
        plan.updated.append(row)
        plan.show(row.line, "updated", f"{words}，{_until(row)}")


def _until(row: Wanted) -> str:
    parts = [f"复审 {row.review_on.isoformat()}"] if row.review_on else []
    parts.append(f"有效期至 {row.expires_on.isoformat()}" if row.expires_on else "长期有效")
    return "，".join(parts)


def write(plan: Plan, *, tenant: Tenant, now: datetime) -> None:
    """Write certificates set-based. A number that somebody else took in this moment breaks the transaction."""
    fresh = [
        Certificate(
            id=new_id(),
            staff=row.staff,
            kind=row.kind,
            number=row.number,
            issued_on=row.issued_on,
            review_on=row.review_on,
            expires_on=row.expires_on,
        )
        for row in plan.new
    ]
    changed: list[Certificate] = []
    for row in plan.updated:
        known: Certificate = row.certificate
        known.issued_on, known.review_on, known.expires_on = row.issued_on, row.review_on, row.expires_on
        changed.append(known)
    Certificate.objects.bulk_create(fresh, batch_size=2000)
    Certificate.objects.bulk_update(changed, ["issued_on", "review_on", "expires_on"], batch_size=1000)
