"""Whose word a request waits for: what pages and the API show before the operation is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef

from identity.contracts import Actor
from tenants.rosters import instances, policies
from tenants.rosters.choices import LeaveKind, RequestStatus, SwapStatus
from tenants.rosters.models import Leave, ShiftInstance, Swap

SCHOOL = "学校监管人员"


@dataclass(frozen=True, slots=True)
class Say:
    """What one viewer may say to a request, and whom it waits for."""

    approve: bool = False
    refuse: bool = False
    waits_for: str = ""  # "由学校监管人员审批：外勤按出勤计"; empty where the viewer approves, or nobody has to

    @property
    def any(self) -> bool:
        return self.approve or self.refuse


def why_of_school(rows: Sequence[Leave], *, now: datetime) -> dict[UUID, str]:
    """The leaves that a company may not grant itself, and why: it would decide about what it is judged by.

    Field work counts as presence; and a leave over a shift that has begun takes an absence away. One query.
    """
    touched = ShiftInstance.objects.filter(
        staff_id=OuterRef("staff_id"), cancelled_at__isnull=True, starts_at__lt=OuterRef("ends_at"),
        ends_at__gt=OuterRef("starts_at"), starts_at__lte=now,
    )  # fmt: skip
    begun = set(Leave.objects.filter(Exists(touched), pk__in=[r.pk for r in rows]).values_list("pk", flat=True))
    found = {row.pk: "所请时间内已有班次开始" for row in rows if row.pk in begun}
    return found | {row.pk: "外勤按出勤计" for row in rows if row.kind == LeaveKind.FIELD}


def of_leaves(rows: Sequence[Leave], *, by: Actor, now: datetime) -> dict[UUID, Say]:
    """What `by` may say to each of these leaves, and whom it waits for. Two queries. Needs `staff__party`."""
    open_ = [row for row in rows if row.status == RequestStatus.PENDING]
    why = why_of_school(open_, now=now) if open_ else {}
    editable = policies.editable_party_ids(by)
    return {row.pk: _of_leave(row, why.get(row.pk, ""), by, editable) for row in open_}


def _of_leave(row: Leave, why: str, by: Actor, editable: set[UUID] | None) -> Say:
    company = row.staff.party.provider_id is not None and not why
    decider = f"{row.staff.party.name}的负责人" if company else SCHOOL
    waits = f"由{decider}审批" + (f"：{why}" if why else "")
    if policies.is_own(by, row.staff_id) or (by.account_id is not None and by.account_id == row.staff.account_id):
        return Say(waits_for=waits)
    if editable is not None and row.staff.party_id not in editable:
        return Say(waits_for=waits)
    if by.account_id is not None and by.account_id == row.asked_by:
        return Say(waits_for=f"您提出的申请，由{'别的负责人或' if company else '别的'}{SCHOOL}审批")
    if why and not policies.decides_begun(by):
        return Say(refuse=True, waits_for=waits)
    return Say(approve=True, refuse=True)


def of_swaps(rows: Sequence[Swap], *, by: Actor, now: datetime) -> dict[UUID, Say]:
    """What `by` may say to each of these swaps, and whom it waits for. Two queries. Needs the giver's party."""
    open_ = [row for row in rows if row.status == SwapStatus.ACCEPTED]
    shifts = [a for row in open_ for a in (row.assignment, row.counter) if a is not None]
    begun = instances.begun(shifts, now=now) if shifts else set()
    editable = policies.editable_party_ids(by)
    said = {row.pk: _of_swap(row, begun, by, editable) for row in open_}
    asked = {
        row.pk: Say(waits_for=f"等 {row.taker.name} 同意，再审批") for row in rows if row.status == SwapStatus.ASKED
    }
    return said | asked


def _of_swap(row: Swap, begun: set[UUID], by: Actor, editable: set[UUID] | None) -> Say:
    party = row.assignment.staff.party
    two = {row.assignment.staff_id, row.taker_id}
    mine = not by.staff_ids.isdisjoint(two) or (
        by.account_id is not None and by.account_id in (row.asked_by, row.taker.account_id)
    )  # fmt: skip
    may = (editable is None or party.pk in editable) and not mine
    if begun & {row.assignment_id, row.counter_id}:
        return Say(refuse=may, waits_for="班次已经开始，不能再换" + ("，请退回" if may else ""))
    if may:
        return Say(approve=True, refuse=True)
    decider = f"{party.name}的负责人" if party.provider_id is not None else SCHOOL
    return Say(waits_for=f"由{decider}审批")
