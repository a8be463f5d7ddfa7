"""All reads. Conflicted people find nothing; scores stay sealed until every sheet is in."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.files.storage import default_storage
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from identity import people
from identity.choices import Role
from identity.contracts import Actor
from institute.applications import completeness, conflicts, criteria, links, policies, scoring
from institute.applications.choices import OPEN, UNSEALED, ApplicationStatus, ConflictKind, EnquiryStatus
from institute.applications.contracts import Candidate, Result, Sheet, SheetLine, Step
from institute.applications.models import (
    Application,
    ApplicationDocument,
    Assignment,
    Conflict,
    CriteriaSet,
    Criterion,
    Enquiry,
    ReviewerProfile,
    ScoreLine,
)
from institute.journal import queries as journal
from kernel.errors import NotAllowed, NotFound

_S = ApplicationStatus
# What the applicant may read of the journal; who reviews and what was said inside stays inside.
APPLICANT_VERBS = frozenset(
    f"application.{verb}"
    for verb in (
        "started", "email_confirmed", "submitted", "resubmitted", "returned", "accepted", "review_started",
        "approved", "rejected", "waitlisted", "withdrawn", "links_renewed",
    )
)  # fmt: skip


# --- The applicant, by link ----------------------------------------------------------------------------


def by_link(token: str, *, now: datetime) -> Application:
    """The application a signed link opens. Raises LinkInvalid, LinkExpired."""
    key = links.read(token, now=now)
    application = Application.objects.filter(pk=key.application_id, link_version=key.version).first()
    if application is None:
        raise links.LinkInvalid
    return application


def documents_of(application: Application) -> QuerySet[ApplicationDocument]:
    return ApplicationDocument.objects.filter(application=application)


def checks_of(application: Application) -> list[completeness.Check]:
    """What is there and what is missing, in the order of the form."""
    return completeness.checks(application, documents_of(application).values_list("kind", flat=True))


def steps_of(application: Application) -> list[Step]:
    """The applicant's status page: every event meant for them, newest first."""
    events = journal.events_of(application).filter(verb__in=APPLICANT_VERBS)
    return [Step(e.at, e.sentence, e.verb, str(e.payload.get("note", ""))) for e in events]


def document_by_link(token: str, document_id: UUID, *, now: datetime) -> ApplicationDocument:
    """One of the applicant's own files. Raises LinkInvalid, LinkExpired, NotFound."""
    return _document(by_link(token, now=now), document_id)


def open_application_of(code: str, *, but: UUID | None = None) -> Application | None:
    """The application under way for a school code or credit code, other than `but`."""
    if not code:
        return None
    rows = Application.objects.filter(Q(school_code=code) | Q(credit_code=code), status__in=OPEN)
    return rows.exclude(pk=but).first() if but else rows.first()


# --- The institute ---------------------------------------------------------------------------------------


def visible_to(actor: Actor) -> QuerySet[Application]:
    """What `actor` may list: submitted ones, without those they have a conflict with; reviewers their tasks only.

    Raises NotAllowed for anybody outside the procedure.
    """
    if not policies.can_read_queue(actor):
        raise NotAllowed
    rows = Application.objects.filter(submitted_at__isnull=False).exclude(
        Exists(Conflict.objects.filter(application=OuterRef("pk"), account_id=_me(actor)))
    )
    if not actor.has(Role.INSTITUTE_ADMIN, Role.INSTITUTE_ANALYST):
        mine = Assignment.objects.filter(application=OuterRef("pk"), account_id=_me(actor), ended_at__isnull=True)
        rows = rows.filter(Exists(mine))
    return rows


def queue(
    actor: Actor, *, status: str = "", kind: str = "", region: str = "", q: str = "", needs_me: bool = False
) -> QuerySet[Any]:
    """The queue, oldest waiting first; `q` finds name, number or code; `needs_me` keeps what waits for this actor.

    Each row carries `reviewers` and `sheets_in`: how many were assigned, how many handed in.
    """
    rows = visible_to(actor).annotate(
        reviewers=Count("assignments", filter=Q(assignments__ended_at__isnull=True), distinct=True),
        sheets_in=Count(
            "assignments",
            filter=Q(assignments__ended_at__isnull=True, assignments__submitted_at__isnull=False),
            distinct=True,
        ),
    )
    if status:
        rows = rows.filter(status=status)
    if kind:
        rows = rows.filter(kind=kind)
    if region:
        rows = rows.filter(region=region)
    if q.strip():
        text = q.strip()
        rows = rows.filter(
            Q(name__icontains=text) | Q(number__icontains=text) | Q(school_code=text) | Q(credit_code=text.upper())
        )
    if needs_me:
        waiting = Q(pk__in=[])
        if policies.can_manage(actor):
            waiting |= Q(status__in=[_S.SUBMITTED, _S.ACCEPTED, _S.SCORED])
        waiting |= Q(
            pk__in=Assignment.objects.filter(
                account_id=_me(actor), ended_at__isnull=True, submitted_at__isnull=True
            ).values("application_id"),
            status=_S.REVIEWING,
        )
        rows = rows.filter(waiting)
    return rows.order_by("status_at", "id")


