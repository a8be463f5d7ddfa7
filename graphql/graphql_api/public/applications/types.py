"""What they look like."""

import base64
from typing import Any

import graphene
from graphene_django import DjangoObjectType

from graphql_api.loaders import load_many, load_one
from institute.applications import policies, queries
from institute.applications.contracts import Step
from institute.applications.models import (
    Application,
    ApplicationDocument,
    Assignment,
    Conflict,
    Enquiry,
    ReviewerProfile,
)
from kernel import crypto
from kernel.addresses import school_url
from kernel.errors import NotAllowed

READ, WRITE = "applications:read", "applications:write"


PLAIN = (
    "id", "number", "status", "status_at", "name", "school_code", "credit_code", "kind", "region", "city", "students",
    "staff_count", "campuses", "provider_names", "statement", "contact_name", "contact_duty", "created_at", "saved_at",
    "submitted_at", "returned_at", "fix_due_on", "accepted_at", "decided_at", "decision_reason",
)  # fmt: skip


def required(kind: Any, **options: Any) -> Any:
    return graphene.NonNull(kind, **options)


def list_of(kind: Any, **options: Any) -> Any:
    return graphene.NonNull(graphene.List(graphene.NonNull(kind)), **options)


def reader(info: graphene.ResolveInfo) -> Any:
    if not info.context.actor.may(READ):
        raise NotAllowed
    return info.context.actor


class LineModeType(graphene.ObjectType):
    """How one service line is run: outsourced, self_run, mixed, none."""

    line = required(graphene.String)
    mode = required(graphene.String)


class CheckType(graphene.ObjectType):
    """One thing that must be there before submission."""

    field = required(graphene.String)
    label = required(graphene.String)
    done = required(graphene.Boolean)
    hint = required(graphene.String)


class ApplicationDocumentType(DjangoObjectType):
    """A file handed in; `contentBase64` is filled by the single-document query only."""

    id = required(graphene.UUID)
    content_base64 = graphene.String()

    class Meta:
        model = ApplicationDocument
        fields = ("id", "kind", "name", "content_type", "size", "sha256", "uploaded_at")
        convert_choices_to_enum = False

    @staticmethod
    def resolve_content_base64(root: Any, info: graphene.ResolveInfo) -> str | None:
        content = getattr(root, "content", None)
        return None if content is None else base64.b64encode(content).decode()


class StepType(graphene.ObjectType):
    """One event of an application."""

    at = required(graphene.DateTime)
    verb = required(graphene.String)
    sentence = required(graphene.String)
    note = required(graphene.String)
    actor_name = graphene.String(description="Told to the institute only")

    @staticmethod
    def resolve_note(root: Any, info: graphene.ResolveInfo) -> str:
        return root.note if isinstance(root, Step) else str(root.payload.get("note", ""))

    @staticmethod
    def resolve_actor_name(root: Any, info: graphene.ResolveInfo) -> str | None:
        return None if isinstance(root, Step) else root.actor_name


class AssignmentType(DjangoObjectType):
    """A reviewer's task: whether the sheet is in, never what it says."""

    id = required(graphene.UUID)

    class Meta:
        model = Assignment
        fields = ("id", "account_id", "reviewer_name", "assigned_at", "due_on", "submitted_at")
        convert_choices_to_enum = False


class SheetLineType(graphene.ObjectType):
    code = required(graphene.String)
    label = required(graphene.String)
    weight = required(graphene.Decimal)
    points = required(graphene.Decimal)
    comment = required(graphene.String)


class SheetType(graphene.ObjectType):
    reviewer_name = required(graphene.String)
    total = required(graphene.Decimal)
    recommendation = required(graphene.String)
    comment = required(graphene.String)
    submitted_at = required(graphene.DateTime)
    lines = list_of(SheetLineType)


class ReviewResultType(graphene.ObjectType):
    """The committee's result; exists only when every sheet is in."""

    mean = required(graphene.Decimal)
    trimmed = required(graphene.Boolean, description="Highest and lowest were left out (five sheets and more)")
    sheets = list_of(SheetType)


class _Answers:
    """What applicants and the institute read alike."""

    id = required(graphene.UUID)
    mode = graphene.String(description="As a whole: outsourced, self_run, mixed")
    line_modes = list_of(LineModeType)
    returned_items = list_of(graphene.String)

    @staticmethod
    def resolve_line_modes(root: Application, info: graphene.ResolveInfo) -> list[dict[str, str]]:
        return [{"line": line, "mode": mode} for line, mode in sorted(root.line_modes.items())]


class MyApplicationType(_Answers, DjangoObjectType):
    """An application as its applicant sees it, by token."""

    contact_phone = required(graphene.String)
    contact_email = required(graphene.String)
    documents = list_of(ApplicationDocumentType)
    checks = list_of(CheckType)
    steps = list_of(StepType)

    class Meta:
        model = Application
        fields = (*PLAIN, "email_confirmed_at")
        convert_choices_to_enum = False
        skip_registry = True

    @staticmethod
    def resolve_documents(root: Application, info: graphene.ResolveInfo) -> Any:
        return queries.documents_of(root)

    @staticmethod
    def resolve_checks(root: Application, info: graphene.ResolveInfo) -> Any:
        return queries.checks_of(root)

    @staticmethod
    def resolve_steps(root: Application, info: graphene.ResolveInfo) -> Any:
        return queries.steps_of(root)


