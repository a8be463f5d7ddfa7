"""Applications on the public host: applicants by their signed token, the institute by its roles."""

import base64
from typing import Any
from uuid import UUID

import graphene
from graphene_django import DjangoObjectType

from graphql_api.connections import Listing, connection_of
from graphql_api.context import Context
from graphql_api.loaders import load_many, load_one
from graphql_api.mutations import DomainMutation
from institute.applications import operations, policies, queries
from institute.applications.contracts import Step
from institute.applications.criteria import CriterionText
from institute.applications.models import Application, ApplicationDocument, Assignment, Enquiry, ReviewerProfile
from institute.schools import lookup
from kernel import clock, crypto
from kernel.addresses import school_url
from kernel.errors import Invalid, NotAllowed, NotFound

READ, WRITE = "applications:read", "applications:write"
PLAIN = (
    "id", "number", "status", "status_at", "name", "school_code", "credit_code", "kind", "region", "city", "students",
    "staff_count", "campuses", "provider_names", "statement", "contact_name", "contact_duty", "created_at", "saved_at",
    "submitted_at", "returned_at", "fix_due_on", "accepted_at", "decided_at", "decision_reason",
)  # fmt: skip


def _required(kind: Any, **options: Any) -> Any:
    return graphene.NonNull(kind, **options)


def _list(kind: Any, **options: Any) -> Any:
    return graphene.NonNull(graphene.List(graphene.NonNull(kind)), **options)


def _reader(info: graphene.ResolveInfo) -> Any:
    if not info.context.actor.may(READ):
        raise NotAllowed
    return info.context.actor


class LineModeType(graphene.ObjectType):
    """How one service line is run: outsourced, self_run, mixed, none."""

    line = _required(graphene.String)
    mode = _required(graphene.String)


class CheckType(graphene.ObjectType):
    """One thing that must be there before submission."""

    field = _required(graphene.String)
    label = _required(graphene.String)
    done = _required(graphene.Boolean)
    hint = _required(graphene.String)


class ApplicationDocumentType(DjangoObjectType):
    """A file handed in; `contentBase64` is filled by the single-document query only."""

    id = _required(graphene.UUID)
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

    at = _required(graphene.DateTime)
    verb = _required(graphene.String)
    sentence = _required(graphene.String)
    note = _required(graphene.String)
    actor_name = graphene.String(description="Told to the institute only")

    @staticmethod
    def resolve_note(root: Any, info: graphene.ResolveInfo) -> str:
        return root.note if isinstance(root, Step) else str(root.payload.get("note", ""))

    @staticmethod
    def resolve_actor_name(root: Any, info: graphene.ResolveInfo) -> str | None:
        return None if isinstance(root, Step) else root.actor_name


class AssignmentType(DjangoObjectType):
    """A reviewer's task: whether the sheet is in, never what it says."""

    id = _required(graphene.UUID)

    class Meta:
        model = Assignment
        fields = ("id", "account_id", "reviewer_name", "assigned_at", "due_on", "submitted_at")
        convert_choices_to_enum = False


class SheetLineType(graphene.ObjectType):
    code = _required(graphene.String)
    label = _required(graphene.String)
    weight = _required(graphene.Decimal)
    points = _required(graphene.Decimal)
    comment = _required(graphene.String)


class SheetType(graphene.ObjectType):
    reviewer_name = _required(graphene.String)
    total = _required(graphene.Decimal)
    recommendation = _required(graphene.String)
    comment = _required(graphene.String)
    submitted_at = _required(graphene.DateTime)
    lines = _list(SheetLineType)


class ReviewResultType(graphene.ObjectType):
    """The committee's result; exists only when every sheet is in."""

    mean = _required(graphene.Decimal)
    trimmed = _required(graphene.Boolean, description="Highest and lowest were left out (five sheets and more)")
    sheets = _list(SheetType)


class _Answers:
    """What applicants and the institute read alike."""

    id = _required(graphene.UUID)
    mode = graphene.String(description="As a whole: outsourced, self_run, mixed")
    line_modes = _list(LineModeType)
    returned_items = _list(graphene.String)

    @staticmethod
    def resolve_line_modes(root: Application, info: graphene.ResolveInfo) -> list[dict[str, str]]:
        return [{"line": line, "mode": mode} for line, mode in sorted(root.line_modes.items())]


class MyApplicationType(_Answers, DjangoObjectType):
    """An application as its applicant sees it, by token."""

    contact_phone = _required(graphene.String)
    contact_email = _required(graphene.String)
    documents = _list(ApplicationDocumentType)
    checks = _list(CheckType)
    steps = _list(StepType)

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