def counts_by_status(actor: Actor) -> dict[str, int]:
    """How many visible applications stand where."""
    rows = visible_to(actor).order_by().values_list("status").annotate(n=Count("pk"))
    return dict(rows)


def detail(application_id: UUID, *, by: Actor) -> Application:
    """One application as the institute sees it. Raises NotAllowed; NotFound also when a conflict hides it."""
    application = visible_to(by).filter(pk=application_id).first()
    if application is None or _conflicted(application, _profile(by)):
        raise NotFound
    if by.has(Role.INSTITUTE_REVIEWER) and conflicts.by_role(
        conflicts.bodies_of([_me(by)]).get(_me(by), []), application
    ):
        raise NotFound
    return application


def _me(actor: Actor) -> UUID:
    if actor.account_id is None:
        raise NotAllowed
    return actor.account_id


def _conflicted(application: Application, profile: ReviewerProfile | None) -> bool:
    """Asked again from the profile itself, should the stored conflicts ever lag behind."""
    return profile is not None and bool(conflicts.derived(profile, application))


def _profile(actor: Actor) -> ReviewerProfile | None:
    return ReviewerProfile.objects.filter(pk=_me(actor)).first()


def document_for(application_id: UUID, document_id: UUID, *, by: Actor) -> ApplicationDocument:
    """A file for entitled people of the institute. Raises NotAllowed, NotFound."""
    if not policies.can_read_files(by):
        raise NotAllowed
    return _document(detail(application_id, by=by), document_id)


def _document(application: Application, document_id: UUID) -> ApplicationDocument:
    document = ApplicationDocument.objects.filter(pk=document_id, application=application).first()
    if document is None:
        raise NotFound
    return document


def content_of(document: ApplicationDocument) -> bytes:
    """The stored bytes. Call with a document from one of the checked queries only."""
    with default_storage.open(document.path) as stored:
        return bytes(stored.read())


def candidates(application: Application, *, by: Actor, today: date) -> list[Candidate]:
    """All reviewers with what stands against them; free ones first, the least loaded on top. For administrators."""
    if not policies.can_manage(by):
        raise NotAllowed
    profiles = {p.account_id: p for p in ReviewerProfile.objects.all()}
    against: dict[UUID, Conflict] = {}
    for conflict in Conflict.objects.filter(application=application):
        against.setdefault(conflict.account_id, conflict)
    here = set(
        Assignment.objects.filter(application=application, ended_at__isnull=True).values_list("account_id", flat=True)
    )
    load = Counter(
        Assignment.objects.filter(
            ended_at__isnull=True, submitted_at__isnull=True, application__status=_S.REVIEWING
        ).values_list("account_id", flat=True)
    )
    found = []
    reviewers = people.institute_people(Role.INSTITUTE_REVIEWER, today=today)
    bodies = conflicts.bodies_of([p.account_id for p in reviewers])
    for person in reviewers:
        profile = profiles.get(person.account_id)
        blocked, reason = None, ""
        if stored := against.get(person.account_id):
            blocked, reason = ConflictKind(stored.kind), stored.reason
        elif profile and (live := conflicts.derived(profile, application)):
            blocked, reason = live[0].kind, live[0].reason
        elif acting := conflicts.by_role(bodies.get(person.account_id, []), application):
            blocked, reason = acting[0].kind, acting[0].reason
        elif profile is None:
            reason = "尚未填写工作单位，无法判断回避情形"
        found.append(
            Candidate(
                account_id=person.account_id, name=person.name, employer=profile.employer if profile else "",
                expertise=profile.expertise if profile else "", assigned=person.account_id in here, blocked=blocked,
                reason=reason, open_tasks=load[person.account_id],
            )
        )  # fmt: skip
    return sorted(found, key=lambda c: (c.blocked is not None or not c.employer, c.open_tasks, c.name))


