"""What may be read."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import graphene

from graphql_api.connections import Listing, connection_of
from graphql_api.tenant.organisation.types import (
    ID,
    LineSettingType,
    PartyType,
    PlaceLabelsType,
    PlaceType,
    PostType,
    StaffType,
)
from kernel import clock
from tenants.organisation import labels, queries


class OrganisationQuery(graphene.ObjectType):
    places = Listing(
        connection_of(PlaceType),
        search=graphene.String(description="Name, pinyin or code"),
        kind=graphene.String(description="campus, building, floor, area, point"),
        within=graphene.UUID(description="Only this place and what is below it"),
        active=graphene.Boolean(default_value=True),
    )
    place = graphene.Field(PlaceType, **ID)
    place_of_code = graphene.Field(PlaceType, code=graphene.Argument(graphene.String, required=True))
    place_labels = graphene.Field(
        PlaceLabelsType,
        within=graphene.UUID(description="Only this place and what is below it"),
        kind=graphene.String(default_value="", description="campus, building, floor, area, point; empty for all"),
        size=graphene.String(default_value="medium", description="large (6 a page), medium (12), small (20)"),
    )
    parties = Listing(
        connection_of(PartyType),
        search=graphene.String(),
        kind=graphene.String(description="contract, department"),
        line=graphene.String(),
        active=graphene.Boolean(default_value=True),
    )
    party = graphene.Field(PartyType, **ID)
    posts = Listing(connection_of(PostType), search=graphene.String(), party_id=graphene.UUID(), line=graphene.String())
    staff = Listing(
        connection_of(StaffType),
        search=graphene.String(description="Name, pinyin or number"),
        party_id=graphene.UUID(),
        post_id=graphene.UUID(),
        status=graphene.String(default_value="active", description="active, left; empty for all"),
        certificate=graphene.String(description="expired, soon, missing"),
    )
    staff_member = graphene.Field(StaffType, **ID)
    line_settings = graphene.NonNull(graphene.List(graphene.NonNull(LineSettingType)))

    @staticmethod
    def resolve_places(
        root: None, info: graphene.ResolveInfo, search: str = "", kind: str | None = None, within: UUID | None = None,
        active: bool | None = True, **_page: Any,
    ) -> Any:  # fmt: skip
        return queries.places(by=info.context.actor, search=search, kind=kind, within=within, active=active)

    @staticmethod
    def resolve_place(root: None, info: graphene.ResolveInfo, id: UUID) -> Any:
        return queries.visible_place(id, by=info.context.actor)

    @staticmethod
    def resolve_place_of_code(root: None, info: graphene.ResolveInfo, code: str) -> Any:
        return queries.visible_place(queries.place_of_code(code).pk, by=info.context.actor)

    @staticmethod
    def resolve_place_labels(
        root: None, info: graphene.ResolveInfo, kind: str, size: str, within: UUID | None = None
    ) -> PlaceLabelsType:
        places = labels.chosen(by=info.context.actor, within=within, kind=kind, size=size)
        asked = {"within": within or "", "kind": kind, "size": size}
        query = urlencode({name: value for name, value in asked.items() if value})
        return PlaceLabelsType(count=len(places), url=f"/files/labels/?{query}")

    @staticmethod
    def resolve_parties(
        root: None, info: graphene.ResolveInfo, search: str = "", kind: str | None = None, line: str | None = None,
        active: bool | None = True, **_page: Any,
    ) -> Any:  # fmt: skip
        return queries.parties(by=info.context.actor, search=search, kind=kind, line=line, active=active)

    @staticmethod
    def resolve_party(root: None, info: graphene.ResolveInfo, id: UUID) -> Any:
        return queries.visible_party(id, by=info.context.actor)

    @staticmethod
    def resolve_posts(
        root: None, info: graphene.ResolveInfo, search: str = "", party_id: UUID | None = None, line: str | None = None,
        **_page: Any,
    ) -> Any:  # fmt: skip
        return queries.posts(by=info.context.actor, search=search, party_id=party_id, line=line)

    @staticmethod
    def resolve_staff(
        root: None, info: graphene.ResolveInfo, search: str = "", party_id: UUID | None = None,
        post_id: UUID | None = None, status: str | None = None, certificate: str = "", **_page: Any,
    ) -> Any:  # fmt: skip
        today = clock.now().astimezone(info.context.tenant.tz).date()
        return queries.staff(
            by=info.context.actor, search=search, party_id=party_id, post_id=post_id, status=status or None,
            certificate=certificate, today=today,
        )  # fmt: skip

    @staticmethod
    def resolve_staff_member(root: None, info: graphene.ResolveInfo, id: UUID) -> Any:
        return queries.staff_member(id, by=info.context.actor)

    @staticmethod
    def resolve_line_settings(root: None, info: graphene.ResolveInfo) -> Any:
        return list(queries.line_settings(by=info.context.actor).values())