class ApplicationType(_Answers, DjangoObjectType):
    """An application as the institute sees it; conflicted people are answered as if it did not exist."""

    contact_phone_masked = _required(graphene.String)
    documents = _list(ApplicationDocumentType)
    checks = _list(CheckType)
    assignments = graphene.List(graphene.NonNull(AssignmentType), description="Administrators only")
    events = graphene.List(graphene.NonNull(StepType), description="Administrators only")
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
    def resolve_result(root: Application, info: graphene.ResolveInfo) -> Any:
        actor = info.context.actor
        return load_one(info.context, "applications.result", lambda ids: queries.results_of(ids, by=actor), root.pk)


class CandidateType(graphene.ObjectType):
    """A reviewer with what stands against assigning them."""

    account_id = _required(graphene.UUID)
    name = _required(graphene.String)
    employer = _required(graphene.String)
    expertise = _required(graphene.String)
    assigned = _required(graphene.Boolean)
    blocked = graphene.String(description="employer, school or declared")
    reason = _required(graphene.String)
    open_tasks = _required(graphene.Int)


class CriterionType(graphene.ObjectType):
    code = _required(graphene.String)
    label = _required(graphene.String)
    guidance = _required(graphene.String)
    weight = _required(graphene.Decimal)


class MySheetLineType(graphene.ObjectType):
    code = _required(graphene.String)
    label = _required(graphene.String)
    weight = _required(graphene.Decimal)
    points = graphene.Decimal()
    comment = _required(graphene.String)


class MySheetType(graphene.ObjectType):
    """The reviewer's own sheet."""

    assignment_id = _required(graphene.UUID)
    due_on = graphene.Date()
    submitted_at = graphene.DateTime()
    comment = _required(graphene.String)
    recommendation = _required(graphene.String)
    lines = _list(MySheetLineType)


class ReviewerProfileType(DjangoObjectType):
    past_schools = _list(graphene.String)

    class Meta:
        model = ReviewerProfile
        fields = ("account_id", "name", "employer", "expertise", "saved_at")


class EnquiryType(DjangoObjectType):
    """A question from the public page, with the way to answer it."""

    id = _required(graphene.UUID)
    email = _required(graphene.String)
    phone = _required(graphene.String)

    class Meta:
        model = Enquiry
        fields = (
            "id", "topic", "name", "organisation", "message", "status", "owner_id", "owner_name", "due_at",
            "replied_at", "reply", "closed_why", "created_at",
        )  # fmt: skip
        convert_choices_to_enum = False


class OpenSchoolType(graphene.ObjectType):
    """A school in the public chooser."""

    name = _required(graphene.String)
    kind = _required(graphene.String)
    region = _required(graphene.String)
    city = _required(graphene.String)
    url = _required(graphene.String)


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


