"""What other features are handed instead of identity's rows."""

from dataclasses import dataclass, field, replace
from typing import Self
from uuid import UUID

from identity.choices import INSTITUTE_ROLES, GrantScope, Role, Via


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, here and now: one account, in one space (a school, or the institute when `school_id` is None).

    `provider_ids` limit a property company's person to the contracts of their companies (one may work
    for several in the same school); `staff_id` ties a frontline worker to their staff row in the school. Who works for
    several parties of one school has a row at each: `staff_id` is the one they act as (the oldest membership's unless
    they say otherwise: `as_staff`), `other_staff_ids` the rest; whatever asks "is it their own?" asks `is_own`.
    `scopes` is None for a session (all that the roles allow) and the token's list otherwise. `grant_id` is set while institute staff read a
    school under a grant: `roles` are then their institute roles (no school policy knows those),
    `grant_scopes` say what they may read (identity.policies.can_read), `grant_reads` collects what
    this request did read, for the school's timeline.
    """

    account_id: UUID | None
    name: str
    roles: frozenset[Role] = frozenset()
    school_id: UUID | None = None
    provider_ids: frozenset[UUID] = frozenset()
    staff_id: UUID | None = None
    other_staff_ids: frozenset[UUID] = frozenset()
    via: Via = Via.SESSION
    scopes: frozenset[str] | None = None
    grant_id: UUID | None = None
    grant_scopes: frozenset[GrantScope] = frozenset()
    grant_reads: set[GrantScope] = field(default_factory=set, compare=False, repr=False)
    grant_missed: set[GrantScope] = field(default_factory=set, compare=False, repr=False)

    def has(self, *roles: Role) -> bool:
        """Whether the actor holds any of `roles`."""
        return not self.roles.isdisjoint(roles)

    def may(self, scope: str) -> bool:
        """Whether a token's scopes cover `scope` ("findings:read"); a session always may."""
        return self.scopes is None or scope in self.scopes

    @property
    def staff_ids(self) -> frozenset[UUID]:
        """All staff rows of this person in the school."""
        return self.other_staff_ids if self.staff_id is None else self.other_staff_ids | {self.staff_id}

    def is_own(self, staff_id: UUID | None) -> bool:
        """Whether this staff row is the actor's own, whichever they act as."""
        return staff_id is not None and staff_id in self.staff_ids

    def as_staff(self, staff_id: UUID) -> Self:
        """The same person as another of their own staff rows; unchanged where the row is not theirs."""
        if not self.is_own(staff_id) or staff_id == self.staff_id:
            return self
        return replace(self, staff_id=staff_id, other_staff_ids=self.staff_ids - {staff_id})

    @property
    def signed_in(self) -> bool:
        return self.account_id is not None

    @property
    def of_institute(self) -> bool:
        return not self.roles.isdisjoint(INSTITUTE_ROLES)

    @classmethod
    def anonymous(cls) -> Self:
        return cls(account_id=None, name="访客")

    @classmethod
    def system(cls, school_id: UUID | None = None) -> Self:
        """The platform itself: background jobs, escalation, import of the library."""
        return cls(account_id=None, name="系统", school_id=school_id, via=Via.SYSTEM)

    @property
    def is_system(self) -> bool:
        return self.via == Via.SYSTEM


@dataclass(frozen=True, slots=True)
class StaffLogin:
    """For whom a frontline account is to be opened: the staff row, their name and number in the school."""

    staff_id: UUID
    name: str
    number: str


@dataclass(frozen=True, slots=True)
class Credential:
    """A fresh login, told once: the password is stored as a hash only and must be changed at first sign-in."""

    staff_id: UUID
    account_id: UUID
    name: str
    username: str
    password: str


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation and its one-time address, told once: only the hash of the token is kept."""

    invitation_id: UUID
    url: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a redeemed hand-over ticket says: who arrives, where to, and how they had proved themselves."""

    account_id: UUID
    next_path: str
    methods: tuple[dict[str, object], ...]
