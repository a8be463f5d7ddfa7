"""Reads of identity."""

from collections.abc import Collection
from datetime import date, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.apps import apps
from django.db.models import Case, Count, Exists, OuterRef, Q, QuerySet, When

from identity import policies, secrets
from identity.choices import GRANT_READERS, INSTITUTE_ROLES, GrantScope, Role, Via
from identity.contracts import Actor
from identity.models import AccessGrant, Account, ApiToken, Invitation, Membership
from kernel.clock import SHANGHAI
from kernel.errors import NotAllowed

if TYPE_CHECKING:
    from collections.abc import Iterable


def live_memberships(account_id: UUID, *, today: date) -> "QuerySet[Membership]":
    """What the account may act as today, everywhere."""
    return Membership.objects.filter(
        Q(ends_on__isnull=True) | Q(ends_on__gte=today), account_id=account_id, active=True
    )


def _actor(account: Account, rows: "Iterable[Membership]", *, school_id: UUID | None, via: Via = Via.SESSION) -> Actor:
    roles: set[Role] = set()
    provider_ids: set[UUID] = set()
    staff: list[UUID] = []
    for row in sorted(rows, key=lambda row: (row.created_at, row.pk)):
        roles.add(Role(row.role))
        if row.provider_id:
            provider_ids.add(row.provider_id)
        if row.staff_id:
            staff.append(row.staff_id)
    return Actor(
        account_id=account.pk,
        name=account.name or account.username,
        roles=frozenset(roles),
        school_id=school_id,
        provider_ids=frozenset(provider_ids),
        staff_id=staff[0] if staff else None,
        other_staff_ids=frozenset(staff[1:]) - frozenset(staff[:1]),
        via=via,
    )


def actor_for(account: Account, *, school_id: UUID | None, today: date) -> Actor:
    """The Actor of a signed-in account in one space; without membership there, an actor with no role.

    Institute staff in a school that has granted them access get their institute roles and the grant's
    scopes (see identity.policies.can_read); the newest grants add up, the first is named.
    """
    rows = list(live_memberships(account.pk, today=today).filter(Q(school_id=school_id) | Q(school_id__isnull=True)))
    here = [row for row in rows if row.school_id == school_id]
    if here or school_id is None:
        return _actor(account, here, school_id=school_id)
    readers = frozenset(Role(row.role) for row in rows) & GRANT_READERS
    grants = list(live_grants(school_id, today=today)) if readers else []
    if not grants:
        return _actor(account, [], school_id=school_id)
    return Actor(
        account_id=account.pk,
        name=account.name or account.username,
        roles=readers,
        school_id=school_id,
        grant_id=grants[0].pk,
        grant_scopes=frozenset(GrantScope(scope) for grant in grants for scope in grant.scopes),
    )


def actor_of_token(secret: str, *, school_id: UUID | None, now: datetime) -> tuple[Account, ApiToken, Actor] | None:
    """Whoever holds this key in this space, or None: unknown, expired, revoked, of another space, account off.

    A key outlives nothing: with the last membership of its account here it opens nothing.
    """
    token = (
        ApiToken.objects.select_related("account")
        .filter(
            token_hash=secrets.digest(secret),
            school_id=school_id,
            revoked_at__isnull=True,
            expires_at__gt=now,
            account__is_active=True,
        )
        .first()
    )
    if token is None:
        return None
    today = now.astimezone(SHANGHAI).date()
    rows = list(live_memberships(token.account_id, today=today).filter(school_id=school_id))
    if not rows:
        return None
    plain = _actor(token.account, rows, school_id=school_id, via=Via.TOKEN)
    return (
        token.account,
        token,
        Actor(
            account_id=plain.account_id,
            name=plain.name,
            roles=plain.roles,
            school_id=school_id,
            provider_ids=plain.provider_ids,
            staff_id=plain.staff_id,
            other_staff_ids=plain.other_staff_ids,
            via=Via.TOKEN,
            scopes=frozenset(token.scopes),
        ),
    )


def live_grants(school_id: UUID, *, today: date) -> "QuerySet[AccessGrant]":
    """Grants of a school that hold today, newest first."""
    return AccessGrant.objects.filter(
        school_id=school_id, revoked_at__isnull=True, starts_on__lte=today, ends_on__gte=today
    ).order_by("-created_at")


def schools_granting(*, actor: Actor, today: date) -> "QuerySet[AccessGrant]":
    """Grants of all schools that hold today, for institute staff who may read under them; else none."""
    if actor.roles.isdisjoint(GRANT_READERS) or actor.school_id is not None:
        return AccessGrant.objects.none()
    return AccessGrant.objects.filter(revoked_at__isnull=True, starts_on__lte=today, ends_on__gte=today)


def grants_of(*, actor: Actor, school_id: UUID) -> "QuerySet[AccessGrant]":
    """All grants a school gave, newest first. Raises NotAllowed."""
    if not policies.can_see_grants(actor, school_id):
        raise NotAllowed
    return AccessGrant.objects.filter(school_id=school_id)


