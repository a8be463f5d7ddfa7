"""Members, invitations, grants and tokens: one shape on both hosts; the space is the host's."""

from typing import Any
from uuid import UUID

import graphene
from graphene_django import DjangoObjectType

from graphql_api.connections import Listing, connection_of
from graphql_api.context import Context
from graphql_api.loaders import load_one
from graphql_api.mutations import DomainMutation
from identity import operations, queries
from identity.choices import Role
from identity.contracts import Actor
from identity.models import AccessGrant, Account, ApiToken, Invitation, Membership
from kernel import clock
from kernel.errors import NotAllowed

READ, WRITE = "identity:read", "identity:write"


def reader(info: graphene.ResolveInfo) -> Actor:
    """The actor, if a token's scopes let it read. Raises NotAllowed."""
    actor: Actor = info.context.actor
    if not actor.may(READ):
        raise NotAllowed
    return actor


def space(context: Context) -> UUID | None:
    """The space of this host."""
    return context.school.school_id if context.school else None


class AccountType(DjangoObjectType):
    """One person's login."""

    id = graphene.NonNull(graphene.UUID)

    class Meta:
        model = Account
        fields = ("id", "username", "name", "email", "is_active")


class MemberType(DjangoObjectType):
    """A person's role in this space."""

    id = graphene.NonNull(graphene.UUID)
    account = graphene.Field(graphene.NonNull(AccountType))

    class Meta:
        model = Membership
        fields = ("id", "role", "provider_id", "staff_id", "active", "created_at", "ends_on")
        convert_choices_to_enum = False

    @staticmethod
    def resolve_account(row: Membership, info: graphene.ResolveInfo) -> Any:
        return load_one(info.context, "identity.account", queries.accounts_of, row.account_id)


class InvitationType(DjangoObjectType):
    """An invitation nobody has accepted yet."""

    id = graphene.NonNull(graphene.UUID)

    class Meta:
        model = Invitation
        fields = (
            "id", "email", "name", "role", "provider_id", "invited_by_name", "created_at", "sent_at", "times_sent",
            "expires_at",
        )  # fmt: skip
        convert_choices_to_enum = False


class TokenType(DjangoObjectType):
    """A key of one's own; the key itself is told once, by `createToken`."""

    id = graphene.NonNull(graphene.UUID)
    scopes = graphene.NonNull(graphene.List(graphene.NonNull(graphene.String)))

    class Meta:
        model = ApiToken
        fields = ("id", "name", "prefix", "created_at", "expires_at", "last_used_at", "revoked_at")


class GrantType(DjangoObjectType):
    """What the school lets the institute read, from `startsOn` to `endsOn`, both included."""

    id = graphene.NonNull(graphene.UUID)
    scopes = graphene.NonNull(graphene.List(graphene.NonNull(graphene.String)))

    class Meta:
        model = AccessGrant
        fields = (
            "id", "starts_on", "ends_on", "reason", "granted_by_name", "created_at", "revoked_at", "revoked_by_name",
        )  # fmt: skip


class IdentityQuery(graphene.ObjectType):
    members = Listing(
        connection_of(MemberType),
        search=graphene.String(description="Name, login name or mail address"),
        role=graphene.String(),
        active=graphene.Boolean(),
        description="Members of this space; for its admin",
    )
    invitations = Listing(connection_of(InvitationType), search=graphene.String())
    tokens = Listing(connection_of(TokenType), description="One's own tokens in this space")

    @staticmethod
    def resolve_members(
        root: None,
        info: graphene.ResolveInfo,
        search: str = "",
        role: str = "",
        active: bool | None = None,
        **_page: Any,
    ) -> Any:
        return queries.members_of(
            actor=reader(info), school_id=space(info.context), search=search, role=role, active=active
        )

    @staticmethod
    def resolve_invitations(root: None, info: graphene.ResolveInfo, search: str = "", **_page: Any) -> Any:
        return queries.invitations_of(actor=reader(info), school_id=space(info.context), search=search)

    @staticmethod
    def resolve_tokens(root: None, info: graphene.ResolveInfo, **_page: Any) -> Any:
        return queries.tokens_of(actor=reader(info))


