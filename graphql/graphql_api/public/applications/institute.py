"""What the institute does with applications and enquiries."""

from typing import Any
from uuid import UUID

import graphene

from graphql_api.context import Context
from graphql_api.mutations import DomainMutation
from graphql_api.public.applications.applicant import edge
from graphql_api.public.applications.types import (
    WRITE,
    ApplicationType,
    AssignmentType,
    EnquiryType,
    ReviewerProfileType,
)
from institute.applications import operations
from institute.applications.criteria import CriterionText
from kernel.errors import NotAllowed


class AcceptApplication(DomainMutation):
    """Take it as complete."""

    scope = WRITE
    application = graphene.Field(ApplicationType)

    class Arguments:
        application_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        return {"application": operations.accept(**arguments, **edge(context))}


class ReturnApplication(DomainMutation):
    """Send it back once with a list of what is missing (补正)."""

    scope = WRITE
    application = graphene.Field(ApplicationType)

    class Arguments:
        application_id = graphene.UUID(required=True)
        items = graphene.List(graphene.NonNull(graphene.String), required=True)
        fix_due_on = graphene.Date()

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        return {"application": operations.return_once(**arguments, **edge(context))}


class ExtendFix(DomainMutation):
    """Give the school more time for 补正; it is told by mail."""

    scope = WRITE
    application = graphene.Field(ApplicationType)

    class Arguments:
        application_id = graphene.UUID(required=True)
        fix_due_on = graphene.Date(required=True)

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        return {"application": operations.extend_fix(**arguments, **edge(context))}


class AssignReviewer(DomainMutation):
    scope = WRITE
    assignment = graphene.Field(AssignmentType)

    class Arguments:
        application_id = graphene.UUID(required=True)
        account_id = graphene.UUID(required=True)
        due_on = graphene.Date()

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        return {"assignment": operations.assign_reviewer(**arguments, **edge(context))}


class ReplaceReviewer(DomainMutation):
    """Take a task back from a reviewer who has not handed in."""

    scope = WRITE

    class Arguments:
        assignment_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        operations.replace_reviewer(**arguments, **edge(context))
        return {}


class DeclareConflict(DomainMutation):
    """Stay away from an application; afterwards it does not exist for that account."""

    scope = WRITE

    class Arguments:
        application_id = graphene.UUID(required=True)
        account_id = graphene.UUID(description="Another reviewer, for administrators; oneself when absent")
        reason = graphene.String(required=True)

    @classmethod
    def perform(
        cls, context: Context, *, application_id: UUID, reason: str, account_id: UUID | None = None, **_: Any
    ) -> dict[str, Any]:
        whom = account_id or context.actor.account_id
        if whom is None:
            raise NotAllowed
        operations.declare_conflict(application_id=application_id, account_id=whom, reason=reason, **edge(context))
        return {}


class SaveReviewerProfile(DomainMutation):
    scope = WRITE
    profile = graphene.Field(ReviewerProfileType)

    class Arguments:
        account_id = graphene.UUID(required=True)
        employer = graphene.String(required=True)
        past_schools = graphene.List(graphene.NonNull(graphene.String), required=True)
        expertise = graphene.String(default_value="")

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        return {"profile": operations.save_reviewer_profile(**arguments, **edge(context))}


class CriterionInput(graphene.InputObjectType):
    code = graphene.String(default_value="")
    label = graphene.String(required=True)
    weight = graphene.Decimal(required=True)
    guidance = graphene.String(default_value="")


class SaveCriteria(DomainMutation):
    """Make the next edition; weights add up to 100."""

    scope = WRITE
    edition = graphene.Int()

    class Arguments:
        rows = graphene.List(graphene.NonNull(CriterionInput), required=True)

    @classmethod
    def perform(cls, context: Context, *, rows: list[Any], **_: Any) -> dict[str, Any]:
        saved = operations.save_criteria(rows=[CriterionText(**row) for row in rows], **edge(context))
        return {"edition": saved.edition}


class PointsInput(graphene.InputObjectType):
    code = graphene.String(required=True)
    points = graphene.Decimal()
    comment = graphene.String(default_value="")


class SaveSheet(DomainMutation):
    """Keep the reviewer's own sheet as far as it is filled in."""

    scope = WRITE

    class Arguments:
        assignment_id = graphene.UUID(required=True)
        lines = graphene.List(graphene.NonNull(PointsInput), required=True)
        comment = graphene.String()
        recommendation = graphene.String(description="approved, waitlisted, rejected")

    @classmethod
    def perform(cls, context: Context, *, lines: list[Any], **arguments: Any) -> dict[str, Any]:
        operations.save_sheet(
            points={line["code"]: line.get("points") for line in lines},
            comments={line["code"]: line["comment"] for line in lines},
            **arguments, **edge(context),
        )  # fmt: skip
        return {}


class SubmitSheet(DomainMutation):
    """Hand the sheet in; it cannot be changed afterwards."""

    scope = WRITE

    class Arguments:
        assignment_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        operations.submit_sheet(**arguments, **edge(context))
        return {}


class DecideApplication(DomainMutation):
    """Select (approved), waitlist or reject, with the reason; selecting starts provisioning under `slug`."""

    scope = WRITE
    application = graphene.Field(ApplicationType)

    class Arguments:
        application_id = graphene.UUID(required=True)
        verdict = graphene.String(required=True)
        reason = graphene.String(required=True)
        slug = graphene.String(default_value="")

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        return {"application": operations.decide(**arguments, **edge(context))}


class RevealApplicationContact(DomainMutation):
    """The contact's phone and mail in clear; the look is on record."""

    scope = WRITE
    phone = graphene.String()
    email = graphene.String()

    class Arguments:
        application_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        return dict(operations.reveal_contact(**arguments, by=context.actor))


class GiveEnquiry(DomainMutation):
    """Name who answers, and by when."""

    scope = WRITE
    enquiry = graphene.Field(EnquiryType)

    class Arguments:
        enquiry_id = graphene.UUID(required=True)
        owner_id = graphene.UUID(required=True)
        due_at = graphene.DateTime()

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        return {"enquiry": operations.give_enquiry(**arguments, **edge(context))}


class ReplyToEnquiry(DomainMutation):
    scope = WRITE
    enquiry = graphene.Field(EnquiryType)

    class Arguments:
        enquiry_id = graphene.UUID(required=True)
        reply = graphene.String(required=True)

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        return {"enquiry": operations.reply_to_enquiry(**arguments, **edge(context))}


class CloseEnquiry(DomainMutation):
    scope = WRITE
    enquiry = graphene.Field(EnquiryType)

    class Arguments:
        enquiry_id = graphene.UUID(required=True)
        why = graphene.String(required=True)

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        return {"enquiry": operations.close_enquiry(**arguments, **edge(context))}
