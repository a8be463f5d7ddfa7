"""What the pages of findings share: tones, photos, one page's context."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.urls import reverse

from identity.people import people_of_school
from kernel import clock
from kernel.ids import new_id
from standards_library import queries as library
from standards_library.choices import ServiceLine
from tenants.evidence import queries as evidence
from tenants.findings import deadlines, policies, queries
from tenants.findings.choices import (
    AFTER,
    BEFORE,
    WITH_FIXER,
    Bucket,
    Consequence,
    ExtensionStatus,
    FindingStatus,
    StepKind,
)
from tenants.findings.errors import ExtensionsUsedUp, ExtensionTooLate
from tenants.findings.models import Finding, Step
from tenants.findings.operations.learning import needs_consequence
from tenants.organisation import queries as organisation
from tenants.rubrics import queries as rubrics
from tenants.timeline import queries as timeline
from web.http import SchoolRequest
from web.shared.pages import paginate
from web.tenant.findings.forms import DeadlineForm, ExtensionForm, VerifierForm

TONES = {
    FindingStatus.OPEN: "warn",
    FindingStatus.FIXING: "info",
    FindingStatus.VERIFYING: "info",
    FindingStatus.CLOSED: "ok",
    FindingStatus.VOID: "muted",
}
STEP_TONES = {
    StepKind.OPENED: "warn",
    StepKind.SUBMITTED: "info",
    StepKind.PASSED: "ok",
    StepKind.SEEN_SOLVED: "ok",
    StepKind.REJECTED: "bad",
    StepKind.REOPENED: "bad",
    StepKind.ESCALATED: "bad",
    StepKind.SEEN_AGAIN: "bad",
    StepKind.REPEATED: "bad",
    StepKind.EXT_ASKED: "warn",
    StepKind.EXT_GRANTED: "ok",
    StepKind.EXT_REFUSED: "bad",
}


def photo_of(evidence_id: UUID, *, caption: str = "", at: datetime | None = None) -> dict[str, Any]:
    """What the photo components take."""
    return {
        "url": reverse("evidence:thumb", args=[evidence_id]),
        "href": reverse("evidence:file", args=[evidence_id]),
        "caption": caption,
        "at": at,
    }


def events_of(steps: list[Step]) -> list[dict[str, Any]]:
    """Steps as the timeline component takes them, newest first."""
    return [
        {
            "at": step.at,
            "who": step.actor_name,
            "text": StepKind(step.kind).label,
            "body": step.text,
            "tone": STEP_TONES.get(StepKind(step.kind), "muted"),
            "photos": [photo_of(p.evidence_id) for p in step.photos.all()],
        }
        for step in reversed(steps)
    ]


def may_of(request: SchoolRequest, row: Finding) -> dict[str, bool]:
    own = organisation.own_party_ids(request.actor)
    by = request.actor
    return {
        "start": row.status == FindingStatus.OPEN and policies.can_fix(by, row, own_party_ids=own),
        "submit": policies.can_fix(by, row, own_party_ids=own),
        "verify": policies.can_verify(by, row, own_party_ids=own),
        "reopen": policies.can_reopen(by, row, own_party_ids=own),
        "manage": policies.can_manage(by, row, own_party_ids=own),
        "void": policies.can_void(by, row, own_party_ids=own),
        "comment": policies.can_comment(by, row),
        "ask_extension": policies.can_ask_extension(by, row, own_party_ids=own),
        "owner": policies.can_name_owner(by, row, own_party_ids=own),
        "conclude": policies.can_conclude(by, row, own_party_ids=own),
        "fixed_it": row.status == FindingStatus.VERIFYING
        and by.has(*policies.OVERSEERS)
        and policies.is_fixer(by, row, own_party_ids=own),
    }


def page_context(request: SchoolRequest, finding_id: UUID) -> dict[str, Any]:
    now = clock.now()
    row = queries.finding(finding_id=finding_id, by=request.actor)
    steps = list(queries.steps_of([row.pk]))
    photos = [(step, p.evidence_id) for step in steps for p in step.photos.all()]
    known = evidence.contracts_of(i for _step, i in photos)
    before = [
        photo_of(i, caption="整改前", at=known[i].received_at) for s, i in photos if s.kind in BEFORE and i in known
    ]
    after = [
        photo_of(i, caption="整改后", at=known[i].received_at) for s, i in photos if s.kind in AFTER and i in known
    ]
    may = may_of(request, row)
    extensions = [e for _id, e in queries.extensions_of([row.pk])]
    waiting = next((e for e in extensions if e.status == ExtensionStatus.PENDING), None)
    people = []
    if may["manage"]:
        found = people_of_school(
            school_id=request.school.school_id,
            roles=policies.OVERSEERS,
            today=now.astimezone(request.school.tz).date(),
        )
        people = [(str(p.account_id), p.name) for p in found if p.account_id not in row.fixers]
    return {
        "title": f"{row.number} {row.title}",
        "crumbs": [
            {"label": "过程监管"},
            {"label": "问题整改", "url": reverse("findings:index")},
            {"label": row.number},
        ],
        "finding": row,
        "clause": library.requirement_details([(row.requirement_key, row.edition)]).get(
            (row.requirement_key, row.edition)
        )
        if row.requirement_key
        else None,
        "overdue": queries.is_overdue(row, now),
        "line_label": ServiceLine(row.line).label,
        "tones": TONES,
        "before": before[-1] if before else None,
        "after": after[-1] if after else None,
        "more_photos": [*before[:-1], *after[:-1]],
        "ghosts": " ".join(p["href"] for p in reversed(before)),
        "chain": queries.chain_of(row),
        "repeated_by": queries.repeated_by(row.pk) if row.status == FindingStatus.CLOSED else [],
        "extensions": extensions,
        "waiting": waiting if row.status in WITH_FIXER else None,
        "extension_form": _extension_form(row, request.school.tz) if may["ask_extension"] else ExtensionForm(),
        "no_extension": _no_extension(row, now) if may["ask_extension"] else "",
        "owners": _owners(row) if may["owner"] else [],
        "consequences": Consequence.choices,
        "needs_consequence": needs_consequence(row),
        "revisions": rubrics.revised_since(row.found_at) if may["verify"] or may["conclude"] else [],
        "plan_changes": queries.plan_changes(finding_id=row.pk, by=request.actor),
        "rubric": _rubric(row),
        "plan_change": _plan_change(row),
        "events": events_of(steps),
        "may": may,
        "acts": any(may[name] for name in ("submit", "verify", "reopen")),
        "verifier_form": VerifierForm(people=people, initial={"verifier": str(row.verifier_id or "")}),
        "deadline_form": DeadlineForm(initial={"deadline": row.deadline}),
        "client_key": str(new_id()),
        "here": request.path,
    }


def uuid_text(text: str) -> str:
    try:
        return str(UUID(text)) if text else ""
    except ValueError:
        return ""


def rows_of(request: SchoolRequest, rows: Any, now: datetime) -> Any:
    page = paginate(request, rows)
    for row in page.object_list:
        row.overdue = queries.is_overdue(row, now)
        row.line_label = ServiceLine(row.line).label
    return page


def bucket_of(request: SchoolRequest, default: str) -> str:
    asked = request.GET.get("bucket", "")
    return asked if asked in Bucket.values else default


def tabs_of(counts: queries.Counts, bucket: str, url: str) -> list[dict[str, Any]]:
    return [
        {"label": b.label, "url": f"{url}?bucket={b.value}", "active": b == bucket, "count": getattr(counts, b.value)}
        for b in Bucket
    ]


def _no_extension(row: Finding, now: datetime) -> str:
    """Why more time cannot be asked for, in the operation's own words; empty: it can."""
    if row.deadline <= now:
        return ExtensionTooLate().sentence
    if row.extended >= deadlines.rules()[row.severity].extensions:
        return ExtensionsUsedUp(times=row.extended).sentence
    return ""


