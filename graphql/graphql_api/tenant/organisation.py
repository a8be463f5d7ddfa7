"""Places, parties, posts, people and imports on a school's host."""

from __future__ import annotations

import base64
import binascii
from typing import Any
from uuid import UUID

import graphene
from graphene_django import DjangoObjectType

from graphql_api.connections import Listing, connection_of
from graphql_api.context import Context
from graphql_api.loaders import at_hand, load_many, load_one
from graphql_api.mutations import DomainMutation
from graphql_api.tenant.jobs import JobType
from institute.providers import operations as providers
from institute.providers import queries as provider_queries
from kernel import clock
from kernel.errors import Invalid
from tenants.organisation import certificates, operations, policies, queries
from tenants.organisation.imports import flow
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


# --- Writes ------------------------------------------------------------------------------------------


class _Write(DomainMutation):
    class Meta:
        abstract = True

    scope = policies.WRITE


def _by(context: Context) -> dict[str, Any]:
    return {"by": context.actor, "tenant": context.tenant}


class AddPlace(_Write):
    """Add a campus (no parent) or a place under another."""

    place = graphene.Field(PlaceType)

    class Arguments:
        parent_id = graphene.UUID()
        kind = graphene.String(required=True)
        name = graphene.String(required=True)
        code = graphene.String(default_value="")

    @classmethod
    def perform(cls, context: Context, parent_id: UUID | None = None, **given: Any) -> dict[str, Any]:
        return {"place": operations.add_place(parent_id=parent_id, **given, **_by(context))}


class AddFloors(_Write):
    """Add the floors first..last of a building; those there are kept."""

    places = graphene.List(graphene.NonNull(PlaceType))

    class Arguments:
        building_id = graphene.UUID(required=True)
        first = graphene.Int(required=True)
        last = graphene.Int(required=True)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"places": operations.add_floors(**given, **_by(context))}


class ChangePlace(_Write):
    """Rename a place and set its code."""

    place = graphene.Field(PlaceType)

    class Arguments:
        place_id = graphene.UUID(required=True)
        name = graphene.String(required=True)
        code = graphene.String(required=True)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"place": operations.change_place(**given, **_by(context))}


class MovePlace(_Write):
    """Hang a place with all below it under another parent; codes stay."""

    place = graphene.Field(PlaceType)

    class Arguments:
        place_id = graphene.UUID(required=True)
        parent_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"place": operations.move_place(**given, **_by(context))}


class SetPlaceActive(_Write):
    """Close a place with all below it, or open it again."""

    place = graphene.Field(PlaceType)

    class Arguments:
        place_id = graphene.UUID(required=True)
        active = graphene.Boolean(required=True)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"place": operations.set_place_active(**given, **_by(context))}


class AddDepartment(_Write):
    party = graphene.Field(PartyType)

    class Arguments:
        name = graphene.String(required=True)
        head = graphene.String(default_value="")
        phone = graphene.String(default_value="")

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"party": operations.add_department(**given, **_by(context))}


class ChangeDepartment(_Write):
    party = graphene.Field(PartyType)

    class Arguments:
        party_id = graphene.UUID(required=True)
        name = graphene.String(required=True)
        head = graphene.String(default_value="")
        phone = graphene.String(default_value="")

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"party": operations.change_department(**given, **_by(context))}


class ContractInput(graphene.InputObjectType):
    name = graphene.String(required=True, description="How the school calls this contract")
    number = graphene.String(required=True)
    lines = graphene.List(graphene.NonNull(graphene.String), required=True)
    starts_on = graphene.Date(required=True)
    ends_on = graphene.Date(required=True)
    monthly_fee = graphene.Decimal()
    manager = graphene.String(default_value="")


class AddContract(_Write):
    """Register a contract; the company is found by its credit code, or registered under the given name."""

    party = graphene.Field(PartyType)

    class Arguments:
        credit_code = graphene.String(required=True)
        provider_name = graphene.String(required=True)
        input = ContractInput(required=True)

    @classmethod
    def perform(cls, context: Context, credit_code: str, provider_name: str, input: dict[str, Any]) -> dict[str, Any]:
        company = providers.ensure_provider(credit_code=credit_code, name=provider_name, by=context.actor)
        return {"party": operations.add_contract(provider_id=company.id, **input, **_by(context))}


class ChangeContract(_Write):
    party = graphene.Field(PartyType)

    class Arguments:
        party_id = graphene.UUID(required=True)
        input = ContractInput(required=True)

    @classmethod
    def perform(cls, context: Context, party_id: UUID, input: dict[str, Any]) -> dict[str, Any]:
        return {"party": operations.change_contract(party_id=party_id, **input, **_by(context))}


