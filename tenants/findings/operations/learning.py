"""A of PDCA: what changes because of a finding, or why nothing does."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from identity.contracts import Actor
from kernel.errors import Invalid, NotAllowed
from kernel.tenancy import Tenant
from tenants.findings import policies
from tenants.findings.choices import Consequence, FindingStatus, Severity, StepKind
from tenants.findings.errors import ConsequenceMissing, PlanUnchanged, ReasonMissing, RubricUnchanged, WrongMove
from tenants.findings.models import Finding
from tenants.findings.operations.common import locked, note, step
from tenants.organisation.queries import own_party_ids
from tenants.rubrics import queries as rubrics
from tenants.timeline import queries as timeline


def write_consequence(
    finding: Finding,
    *,
    consequence: str,
    lesson: str,
    rubric_id: UUID | None,
    rubric_revision: int | None,
    plan_event_id: int | None = None,
) -> None:
    """Put the consequence on the row, checked, unsaved. A lesson alone is kept as words without a conclusion; a named
    change of a plan is its own words where none are given."""
    finding.lesson = lesson.strip()[:300] or finding.lesson
    if not consequence:
        return
    if consequence not in Consequence.values:
        raise Invalid(_("请选择改进结论。"), field="consequence")
    if consequence == Consequence.RUBRIC:
        since = rubrics.revised_since(finding.found_at)
        if not any((r.rubric_id, r.revision) == (rubric_id, rubric_revision) for r in since):
            raise RubricUnchanged(field="rubric")
    if consequence == Consequence.PLAN and plan_event_id is not None:
        near = {"place_id": finding.place_id, "party_id": finding.party_id}
        change = timeline.plan_changes(since=finding.found_at, **near).filter(pk=plan_event_id).first()
        if change is None:
            raise PlanUnchanged(field="plan_event")
        finding.lesson = finding.lesson or change.sentence
    if consequence != Consequence.RUBRIC and not finding.lesson:
        raise ReasonMissing(field="lesson")
    rubric = consequence == Consequence.RUBRIC
    finding.consequence = consequence
    finding.rubric_id, finding.rubric_revision = (rubric_id, rubric_revision) if rubric else (None, None)
    finding.plan_event_id = plan_event_id if consequence == Consequence.PLAN else None


def needs_consequence(finding: Finding) -> bool:
    """Repeats, critical and veto findings end with a conclusion."""
    return bool(finding.repeat_of_id) or finding.veto or finding.severity == Severity.CRITICAL


def check_consequence(finding: Finding) -> None:
    """Raise ConsequenceMissing when it must have one."""
    if needs_consequence(finding) and not finding.consequence:
        raise ConsequenceMissing(field="consequence")


@transaction.atomic
def set_consequence(
    *,
    finding_id: UUID,
    consequence: str,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    lesson: str = "",
    rubric_id: UUID | None = None,
    rubric_revision: int | None = None,
    plan_event_id: int | None = None,
) -> Finding:
    """Write down, after closing, what changed because of it, or why nothing did. Locks the finding.

    Raises NotFound, NotAllowed, WrongMove (not closed), Invalid, ReasonMissing, RubricUnchanged, PlanUnchanged.
    """
    finding = locked(finding_id, by)
    if finding.status != FindingStatus.CLOSED:
        raise WrongMove(status=str(FindingStatus(finding.status).label))
    if not policies.can_conclude(by, finding, own_party_ids=own_party_ids(by)):
        raise NotAllowed
    if not consequence:
        raise ConsequenceMissing(field="consequence")
    write_consequence(
        finding, consequence=consequence, lesson=lesson, rubric_id=rubric_id, rubric_revision=rubric_revision,
        plan_event_id=plan_event_id,
    )  # fmt: skip
    finding.save(update_fields=["consequence", "lesson", "rubric_id", "rubric_revision", "plan_event_id"])
    said = f"{Consequence(consequence).label}：{finding.lesson}".rstrip("：")
    step(finding, StepKind.LESSON, by=by, now=now, text=said)
    note(finding, "concluded", said, by, consequence=consequence)
    return finding
