"""Memberships and accounts of a space."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from identity import attempts, events, policies, secrets
from identity.choices import SPACE_ADMINS, Role
from identity.contracts import Actor, Credential, StaffLogin
from identity.models import Account, ApiToken, Membership
from kernel.clock import SHANGHAI
from kernel.errors import Conflict, DomainError, Invalid, NotAllowed, NotFound
from kernel.ids import new_id
from kernel.tenancy import Tenant


class LastAdmin(DomainError):
    code = "last_admin"
    message = _("这是最后一位管理员。请先邀请或指定另一位管理员，再进行此操作。")


class NotYourself(DomainError):
    code = "not_yourself"
    message = _("不能停用自己的身份，请由另一位管理员操作。")


def _locked(membership_id: UUID, tenant: Tenant | None, by: Actor) -> Membership:
    """Check the policy, then lock the membership, and the space's admins with it, in id order."""
    school_id = tenant.school_id if tenant else None
    if not policies.can_manage_members(by, school_id):
        raise NotAllowed
    list(
        Membership.objects.select_for_update(of=("self",))
        .filter(school_id=school_id, role__in=SPACE_ADMINS)
        .order_by("pk")
    )
    row = (
        Membership.objects.select_for_update(of=("self",))
        .select_related("account")
        .filter(pk=membership_id, school_id=school_id)
        .first()
    )
    if row is None:
        raise NotFound
    return row


def _keep_one_admin(row: Membership, now: datetime) -> None:
    """Raise LastAdmin when nobody else who can still sign in administers the space."""
    if row.role not in SPACE_ADMINS or not row.active:
        return
    today = now.astimezone(SHANGHAI).date()
    others = Membership.objects.filter(
        school_id=row.school_id, role=row.role, active=True, account__is_active=True
    ).exclude(account_id=row.account_id)
    if not any(other.ends_on is None or other.ends_on >= today for other in others):
        raise LastAdmin


class RoleUnknown(DomainError):
    code = "role_unknown"
    message = _("没有这个角色，请从角色列表中选择。")


@transaction.atomic
def change_role(
    *,
    membership_id: UUID,
    role: Role,
    tenant: Tenant | None,
    by: Actor,
    now: datetime,
    provider_id: UUID | None = None,
) -> Membership:
    """Give a member another role in the same space. Locks the membership and the space's admins.

    Raises NotAllowed, NotFound, Invalid, LastAdmin, Conflict (the person holds that role already).
    """
    row = _locked(membership_id, tenant, by)
    role = Role(role)
    if role not in policies.roles_of_space(row.school_id):
        raise Invalid(_("这个角色不属于当前单位，请重新选择。"), field="role")
    if (role == Role.PROVIDER_MANAGER) != (provider_id is not None):
        raise Invalid(_("物业企业负责人必须选择所属企业，其他角色不能选择。"), field="provider")
    if role == row.role and provider_id == row.provider_id:
        return row
    if role != row.role:
        _keep_one_admin(row, now)
    if (
        Membership.objects.filter(account=row.account, school_id=row.school_id, role=role, provider_id=provider_id)
        .exclude(pk=row.pk)
        .exists()
    ):
        raise Conflict(_("这个人已经拥有该角色。如需收回当前角色，请停用它。"), field="role")
    before = Role(row.role)
    row.role, row.provider_id = role, provider_id
    row.save(update_fields=["role", "provider_id"])
    events.record(
        verb="member.role_changed",
        sentence=f"{row.account.name} 的角色由{before.label}改为{role.label}",
        subject=row,
        by=by,
        school_id=row.school_id,
        before=before,
        after=role,
    )
    return row


@transaction.atomic
def deactivate_member(*, membership_id: UUID, tenant: Tenant | None, by: Actor, now: datetime) -> Membership:
    """End a membership at once; the person's tokens in this space end with their last role here.

    Locks the membership and the space's admins. Raises NotAllowed, NotFound, LastAdmin, NotYourself.
    """
    row = _locked(membership_id, tenant, by)
    if not row.active:
        return row
    _keep_one_admin(row, now)
    if row.account_id == by.account_id:
        raise NotYourself
    row.active = False
    row.save(update_fields=["active"])
    if not Membership.objects.filter(account=row.account, school_id=row.school_id, active=True).exists():
        ApiToken.objects.filter(account=row.account, school_id=row.school_id, revoked_at__isnull=True).update(
            revoked_at=now
        )
    events.record(
        verb="member.deactivated",
        sentence=f"停用 {row.account.name} 的{Role(row.role).label}身份",
        subject=row,
        by=by,
        school_id=row.school_id,
    )
    return row


@transaction.atomic
def reactivate_member(*, membership_id: UUID, tenant: Tenant | None, by: Actor, now: datetime) -> Membership:
    """Let a deactivated member in again. Locks the membership."""
    row = _locked(membership_id, tenant, by)
    if row.active and row.ends_on is None:
        return row
    row.active, row.ends_on = True, None
    row.save(update_fields=["active", "ends_on"])
    events.record(
        verb="member.reactivated",
        sentence=f"恢复 {row.account.name} 的{Role(row.role).label}身份",
        subject=row,
        by=by,
        school_id=row.school_id,
    )
    return row


