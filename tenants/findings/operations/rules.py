"""What a school decides for itself: deadlines, the escalation ladder, when something counts as the same again."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from identity.contracts import Actor
from kernel.errors import Invalid, NotAllowed
from kernel.tenancy import Tenant
from tenants.findings import policies
from tenants.findings.choices import Severity, Whom
from tenants.findings.deadlines import MAX_STEPS, Rung, of_row, rules
from tenants.findings.models import LadderStep, RepeatRule, SeverityRule
from tenants.timeline.operations import record


@transaction.atomic
def set_rule(
    *,
    severity: str,
    hours: int,
    leader_after_hours: int,
    by: Actor,
    tenant: Tenant,
    verify_hours: int | None = None,
    extensions: int | None = None,
    extension_days: int | None = None,
) -> SeverityRule:
    """The school's own times for a severity; what is not given stays. Findings already open keep their deadline.

    Raises NotAllowed, Invalid.
    """
    if not policies.can_configure(by):
        raise NotAllowed
    if severity not in Severity.values:
        raise Invalid(field="severity")
    if not 1 <= hours <= 24 * 90:
        raise Invalid(_("整改时限应在 1 小时到 90 天之间。"), field="hours")
    if not 0 <= leader_after_hours <= 24 * 90:
        raise Invalid(_("升级时间应在 0 小时到 90 天之间。"), field="leader_after_hours")
    if verify_hours is not None and not 1 <= verify_hours <= 24 * 90:
        raise Invalid(_("复查时限应在 1 小时到 90 天之间。"), field="verify_hours")
    if extensions is not None and not 0 <= extensions <= 10:
        raise Invalid(_("延期次数应在 0—10 次之间；0 表示不能延期。"), field="extensions")
    if extension_days is not None and not 1 <= extension_days <= 365:
        raise Invalid(_("延期天数应在 1—365 天之间。"), field="extension_days")
    values = {"verify_hours": verify_hours, "extensions": extensions, "extension_days": extension_days}
    rule, _made = SeverityRule.objects.update_or_create(
        severity=severity,
        defaults={
            "hours": hours,
            "leader_after_hours": leader_after_hours,
            **{name: value for name, value in values.items() if value is not None},
        },
    )
    full = of_row(rule)
    record(
        verb="finding_rule.changed",
        sentence=f"整改时限：{Severity(severity).label} {hours} 小时，超期 {leader_after_hours} 小时后升级，"
        f"复查 {full.verify_hours} 小时，延期至多 {full.extensions} 次、{full.extension_days} 天",
        subject=rule,
        by=by,
    )
    return rule


@transaction.atomic
def set_ladder(*, severity: str, steps: Sequence[Rung], by: Actor, tenant: Tenant) -> list[LadderStep]:
    """The school's own escalation ladder of a severity, lowest step first; none: back to the two steps of its rule.

    Findings already told on a step are not told again. Raises NotAllowed, Invalid.
    """
    if not policies.can_configure(by):
        raise NotAllowed
    if severity not in Severity.values:
        raise Invalid(field="severity")
    if len(steps) > MAX_STEPS:
        raise Invalid(_("升级阶梯最多 6 级。"), field="steps")
    hours = [s.after_hours for s in steps]
    if any(not 0 <= h <= 24 * 90 for h in hours):
        raise Invalid(_("升级时间应在 0 小时到 90 天之间。"), field="steps")
    if any(later <= earlier for earlier, later in pairwise(hours)):
        raise Invalid(_("每一级的时间都要比上一级晚。"), field="steps")
    if any(not s.whom or not set(s.whom) <= set(Whom.values) for s in steps):
        raise Invalid(_("每一级都要选择提醒谁。"), field="steps")
    LadderStep.objects.filter(severity=severity).delete()
    rows = LadderStep.objects.bulk_create(
        [
            LadderStep(severity=severity, level=n, after_hours=s.after_hours, whom=list(dict.fromkeys(s.whom)))
            for n, s in enumerate(steps, start=1)
        ]
    )
    rule, _made = SeverityRule.objects.get_or_create(severity=severity, defaults=_rule_now(severity))
    said = "；".join(f"超期 {s.after_hours} 小时提醒{'、'.join(str(Whom(w).label) for w in s.whom)}" for s in steps)
    record(
        verb="finding_rule.ladder_changed",
        sentence=f"升级阶梯（{Severity(severity).label}）：{said or '恢复默认'}"[:300],
        subject=rule,
        by=by,
    )
    return rows


def _rule_now(severity: str) -> dict[str, int]:
    now = rules()[severity]
    return {"hours": now.hours, "leader_after_hours": now.leader_after_hours}


@transaction.atomic
def set_repeat_rule(*, days: int, factor: Decimal, by: Actor, tenant: Tenant) -> RepeatRule:
    """复发: within how many days the same counts as again, and the factor new assessments take for it.

    Findings and rounds that exist keep what they have. Raises NotAllowed, Invalid.
    """
    if not policies.can_configure(by):
        raise NotAllowed
    if not 1 <= days <= 730:
        raise Invalid(_("复发判定天数应在 1—730 天之间。"), field="days")
    if not factor.is_finite() or not 1 <= factor <= 5 or factor != factor.quantize(Decimal("0.01")):
        raise Invalid(_("复发扣分倍数应在 1—5 之间，最多两位小数；1 表示不加重。"), field="factor")
    rule, _made = RepeatRule.objects.update_or_create(pk=1, defaults={"days": days, "factor": factor})
    record(
        verb="finding_rule.repeat_changed",
        sentence=f"复发判定：{days} 天内；扣分 {factor} 倍",
        subject=rule,
        by=by,
    )
    return rule
