"""Inviting people into a space by a one-time link."""

from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from identity import events, mail, policies, secrets
from identity.choices import Role
from identity.contracts import Actor, Invited
from identity.models import Account, Invitation, Membership
from kernel import addresses
from kernel.clock import SHANGHAI
from kernel.errors import DomainError, Invalid, NotAllowed, NotFound
from kernel.tenancy import Tenant

VALID_FOR = timedelta(days=7)
INSTITUTE_NAME = "中教后勤研究院"


class InvitationClosed(DomainError):
    code = "invitation_closed"
    message = _("这个邀请链接已使用、已撤销或已过期。请联系邀请您的管理员重新发送。")


class AlreadyMember(DomainError):
    code = "already_member"
    message = _("这个人已经拥有该角色，无需再次邀请。")


class LoginTaken(DomainError):
    code = "login_taken"
    message = _("这个登录名已被使用，请换一个；如果是您本人的账号，请先登录再接受邀请。")


def _where(tenant: Tenant | None) -> tuple[UUID | None, str]:
    return (tenant.school_id, tenant.name) if tenant else (None, INSTITUTE_NAME)


def _url(tenant: Tenant | None, token: str) -> str:
    path = f"/accounts/invitation/{token}/"
    return addresses.school_url(tenant.slug, path) if tenant else addresses.public_url(path)


def _tell(invitation: Invitation, *, url: str, space: str, tenant: Tenant | None) -> None:
    until = invitation.expires_at.astimezone(SHANGHAI)
    mail.send_on_commit(
        to=invitation.email,
        subject=f"邀请您加入 {space} 的后勤服务质量监管平台",
        body=(
            f"{invitation.name}，您好：\n\n"
            f"{invitation.invited_by_name} 邀请您以“{Role(invitation.role).label}”的身份加入 {space}。\n"
            f"请在 {until:%Y年%-m月%-d日 %H:%M} 之前打开下面的链接，设置登录名和密码；"
            f"已有平台账号的，登录后即可加入：\n\n{url}\n\n"
            "链接只能使用一次。如果您不认识邀请人，请忽略这封邮件。\n\nCiELM 校园后勤服务质量监管平台"
        ),
        tenant=tenant,
    )


@transaction.atomic
def invite(
    *,
    email: str,
    name: str,
    role: Role,
    tenant: Tenant | None,
    by: Actor,
    now: datetime,
    provider_id: UUID | None = None,
    staff_id: UUID | None = None,
) -> Invited:
    """Invite a person to act as `role` in a school (`tenant`) or in the institute (None), by mail.

    The link works once and for seven days. An open invitation of the same person to the same role is
    replaced. May be called from the public side (provisioning invites a school's first admin with
    `by=Actor.system(school_id)`). Raises NotAllowed, Invalid, AlreadyMember.
    """
    school_id, space = _where(tenant)
    if not policies.can_manage_members(by, school_id):
        raise NotAllowed
    email, name, role = email.strip().lower(), " ".join(name.split()), Role(role)
    if not name or len(name) > 60:
        raise Invalid(_("请填写被邀请人的姓名（60 字以内）。"), field="name")
    try:
        validate_email(email)
    except ValidationError as wrong:
        raise Invalid(_("邮箱格式不正确，请检查后重新填写。"), field="email") from wrong
    if role not in policies.roles_of_space(school_id):
        raise Invalid(_("这个角色不属于当前单位，请重新选择。"), field="role")
    if (role == Role.PROVIDER_MANAGER) != (provider_id is not None):
        raise Invalid(_("物业企业负责人必须选择所属企业，其他角色不能选择。"), field="provider")
    there = Membership.objects.filter(
        account__email__iexact=email, school_id=school_id, role=role, provider_id=provider_id, active=True
    )
    if (there if staff_id is None else there.filter(staff_id=staff_id)).exists():
        raise AlreadyMember(field="email")
    token = secrets.new_secret()
    Invitation.objects.filter(
        email=email, school_id=school_id, role=role, provider_id=provider_id,
        accepted_at__isnull=True, revoked_at__isnull=True,
    ).update(revoked_at=now)  # fmt: skip
    invitation = Invitation.objects.create(
        school_id=school_id,
        email=email,
        name=name,
        role=role,
        provider_id=provider_id,
        staff_id=staff_id,
        token_hash=secrets.digest(token),
        invited_by=by.account_id,
        invited_by_name=INSTITUTE_NAME if by.is_system else by.name,
        created_at=now,
        sent_at=now,
        expires_at=now + VALID_FOR,
    )
    url = _url(tenant, token)
    _tell(invitation, url=url, space=space, tenant=tenant)
    events.record(
        verb="member.invited", sentence=f"邀请 {name} 担任{role.label}", subject=invitation, by=by, school_id=school_id
    )
    return Invited(invitation.pk, url)


def _open_one(invitation_id: UUID, school_id: UUID | None) -> Invitation:
    invitation = Invitation.objects.select_for_update().filter(pk=invitation_id, school_id=school_id).first()
    if invitation is None:
        raise NotFound
    if invitation.accepted_at or invitation.revoked_at:
        raise InvitationClosed(_("这个邀请已被接受或撤销，请刷新列表。"))
    return invitation