def members_of(
    *,
    actor: Actor,
    school_id: UUID | None,
    search: str = "",
    role: str = "",
    active: bool | None = None,
) -> "QuerySet[Membership]":
    """Memberships of a space with their accounts: active first, then by name. `second_factor` says who uses one. Raises NotAllowed."""
    if not policies.can_manage_members(actor, school_id):
        raise NotAllowed
    authenticators = apps.get_model("mfa", "Authenticator").objects.filter(user_id=OuterRef("account_id"), type="totp")
    rows = (
        Membership.objects.filter(school_id=school_id)
        .select_related("account")
        .annotate(second_factor=Exists(authenticators))
    )
    if search := search.strip():
        rows = rows.filter(
            Q(account__name__icontains=search)
            | Q(account__username__icontains=search)
            | Q(account__email__icontains=search)
        )
    if role:
        rows = rows.filter(role=role)
    if active is not None:
        rows = rows.filter(active=active)
    return rows.order_by("-active", "account__name", "pk")


def invitations_of(*, actor: Actor, school_id: UUID | None, search: str = "") -> "QuerySet[Invitation]":
    """Invitations nobody has used or revoked, expired ones included, newest first. Raises NotAllowed."""
    if not policies.can_manage_members(actor, school_id):
        raise NotAllowed
    rows = Invitation.objects.filter(school_id=school_id, accepted_at__isnull=True, revoked_at__isnull=True)
    if search := search.strip():
        rows = rows.filter(Q(name__icontains=search) | Q(email__icontains=search))
    return rows.order_by("-sent_at", "pk")


def open_invitation(token: str, *, school_id: UUID | None, now: datetime) -> Invitation | None:
    """The invitation behind a link of this space, while it can still be accepted."""
    return Invitation.objects.filter(
        token_hash=secrets.digest(token),
        school_id=school_id,
        accepted_at__isnull=True,
        revoked_at__isnull=True,
        expires_at__gt=now,
    ).first()


def has_account(email: str) -> bool:
    """Whether somebody signs in with this mail address. For the page of an invitation sent to it."""
    return Account.objects.filter(email__iexact=email).exists()


def tokens_of(*, actor: Actor, everybody: bool = False) -> "QuerySet[ApiToken]":
    """Tokens in the actor's space: one's own, or (for its admin) everybody's. Newest first. Raises NotAllowed."""
    rows = ApiToken.objects.filter(school_id=actor.school_id).select_related("account")
    if everybody:
        if not policies.can_manage_members(actor, actor.school_id):
            raise NotAllowed
        return rows
    if actor.account_id is None or not actor.roles:
        raise NotAllowed
    return rows.filter(account_id=actor.account_id)


def names_of(account_ids: Collection[UUID]) -> dict[UUID, str]:
    """Names by account id, for lists that keep only the id; unknown ids are left out."""
    return dict(Account.objects.filter(pk__in=account_ids).values_list("pk", "name"))


def accounts_of(account_ids: Collection[UUID]) -> dict[UUID, Account]:
    """Accounts by id, in one query (GraphQL loaders)."""
    return {row.pk: row for row in Account.objects.filter(pk__in=account_ids)}


def members_with_role(school_id: UUID | None, *roles: Role, today: date) -> "QuerySet[Membership]":
    """Live memberships of a space with any of `roles`, accounts joined: whom to notify, whom to assign."""
    return (
        Membership.objects.filter(Q(ends_on__isnull=True) | Q(ends_on__gte=today))
        .filter(school_id=school_id, role__in=roles, active=True, account__is_active=True)
        .select_related("account")
        .order_by("account__name", "pk")
    )


def counts_by_role(*, actor: Actor, school_id: UUID | None) -> dict[str, int]:
    """How many active members hold each role. Raises NotAllowed."""
    if not policies.can_manage_members(actor, school_id):
        raise NotAllowed
    rows = Membership.objects.filter(school_id=school_id, active=True).values("role").annotate(n=Count("pk"))
    return {row["role"]: row["n"] for row in rows}


def account_by_login(login: str, *, slug: str | None = None) -> Account | None:
    """The account behind what a person types: login name, mail address or, on a school's host, staff number."""
    login = login.strip()
    if not login:
        return None
    names = Q(username__iexact=login) | (Q(email__iexact=login) if "@" in login else Q())
    if slug:
        names |= Q(username__iexact=f"{slug}.{login}")
    # The school's own staff number wins: nobody takes it away by choosing a number as a login name elsewhere.
    own_first = Case(When(username__iexact=f"{slug}.{login}", then=0), default=1)
    return Account.objects.filter(names).order_by(own_first, "pk").first()


def is_institute(roles: Collection[Role]) -> bool:
    return not INSTITUTE_ROLES.isdisjoint(roles)
