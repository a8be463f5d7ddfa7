"""All writes of identity, by subject."""

from identity.operations.access import GrantPeriodWrong, ReadOnlyUnderGrant, grant_access, revoke_grant
from identity.operations.handover import TicketRefused, issue_ticket, redeem_ticket, sweep_tickets
from identity.operations.invitations import (
    AlreadyMember,
    InvitationClosed,
    LoginTaken,
    accept_as_new,
    accept_with_account,
    invite,
    resend_invitation,
    revoke_invitation,
)
from identity.operations.leavers import close_staff_access, forget_staff_account, reopen_staff_access
from identity.operations.members import (
    LastAdmin,
    NotYourself,
    RoleUnknown,
    change_role,
    deactivate_member,
    end_sessions,
    open_accounts,
    password_changed,
    reactivate_member,
    reset_password,
    share_account,
)
from identity.operations.tokens import ScopeUnknown, TokenRefused, create_token, mark_used, revoke_token

__all__ = [
    "AlreadyMember",
    "GrantPeriodWrong",
    "InvitationClosed",
    "LastAdmin",
    "LoginTaken",
    "NotYourself",
    "ReadOnlyUnderGrant",
    "RoleUnknown",
    "ScopeUnknown",
    "TicketRefused",
    "TokenRefused",
    "accept_as_new",
    "accept_with_account",
    "change_role",
    "close_staff_access",
    "create_token",
    "deactivate_member",
    "end_sessions",
    "forget_staff_account",
    "grant_access",
    "invite",
    "issue_ticket",
    "mark_used",
    "open_accounts",
    "password_changed",
    "reactivate_member",
    "redeem_ticket",
    "reopen_staff_access",
    "resend_invitation",
    "reset_password",
    "revoke_grant",
    "revoke_invitation",
    "revoke_token",
    "share_account",
    "sweep_tickets",
]
