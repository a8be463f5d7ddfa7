"""Confirming months. From then on results are frozen; what changes later stands beside them as adjustments."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from identity.contracts import Actor
from kernel.clock import month_bounds
from kernel.errors import NotAllowed
from kernel.ids import new_id
from kernel.tenancy import Tenant
from tenants.attendance import derive, policies, queries
from tenants.attendance.errors import MonthConfirmed, MonthEmpty, MonthNotOver, MonthPending
from tenants.attendance.models import Confirmation
from tenants.notices import operations as notices
from tenants.notices.choices import NoticeKind
from tenants.organisation import queries as organisation
from tenants.timeline import once
from tenants.timeline.operations import record

CLOSE_AFTER = timedelta(days=5)  # so long after its end the school may close a month for who did not answer


def _over(month: date, tenant: Tenant, now: datetime) -> date:
    """The month's first day. Raises MonthNotOver."""
    first, after = month_bounds(month)
    if now.astimezone(tenant.tz).date() < after:
        raise MonthNotOver(month=first.month)
    return first


@transaction.atomic
def confirm_month(
    *, staff_id: UUID, month: date, by: Actor, tenant: Tenant, now: datetime, client_key: str = ""
) -> Confirmation:
    """The person confirms their month; its results freeze as they are shown now.

    Stands in line with whoever derives, and derives the month first: no shift is frozen unjudged because a message was
    lost. Raises NotAllowed, MonthNotOver, MonthEmpty, MonthPending, MonthConfirmed.
    """
    if not policies.can_confirm(by, staff_id=staff_id):
        raise NotAllowed
    claimed = once.claim(key=client_key, operation="attendance.confirm_month", by=by)
    if claimed.result_id is not None:
        return Confirmation.objects.get(pk=claimed.result_id)
    first = _over(month, tenant, now)
    derive.lock(tenant)
    if Confirmation.objects.filter(staff_id=staff_id, month=first).exists():
        raise MonthConfirmed(month=first.month)
    derive.derive(tenant=tenant, now=now, first=first, last=_last(first), staff_ids=[staff_id])
    figures = queries.month_figures(staff_ids=[staff_id], month=first).get(staff_id)
    if figures is None:
        raise MonthEmpty(month=first.month)
    if figures.open:
        raise MonthPending(month=first.month, n=figures.open)
    row = Confirmation.objects.create(
        id=new_id(), staff_id=staff_id, month=first, figures=figures.as_json(), confirmed_at=now,
        confirmed_by=by.account_id, confirmed_by_name=by.name,
    )  # fmt: skip
    record(
        verb="month.confirmed", sentence=f"确认 {first.year} 年 {first.month} 月考勤：{figures.sentence}"[:300], subject=row, by=by,
        staff_id=staff_id,
    )  # fmt: skip
    claimed.keep(row.pk)
    return row


def _last(month: date) -> date:
    return month_bounds(month)[1] - timedelta(days=1)


# Everybody with results in the month (of the party's shifts, where one is named: their whole month is closed), nothing open and not yet confirmed; the figures are put together by the database.
_CLOSE = f"""
WITH open AS (
    SELECT staff_id FROM attendance_result
    WHERE day >= %(first)s AND day < %(after)s AND (mark = 'pending' OR suspect_id IS NOT NULL)
    UNION
    SELECT i.staff_id FROM rosters_shiftinstance i
    WHERE i.day >= %(first)s AND i.day < %(after)s AND i.cancelled_at IS NULL
      AND NOT EXISTS (SELECT FROM attendance_result r WHERE r.instance_id = i.id)
    UNION
    SELECT c.staff_id FROM attendance_correction c JOIN rosters_shiftinstance i ON i.id = c.instance_id
    WHERE c.status = 'pending' AND i.day >= %(first)s AND i.day < %(after)s
), people AS (
    SELECT r.staff_id, jsonb_object_agg(r.mark, r.n) || jsonb_build_object('late_minutes', sum(r.late), 'early_minutes',
           sum(r.early), 'worked_minutes', sum(r.worked), 'instances', coalesce(sum(r.n) FILTER (WHERE r.mark <> 'rest'), 0)) AS figures
    FROM (SELECT staff_id, mark, count(*) AS n, sum(worked_minutes) AS worked,
                 coalesce(sum(late_minutes) FILTER (WHERE {queries.COUNTS_MINUTES}), 0) AS late,
                 coalesce(sum(early_minutes) FILTER (WHERE {queries.COUNTS_MINUTES}), 0) AS early
          FROM attendance_result r WHERE day >= %(first)s AND day < %(after)s
          GROUP BY 1, 2) r
    WHERE r.staff_id NOT IN (SELECT staff_id FROM open)
      AND (%(parties)s::uuid[] IS NULL OR r.staff_id IN (
           SELECT staff_id FROM attendance_result
           WHERE day >= %(first)s AND day < %(after)s AND party_id = ANY(%(parties)s::uuid[])))
      AND NOT EXISTS (SELECT FROM attendance_confirmation c WHERE c.staff_id = r.staff_id AND c.month = %(first)s)
    GROUP BY 1
)
INSERT INTO attendance_confirmation
    (id, staff_id, month, figures, confirmed_at, confirmed_by, confirmed_by_name, by_school, note)
SELECT gen_random_uuid(), staff_id, %(first)s, figures, %(now)s, %(account)s, %(name)s, true, %(note)s FROM people
ON CONFLICT DO NOTHING
RETURNING staff_id
"""


@transaction.atomic
def close_month(
    *,
    month: date,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    party_id: UUID | None = None,
    note: str = "逾期未确认，由学校关账",
) -> int:
    """Close a month for everybody who has not confirmed it, five days after its end at the earliest; returns how many.

    With `party_id`: of those who worked a shift for that party, and their month as a whole. The month is derived first;
    people with something open (a pending judgement, a correction, a held penalty) are left out. One statement however
    many people. Raises NotAllowed, NotFound (no such party), MonthNotOver.
    """
    if not policies.can_close(by):
        raise NotAllowed
    whose = "全校" if party_id is None else organisation.party(party_id).name
    first = _over(month, tenant, now - CLOSE_AFTER)
    _first, after = month_bounds(first)
    derive.lock(tenant)
    derive.derive(tenant=tenant, now=now, first=first, last=_last(first))
    given: dict[str, Any] = {
        "first": first, "after": after, "parties": None if party_id is None else [str(party_id)], "now": now,
        "account": by.account_id, "name": by.name, "note": note[:200],
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_CLOSE, given)
        closed = [row[0] for row in cursor.fetchall()]
    if closed:
        sample = Confirmation.objects.get(staff_id=closed[0], month=first)
        record(
            verb="month.closed", sentence=f"关账 {first.year} 年 {first.month} 月考勤（{whose}），{len(closed)} 人", subject=sample, by=by,
            party_id=party_id, month=first.isoformat(), people=len(closed),
        )  # fmt: skip
        accounts = [p.account_id for p in organisation.staff_by_id(closed).values() if p.account_id]
        notices.notify(
            account_ids=accounts, kind=NoticeKind.INFO, title=f"{first.month} 月考勤已由学校关账",
            text="如有差错，请联系监管人员；更正会作为调整列在旁边。", path=f"/m/attendance/?month={first:%Y-%m}",
            subject=sample, occasion=f"month.closed:{first:%Y-%m}", now=now,
        )  # fmt: skip
    return len(closed)