def assignments_of(application: Application) -> QuerySet[Assignment]:
    """Who reviews and whether their sheet is in; comments and recommendations are left out (sealed)."""
    return Assignment.objects.filter(application=application).defer("comment", "recommendation")


def visible_among(application_ids: Iterable[UUID], *, by: Actor) -> set[UUID]:
    """Those of the applications that `by` may see. Raises NotAllowed."""
    return set(visible_to(by).filter(pk__in=list(application_ids)).values_list("pk", flat=True))


def documents_by_application(application_ids: Iterable[UUID], *, by: Actor) -> list[tuple[UUID, ApplicationDocument]]:
    """(application, document) pairs of visible applications, in order: two queries."""
    seen = visible_among(application_ids, by=by)
    return [(d.application_id, d) for d in ApplicationDocument.objects.filter(application__in=seen)]


def checks_by_application(application_ids: Iterable[UUID], *, by: Actor) -> list[tuple[UUID, completeness.Check]]:
    """(application, check) pairs of visible applications, in the order of the form: two queries."""
    rows = list(visible_to(by).filter(pk__in=list(application_ids)))
    kinds: dict[UUID, list[str]] = defaultdict(list)
    documents = ApplicationDocument.objects.filter(application__in=rows)
    for application_id, kind in documents.values_list("application_id", "kind"):
        kinds[application_id].append(kind)
    return [(a.pk, check) for a in rows for check in completeness.checks(a, kinds[a.pk])]


def assignments_by_application(application_ids: Iterable[UUID], *, by: Actor) -> list[tuple[UUID, Assignment]]:
    """(application, live assignment) pairs for administrators, without comments and recommendations (sealed)."""
    if not policies.can_manage(by):
        raise NotAllowed
    seen = visible_among(application_ids, by=by)
    rows = Assignment.objects.filter(application__in=seen, ended_at__isnull=True).defer("comment", "recommendation")
    return [(a.application_id, a) for a in rows]


def events_by_application(application_ids: Iterable[UUID], *, by: Actor) -> list[tuple[UUID, Any]]:
    """(application, journal event) pairs for administrators, newest first: two queries."""
    if not policies.can_manage(by):
        raise NotAllowed
    seen = visible_among(application_ids, by=by)
    return [(UUID(e.subject_id), e) for e in journal.events_of_many("applications.application", seen)]


def conflicts_by_application(application_ids: Iterable[UUID], *, by: Actor) -> list[tuple[UUID, Conflict]]:
    """(application, conflict) pairs for administrators, oldest first: two queries."""
    if not policies.can_manage(by):
        raise NotAllowed
    seen = visible_among(application_ids, by=by)
    return [(c.application_id, c) for c in Conflict.objects.filter(application__in=seen).order_by("at")]


def my_assignment(application: Application, *, by: Actor) -> Assignment | None:
    """The actor's own live task on this application."""
    return Assignment.objects.filter(application=application, account_id=_me(by), ended_at__isnull=True).first()


def my_lines(assignment: Assignment, *, by: Actor) -> dict[UUID, ScoreLine]:
    """One's own sheet by criterion, for the reviewer alone. Raises NotAllowed."""
    if assignment.account_id != by.account_id:
        raise NotAllowed
    return {line.criterion_id: line for line in ScoreLine.objects.filter(assignment=assignment)}


def criteria_of(application: Application) -> list[Criterion]:
    """The criteria this application is scored by: fixed when the first reviewer was assigned."""
    return list(Criterion.objects.filter(set_id=application.criteria_edition).order_by("position"))


def current_criteria() -> list[criteria.CriterionText]:
    """The latest edition, or the seed while none was stored."""
    latest = CriteriaSet.objects.first()
    if latest is None:
        return list(criteria.SEED)
    return [
        criteria.CriterionText(c.code, c.label, c.weight, c.guidance)
        for c in Criterion.objects.filter(set=latest).order_by("position")
    ]


def result_of(application: Application, *, by: Actor) -> Result | None:
    """The committee's result, or None while the seal is on: for everybody, administrators included.

    Raises NotAllowed for people outside the procedure and NotFound under a conflict.
    """
    return results_of([application.pk], by=by).get(application.pk)