class ConflictType(DjangoObjectType):
    """One reason for which an account stays away from an application (回避)."""

    class Meta:
        model = Conflict
        fields = ("account_id", "kind", "reason", "at")
        convert_choices_to_enum = False


class ApplicationType(_Answers, DjangoObjectType):
    """An application as the institute sees it; conflicted people are answered as if it did not exist."""

    contact_phone_masked = required(graphene.String)
    documents = list_of(ApplicationDocumentType)
    checks = list_of(CheckType)
    assignments = graphene.List(graphene.NonNull(AssignmentType), description="Administrators only")
    events = graphene.List(graphene.NonNull(StepType), description="Administrators only")
    conflicts = graphene.List(graphene.NonNull(ConflictType), description="Who stays away and why; administrators only")
    result = graphene.Field(ReviewResultType, description="Null until every sheet is in")

    class Meta:
        model = Application
        fields = PLAIN
        convert_choices_to_enum = False

    @staticmethod
    def resolve_contact_phone_masked(root: Application, info: graphene.ResolveInfo) -> str:
        return crypto.mask_phone(root.contact_phone)

    @staticmethod
    def resolve_documents(root: Application, info: graphene.ResolveInfo) -> Any:
        actor = info.context.actor
        return load_many(
            info.context, "applications.documents", lambda ids: queries.documents_by_application(ids, by=actor), root.pk
        )

    @staticmethod
    def resolve_checks(root: Application, info: graphene.ResolveInfo) -> Any:
        actor = info.context.actor
        return load_many(
            info.context, "applications.checks", lambda ids: queries.checks_by_application(ids, by=actor), root.pk
        )

    @staticmethod
    def resolve_assignments(root: Application, info: graphene.ResolveInfo) -> Any:
        actor = info.context.actor
        if not policies.can_manage(actor):
            return None
        return load_many(
            info.context,
            "applications.assignments",
            lambda ids: queries.assignments_by_application(ids, by=actor),
            root.pk,
        )

    @staticmethod
    def resolve_events(root: Application, info: graphene.ResolveInfo) -> Any:
        actor = info.context.actor
        if not policies.can_manage(actor):
            return None
        return load_many(
            info.context, "applications.events", lambda ids: queries.events_by_application(ids, by=actor), root.pk
        )

    @staticmethod
    def resolve_conflicts(root: Application, info: graphene.ResolveInfo) -> Any:
        actor = info.context.actor
        if not policies.can_manage(actor):
            return None
        return load_many(
            info.context, "applications.conflicts", lambda ids: queries.conflicts_by_application(ids, by=actor), root.pk
        )

    @staticmethod
    def resolve_result(root: Application, info: graphene.ResolveInfo) -> Any:
        actor = info.context.actor
        return load_one(info.context, "applications.result", lambda ids: queries.results_of(ids, by=actor), root.pk)


class CandidateType(graphene.ObjectType):
    """A reviewer with what stands against assigning them."""

    account_id = required(graphene.UUID)
    name = required(graphene.String)
    employer = required(graphene.String)
    expertise = required(graphene.String)
    assigned = required(graphene.Boolean)
    blocked = graphene.String(description="employer, school or declared")
    reason = required(graphene.String)
    open_tasks = required(graphene.Int)


class CriterionType(graphene.ObjectType):
    code = required(graphene.String)
    label = required(graphene.String)
    guidance = required(graphene.String)
    weight = required(graphene.Decimal)


class MySheetLineType(graphene.ObjectType):
    code = required(graphene.String)
    label = required(graphene.String)
    weight = required(graphene.Decimal)
    points = graphene.Decimal()
    comment = required(graphene.String)


class MySheetType(graphene.ObjectType):
    """The reviewer's own sheet."""

    assignment_id = required(graphene.UUID)
    due_on = graphene.Date()
    submitted_at = graphene.DateTime()
    comment = required(graphene.String)
    recommendation = required(graphene.String)
    lines = list_of(MySheetLineType)


class ReviewerProfileType(DjangoObjectType):
    past_schools = list_of(graphene.String)

    class Meta:
        model = ReviewerProfile
        fields = ("account_id", "name", "employer", "expertise", "saved_at")


class EnquiryType(DjangoObjectType):
    """A question from the public page, with the way to answer it."""

    id = required(graphene.UUID)
    email = required(graphene.String)
    phone = required(graphene.String)

    class Meta:
        model = Enquiry
        fields = (
            "id", "topic", "name", "organisation", "message", "status", "owner_id", "owner_name", "due_at",
            "replied_at", "reply", "closed_why", "created_at",
        )  # fmt: skip
        convert_choices_to_enum = False

    events = list_of(StepType)

    @staticmethod
    def resolve_events(root: Enquiry, info: graphene.ResolveInfo) -> Any:
        actor = info.context.actor
        return load_many(
            info.context, "enquiries.events", lambda ids: queries.events_by_enquiry(ids, by=actor), root.pk
        )


class OpenSchoolType(graphene.ObjectType):
    """A school in the public chooser."""

    name = required(graphene.String)
    kind = required(graphene.String)
    region = required(graphene.String)
    city = required(graphene.String)
    url = required(graphene.String)


class _OpenSchools:
    """Rows of the chooser, cut by the connection before any is read."""

    def __init__(self, rows: Any) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return int(self._rows.count())

    def __getitem__(self, cut: slice) -> list[OpenSchoolType]:
        return [
            OpenSchoolType(name=s.name, kind=s.kind, region=s.region, city=s.city, url=school_url(s.slug))
            for s in self._rows[cut]
        ]
