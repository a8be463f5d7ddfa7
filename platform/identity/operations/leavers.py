"""The login of people who left a school: closed on their last day, made nameless when they are forgotten."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from identity import events, policies
from identity.choices import Role
from identity.contracts import Actor
from identity.models import Account, ApiToken, Membership
from kernel.errors import NotAllowed
from kernel.tenancy import Tenant


@transaction.atomic
def close_staff_access(*, staff_ids: Collection[UUID], tenant: Tenant, by: Actor, now: datetime) -> int:
    """End the memberships that tie accounts to these staff rows; sessions and tokens here end with them.

    Returns how many ended. Twice does nothing. Raises NotAllowed.
    """
    if not policies.can_manage_members(by, tenant.school_id):
        raise NotAllowed
    rows = list(
        Membership.objects.select_for_update(of=("self",)).filter(
            school_id=tenant.school_id, staff_id__in=staff_ids, role=Role.FRONTLINE, active=True
        )
    )
    if not rows:
        return 0
    accounts = {row.account_id for row in rows}
    Membership.objects.filter(pk__in=[row.pk for row in rows]).update(active=False)
    still_here = Membership.objects.filter(account_id__in=accounts, school_id=tenant.school_id, active=True)
    gone = accounts - set(still_here.values_list("account_id", flat=True))
    ApiToken.objects.filter(account_id__in=gone, school_id=tenant.school_id, revoked_at__isnull=True).update(
        revoked_at=now
    )
    Account.objects.filter(pk__in=gone).update(session_epoch=F("session_epoch") + 1)
    events.record(
        verb="member.staff_left",
        sentence=f"{len(rows)} 名离职员工的登录已关闭",
        subject=rows[0],
        by=by,
        school_id=tenant.school_id,
        count=len(rows),
    )
    return len(rows)


@transaction.atomic
def reopen_staff_access(*, staff_id: UUID, tenant: Tenant, by: Actor) -> bool:
    """Let a person who came back sign in again with the login they had; False when they had none."""
    if not policies.can_manage_members(by, tenant.school_id):
        raise NotAllowed
    return bool(
        Membership.objects.filter(school_id=tenant.school_id, staff_id=staff_id, role=Role.FRONTLINE).update(
            active=True
        )
    )


@transaction.atomic
def forget_staff_account(*, staff_id: UUID, tenant: Tenant, by: Actor) -> bool:
    """Make the login of a forgotten person nameless and unusable, if it served this school alone.

    Returns whether it was. Accounts that act elsewhere, serve another staff row here that still works, or have a mail
    address are left to their owners.
    """
    if not policies.can_manage_members(by, tenant.school_id):
        raise NotAllowed
    row = Membership.objects.filter(school_id=tenant.school_id, staff_id=staff_id).select_related("account").first()
    if row is None:
        return False
    elsewhere = Membership.objects.filter(account=row.account).exclude(
        Q(school_id=tenant.school_id, role=Role.FRONTLINE) & (Q(staff_id=staff_id) | Q(active=False))
    )
    if row.account.email or elsewhere.exists():
        return False
    account = Account.objects.select_for_update().get(pk=row.account_id)
    account.name, account.username, account.is_active = "已删除", f"forgotten.{account.pk.hex}", False
    account.set_unusable_password()
    account.save(update_fields=["name", "username", "is_active", "password"])
    return True