def _extension_form(row: Finding, tz: ZoneInfo) -> ExtensionForm:
    form = ExtensionForm()
    latest = deadlines.latest(row).astimezone(tz)
    form.fields["wanted"].help_text = f"最晚 {latest:%Y-%m-%d %H:%M}。同意前期限照常计算。"
    form.fields["wanted"].widget.attrs["max"] = f"{latest:%Y-%m-%dT%H:%M}"
    return form


def _owners(row: Finding) -> list[tuple[str, str]]:
    """The party's people who work there now, for 整改负责人."""
    return [(str(p.pk), f"{p.name}（{p.number}）") for p in organisation.working_people_of(row.party_id)]


def _rubric(row: Finding) -> Any:
    """The changed sheet a conclusion points at."""
    if row.rubric_id is None:
        return None
    revised = rubrics.revised_since(row.found_at)
    return next((r for r in revised if (r.rubric_id, r.revision) == (row.rubric_id, row.rubric_revision)), None)


def _plan_change(row: Finding) -> dict[str, str] | None:
    """The change a conclusion points at, in words and as an address."""
    event = timeline.event_of(row.plan_event_id) if row.plan_event_id is not None else None
    if event is None:
        return None
    return {"text": event.sentence, "href": PLAN_PAGES.get(event.subject_type, "").replace("%s", event.subject_id)}


PLAN_PAGES = {
    "inspections.checklist": "/inspections/checklists/%s/",
    "inspections.programme": "/inspections/week/",
    "patrols.route": "/patrols/routes/%s/",
    "rosters.assignment": "/rosters/",
    "rubrics.rubric": "/rubrics/%s/",
}
