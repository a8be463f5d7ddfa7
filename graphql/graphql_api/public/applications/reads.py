"""What may be read."""

from typing import Any
from uuid import UUID

import graphene

from graphql_api.connections import Listing, connection_of
from graphql_api.public.applications.types import (
    ApplicationDocumentType,
    ApplicationType,
    CandidateType,
    CriterionType,
    EnquiryType,
    MyApplicationType,
    MySheetLineType,
    MySheetType,
    OpenSchoolType,
    ReviewerProfileType,
    _OpenSchools,
    list_of,
    reader,
)
from institute.applications import policies, queries
from institute.applications.models import ApplicationDocument
from institute.schools import lookup
from kernel import clock
from kernel.errors import NotAllowed, NotFound


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
    application_candidates = list_of(CandidateType, application_id=graphene.UUID(required=True))
    my_sheet = graphene.Field(MySheetType, application_id=graphene.UUID(required=True))
    criteria = list_of(CriterionType)
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
        return with_content(queries.document_by_link(token, id, now=clock.now()))

    @staticmethod
    def resolve_open_schools(root: None, info: graphene.ResolveInfo, search: str = "", **_page: Any) -> Any:
        return _OpenSchools(lookup.open_schools(search))

    @staticmethod
    def resolve_applications(
        root: None, info: graphene.ResolveInfo, status: str = "", kind: str = "", region: str = "", search: str = "",
        needs_me: bool = False, **_page: Any,
    ) -> Any:  # fmt: skip
        return queries.queue(reader(info), status=status, kind=kind, region=region, q=search, needs_me=needs_me)

    @staticmethod
    def resolve_application(root: None, info: graphene.ResolveInfo, id: UUID) -> Any:
        return queries.detail(id, by=reader(info))

    @staticmethod
    def resolve_application_document(root: None, info: graphene.ResolveInfo, application_id: UUID, id: UUID) -> Any:
        return with_content(queries.document_for(application_id, id, by=reader(info)))

    @staticmethod
    def resolve_application_candidates(root: None, info: graphene.ResolveInfo, application_id: UUID) -> Any:
        actor = reader(info)
        today = clock.now().astimezone(clock.SHANGHAI).date()
        return queries.candidates(queries.detail(application_id, by=actor), by=actor, today=today)

    @staticmethod
    def resolve_my_sheet(root: None, info: graphene.ResolveInfo, application_id: UUID) -> Any:
        actor = reader(info)
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
        if not policies.can_read_queue(reader(info)):
            raise NotAllowed
        return queries.current_criteria()

    @staticmethod
    def resolve_reviewer_profiles(root: None, info: graphene.ResolveInfo, **_page: Any) -> Any:
        return queries.reviewer_profiles(by=reader(info))

    @staticmethod
    def resolve_enquiries(
        root: None, info: graphene.ResolveInfo, status: str = "", topic: str = "", search: str = "", mine: bool = False,
        **_page: Any,
    ) -> Any:  # fmt: skip
        return queries.enquiries(reader(info), status=status, topic=topic, q=search, mine=mine)

    @staticmethod
    def resolve_enquiry(root: None, info: graphene.ResolveInfo, id: UUID) -> Any:
        return queries.enquiry(id, by=reader(info))


def with_content(document: ApplicationDocument) -> ApplicationDocument:
    document.content = queries.content_of(document)  # type: ignore[attr-defined]
    return document