class SetPartyActive(_Write):
    party = graphene.Field(PartyType)

    class Arguments:
        party_id = graphene.UUID(required=True)
        active = graphene.Boolean(required=True)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"party": operations.set_party_active(**given, **_by(context))}


class SetLine(_Write):
    """Say how a service line is run and who answers for it."""

    line_setting = graphene.Field(LineSettingType)

    class Arguments:
        line = graphene.String(required=True)
        mode = graphene.String(required=True, description="outsourced, self_run, mixed")
        party_id = graphene.UUID()

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"line_setting": operations.set_line(**given, **_by(context))}


class PostInput(graphene.InputObjectType):
    name = graphene.String(required=True)
    line = graphene.String(required=True)
    headcount = graphene.Int(required=True)
    certificates = graphene.List(graphene.NonNull(graphene.String), default_value=[])
    place_id = graphene.UUID()


class AddPost(_Write):
    post = graphene.Field(PostType)

    class Arguments:
        party_id = graphene.UUID(required=True)
        input = PostInput(required=True)

    @classmethod
    def perform(cls, context: Context, party_id: UUID, input: dict[str, Any]) -> dict[str, Any]:
        return {"post": operations.add_post(party_id=party_id, **input, **_by(context))}


class ChangePost(_Write):
    post = graphene.Field(PostType)

    class Arguments:
        post_id = graphene.UUID(required=True)
        input = PostInput(required=True)

    @classmethod
    def perform(cls, context: Context, post_id: UUID, input: dict[str, Any]) -> dict[str, Any]:
        return {"post": operations.change_post(post_id=post_id, **input, **_by(context))}


class ClosePost(_Write):
    post = graphene.Field(PostType)

    class Arguments:
        post_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"post": operations.close_post(**given, **_by(context))}


class StaffInput(graphene.InputObjectType):
    number = graphene.String(required=True)
    name = graphene.String(required=True)
    party_id = graphene.UUID(required=True)
    post_id = graphene.UUID()
    phone = graphene.String(description="When changing: absent keeps it, empty removes it")
    id_card = graphene.String(description="When changing: absent keeps it, empty removes it")
    hired_on = graphene.Date()


class AddStaff(_Write):
    staff = graphene.Field(StaffType)

    class Arguments:
        input = StaffInput(required=True)

    @classmethod
    def perform(cls, context: Context, input: dict[str, Any]) -> dict[str, Any]:
        given = {**input, "phone": input.get("phone") or "", "id_card": input.get("id_card") or ""}
        return {"staff": operations.add_staff(**given, **_by(context))}


class ChangeStaff(_Write):
    staff = graphene.Field(StaffType)

    class Arguments:
        staff_id = graphene.UUID(required=True)
        input = StaffInput(required=True)

    @classmethod
    def perform(cls, context: Context, staff_id: UUID, input: dict[str, Any]) -> dict[str, Any]:
        return {"staff": operations.change_staff(staff_id=staff_id, **input, now=clock.now(), **_by(context))}


class StaffLeft(_Write):
    """A person leaves; personal data are deleted after 180 days."""

    staff = graphene.Field(StaffType)

    class Arguments:
        staff_id = graphene.UUID(required=True)
        left_on = graphene.Date(required=True)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"staff": operations.leave(**given, now=clock.now(), **_by(context))}


class StaffReturned(_Write):
    staff = graphene.Field(StaffType)

    class Arguments:
        staff_id = graphene.UUID(required=True)
        party_id = graphene.UUID(required=True)
        post_id = graphene.UUID()

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"staff": operations.bring_back(**given, now=clock.now(), **_by(context))}


class ForgetStaff(_Write):
    """Delete the personal data of a person who left, now."""

    staff = graphene.Field(StaffType)

    class Arguments:
        staff_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"staff": operations.forget(**given, now=clock.now(), **_by(context))}


class RevealStaffNumber(DomainMutation):
    """A phone or ID-card number in clear; who looked stands on the timeline."""

    number = graphene.String()
    scope = policies.READ

    class Arguments:
        staff_id = graphene.UUID(required=True)
        what = graphene.String(required=True, description="phone, id_card")

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"number": operations.reveal(**given, **_by(context))}


class CertificateInput(graphene.InputObjectType):
    kind = graphene.String(required=True)
    number = graphene.String(required=True)
    issued_on = graphene.Date(required=True)
    review_on = graphene.Date()
    expires_on = graphene.Date()
    scan_id = graphene.UUID(description="Evidence uploaded to /files/ before; on a change, left out keeps the scan")