class InviteMember(DomainMutation):
    """Mail a one-time link; an open invitation of the same person to the same role is replaced."""

    scope = WRITE
    invitation_id = graphene.UUID()

    class Arguments:
        email = graphene.String(required=True)
        name = graphene.String(required=True)
        role = graphene.String(required=True, description="A role code, e.g. school_supervisor")
        provider_id = graphene.UUID(description="The company of a provider_manager")

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        invited = operations.invite(
            **{**arguments, "role": role_of(arguments["role"])},
            tenant=context.school,
            by=context.actor,
            now=clock.now(),
        )
        return {"invitation_id": invited.invitation_id}


class ResendInvitation(DomainMutation):
    """Send a fresh link; the old one stops working."""

    scope = WRITE

    class Arguments:
        id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        operations.resend_invitation(
            invitation_id=arguments["id"], tenant=context.school, by=context.actor, now=clock.now()
        )
        return {}


class RevokeInvitation(DomainMutation):
    """The link stops working."""

    scope = WRITE

    class Arguments:
        id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        operations.revoke_invitation(
            invitation_id=arguments["id"], tenant=context.school, by=context.actor, now=clock.now()
        )
        return {}


class ChangeMemberRole(DomainMutation):
    """Another role in the same space, at once."""

    scope = WRITE
    member = graphene.Field(MemberType)

    class Arguments:
        id = graphene.UUID(required=True)
        role = graphene.String(required=True)
        provider_id = graphene.UUID()

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        member = operations.change_role(
            membership_id=arguments["id"],
            role=role_of(arguments["role"]),
            provider_id=arguments.get("provider_id"),
            tenant=context.school,
            by=context.actor,
            now=clock.now(),
        )
        return {"member": member}


class DeactivateMember(DomainMutation):
    """End a membership at once; history stays."""

    scope = WRITE
    member = graphene.Field(MemberType)

    class Arguments:
        id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        member = operations.deactivate_member(
            membership_id=arguments["id"], tenant=context.school, by=context.actor, now=clock.now()
        )
        return {"member": member}


class ReactivateMember(DomainMutation):
    """Let a deactivated member in again."""

    scope = WRITE
    member = graphene.Field(MemberType)

    class Arguments:
        id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        member = operations.reactivate_member(
            membership_id=arguments["id"], tenant=context.school, by=context.actor, now=clock.now()
        )
        return {"member": member}


class ResetMemberPassword(DomainMutation):
    """A new first password for a frontline worker without a mail address; told this once. Ends their sessions."""

    scope = WRITE
    username = graphene.String()
    password = graphene.String(description="To be changed at the first sign-in")

    class Arguments:
        membership_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        if context.school is None:
            raise NotAllowed
        made = operations.reset_password(**arguments, tenant=context.school, by=context.actor, now=clock.now())
        return {"username": made.username, "password": made.password}


class CreateToken(DomainMutation):
    """A key for a program, in one's own name, in this space. Not with a token, and not under a grant."""

    scope = WRITE
    token = graphene.Field(TokenType)
    secret = graphene.String(description="The key, told this once")

    class Arguments:
        name = graphene.String(required=True)
        scopes = graphene.List(graphene.NonNull(graphene.String), required=True)
        days = graphene.Int(required=True, description="How long it lives, 1 to 366")

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        token, secret = operations.create_token(**arguments, by=context.actor, now=clock.now())
        return {"token": token, "secret": secret}


class RevokeToken(DomainMutation):
    """End a key at once: one's own, or anybody's for the admin of the space."""

    scope = WRITE
    token = graphene.Field(TokenType)

    class Arguments:
        id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        return {"token": operations.revoke_token(token_id=arguments["id"], by=context.actor, now=clock.now())}


def role_of(code: str) -> Role:
    """The role of a code. Raises RoleUnknown."""
    if code not in Role.values:
        raise operations.RoleUnknown(field="role")
    return Role(code)


class IdentityMutation(graphene.ObjectType):
    invite_member = InviteMember.Field()
    resend_invitation = ResendInvitation.Field()
    revoke_invitation = RevokeInvitation.Field()
    change_member_role = ChangeMemberRole.Field()
    deactivate_member = DeactivateMember.Field()
    reactivate_member = ReactivateMember.Field()
    reset_member_password = ResetMemberPassword.Field()
    create_token = CreateToken.Field()
    revoke_token = RevokeToken.Field()