@transaction.atomic
def resend_invitation(*, invitation_id: UUID, tenant: Tenant | None, by: Actor, now: datetime) -> Invited:
    """Send a fresh link; the old one stops working, the seven days start again. Locks the invitation."""
    school_id, space = _where(tenant)
    if not policies.can_manage_members(by, school_id):
        raise NotAllowed
    invitation = _open_one(invitation_id, school_id)
    token = secrets.new_secret()
    invitation.token_hash = secrets.digest(token)
    invitation.sent_at, invitation.expires_at = now, now + VALID_FOR
    invitation.times_sent += 1
    invitation.save(update_fields=["token_hash", "sent_at", "expires_at", "times_sent"])
    url = _url(tenant, token)
    _tell(invitation, url=url, space=space, tenant=tenant)
    events.record(
        verb="member.invited_again",
        sentence=f"重新发送给 {invitation.name} 的邀请",
        subject=invitation,
        by=by,
        school_id=school_id,
    )
    return Invited(invitation.pk, url)


@transaction.atomic
def revoke_invitation(*, invitation_id: UUID, tenant: Tenant | None, by: Actor, now: datetime) -> None:
    """The link stops working. Locks the invitation."""
    school_id, _space = _where(tenant)
    if not policies.can_manage_members(by, school_id):
        raise NotAllowed
    invitation = _open_one(invitation_id, school_id)
    invitation.revoked_at = now
    invitation.save(update_fields=["revoked_at"])
    events.record(
        verb="member.invitation_revoked",
        sentence=f"撤销给 {invitation.name} 的邀请",
        subject=invitation,
        by=by,
        school_id=school_id,
    )


def _redeem(token: str, school_id: UUID | None, now: datetime) -> Invitation:
    """Lock the open invitation behind a link of this space. Raises InvitationClosed."""
    invitation = (
        Invitation.objects.select_for_update().filter(token_hash=secrets.digest(token), school_id=school_id).first()
    )
    if invitation is None or invitation.accepted_at or invitation.revoked_at or invitation.expires_at <= now:
        raise InvitationClosed
    return invitation


def _join(invitation: Invitation, account: Account, now: datetime) -> Membership:
    same = Membership.objects.filter(
        account=account, school_id=invitation.school_id, role=invitation.role, provider_id=invitation.provider_id
    ).order_by("-active", "created_at", "pk")
    if invitation.staff_id is not None:  # another staff row is another membership: neither takes the other's place
        same = same.filter(Q(staff_id=invitation.staff_id) | Q(staff_id__isnull=True)).order_by(
            F("staff_id").asc(nulls_last=True)
        )
    membership = same.first() or Membership(
        account=account, school_id=invitation.school_id, role=invitation.role, provider_id=invitation.provider_id
    )
    membership.active, membership.ends_on = True, None
    membership.staff_id = invitation.staff_id or membership.staff_id
    membership.save()
    invitation.accepted_at, invitation.accepted_by = now, account
    invitation.save(update_fields=["accepted_at", "accepted_by"])
    events.record(
        verb="member.joined",
        sentence=f"{account.name} 接受邀请，担任{Role(invitation.role).label}",
        subject=invitation,
        by=Actor(account_id=account.pk, name=account.name, school_id=invitation.school_id),
        school_id=invitation.school_id,
    )
    return membership


@transaction.atomic
def accept_as_new(
    *, token: str, username: str, name: str, password: str, school_id: UUID | None, now: datetime
) -> Account:
    """Make an account with its own password and let it in. Locks the invitation: the link works once.

    The invitation's mail address becomes the account's: whoever opened the link reads that mailbox.
    Raises InvitationClosed, LoginTaken, Invalid (field says which).
    """
    invitation = _redeem(token, school_id, now)
    username, name = username.strip(), " ".join(name.split())
    if not name or len(name) > 60:
        raise Invalid(_("请填写您的姓名（60 字以内）。"), field="name")
    if not (3 <= len(username) <= 60) or any(c.isspace() or c in "@/\\" for c in username):
        raise Invalid(_("登录名为 3 到 60 个字符，不能包含空格、@ 和斜杠。"), field="username")
    if username.isdigit():
        raise Invalid(_("登录名不能全是数字，以免与工号混淆。"), field="username")
    if Account.objects.filter(username__iexact=username).exists():
        raise LoginTaken(field="username")
    if Account.objects.filter(email__iexact=invitation.email).exists():
        raise LoginTaken(_("这个邮箱已有平台账号，请先登录，再打开邀请链接加入。"), field="username")
    account = Account(username=username, name=name, email=invitation.email, created_at=now)
    try:
        validate_password(password, account)
    except ValidationError as weak:
        raise Invalid("".join(weak.messages), field="password") from weak
    account.set_password(password)
    account.save()
    _join(invitation, account, now)
    return account


@transaction.atomic
def accept_with_account(*, token: str, account_id: UUID, school_id: UUID | None, now: datetime) -> Membership:
    """Let an existing account in. Locks the invitation. Raises InvitationClosed, NotAllowed (account off)."""
    invitation = _redeem(token, school_id, now)
    account = Account.objects.filter(pk=account_id, is_active=True).first()
    if account is None:
        raise NotAllowed
    return _join(invitation, account, now)


def open_invitations(school_id: UUID | None) -> Q:
    """Condition: invitations of a space that nobody has used or revoked (expired ones included)."""
    return Q(school_id=school_id, accepted_at__isnull=True, revoked_at__isnull=True)
