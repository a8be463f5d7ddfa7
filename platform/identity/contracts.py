"""What other features are handed instead of identity's rows."""

from dataclasses import dataclass
from typing import Self
from uuid import UUID

from identity.choices import INSTITUTE_ROLES, Role, Via


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, here and now: one account, in one space (a school, or the institute when `school_id` is None).

    `provider_id` limits a property company's person to their company's contracts; `staff_id` ties a
    frontline worker to their staff row in the school. `scopes` is None for a session (all that the
    roles allow) and the token's list otherwise. `grant_id` is set while institute staff read a
    school under a grant.
    """

    account_id: UUID | None
    name: str
    roles: frozenset[Role] = frozenset()
    school_id: UUID | None = None
    provider_id: UUID | None = None
    staff_id: UUID | None = None
    via: Via = Via.SESSION
    scopes: frozenset[str] | None = None
    grant_id: UUID | None = None

    def has(self, *roles: Role) -> bool:
        """Whether the actor holds any of `roles`."""
        return not self.roles.isdisjoint(roles)

    def may(self, scope: str) -> bool:
        """Whether a token's scopes cover `scope` ("findings:read"); a session always may."""
        return self.scopes is None or scope in self.scopes

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
