"""What an applicant does, by their signed token."""

import base64
from typing import Any

import graphene

from graphql_api.context import Context
from graphql_api.mutations import DomainMutation
from graphql_api.public.applications.types import WRITE, ApplicationDocumentType, MyApplicationType, required
from institute.applications import operations
from kernel import clock
from kernel.errors import Invalid


def source(context: Context) -> str:
    return str(context.request.META.get("REMOTE_ADDR") or "unknown")


def edge(context: Context) -> dict[str, Any]:
    return {"by": context.actor, "now": clock.now()}


class StartApplication(DomainMutation):
    """Open a draft. The token works at once; the one sent by mail also confirms the address."""

    scope = WRITE
    number = graphene.String()
    token = graphene.String()

    class Arguments:
        name = graphene.String(required=True)
        email = graphene.String(required=True)

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        started = operations.start(**arguments, source=source(context), **edge(context))
        return {"number": started.number, "token": started.token}


class OpenApplication(DomainMutation):
    """Use a link that came by mail: confirms the address, returns the application."""

    scope = WRITE
    application = graphene.Field(MyApplicationType)

    class Arguments:
        token = graphene.String(required=True)

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        return {"application": operations.arrive(**arguments, **edge(context))}


class AnswerInput(graphene.InputObjectType):
    """`field` as in the form: name, school_code, students, line_cleaning, contact_phone …"""

    field = graphene.String(required=True)
    value = graphene.String(required=True)


class SavedType(graphene.ObjectType):
    field = required(graphene.String)
    hint = required(graphene.String, description="What would not pass at submission yet")
    at = required(graphene.DateTime)


class SaveApplicationAnswers(DomainMutation):
    """Keep answers of a draft, all or none."""

    scope = WRITE
    saved = graphene.List(graphene.NonNull(SavedType))

    class Arguments:
        token = graphene.String(required=True)
        answers = graphene.List(graphene.NonNull(AnswerInput), required=True)

    @classmethod
    def perform(cls, context: Context, *, token: str, answers: list[Any], **_: Any) -> dict[str, Any]:
        values = {a["field"]: a["value"] for a in answers}
        return {"saved": operations.save_answers(token=token, values=values, **edge(context))}


class UploadApplicationDocument(DomainMutation):
    """Hand in a file, up to about 8.5 MB by this door (the request as a whole may hold 12 MB)."""

    scope = WRITE
    document = graphene.Field(ApplicationDocumentType)

    class Arguments:
        token = graphene.String(required=True)
        kind = graphene.String(required=True, description="letter, legal, service, other")
        name = graphene.String(required=True)
        content_base64 = graphene.String(required=True)

    @classmethod
    def perform(cls, context: Context, *, content_base64: str, **arguments: Any) -> dict[str, Any]:
        try:
            data = base64.b64decode(content_base64, validate=True)
        except ValueError as broken:  # also for text outside ASCII, which binascii.Error is not raised for
            raise Invalid("contentBase64 不是有效的 Base64 编码。", field="contentBase64") from broken
        return {"document": operations.add_document(data=data, **arguments, **edge(context))}


class RemoveApplicationDocument(DomainMutation):
    scope = WRITE

    class Arguments:
        token = graphene.String(required=True)
        document_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        operations.remove_document(**arguments, **edge(context))
        return {}


class SubmitApplication(DomainMutation):
    """Hand the application in, for the first time or after 补正."""

    scope = WRITE
    application = graphene.Field(MyApplicationType)

    class Arguments:
        token = graphene.String(required=True)

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        return {"application": operations.submit(**arguments, **edge(context))}


class WithdrawApplication(DomainMutation):
    """Take the application back for good; `confirm` repeats its number."""

    scope = WRITE
    application = graphene.Field(MyApplicationType)

    class Arguments:
        token = graphene.String(required=True)
        confirm = graphene.String(required=True)
        reason = graphene.String()

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        return {"application": operations.withdraw(**arguments, **edge(context))}


class SendApplicationLink(DomainMutation):
    """Mail the link again; the answer is the same whether number and address belong together or not."""

    scope = WRITE

    class Arguments:
        number = graphene.String(required=True)
        email = graphene.String(required=True)

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        operations.send_link(**arguments, source=source(context), **edge(context))
        return {}


class RenewApplicationLinks(DomainMutation):
    """Mail a fresh link; with `revoke` all earlier tokens stop working."""

    scope = WRITE

    class Arguments:
        token = graphene.String(required=True)
        revoke = graphene.Boolean(required=True)

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        operations.renew_links(**arguments, **edge(context))
        return {}


class AskEnquiry(DomainMutation):
    """A question to the institute, from anybody."""

    scope = WRITE

    class Arguments:
        topic = graphene.String(required=True, description="programme, trial, provider, other")
        name = graphene.String(required=True)
        organisation = graphene.String(default_value="")
        email = graphene.String(default_value="")
        phone = graphene.String(default_value="")
        message = graphene.String(required=True)

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        operations.ask(**arguments, source=source(context), **edge(context))
        return {}