def results_of(application_ids: Iterable[UUID], *, by: Actor) -> dict[UUID, Result]:
    """Results of those applications whose sheets are all in; the others are simply absent. Four queries, however many."""
    profile = _profile(by)
    rows = visible_to(by).filter(pk__in=list(application_ids), status__in=UNSEALED)
    seen = {a.pk: a for a in rows if not _conflicted(a, profile)}
    tasks = list(Assignment.objects.filter(application__in=seen, ended_at__isnull=True).order_by("submitted_at", "id"))
    sealed = {t.application_id for t in tasks if t.submitted_at is None}
    lines: dict[UUID, list[ScoreLine]] = defaultdict(list)
    for line in ScoreLine.objects.filter(
        assignment__in=[t for t in tasks if t.application_id not in sealed]
    ).select_related("criterion"):
        lines[line.assignment_id].append(line)
    sheets: dict[UUID, list[tuple[Decimal, Sheet]]] = defaultdict(list)
    for task in tasks:
        if task.application_id in sealed or task.submitted_at is None:
            continue
        own = sorted(lines[task.pk], key=lambda li: li.criterion.position)
        total = scoring.total(
            {li.criterion_id: li.points for li in own}, {li.criterion_id: li.criterion.weight for li in own}
        )
        shown = tuple(
            SheetLine(li.criterion.code, li.criterion.label, li.criterion.weight, li.points, li.comment) for li in own
        )
        sheets[task.application_id].append(
            (total, Sheet(task.reviewer_name, scoring.half_up(total), task.recommendation, task.comment,
                          task.submitted_at, shown))
        )  # fmt: skip
    found = {}
    for pk, pairs in sheets.items():
        mean = scoring.mean([total for total, _ in pairs])
        found[pk] = Result(mean.value, mean.trimmed, tuple(sheet for _, sheet in pairs))
    return found


def events_for_institute(application: Application, *, by: Actor) -> QuerySet[Any]:
    """The whole journal of one application, newest first. Check visibility with `detail` before."""
    if not policies.can_read_queue(by):
        raise NotAllowed
    return journal.events_of(application)


def conflicts_of(application: Application, *, by: Actor) -> QuerySet[Conflict]:
    """Who stays away and why. For administrators."""
    if not policies.can_manage(by):
        raise NotAllowed
    return Conflict.objects.filter(application=application).order_by("at")


def reviewer_profiles(*, by: Actor) -> QuerySet[ReviewerProfile]:
    """All profiles for administrators; one's own otherwise."""
    if policies.can_manage(by):
        return ReviewerProfile.objects.all()
    return ReviewerProfile.objects.filter(pk=_me(by))


# --- Enquiries --------------------------------------------------------------------------------------------


def enquiries(actor: Actor, *, status: str = "", topic: str = "", mine: bool = False, q: str = "") -> QuerySet[Enquiry]:
    """The inbox, what is due first on top. Raises NotAllowed."""
    if not policies.can_read_enquiries(actor):
        raise NotAllowed
    rows = Enquiry.objects.all()
    if status:
        rows = rows.filter(status=status)
    if topic:
        rows = rows.filter(topic=topic)
    if mine:
        rows = rows.filter(owner_id=actor.account_id)
    if q.strip():
        rows = rows.filter(
            Q(name__icontains=q.strip()) | Q(organisation__icontains=q.strip()) | Q(message__icontains=q.strip())
        )
    return rows.order_by("due_at", "id") if status == EnquiryStatus.NEW else rows.order_by("-created_at", "-id")


def enquiry(enquiry_id: UUID, *, by: Actor) -> Enquiry:
    """One enquiry. Raises NotAllowed, NotFound."""
    found = enquiries(by).filter(pk=enquiry_id).first()
    if found is None:
        raise NotFound
    return found


def events_by_enquiry(enquiry_ids: Iterable[UUID], *, by: Actor) -> list[tuple[UUID, Any]]:
    """(enquiry, journal event) pairs, newest first. Raises NotAllowed. One query."""
    if not policies.can_read_enquiries(by):
        raise NotAllowed
    return [(UUID(e.subject_id), e) for e in journal.events_of_many("applications.enquiry", enquiry_ids)]


def events_of_enquiry(found: Enquiry, *, by: Actor) -> QuerySet[Any]:
    """What happened to one enquiry, newest first. Raises NotAllowed."""
    if not policies.can_read_enquiries(by):
        raise NotAllowed
    return journal.events_of(found)
