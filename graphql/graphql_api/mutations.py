"""A mutation is one operation; a refusal comes back as data with a stable code, never as an exception text."""

from datetime import datetime
from typing import Any, ClassVar

import graphene
from django.db import IntegrityError

from graphql_api.context import Context
from identity.operations import ReadOnlyUnderGrant
from kernel.clock import told
from kernel.errors import DomainError, Invalid, NotAllowed, refusal_of


class UserError(graphene.ObjectType):
    """Why the domain said no."""

    field = graphene.String(description="The input at fault, where there is one")
    code = graphene.NonNull(graphene.String, description="Stable; documented in docs/graphql.md")
    message = graphene.NonNull(graphene.String, description="Chinese sentence with the next step")


def as_user_error(refused: DomainError) -> UserError:
    return UserError(field=refused.field, code=refused.code, message=refused.sentence)


UNTELLABLE = "时间要带时区，并在 1900 到 2200 年之间，如 2026-03-02T08:00:00+08:00。"


def tellable(said: Any) -> bool:
    """Whether every moment in the arguments has a zone and can be stored and shown (kernel.clock.told)."""
    if isinstance(said, datetime):
        return told(said) is not None
    if isinstance(said, dict):
        return all(map(tellable, said.values()))
    return all(map(tellable, said)) if isinstance(said, list) else True


class DomainMutation(graphene.Mutation):
    """Base of all mutations: `perform` makes one domain call; DomainError becomes `userErrors`.

    `scope` names what a token must be allowed ("findings:write"). A moment without a zone, or of another age, is refused.
    """

    class Meta:
        abstract = True

    user_errors = graphene.NonNull(graphene.List(graphene.NonNull(UserError)))
    scope: ClassVar[str] = ""
    checks_moments: ClassVar[bool] = True  # False: perform judges each one itself

    @classmethod
    def perform(cls, context: Context, *_: Any, **arguments: Any) -> dict[str, Any]:
        raise NotImplementedError

    @classmethod
    def mutate(cls, root: Any, info: graphene.ResolveInfo, **arguments: Any) -> Any:
        try:
            if info.context.actor.grant_id is not None:
                raise ReadOnlyUnderGrant
            if not info.context.actor.may(cls.scope):
                raise NotAllowed
            if cls.checks_moments and not tellable(arguments):
                raise Invalid(UNTELLABLE)
            return cls(**cls.perform(info.context, **arguments), user_errors=[])
        except (DomainError, IntegrityError) as accident:
            refused = refusal_of(accident)
            if refused is None:
                raise
            return cls(user_errors=[as_user_error(refused)])
