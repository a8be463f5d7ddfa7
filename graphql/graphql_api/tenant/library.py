"""The library on a school's host: the same reads, and what of it this school does not check."""

from __future__ import annotations

from typing import Any

import graphene

from graphql_api.connections import Listing
from graphql_api.public.library import LibraryQuery, RequirementConnection, listed
from tenants.organisation import queries as organisation
from tenants.rubrics import queries as rubrics

Text = graphene.NonNull(graphene.String)


class RequirementUse(graphene.ObjectType):
    """An item of this school's rubrics that checks a requirement."""

    rubric_id = graphene.NonNull(graphene.UUID)
    rubric_title = Text
    status = Text
    section_title = Text
    item_id = graphene.NonNull(graphene.UUID)
    item_text = Text
    points = graphene.NonNull(graphene.Decimal)
    veto = graphene.NonNull(graphene.Boolean)


class SchoolLibraryQuery(LibraryQuery):
    """Reads of the library and of its use here."""

    unchecked_requirements = Listing(
        RequirementConnection,
        lines=graphene.List(graphene.NonNull(graphene.String), description="Default: the school's own service lines"),
        tier=graphene.String(),
        kind=graphene.String(),
        search=graphene.String(),
        description="Requirements of these service lines that no rubric in force checks; veto requirements first",
    )
    requirement_uses = graphene.Field(listed(RequirementUse), key=graphene.String(required=True))

    @staticmethod
    def resolve_unchecked_requirements(
        root: None, info: graphene.ResolveInfo, lines: list[str] | None = None, **filters: Any
    ) -> Any:
        by = info.context.actor
        chosen = lines if lines is not None else list(organisation.line_settings(by=by))
        wanted = {k: v for k, v in filters.items() if k in {"tier", "kind", "search"} and v}
        return rubrics.gaps(lines=chosen, by=by, **wanted)

    @staticmethod
    def resolve_requirement_uses(root: None, info: graphene.ResolveInfo, key: str) -> Any:
        return rubrics.uses_of([key], by=info.context.actor)[key]
