"""A school host's schema: that school and nothing else. One mixin pair per feature."""

import graphene

from graphql_api.public_schema import MeQuery
from graphql_api.tenant.attendance import AttendanceMutation, AttendanceQuery
from graphql_api.tenant.benchmark import OwnBenchmarkQuery
from graphql_api.tenant.boards import BoardsMutation, BoardsQuery
from graphql_api.tenant.calendar import CalendarMutation, CalendarQuery
from graphql_api.tenant.certificates import CertificatesQuery
from graphql_api.tenant.duty import DutyMutation, DutyQuery
from graphql_api.tenant.evaluations import EvaluationsMutation, EvaluationsQuery
from graphql_api.tenant.evidence import EvidenceQuery
from graphql_api.tenant.face import FaceMutation, FaceQuery
from graphql_api.tenant.findings import FindingsMutation, FindingsQuery
from graphql_api.tenant.identity import IdentityMutation, IdentityQuery
from graphql_api.tenant.inspections import InspectionsMutation, InspectionsQuery
from graphql_api.tenant.jobs import JobsQuery
from graphql_api.tenant.library import SchoolLibraryQuery
from graphql_api.tenant.notices import NoticesMutation, NoticesQuery
from graphql_api.tenant.organisation import OrganisationMutation, OrganisationQuery
from graphql_api.tenant.patrols import PatrolsMutation, PatrolsQuery
from graphql_api.tenant.punches import PunchesMutation, PunchesQuery
from graphql_api.tenant.rosters import RostersMutation, RostersQuery
from graphql_api.tenant.rubrics import RubricsMutation, RubricsQuery
from graphql_api.tenant.timeline import TimelineQuery


class Query(
    BoardsQuery,
    PunchesQuery,
    AttendanceQuery,
    FaceQuery,
    FindingsQuery,
    DutyQuery,
    InspectionsQuery,
    PatrolsQuery,
    EvidenceQuery,
    NoticesQuery,
    TimelineQuery,
    CalendarQuery,
    CertificatesQuery,
    OrganisationQuery,
    JobsQuery,
    EvaluationsQuery,
    OwnBenchmarkQuery,
    SchoolLibraryQuery,
    RubricsQuery,
    RostersQuery,
    IdentityQuery,
    MeQuery,
):
    """Reads on a school's host."""


class Mutation(
    CalendarMutation,
    PunchesMutation,
    AttendanceMutation,
    FaceMutation,
    OrganisationMutation,
    BoardsMutation,
    FindingsMutation,
    DutyMutation,
    InspectionsMutation,
    PatrolsMutation,
    NoticesMutation,
    EvaluationsMutation,
    RubricsMutation,
    RostersMutation,
    IdentityMutation,
    graphene.ObjectType,
):
    """Writes on a school's host."""


schema = graphene.Schema(query=Query, mutation=Mutation)
