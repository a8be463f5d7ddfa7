"""Departments, provider contracts, and who answers for each service line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from identity.contracts import Actor
from kernel.errors import Invalid, NotAllowed, NotFound
from kernel.jobs import enqueue_on_commit
from kernel.tenancy import Tenant
from standards_library.choices import OperatingMode, ServiceLine
from tenants.organisation import policies, queries
from tenants.organisation.choices import PartyKind, StaffStatus
from tenants.organisation.errors import (
    ContractNumberTaken,
    LineNeedsParty,
    NoLine,
    PartyClosed,
    PartyHasStaff,
    PartyNameTaken,
    PeriodBackwards,
)
from tenants.organisation.models import Contract, Department, LineSetting, Party, Staff
from tenants.timeline import operations as timeline


def _clean_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > 120:
        raise Invalid("请填写名称，最多 120 字。", field="name")
    return name


def _check_name(kind: str, name: str, *, but: UUID | None = None) -> None:
    if Party.objects.filter(kind=kind, name=name, active=True).exclude(Q(pk=but)).exists():
        raise PartyNameTaken(field="name", name=name, kind=PartyKind(kind).label)


def _clean_lines(lines: Sequence[str]) -> list[str]:
    wanted = [code for code in ServiceLine.values if code in set(lines)]
    if not wanted or len(wanted) != len(set(lines)):
        raise NoLine(field="lines")
    return wanted


def _check_contract(number: str, starts_on: date, ends_on: date, *, but: UUID | None = None) -> str:
    number = number.strip()
    if not number:
        raise Invalid("请填写合同编号。", field="number")
    if ends_on < starts_on:
        raise PeriodBackwards(field="ends_on")
    if Contract.objects.filter(number=number).exclude(Q(pk=but)).exists():
        raise ContractNumberTaken(field="number", number=number)
    return number


def _locked(party_id: UUID, kind: str | None = None) -> Party:
    rows = Party.objects.select_for_update().filter(pk=party_id)
    row = (rows.filter(kind=kind) if kind else rows).first()
    if row is None:
        raise NotFound
    return row


@transaction.atomic
def add_department(*, name: str, head: str = "", phone: str = "", by: Actor, tenant: Tenant) -> Party:
    """Add a department of the school. Raises NotAllowed, PartyNameTaken, Invalid."""
    if not policies.can_manage(by):
        raise NotAllowed
    name = _clean_name(name)
    _check_name(PartyKind.DEPARTMENT, name)
    party = Party.objects.create(kind=PartyKind.DEPARTMENT, name=name)
    Department.objects.create(party=party, head=head.strip(), phone=phone.strip())
    timeline.record(verb="department.added", sentence=f"新增部门「{name}」", subject=party, by=by, party_id=party.pk)
    return party


@transaction.atomic
def change_department(
    *, party_id: UUID, name: str, head: str = "", phone: str = "", by: Actor, tenant: Tenant
) -> Party:
    """Change a department's name, head or office phone. Locks it. Raises NotAllowed, NotFound, PartyNameTaken."""
    if not policies.can_manage(by):
        raise NotAllowed
    party = _locked(party_id, PartyKind.DEPARTMENT)
    name = _clean_name(name)
    _check_name(PartyKind.DEPARTMENT, name, but=party.pk)
    old, party.name = party.name, name
    party.save(update_fields=["name"])
    Department.objects.filter(pk=party.pk).update(head=head.strip(), phone=phone.strip())
    timeline.record(
        verb="department.changed",
        sentence=f"修改部门「{name}」",
        subject=party,
        by=by,
        party_id=party.pk,
        old_name=old,
    )
    return party


@transaction.atomic
def add_contract(
    *,
    provider_id: UUID,
    name: str,
    number: str,
    lines: Sequence[str],
    starts_on: date,
    ends_on: date,
    monthly_fee: Decimal | None = None,
    manager: str = "",
    by: Actor,
    tenant: Tenant,
) -> Party:
    """Register a contract with a property company for service lines over a period (both days included).

    The company was found or made by `institute.providers` before; `name` is how the school calls this
    party (company, or company and campus). `monthly_fee` in yuan. Raises NotAllowed, PartyNameTaken,
    ContractNumberTaken, PeriodBackwards, NoLine, Invalid.
    """
    if not policies.can_manage(by):
        raise NotAllowed
    name = _clean_name(name)
    number = _check_contract(number, starts_on, ends_on)
    wanted = _clean_lines(lines)
    _check_fee(monthly_fee)
    _check_name(PartyKind.CONTRACT, name)
    party = Party.objects.create(kind=PartyKind.CONTRACT, name=name, provider_id=provider_id)
    Contract.objects.create(
        party=party,
        number=number,
        lines=wanted,
        starts_on=starts_on,
        ends_on=ends_on,
        monthly_fee=monthly_fee,
        manager=manager.strip(),
    )
    timeline.record(
        verb="contract.added", sentence=f"登记合同「{name}」（{number}）", subject=party, by=by, party_id=party.pk
    )
    enqueue_on_commit("organisation.note_companies", tenant=tenant)
    return party


