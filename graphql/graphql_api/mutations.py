"""A mutation is one operation; a refusal comes back as data with a stable code, never as an exception text."""

from typing import Any, ClassVar

import graphene
from django.db import IntegrityError

from graphql_api.context import Context
from identity.operations import ReadOnlyUnderGrant
from kernel.errors import DomainError, NotAllowed, refusal_of


class UserError(graphene.ObjectType):
    """Why the domain said no."""

    field = graphene.String(description="The input at fault, where there is one")
    code = graphene.NonNull(graphene.String, description="Stable; documented in docs/graphql.md")
    message = graphene.NonNull(graphene.String, description="Chinese sentence with the next step")


def as_user_error(refused: DomainError) -> UserError:
    return UserError(field=refused.field, code=refused.code, message=refused.sentence)


class DomainMutation(graphene.Mutation):
    """Base of all mutations: `perform` makes one domain call; DomainError becomes `userErrors`.

    `scope` names what a token must be allowed ("findings:write").
    """

    class Meta:
        abstract = True

    user_errors = graphene.NonNull(graphene.List(graphene.NonNull(UserError)))
    scope: ClassVar[str] = ""

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
            return cls(**cls.perform(info.context, **arguments), user_errors=[])
        except (DomainError, IntegrityError) as accident:
            refused = refusal_of(accident)
            if refused is None:
                raise
            return cls(user_errors=[as_user_error(refused)])
