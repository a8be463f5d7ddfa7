"""Writes of posts, staff, certificates and logins."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import graphene

from graphql_api.context import Context
from graphql_api.mutations import DomainMutation
from graphql_api.tenant.organisation.common import Write, by_and_tenant
from graphql_api.tenant.organisation.types import CertificateType, PostType, StaffType
from kernel import clock
from kernel.errors import Invalid
from tenants.organisation import operations, policies


class PostInput(graphene.InputObjectType):
    name = graphene.String(required=True)
    line = graphene.String(required=True)
    headcount = graphene.Int(required=True)
    certificates = graphene.List(graphene.NonNull(graphene.String), default_value=[])
    place_id = graphene.UUID()


class AddPost(Write):
    post = graphene.Field(PostType)

    class Arguments:
        party_id = graphene.UUID(required=True)
        input = PostInput(required=True)

    @classmethod
    def perform(cls, context: Context, party_id: UUID, input: dict[str, Any]) -> dict[str, Any]:
        return {"post": operations.add_post(party_id=party_id, **input, **by_and_tenant(context))}


class ChangePost(Write):
    post = graphene.Field(PostType)

    class Arguments:
        post_id = graphene.UUID(required=True)
        input = PostInput(required=True)

    @classmethod
    def perform(cls, context: Context, post_id: UUID, input: dict[str, Any]) -> dict[str, Any]:
        return {"post": operations.change_post(post_id=post_id, **input, **by_and_tenant(context))}


class ClosePost(Write):
    post = graphene.Field(PostType)

    class Arguments:
        post_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"post": operations.close_post(**given, **by_and_tenant(context), now=clock.now())}


class StaffInput(graphene.InputObjectType):
    number = graphene.String(required=True)
    name = graphene.String(required=True)
    party_id = graphene.UUID(required=True)
    post_id = graphene.UUID()
    phone = graphene.String(description="When changing: absent keeps it, empty removes it")
    id_card = graphene.String(description="When changing: absent keeps it, empty removes it")
    hired_on = graphene.Date()


class AddStaff(Write):
    staff = graphene.Field(StaffType)

    class Arguments:
        input = StaffInput(required=True)

    @classmethod
    def perform(cls, context: Context, input: dict[str, Any]) -> dict[str, Any]:
        given = {**input, "phone": input.get("phone") or "", "id_card": input.get("id_card") or ""}
        return {"staff": operations.add_staff(**given, **by_and_tenant(context))}


class ChangeStaff(Write):
    staff = graphene.Field(StaffType)

    class Arguments:
        staff_id = graphene.UUID(required=True)
        input = StaffInput(required=True)

    @classmethod
    def perform(cls, context: Context, staff_id: UUID, input: dict[str, Any]) -> dict[str, Any]:
        return {"staff": operations.change_staff(staff_id=staff_id, **input, now=clock.now(), **by_and_tenant(context))}


class StaffLeft(Write):
    """A person leaves; personal data are deleted after 180 days."""

    staff = graphene.Field(StaffType)

    class Arguments:
        staff_id = graphene.UUID(required=True)
        left_on = graphene.Date(required=True)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"staff": operations.leave(**given, now=clock.now(), **by_and_tenant(context))}


class StaffReturned(Write):
    staff = graphene.Field(StaffType)

    class Arguments:
        staff_id = graphene.UUID(required=True)
        party_id = graphene.UUID(required=True)
        post_id = graphene.UUID()

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"staff": operations.bring_back(**given, now=clock.now(), **by_and_tenant(context))}


class ForgetStaff(Write):
    """Delete the personal data of a person who left, now."""

    staff = graphene.Field(StaffType)

    class Arguments:
        staff_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"staff": operations.forget(**given, now=clock.now(), **by_and_tenant(context))}


class RevealStaffNumber(DomainMutation):
    """A phone or ID-card number in clear; who looked stands on the timeline."""

    number = graphene.String()
    scope = policies.READ

    class Arguments:
        staff_id = graphene.UUID(required=True)
        what = graphene.String(required=True, description="phone, id_card")

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"number": operations.reveal(**given, **by_and_tenant(context))}


class CertificateInput(graphene.InputObjectType):
    kind = graphene.String(required=True)
    number = graphene.String(required=True)
    issued_on = graphene.Date(required=True)
    review_on = graphene.Date()
    expires_on = graphene.Date()
    scan_id = graphene.UUID(description="Evidence uploaded to /files/ before; on a change, left out keeps the scan")


class AddCertificate(Write):
    certificate = graphene.Field(CertificateType)

    class Arguments:
        staff_id = graphene.UUID(required=True)
        input = CertificateInput(required=True)

    @classmethod
    def perform(cls, context: Context, staff_id: UUID, input: dict[str, Any]) -> dict[str, Any]:
        return {"certificate": operations.add_certificate(staff_id=staff_id, **input, **by_and_tenant(context))}


class ChangeCertificate(Write):
    """A date left out stays; to drop one say so and why. For another card (kind or day of issue) the kind's rule proposes."""

    certificate = graphene.Field(CertificateType)

    class Arguments:
        certificate_id = graphene.UUID(required=True)
        input = CertificateInput(required=True)
        without_review = graphene.Boolean(description="Drop the review date; needs a reason")
        without_end = graphene.Boolean(description="Drop the end of validity; needs a reason")
        reason = graphene.String(description="Stands on the timeline")

    @classmethod
    def perform(
        cls, context: Context, certificate_id: UUID, input: dict[str, Any], without_review: bool | None = None,
        without_end: bool | None = None, reason: str | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        row = operations.change_certificate(
            certificate_id=certificate_id, **input, without_review=bool(without_review), without_end=bool(without_end),
            reason=reason or "", now=clock.now(), **by_and_tenant(context),
        )  # fmt: skip
        return {"certificate": row}


class RemoveCertificate(Write):
    removed_id = graphene.UUID()

    class Arguments:
        certificate_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, certificate_id: UUID) -> dict[str, Any]:
        operations.remove_certificate(certificate_id=certificate_id, **by_and_tenant(context))
        return {"removed_id": certificate_id}


class ShareStaffLogin(Write):
    """One who works for two parties: this row uses the login of the row with that work number."""

    staff = graphene.Field(StaffType)

    class Arguments:
        staff_id = graphene.UUID(required=True)
        number = graphene.String(required=True)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"staff": operations.share_login(**given, now=clock.now(), **by_and_tenant(context))}


class Login(graphene.ObjectType):
    """A login just opened; the password is told this once."""

    staff_id = graphene.NonNull(graphene.UUID)
    username = graphene.NonNull(graphene.String)
    password = graphene.NonNull(graphene.String)


class OpenStaffLogins(Write):
    """Open frontline logins for people without one (at most 500 at a time)."""

    logins = graphene.List(graphene.NonNull(Login))

    class Arguments:
        staff_ids = graphene.List(graphene.NonNull(graphene.UUID), required=True)

    @classmethod
    def perform(cls, context: Context, staff_ids: list[UUID]) -> dict[str, Any]:
        if len(staff_ids) > 500:
            raise Invalid("一次最多开通 500 人，请分批进行。", field="staffIds")
        told = operations.open_logins(staff_ids=staff_ids, now=clock.now(), **by_and_tenant(context))
        return {"logins": [Login(staff_id=c.staff_id, username=c.username, password=c.password) for c in told]}