@transaction.atomic
def change_contract(
    *,
    party_id: UUID,
    name: str,
    number: str,
    lines: Sequence[str],
    starts_on: date,
    ends_on: date,
    monthly_fee: Decimal | None = None,
    manager: str = "",
    by: Actor,
    tenant: Tenant,
) -> Party:
    """Change a contract; the company stays (another company is another contract). Locks it. Raises as add_contract."""
    if not policies.can_manage(by):
        raise NotAllowed
    party = _locked(party_id, PartyKind.CONTRACT)
    name = _clean_name(name)
    number = _check_contract(number, starts_on, ends_on, but=party.pk)
    wanted = _clean_lines(lines)
    _check_fee(monthly_fee)
    _check_name(PartyKind.CONTRACT, name, but=party.pk)
    party.name = name
    party.save(update_fields=["name"])
    before = Contract.objects.get(pk=party.pk)
    Contract.objects.filter(pk=party.pk).update(
        number=number,
        lines=wanted,
        starts_on=starts_on,
        ends_on=ends_on,
        monthly_fee=monthly_fee,
        manager=manager.strip(),
    )
    timeline.record(
        verb="contract.changed",
        sentence=f"修改合同「{name}」",
        subject=party,
        by=by,
        party_id=party.pk,
        old={"number": before.number, "ends_on": before.ends_on.isoformat(), "lines": before.lines},
    )
    enqueue_on_commit("organisation.note_companies", tenant=tenant)
    return party


def _check_fee(fee: Decimal | None) -> None:
    if fee is not None and not 0 <= fee < Decimal(10) ** 10:
        raise Invalid("月服务费应为 0 到 100 亿元之间的数。", field="monthly_fee")


@transaction.atomic
def set_party_active(*, party_id: UUID, active: bool, by: Actor, tenant: Tenant) -> Party:
    """Close a contract or department, or open it again. Service lines it answered for are left without a party.

    Locks it. Raises NotAllowed, NotFound, PartyHasStaff (people still work there), PartyNameTaken.
    """
    if not policies.can_manage(by):
        raise NotAllowed
    party = _locked(party_id)
    if party.active == active:
        return party
    if active:
        _check_name(party.kind, party.name)
    else:
        working = Staff.objects.filter(party=party, status=StaffStatus.ACTIVE).count()
        if working:
            raise PartyHasStaff(name=party.name, count=working)
        LineSetting.objects.filter(party=party).update(party=None)
    party.active = active
    party.save(update_fields=["active"])
    timeline.record(
        verb="party.opened" if active else "party.closed",
        sentence=f"{'启用' if active else '停用'}{party.get_kind_display()}「{party.name}」",
        subject=party,
        by=by,
        party_id=party.pk,
    )
    if party.kind == PartyKind.CONTRACT:
        enqueue_on_commit("organisation.note_companies", tenant=tenant)
    return party


@transaction.atomic
def set_line(*, line: str, mode: str, party_id: UUID | None = None, by: Actor, tenant: Tenant) -> LineSetting:
    """Say how a service line is run and who answers for it.

    Outsourced lines belong to a contract, self-run ones to a department, mixed ones to either.
    Raises NotAllowed, NotFound, PartyClosed, LineNeedsParty, Invalid.
    """
    if not policies.can_manage(by):
        raise NotAllowed
    if line not in ServiceLine.values or mode not in OperatingMode.values:
        raise Invalid("没有这个服务条线或运营方式，请重新选择。", field="line")
    party = queries.party(party_id) if party_id else None
    if party:
        if not party.active:
            raise PartyClosed(field="party", name=party.name)
        fits = {OperatingMode.OUTSOURCED: PartyKind.CONTRACT, OperatingMode.SELF_RUN: PartyKind.DEPARTMENT}
        wanted = fits.get(OperatingMode(mode))
        if wanted and party.kind != wanted:
            raise LineNeedsParty(field="party", mode=OperatingMode(mode).label, kind=wanted.label)
    setting, _made = LineSetting.objects.update_or_create(line=line, defaults={"mode": mode, "party": party})
    timeline.record(
        verb="line.set",
        sentence=f"{ServiceLine(line).label}：{OperatingMode(mode).label}，责任单位{party.name if party else '未定'}",
        subject=setting,
        by=by,
        party_id=party.pk if party else None,
    )
    return setting


@transaction.atomic
def start_lines(*, modes: Mapping[str, str], by: Actor, tenant: Tenant) -> list[LineSetting]:
    """Say how several lines are run before anybody answers for them: what a new school begins with.

    One statement for all; lines that are set already stay as they are. Raises NotAllowed, Invalid.
    """
    if not policies.can_manage(by):
        raise NotAllowed
    if not set(modes) <= set(ServiceLine.values) or not set(modes.values()) <= set(OperatingMode.values):
        raise Invalid("没有这个服务条线或运营方式，请重新选择。", field="line")
    known = set(LineSetting.objects.values_list("line", flat=True))
    made = LineSetting.objects.bulk_create(
        LineSetting(line=line, mode=mode) for line, mode in modes.items() if line not in known
    )
    if made:
        said = "、".join(f"{ServiceLine(row.line).label}（{OperatingMode(row.mode).label}）" for row in made)
        timeline.record(verb="line.started", sentence=f"条线运营方式：{said}", subject=made[0], by=by)
    return made