class ApplicationsQuery(graphene.ObjectType):
    my_application = graphene.Field(MyApplicationType, token=graphene.String(required=True))
    my_application_document = graphene.Field(
        ApplicationDocumentType, token=graphene.String(required=True), id=graphene.UUID(required=True)
    )
    open_schools = Listing(connection_of(OpenSchoolType), search=graphene.String())
    applications = Listing(
        connection_of(ApplicationType),
        status=graphene.String(),
        kind=graphene.String(),
        region=graphene.String(description="Two digits of GB/T 2260"),
        search=graphene.String(description="Name, number or code"),
        needs_me=graphene.Boolean(),
    )
    application = graphene.Field(ApplicationType, id=graphene.UUID(required=True))
    application_document = graphene.Field(
        ApplicationDocumentType, application_id=graphene.UUID(required=True), id=graphene.UUID(required=True)
    )
    application_candidates = _list(CandidateType, application_id=graphene.UUID(required=True))
    my_sheet = graphene.Field(MySheetType, application_id=graphene.UUID(required=True))
    criteria = _list(CriterionType)
    reviewer_profiles = Listing(connection_of(ReviewerProfileType))
    enquiries = Listing(
        connection_of(EnquiryType),
        status=graphene.String(),
        topic=graphene.String(),
        search=graphene.String(),
        mine=graphene.Boolean(),
    )
    enquiry = graphene.Field(EnquiryType, id=graphene.UUID(required=True))

    @staticmethod
    def resolve_my_application(root: None, info: graphene.ResolveInfo, token: str) -> Any:
        return queries.by_link(token, now=clock.now())

    @staticmethod
    def resolve_my_application_document(root: None, info: graphene.ResolveInfo, token: str, id: UUID) -> Any:
        return _with_content(queries.document_by_link(token, id, now=clock.now()))

    @staticmethod
    def resolve_open_schools(root: None, info: graphene.ResolveInfo, search: str = "", **_page: Any) -> Any:
        return _OpenSchools(lookup.open_schools(search))

    @staticmethod
    def resolve_applications(
        root: None, info: graphene.ResolveInfo, status: str = "", kind: str = "", region: str = "", search: str = "",
        needs_me: bool = False, **_page: Any,
    ) -> Any:  # fmt: skip
        return queries.queue(_reader(info), status=status, kind=kind, region=region, q=search, needs_me=needs_me)

    @staticmethod
    def resolve_application(root: None, info: graphene.ResolveInfo, id: UUID) -> Any:
        return queries.detail(id, by=_reader(info))

    @staticmethod
    def resolve_application_document(root: None, info: graphene.ResolveInfo, application_id: UUID, id: UUID) -> Any:
        return _with_content(queries.document_for(application_id, id, by=_reader(info)))

    @staticmethod
    def resolve_application_candidates(root: None, info: graphene.ResolveInfo, application_id: UUID) -> Any:
        actor = _reader(info)
        today = clock.now().astimezone(clock.SHANGHAI).date()
        return queries.candidates(queries.detail(application_id, by=actor), by=actor, today=today)

    @staticmethod
    def resolve_my_sheet(root: None, info: graphene.ResolveInfo, application_id: UUID) -> Any:
        actor = _reader(info)
        application = queries.detail(application_id, by=actor)
        task = queries.my_assignment(application, by=actor)
        if task is None:
            raise NotFound
        lines = queries.my_lines(task, by=actor)
        return MySheetType(
            assignment_id=task.pk, due_on=task.due_on, submitted_at=task.submitted_at, comment=task.comment,
            recommendation=task.recommendation,
            lines=[
                MySheetLineType(
                    code=c.code, label=c.label, weight=c.weight, points=lines[c.pk].points if c.pk in lines else None,
                    comment=lines[c.pk].comment if c.pk in lines else "",
                )
                for c in queries.criteria_of(application)
            ],
        )  # fmt: skip

    @staticmethod
    def resolve_criteria(root: None, info: graphene.ResolveInfo) -> Any:
        if not policies.can_read_queue(_reader(info)):
            raise NotAllowed
        return queries.current_criteria()

    @staticmethod
    def resolve_reviewer_profiles(root: None, info: graphene.ResolveInfo, **_page: Any) -> Any:
        return queries.reviewer_profiles(by=_reader(info))

    @staticmethod
    def resolve_enquiries(
        root: None, info: graphene.ResolveInfo, status: str = "", topic: str = "", search: str = "", mine: bool = False,
        **_page: Any,
    ) -> Any:  # fmt: skip
        return queries.enquiries(_reader(info), status=status, topic=topic, q=search, mine=mine)

    @staticmethod
    def resolve_enquiry(root: None, info: graphene.ResolveInfo, id: UUID) -> Any:
        return queries.enquiry(id, by=_reader(info))


def _with_content(document: ApplicationDocument) -> ApplicationDocument:
    document.content = queries.content_of(document)  # type: ignore[attr-defined]
    return document


# --- The applicant ------------------------------------------------------------------------------------------


def _source(context: Context) -> str:
    return str(context.request.META.get("REMOTE_ADDR") or "unknown")


def _edge(context: Context) -> dict[str, Any]:
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
        started = operations.start(**arguments, source=_source(context), **_edge(context))
        return {"number": started.number, "token": started.token}


class OpenApplication(DomainMutation):
    """Use a link that came by mail: confirms the address, returns the application."""

    scope = WRITE
    application = graphene.Field(MyApplicationType)

    class Arguments:
        token = graphene.String(required=True)

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        return {"application": operations.arrive(**arguments, **_edge(context))}


class AnswerInput(graphene.InputObjectType):
    """`field` as in the form: name, school_code, students, line_cleaning, contact_phone …"""

    field = graphene.String(required=True)
    value = graphene.String(required=True)


class SavedType(graphene.ObjectType):
    field = _required(graphene.String)
    hint = _required(graphene.String, description="What would not pass at submission yet")
    at = _required(graphene.DateTime)


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
        return {"saved": operations.save_answers(token=token, values=values, **_edge(context))}


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
        return {"document": operations.add_document(data=data, **arguments, **_edge(context))}


class RemoveApplicationDocument(DomainMutation):
    scope = WRITE

    class Arguments:
        token = graphene.String(required=True)
        document_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        operations.remove_document(**arguments, **_edge(context))
        return {}


