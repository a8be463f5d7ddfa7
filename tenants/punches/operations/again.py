"""Counting refused punches after all, because the fence, the phone or the device was at fault (误伤)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from identity.contracts import Actor
from kernel.errors import NotAllowed
from kernel.tenancy import Tenant
from tenants.punches import policies, sentences
from tenants.punches.choices import PunchStatus, Refusal
from tenants.punches.deciding import decide
from tenants.punches.fences import Verdict
from tenants.punches.models import Punch
from tenants.punches.operations.dirty import ask_uncertified, mark_dirty
from tenants.punches.operations.punching import _case_of

COUNTED = ["status", "refusal", "grade", "note", "vouched_by", "vouched_by_name"]  # what count_after_all sets


def count_after_all(row: Punch, *, words: str, by: Actor) -> None:
    """A refused punch counts on the word of the decider, who stands as its voucher: at the grade that was asked for,
    since a lower one would count for nothing. The caller has locked the row, saves COUNTED and marks the day."""
    row.note = f"{words}；原因曾为：{sentences.why(row)}"[:200]
    row.status, row.refusal = PunchStatus.ACCEPTED, Refusal.NONE
    row.grade = min(row.grade, row.asked)
    row.vouched_by, row.vouched_by_name = by.account_id, by.name[:60]


@transaction.atomic
def count_refused(
    *, punch_ids: Collection[int], inside_only: bool, by: Actor, tenant: Tenant, now: datetime, note: str = ""
) -> int:
    """A supervisor says that these people were there: the punches count, with the decider's name as the voucher.

    With `inside_only` only those that the fences, as they are now, no longer refuse. Never the decider's
    own. A missing certificate is raised as for any punch that counts. Locks the punches; returns how many count now.
    The caller records why. Raises NotAllowed.
    """
    if not policies.decides(by):
        raise NotAllowed
    rows = Punch.objects.select_for_update(of=("self",)).filter(pk__in=list(punch_ids), status=PunchStatus.REFUSED)
    if by.staff_ids:
        rows = rows.exclude(staff_id__in=by.staff_ids)
    changed = []
    for row in rows:
        case = _case_of(row)
        if inside_only and case.verdict == Verdict.OUTSIDE:
            continue
        row.grade = min(decide(case).grade, row.grade)
        count_after_all(row, words=f"误伤更正（{by.name}）{'：' + note if note else ''}", by=by)
        changed.append(row)
    Punch.objects.bulk_update(changed, COUNTED)
    mark_dirty([(r.staff_id, r.at.astimezone(tenant.tz).date()) for r in changed], tenant=tenant)
    if lacking := [r.pk for r in changed if r.lacking]:
        ask_uncertified(lacking, tenant=tenant)
    return len(changed)