@transaction.atomic
def open_accounts(*, staff: Sequence[StaffLogin], tenant: Tenant, by: Actor, now: datetime) -> list[Credential]:
    """Open frontline accounts for staff without mail: login name and initial password on paper.

    The login name is "<slug>.<number>"; on the school's own host the number alone is enough. Who has
    an account in this school for the same staff row gets none again and is left out of the answer.
    Passwords are told once and must be changed at first sign-in. Returned in the order of `staff`;
    the caller stores `account_id` on its staff rows. Raises NotAllowed.
    """
    if not policies.can_manage_members(by, tenant.school_id):
        raise NotAllowed
    wanted = {row.staff_id: row for row in staff}
    have = set(
        Membership.objects.filter(school_id=tenant.school_id, staff_id__in=wanted).values_list("staff_id", flat=True)
    )
    names = {row.staff_id: f"{tenant.slug}.{row.number}".lower() for row in staff}
    taken = set(
        Account.objects.annotate(lower=Lower("username"))
        .filter(lower__in=names.values())
        .values_list("lower", flat=True)
    )
    accounts: list[Account] = []
    memberships: list[Membership] = []
    credentials: list[Credential] = []
    for staff_id, row in wanted.items():
        if staff_id in have:
            continue
        username, turn = names[staff_id], 2
        while username in taken:
            username, turn = f"{names[staff_id]}-{turn}", turn + 1
        taken.add(username)
        password = secrets.readable_password()
        account = Account(id=new_id(), username=username, name=row.name[:60], initial_password=True, created_at=now)
        account.set_password(password)
        accounts.append(account)
        memberships.append(
            Membership(account=account, school_id=tenant.school_id, role=Role.FRONTLINE, staff_id=staff_id)
        )
        credentials.append(Credential(staff_id, account.pk, row.name, username, password))
    Account.objects.bulk_create(accounts, batch_size=500)
    Membership.objects.bulk_create(memberships, batch_size=500)
    if memberships:
        events.record(
            verb="member.accounts_opened",
            sentence=f"为 {len(memberships)} 名一线员工开通账号",
            subject=memberships[0],
            by=by,
            school_id=tenant.school_id,
            count=len(memberships),
        )
    return credentials


@transaction.atomic
def share_account(*, account_id: UUID, staff_id: UUID, tenant: Tenant, by: Actor, now: datetime) -> Membership:
    """Let a frontline account act for one more staff row of this school; twice does nothing.

    The account must be a frontline one here already: nobody's admin draws in a stranger. Locks the account.
    Raises NotAllowed, NotFound.
    """
    if not policies.can_manage_members(by, tenant.school_id):
        raise NotAllowed
    account = Account.objects.select_for_update().filter(pk=account_id, is_active=True).first()
    here = Membership.objects.filter(account_id=account_id, school_id=tenant.school_id, role=Role.FRONTLINE)
    if account is None or not here.filter(active=True).exists():
        raise NotFound
    row = here.filter(staff_id=staff_id).first() or Membership(
        account=account, school_id=tenant.school_id, role=Role.FRONTLINE, staff_id=staff_id, created_at=now
    )
    row.active, row.ends_on = True, None
    row.save()
    events.record(
        verb="member.row_added", sentence=f"{account.name} 的账号再关联一份员工档案", subject=row, by=by,
        school_id=tenant.school_id,
    )  # fmt: skip
    return row


@transaction.atomic
def reset_password(*, membership_id: UUID, tenant: Tenant, by: Actor, now: datetime) -> Credential:
    """A new initial password on paper for a frontline worker who has no mail address. Ends all their sessions.

    Only for accounts whose every membership is a frontline one in this school: nobody's admin takes
    over an account that acts elsewhere. Locks the membership. Raises NotAllowed, NotFound.
    """
    row = _locked(membership_id, tenant, by)
    elsewhere = row.account.memberships.exclude(school_id=tenant.school_id, role=Role.FRONTLINE).exists()
    if elsewhere or row.role != Role.FRONTLINE or row.account.email:
        raise NotAllowed(_("只有本校没有邮箱的一线员工可以由管理员重置密码，其他人请使用“忘记密码”。"))
    password = secrets.readable_password()
    row.account.set_password(password)
    row.account.initial_password = True
    row.account.session_epoch = F("session_epoch") + 1
    row.account.save(update_fields=["password", "initial_password", "session_epoch"])
    attempts.forget(row.account_id)
    events.record(
        verb="member.password_reset",
        sentence=f"重置 {row.account.name} 的初始密码",
        subject=row,
        by=by,
        school_id=row.school_id,
    )
    return Credential(row.staff_id or row.pk, row.account_id, row.account.name, row.account.username, password)


@transaction.atomic
def end_sessions(*, account_id: UUID) -> None:
    """Sign the account out on every host and device."""
    Account.objects.filter(pk=account_id).update(session_epoch=F("session_epoch") + 1)


@transaction.atomic
def password_changed(*, account_id: UUID) -> None:
    """The person has chosen their own password: the initial one on paper is history."""
    Account.objects.filter(pk=account_id, initial_password=True).update(initial_password=False)
