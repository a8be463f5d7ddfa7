"""A human looks and says what it was."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from identity.contracts import Actor
from kernel.errors import Invalid, NotAllowed
from kernel.tenancy import Tenant
from tenants.duty import policies, queries
from tenants.duty.choices import CallStatus, EntryKind, Outcome
from tenants.duty.errors import (
    NotDecided,
    NotNight,
    ReasonMissing,
)
from tenants.duty.models import Call, Summons
from tenants.duty.operations.calls.common import locked_call, open_finding_of, recount
from tenants.duty.operations.common import (
    accounts_of,
    clean,
    path_of,
    superiors,
    tell,
    write,
)
from tenants.notices import operations as notices
from tenants.notices.choices import NoticeKind


@transaction.atomic
def judge_call(
    *,
    call_id: UUID,
    note: str,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    outcome: str = "",
    asleep: bool = False,
) -> Call:
    """A human looks at the picture and says what it was: another outcome, or 睡岗 for a night call.

    The outcome as it was stays on the row. What is judged counts like what was decided: the row of unanswered calls is
    counted again (脱岗 found, or taken back with its finding), and the chain climbs on the judged outcome. 睡岗 opens a
    finding; a slow answer alone never is. Nobody judges a call they were under, or one of their own company's posts.
    Locks the post and the call. Raises NotAllowed, NotFound, NotDecided, NotNight, ReasonMissing, Invalid.
    """
    if not policies.oversees(by) or by.account_id is None:
        raise NotAllowed
    duty, call = locked_call(call_id)
    summoned = list(Summons.objects.filter(call=call, on_duty=True).values_list("staff_id", flat=True))
    if not policies.can_judge(by, summoned=summoned, provider_id=duty.post.party.provider_id):
        raise NotAllowed("这次查岗查的是您本人或您所在的单位，请由其他监管人员认定。")
    if call.status != CallStatus.DONE:
        raise NotDecided
    if asleep and not call.night:
        raise NotNight(field="asleep")
    note = clean(note, 300)
    if len(note) < 2:
        raise ReasonMissing(field="note")
    if outcome and outcome not in Outcome.values:
        raise Invalid("请选择认定的结果。", field="outcome")
    if outcome and outcome != call.outcome:
        call.outcome_before = call.outcome_before or call.outcome
        call.outcome, call.chain_done = outcome, False
    call.judged_at, call.judged_by, call.judged_by_name, call.judged_note = now, by.account_id, by.name, note
    notices.settle(subject=call, now=now)
    if asleep and not call.asleep:
        call.asleep = True
        call.save()
        open_finding_of(duty, call, who=frozenset(summoned), by=by, tenant=tenant, now=now)
    call.save()
    words = f"查岗认定：{'睡岗' if call.asleep else Outcome(call.outcome).label}：{note}"
    write(duty, EntryKind.CALL, words, by=by, now=now, subject_id=call.pk)
    tell(
        duty, "call_judged", words, subject=call, by=by, tenant=tenant, staff_ids=queries.staff_summoned(call),
        outcome=call.outcome,
    )  # fmt: skip
    if call.asleep:
        notices.notify(
            account_ids=superiors(duty, tenant=tenant, now=now), kind=NoticeKind.LATE, title=f"睡岗：{duty.post.name}",
            text=note, path=path_of("calls", call.pk), subject=call, occasion=f"duty.asleep:{call.pk}", now=now,
            besides=by.account_id,
        )  # fmt: skip
    label = Outcome(call.outcome).label
    recount(duty, call, by=by, tenant=tenant, now=now, why=f"由{by.name}认定为{label}")
    notices.notify(
        account_ids=accounts_of(summoned), kind=NoticeKind.INFO, title=f"查岗认定：{duty.post.name}", text=words,
        path=f"/m/duty/calls/{call.pk}/", subject=call, occasion=f"duty.judged:{call.pk}:{now.isoformat()}", now=now,
    )  # fmt: skip
    return call