class SubmitApplication(DomainMutation):
    """Hand the application in, for the first time or after 补正."""

    scope = WRITE
    application = graphene.Field(MyApplicationType)

    class Arguments:
        token = graphene.String(required=True)

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        return {"application": operations.submit(**arguments, **_edge(context))}


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
        return {"application": operations.withdraw(**arguments, **_edge(context))}


class SendApplicationLink(DomainMutation):
    """Mail the link again; the answer is the same whether number and address belong together or not."""

    scope = WRITE

    class Arguments:
        number = graphene.String(required=True)
        email = graphene.String(required=True)

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        operations.send_link(**arguments, source=_source(context), **_edge(context))
        return {}


class RenewApplicationLinks(DomainMutation):
    """Mail a fresh link; with `revoke` all earlier tokens stop working."""

    scope = WRITE

    class Arguments:
        token = graphene.String(required=True)
        revoke = graphene.Boolean(required=True)

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        operations.renew_links(**arguments, **_edge(context))
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
        operations.ask(**arguments, source=_source(context), **_edge(context))
        return {}


# --- The institute ----------------------------------------------------------------------------------------------


class AcceptApplication(DomainMutation):
    """Take it as complete."""

    scope = WRITE
    application = graphene.Field(ApplicationType)

    class Arguments:
        application_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        return {"application": operations.accept(**arguments, **_edge(context))}


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
        return {"application": operations.return_once(**arguments, **_edge(context))}


class AssignReviewer(DomainMutation):
    scope = WRITE
    assignment = graphene.Field(AssignmentType)

    class Arguments:
        application_id = graphene.UUID(required=True)
        account_id = graphene.UUID(required=True)
        due_on = graphene.Date()

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        return {"assignment": operations.assign_reviewer(**arguments, **_edge(context))}


class ReplaceReviewer(DomainMutation):
    """Take a task back from a reviewer who has not handed in."""

    scope = WRITE

    class Arguments:
        assignment_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        operations.replace_reviewer(**arguments, **_edge(context))
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
        operations.declare_conflict(application_id=application_id, account_id=whom, reason=reason, **_edge(context))
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
        return {"profile": operations.save_reviewer_profile(**arguments, **_edge(context))}


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
        saved = operations.save_criteria(rows=[CriterionText(**row) for row in rows], **_edge(context))
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
            **arguments, **_edge(context),
        )  # fmt: skip
        return {}


class SubmitSheet(DomainMutation):
    """Hand the sheet in; it cannot be changed afterwards."""

    scope = WRITE

    class Arguments:
        assignment_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        operations.submit_sheet(**arguments, **_edge(context))
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
        return {"application": operations.decide(**arguments, **_edge(context))}


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
        return {"enquiry": operations.give_enquiry(**arguments, **_edge(context))}


class ReplyToEnquiry(DomainMutation):
    scope = WRITE
    enquiry = graphene.Field(EnquiryType)

    class Arguments:
        enquiry_id = graphene.UUID(required=True)
        reply = graphene.String(required=True)

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        return {"enquiry": operations.reply_to_enquiry(**arguments, **_edge(context))}


class CloseEnquiry(DomainMutation):
    scope = WRITE
    enquiry = graphene.Field(EnquiryType)

    class Arguments:
        enquiry_id = graphene.UUID(required=True)
        why = graphene.String(required=True)

    @classmethod
    def perform(cls, context: Context, **arguments: Any) -> dict[str, Any]:
        return {"enquiry": operations.close_enquiry(**arguments, **_edge(context))}


class ApplicationsMutation(graphene.ObjectType):
    start_application = StartApplication.Field()
    open_application = OpenApplication.Field()
    save_application_answers = SaveApplicationAnswers.Field()
    upload_application_document = UploadApplicationDocument.Field()
    remove_application_document = RemoveApplicationDocument.Field()
    submit_application = SubmitApplication.Field()
    withdraw_application = WithdrawApplication.Field()
    send_application_link = SendApplicationLink.Field()
    renew_application_links = RenewApplicationLinks.Field()
    ask_enquiry = AskEnquiry.Field()
    accept_application = AcceptApplication.Field()
    return_application = ReturnApplication.Field()
    assign_reviewer = AssignReviewer.Field()
    replace_reviewer = ReplaceReviewer.Field()
    declare_conflict = DeclareConflict.Field()
    save_reviewer_profile = SaveReviewerProfile.Field()
    save_criteria = SaveCriteria.Field()
    save_sheet = SaveSheet.Field()
    submit_sheet = SubmitSheet.Field()
    decide_application = DecideApplication.Field()
    reveal_application_contact = RevealApplicationContact.Field()
    give_enquiry = GiveEnquiry.Field()
    reply_to_enquiry = ReplyToEnquiry.Field()
    close_enquiry = CloseEnquiry.Field()
