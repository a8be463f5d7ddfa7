"""What they look like."""

from __future__ import annotations

from typing import Any

import graphene
from graphene_django import DjangoObjectType

from graphql_api.loaders import at_hand, load_many, load_one
from institute.providers import queries as provider_queries
from kernel import clock
from tenants.organisation import certificates, queries
from tenants.organisation.models import Certificate, LineSetting, Party, Place, Post, Staff


class PlaceType(DjangoObjectType):
    """A campus, building, floor, area or point. `code` is what the QR label carries."""

    id = graphene.NonNull(graphene.UUID)
    parent_id = graphene.UUID()
    parent = graphene.Field(lambda: PlaceType)
    children = graphene.NonNull(graphene.List(graphene.NonNull(lambda: PlaceType)), description="Active ones")

    class Meta:
        model = Place
        fields = ("id", "kind", "name", "code", "full_name", "active", "created_at")
        convert_choices_to_enum = False

    @staticmethod
    def resolve_parent(row: Place, info: graphene.ResolveInfo) -> Any:
        return load_one(info.context, "organisation.places", queries.places_by_id, row.parent_id)

    @staticmethod
    def resolve_children(row: Place, info: graphene.ResolveInfo) -> Any:
        return load_many(info.context, "organisation.children", queries.children_of, row.pk)


class PlaceLabelsType(graphene.ObjectType):
    """QR labels of places as one A4 PDF to cut."""

    class Meta:
        name = "PlaceLabels"

    count = graphene.NonNull(graphene.Int, description="One label per open place")
    url = graphene.NonNull(graphene.String, description="The PDF on this host, with the reader's own rights")


class PostType(DjangoObjectType):
    """A post with its contracted headcount and the certificates it requires."""

    id = graphene.NonNull(graphene.UUID)
    party = graphene.Field(lambda: PartyType)
    place = graphene.Field(PlaceType)
    certificates = graphene.NonNull(graphene.List(graphene.NonNull(graphene.String)))

    class Meta:
        model = Post
        fields = ("id", "name", "line", "headcount", "active")
        convert_choices_to_enum = False

    @staticmethod
    def resolve_party(row: Post, info: graphene.ResolveInfo) -> Any:
        return at_hand(row, "party", info) or load_one(
            info.context, "organisation.parties", queries.parties_by_id, row.party_id
        )

    @staticmethod
    def resolve_place(row: Post, info: graphene.ResolveInfo) -> Any:
        return at_hand(row, "place", info) or load_one(
            info.context, "organisation.places", queries.places_by_id, row.place_id
        )


class ProviderRefType(graphene.ObjectType):
    """The property company behind a contract."""

    id = graphene.NonNull(graphene.UUID)
    name = graphene.NonNull(graphene.String)
    credit_code = graphene.NonNull(graphene.String)


class ContractType(graphene.ObjectType):
    """What stands in the contract; `monthlyFee` in yuan."""

    number = graphene.NonNull(graphene.String)
    lines = graphene.NonNull(graphene.List(graphene.NonNull(graphene.String)))
    starts_on = graphene.NonNull(graphene.Date)
    ends_on = graphene.NonNull(graphene.Date)
    monthly_fee = graphene.Decimal()
    manager = graphene.NonNull(graphene.String)


class PartyType(DjangoObjectType):
    """Who answers for a service: a contract with a property company, or a department."""

    id = graphene.NonNull(graphene.UUID)
    provider = graphene.Field(ProviderRefType)
    contract = graphene.Field(ContractType)
    head = graphene.String(description="Of a department")
    phone = graphene.String(description="Office phone of a department")
    posts = graphene.NonNull(graphene.List(graphene.NonNull(PostType)), description="Active ones")

    class Meta:
        model = Party
        fields = ("id", "kind", "name", "active")
        convert_choices_to_enum = False

    @staticmethod
    def resolve_provider(row: Party, info: graphene.ResolveInfo) -> Any:
        return load_one(info.context, "providers.refs", provider_queries.providers_by_id, row.provider_id)

    @staticmethod
    def resolve_contract(row: Party, info: graphene.ResolveInfo) -> Any:
        return getattr(row, "contract", None)

    @staticmethod
    def resolve_head(row: Party, info: graphene.ResolveInfo) -> str | None:
        department = getattr(row, "department", None)
        return department.head if department else None

    @staticmethod
    def resolve_phone(row: Party, info: graphene.ResolveInfo) -> str | None:
        department = getattr(row, "department", None)
        return department.phone if department else None

    @staticmethod
    def resolve_posts(row: Party, info: graphene.ResolveInfo) -> Any:
        return load_many(info.context, "organisation.party_posts", queries.posts_of, row.pk)


class CertificateType(DjangoObjectType):
    """A certificate of a person."""

    id = graphene.NonNull(graphene.UUID)

    class Meta:
        model = Certificate
        fields = ("id", "kind", "number", "issued_on", "review_on", "expires_on", "scan_id")
        convert_choices_to_enum = False

    state = graphene.NonNull(graphene.String, description="valid, soon, review, review_late, expired (today)")
    scan_id = graphene.UUID(description="Evidence: /files/<id>/")

    @staticmethod
    def resolve_state(row: Certificate, info: graphene.ResolveInfo) -> str:
        return str(certificates.state_on(row, clock.now().astimezone(info.context.tenant.tz).date()).value)


class StaffType(DjangoObjectType):
    """A person who works here; numbers are masked. In clear only by the `revealStaffNumber` mutation, which is logged."""

    id = graphene.NonNull(graphene.UUID)
    party = graphene.NonNull(PartyType)
    post = graphene.Field(PostType)
    certificates = graphene.NonNull(graphene.List(graphene.NonNull(CertificateType)))
    has_login = graphene.NonNull(graphene.Boolean)

    class Meta:
        model = Staff
        fields = (
            "id", "number", "name", "status", "hired_on", "left_on", "forget_on", "phone_masked", "id_card_masked",
        )  # fmt: skip
        convert_choices_to_enum = False

    @staticmethod
    def resolve_party(row: Staff, info: graphene.ResolveInfo) -> Any:
        return at_hand(row, "party", info) or load_one(
            info.context, "organisation.parties", queries.parties_by_id, row.party_id
        )

    @staticmethod
    def resolve_post(row: Staff, info: graphene.ResolveInfo) -> Any:
        return at_hand(row, "post", info) or load_one(
            info.context, "organisation.posts", queries.posts_by_id, row.post_id
        )

    @staticmethod
    def resolve_certificates(row: Staff, info: graphene.ResolveInfo) -> Any:
        return load_many(info.context, "organisation.certificates", queries.certificates_of, row.pk)

    @staticmethod
    def resolve_has_login(row: Staff, info: graphene.ResolveInfo) -> bool:
        return row.account_id is not None


class LineSettingType(DjangoObjectType):
    """How the school runs one service line."""

    party = graphene.Field(PartyType)

    class Meta:
        model = LineSetting
        fields = ("line", "mode")
        convert_choices_to_enum = False

    @staticmethod
    def resolve_party(row: LineSetting, info: graphene.ResolveInfo) -> Any:
        return at_hand(row, "party", info) or load_one(
            info.context, "organisation.parties", queries.parties_by_id, row.party_id
        )


ID = {"id": graphene.Argument(graphene.UUID, required=True)}