class AddCertificate(_Write):
    certificate = graphene.Field(CertificateType)

    class Arguments:
        staff_id = graphene.UUID(required=True)
        input = CertificateInput(required=True)

    @classmethod
    def perform(cls, context: Context, staff_id: UUID, input: dict[str, Any]) -> dict[str, Any]:
        return {"certificate": operations.add_certificate(staff_id=staff_id, **input, **_by(context))}


class ChangeCertificate(_Write):
    certificate = graphene.Field(CertificateType)

    class Arguments:
        certificate_id = graphene.UUID(required=True)
        input = CertificateInput(required=True)

    @classmethod
    def perform(cls, context: Context, certificate_id: UUID, input: dict[str, Any]) -> dict[str, Any]:
        row = operations.change_certificate(certificate_id=certificate_id, **input, now=clock.now(), **_by(context))
        return {"certificate": row}


class RemoveCertificate(_Write):
    removed_id = graphene.UUID()

    class Arguments:
        certificate_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, certificate_id: UUID) -> dict[str, Any]:
        operations.remove_certificate(certificate_id=certificate_id, **_by(context))
        return {"removed_id": certificate_id}


class Login(graphene.ObjectType):
    """A login just opened; the password is told this once."""

    staff_id = graphene.NonNull(graphene.UUID)
    username = graphene.NonNull(graphene.String)
    password = graphene.NonNull(graphene.String)


class OpenStaffLogins(_Write):
    """Open frontline logins for people without one (at most 500 at a time)."""

    logins = graphene.List(graphene.NonNull(Login))

    class Arguments:
        staff_ids = graphene.List(graphene.NonNull(graphene.UUID), required=True)

    @classmethod
    def perform(cls, context: Context, staff_ids: list[UUID]) -> dict[str, Any]:
        if len(staff_ids) > 500:
            raise Invalid("一次最多开通 500 人，请分批进行。", field="staffIds")
        told = operations.open_logins(staff_ids=staff_ids, now=clock.now(), **_by(context))
        return {"logins": [Login(staff_id=c.staff_id, username=c.username, password=c.password) for c in told]}


class StartImport(_Write):
    """Check a spreadsheet in the background. Poll `job`, then `confirmImport`; nothing is written before."""

    job = graphene.Field(JobType)

    class Arguments:
        what = graphene.String(required=True, description="staff, places, certificates")
        file_name = graphene.String(required=True)
        content = graphene.String(required=True, description="The file in base64, 10 MB at most")

    @classmethod
    def perform(cls, context: Context, what: str, file_name: str, content: str) -> dict[str, Any]:
        try:
            data = base64.b64decode(content, validate=True)
        except (binascii.Error, ValueError) as wrong:
            raise Invalid("文件内容不是 base64 编码。", field="content") from wrong
        return {
            "job": flow.start_import(
                what=what, file_name=file_name, content=data, now=clock.now(), **_by(context)
            )
        }  # fmt: skip


class ConfirmImport(_Write):
    """Write what a finished check found; wrong rows are left out. Twice is once."""

    job = graphene.Field(JobType)

    class Arguments:
        job_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, job_id: UUID) -> dict[str, Any]:
        return {"job": flow.confirm_import(job_id=job_id, now=clock.now(), **_by(context))}


class OrganisationMutation(graphene.ObjectType):
    add_place = AddPlace.Field()
    add_floors = AddFloors.Field()
    change_place = ChangePlace.Field()
    move_place = MovePlace.Field()
    set_place_active = SetPlaceActive.Field()
    add_department = AddDepartment.Field()
    change_department = ChangeDepartment.Field()
    add_contract = AddContract.Field()
    change_contract = ChangeContract.Field()
    set_party_active = SetPartyActive.Field()
    set_line = SetLine.Field()
    add_post = AddPost.Field()
    change_post = ChangePost.Field()
    close_post = ClosePost.Field()
    add_staff = AddStaff.Field()
    change_staff = ChangeStaff.Field()
    staff_left = StaffLeft.Field()
    staff_returned = StaffReturned.Field()
    forget_staff = ForgetStaff.Field()
    reveal_staff_number = RevealStaffNumber.Field()
    add_certificate = AddCertificate.Field()
    change_certificate = ChangeCertificate.Field()
    remove_certificate = RemoveCertificate.Field()
    open_staff_logins = OpenStaffLogins.Field()
    start_import = StartImport.Field()
    confirm_import = ConfirmImport.Field()
