"""Making a post a duty post, and its rules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from identity.contracts import Actor
from kernel.errors import Invalid, NotAllowed
from kernel.tenancy import Tenant
from tenants.duty import policies
from tenants.duty.choices import Rung
from tenants.duty.models import DutyPost
from tenants.duty.operations.common import lock_post, minutes, tell
from tenants.organisation import queries as organisation

RANGES = {
    "answer_minutes": (1, 60, "应答时限应在 1—60 分钟之间。"),
    "persons_to_answer": (1, 2, "须应答人数为 1 或 2。"),
    "calls_per_day": (0, 12, "每日随机查岗次数应在 0—12 之间。"),
    "night_from": (0, 1439, "夜间时段填写有误。"),
    "night_until": (0, 1440, "夜间时段填写有误。"),
    "off_post_after": (1, 10, "连续未应答次数应在 1—10 之间。"),
    "break_minutes": (1, 120, "每次离岗时长应在 1—120 分钟之间。"),
    "gap_minutes": (0, 240, "低于最低人数的告警时间应在 0—240 分钟之间，0 为不告警。"),
    "gap_finding_minutes": (0, 1440, "低于最低人数转问题整改的时间应在 0—1440 分钟之间，0 为不转。"),
    "break_cap_minutes": (1, 480, "每班离岗累计应在 1—480 分钟之间。"),
}
SWITCHES = ("active", "asks_photo", "asks_code", "asks_face")


@transaction.atomic
def configure_post(
    *,
    post_id: UUID,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    quiet: Sequence[Sequence[int]] | None = None,
    chain: Sequence[Sequence[Any]] | None = None,
    **given: Any,
) -> DutyPost:
    """Make a post a duty post or change its rules; what is not named stays. Locks the post. Calls gone out keep theirs.

    Raises NotAllowed, NotFound, Invalid.
    """
    if not policies.can_configure(by):
        raise NotAllowed
    post = organisation.post(post_id, by=Actor.system(tenant.school_id))
    _row, made = DutyPost.objects.get_or_create(post_id=post.pk, defaults={"updated_at": now})
    duty = lock_post(post.pk)
    for name, value in given.items():
        if name in SWITCHES:
            setattr(duty, name, bool(value))
            continue
        low, high, sentence = RANGES[name]
        if not low <= int(value) <= high:
            raise Invalid(sentence, field=name)
        setattr(duty, name, int(value))
    if not (duty.asks_photo or duty.asks_code):
        raise Invalid("现场照片和扫岗位码至少选一项，否则无法证明在岗。", field="asks_photo")
    if 0 < duty.gap_finding_minutes < duty.gap_minutes:
        raise Invalid("转问题整改的时间不能短于告警的时间。", field="gap_finding_minutes")
    if quiet is not None:
        try:
            duty.quiet = minutes(quiet)
        except (TypeError, ValueError) as wrong:
            raise Invalid("不查岗的时段填写有误，请按“12:00-13:00”填写。", field="quiet") from wrong
    if chain is not None:
        duty.chain = _chain(chain)
    duty.updated_at = now
    duty.save()
    tell(duty, "configured", "设为值班岗" if made else "修改值班规则", subject=duty, by=by, tenant=tenant)
    return duty


def _chain(given: Sequence[Sequence[Any]]) -> list[list[object]]:
    kept: list[list[object]] = []
    for step in given:
        try:
            after, rung = int(step[0]), str(step[1])
        except (IndexError, TypeError, ValueError) as wrong:
            raise Invalid("逐级通知填写有误。", field="chain") from wrong
        if rung not in Rung.values or not 0 <= after <= 1440:
            raise Invalid("逐级通知的时间应在 0—1440 分钟之间。", field="chain")
        kept.append([after, rung])
    return sorted(kept, key=lambda step: (step[0], Rung.values.index(str(step[1]))))  # type: ignore[arg-type, return-value]
