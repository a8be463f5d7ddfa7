"""Grants: a school lets the institute read its detail for a while."""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from identity import events, policies
from identity.choices import GrantScope
from identity.contracts import Actor
from identity.models import AccessGrant
from kernel.clock import SHANGHAI
from kernel.errors import DomainError, Invalid, NotAllowed, NotFound
from kernel.tenancy import Tenant

LONGEST = timedelta(days=366)


class GrantPeriodWrong(DomainError):
    code = "grant_period_wrong"
    message = _("授权期限不正确：结束日期不能早于今天或开始日期，最长一年。")


class ReadOnlyUnderGrant(NotAllowed):
    """Institute staff in a school read; they write nothing there. Raised by the doors, not by operations."""

    code = "read_only_under_grant"
    message = _("您正在依据学校的授权查看数据，只能查看，不能填写或修改。")


@transaction.atomic
def grant_access(
    *,
    scopes: Collection[GrantScope],
    starts_on: date,
    ends_on: date,
    reason: str,
    by: Actor,
    tenant: Tenant,
    now: datetime,
) -> AccessGrant:
    """Let the institute's staff read `scopes` of this school from `starts_on` to `ends_on`, both included.

    A day is a day in the school's zone. At most a year. Raises NotAllowed, Invalid, GrantPeriodWrong.
    """
    if not policies.can_manage_grants(by, tenant.school_id) or by.account_id is None:
        raise NotAllowed
    wanted = sorted({GrantScope(scope).value for scope in scopes})
    if not wanted:
        raise Invalid(_("请至少选择一项授权范围。"), field="scopes")
    reason = " ".join(reason.split())
    if not reason or len(reason) > 200:
        raise Invalid(_("请写明授权事由（200 字以内），研究院和本校都能看到。"), field="reason")
    if ends_on < starts_on or ends_on < now.astimezone(SHANGHAI).date() or ends_on - starts_on > LONGEST:
        raise GrantPeriodWrong(field="ends_on")
    grant = AccessGrant.objects.create(
        school_id=tenant.school_id,
        scopes=wanted,
        starts_on=starts_on,
        ends_on=ends_on,
        reason=reason,
        granted_by=by.account_id,
        granted_by_name=by.name,
        created_at=now,
    )
    labels = "、".join(str(GrantScope(scope).label) for scope in wanted)
    events.record(
        verb="grant.given",
        sentence=f"授权研究院查看{labels}，{starts_on:%Y-%m-%d} 至 {ends_on:%Y-%m-%d}",
        subject=grant,
        by=by,
        school_id=tenant.school_id,
        scopes=wanted,
    )
    return grant


@transaction.atomic
def revoke_grant(*, grant_id: UUID, by: Actor, tenant: Tenant, now: datetime) -> AccessGrant:
    """End a grant at once. Locks it. Raises NotAllowed, NotFound."""
    if not policies.can_manage_grants(by, tenant.school_id):
        raise NotAllowed
    grant = AccessGrant.objects.select_for_update().filter(pk=grant_id, school_id=tenant.school_id).first()
    if grant is None:
        raise NotFound
    if grant.revoked_at is None:
        grant.revoked_at, grant.revoked_by_name = now, by.name
        grant.save(update_fields=["revoked_at", "revoked_by_name"])
        events.record(
            verb="grant.revoked", sentence="收回研究院的查看授权", subject=grant, by=by, school_id=tenant.school_id
        )
    return grant
