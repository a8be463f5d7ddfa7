"""The school's own rule of patrols."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from identity.contracts import Actor
from kernel.errors import Invalid, NotAllowed
from kernel.tenancy import Tenant
from tenants.patrols import policies
from tenants.patrols.models import PatrolRule
from tenants.timeline.operations import record

MOST_MAKE_UPS = 10


@transaction.atomic
def set_rule(*, make_ups: int, by: Actor, tenant: Tenant) -> PatrolRule:
    """How many make-up tours (补巡) in a row the same points may be put off by; 0: none. Tours that are arranged stay.

    Raises NotAllowed, Invalid.
    """
    if not policies.can_plan(by):
        raise NotAllowed
    if not 0 <= make_ups <= MOST_MAKE_UPS:
        raise Invalid(_("连续补巡次数应在 0—10 次之间，0 表示不安排补巡。"), field="make_ups")
    rule, _made = PatrolRule.objects.update_or_create(pk=1, defaults={"make_ups": make_ups})
    said = f"同一漏点最多连续补巡 {make_ups} 次" if make_ups else "不安排补巡"
    record(verb="patrol_rule.changed", sentence=f"巡更规则：{said}", subject=rule, by=by)
    return rule
