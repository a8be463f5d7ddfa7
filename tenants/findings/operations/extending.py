"""延期申请: the party asks with a reason, an overseer answers. The clock runs on until it is granted."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from identity.contracts import Actor
from kernel.errors import NotAllowed, NotFound
from kernel.tenancy import Tenant
from tenants.findings import deadlines, policies
from tenants.findings.choices import WITH_FIXER, ExtensionStatus, FindingStatus, StepKind
from tenants.findings.errors import (
    DeadlinePast,
    ExtensionAnswered,
    ExtensionBeyondAsked,
    ExtensionsUsedUp,
    ExtensionTooFar,
    ExtensionTooLate,
    ExtensionTooShort,
    ExtensionWaits,
    ReasonMissing,
    WrongMove,
)
from tenants.findings.models import Extension, Finding
from tenants.findings.operations.common import locked, note, people_of_party, step, supervisors, tell
from tenants.notices import operations as notices
from tenants.notices.choices import NoticeKind
from tenants.organisation.queries import own_party_ids
from tenants.timeline import once


def lapse(finding: Finding, *, now: datetime) -> None:
    """A request nobody answered in time is moot. Call under the finding's lock."""
    waiting = finding.extensions.filter(status=ExtensionStatus.PENDING)
    for pk in waiting.values_list("pk", flat=True):
        notices.settle(subject=finding, now=now, occasion=f"finding.extension:{pk}")
    waiting.update(status=ExtensionStatus.LAPSED, answered_at=now)


@transaction.atomic
def ask_extension(
    *,
    finding_id: UUID,
    deadline: datetime,
    reason: str,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    client_key: str = "",
) -> Finding:
    """The responsible party asks for more time, saying why, before the time is up. Locks the finding; nothing
    changes until it is granted. How often and how far is the school's rule of the severity.

    Raises NotFound, NotAllowed, WrongMove, ReasonMissing, ExtensionTooLate, ExtensionTooShort, ExtensionsUsedUp,
    ExtensionTooFar, ExtensionWaits.
    """
    finding = locked(finding_id, by)
    if once.claim_for(key=client_key, operation="findings.ask_extension", by=by, result_id=finding_id):
        return finding
    if finding.status not in WITH_FIXER:
        raise WrongMove(status=str(FindingStatus(finding.status).label))
    if not policies.can_ask_extension(by, finding, own_party_ids=own_party_ids(by)):
        raise NotAllowed
    if not reason.strip():
        raise ReasonMissing(field="reason")
    if finding.deadline <= now:
        raise ExtensionTooLate
    if deadline <= finding.deadline:
        raise ExtensionTooShort(field="deadline")
    _check_limits(finding, deadline, tenant)
    if finding.extensions.filter(status=ExtensionStatus.PENDING).exists():
        raise ExtensionWaits
    asked = Extension.objects.create(
        finding=finding,
        before=finding.deadline,
        wanted=deadline,
        reason=reason.strip()[:300],
        asked_at=now,
        asked_by=by.account_id,
        asked_by_name=by.name,
    )
    said = f"申请延期到 {deadline.astimezone(tenant.tz):%Y-%m-%d %H:%M}：{asked.reason}"
    step(finding, StepKind.EXT_ASKED, by=by, now=now, text=said)
    note(finding, "extension_asked", said, by, extension=str(asked.pk))
    watch = [i for i in (finding.verifier_id,) if i] or supervisors(tenant, now)
    tell(finding, f"extension:{asked.pk}", "申请延期，请答复", to=watch, by=by, now=now, text=said)
    return finding


def _check_limits(finding: Finding, wanted: datetime, tenant: Tenant) -> None:
    """The school's rule of the severity. Raises ExtensionsUsedUp, ExtensionTooFar."""
    rule = deadlines.rules()[finding.severity]
    if finding.extended >= rule.extensions:
        raise ExtensionsUsedUp(times=finding.extended)
    latest = deadlines.latest(finding)
    if wanted > latest:
        said = f"{latest.astimezone(tenant.tz):%Y-%m-%d %H:%M}"
        raise ExtensionTooFar(field="deadline", latest=said, days=rule.extension_days)


@transaction.atomic
def grant_extension(
    *,
    extension_id: UUID,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    deadline: datetime | None = None,
    answer: str = "",
) -> Finding:
    """Give the time asked for, or less of it by another `deadline`; escalation starts over. Locks the finding.

    It only ever lengthens, and to no later than was asked: another deadline is for `change_deadline`, which says why.
    Raises NotFound, NotAllowed, ExtensionAnswered, DeadlinePast, ExtensionTooShort, ExtensionsUsedUp,
    ExtensionTooFar, ExtensionBeyondAsked.
    """
    finding, asked = _asked(extension_id, by)
    due = deadline or asked.wanted
    if due <= now:
        raise DeadlinePast(field="deadline")
    if due <= finding.deadline:
        raise ExtensionTooShort(field="deadline")
    _check_limits(finding, due, tenant)
    if due > asked.wanted:
        raise ExtensionBeyondAsked(field="deadline", wanted=f"{asked.wanted.astimezone(tenant.tz):%Y-%m-%d %H:%M}")
    _answer(asked, ExtensionStatus.GRANTED, by=by, now=now, answer=answer, granted=due)
    deadlines.move(finding, due)
    finding.extended += 1
    finding.save(update_fields=["deadline", "first_deadline", "escalation", "extended"])
    said = f"同意延期到 {due.astimezone(tenant.tz):%Y-%m-%d %H:%M}" + (f"：{asked.answer}" if asked.answer else "")
    _told(finding, StepKind.EXT_GRANTED, "extension_granted", "延期申请已同意", said, asked, by, tenant, now)
    return finding


@transaction.atomic
def refuse_extension(*, extension_id: UUID, answer: str, by: Actor, tenant: Tenant, now: datetime) -> Finding:
    """Keep the deadline, saying why. Locks the finding. Raises NotFound, NotAllowed, ExtensionAnswered, ReasonMissing."""
    finding, asked = _asked(extension_id, by)
    if not answer.strip():
        raise ReasonMissing(field="answer")
    _answer(asked, ExtensionStatus.REFUSED, by=by, now=now, answer=answer)
    said = f"不同意延期，期限仍为 {finding.deadline.astimezone(tenant.tz):%Y-%m-%d %H:%M}：{asked.answer}"
    _told(finding, StepKind.EXT_REFUSED, "extension_refused", "延期申请未同意", said, asked, by, tenant, now)
    return finding


def _asked(extension_id: UUID, by: Actor) -> tuple[Finding, Extension]:
    """The finding under lock and its request, still waiting."""
    found = Extension.objects.filter(pk=extension_id).values_list("finding_id", flat=True).first()
    if found is None:
        raise NotFound
    finding = locked(found, by)
    asked = Extension.objects.select_for_update().get(pk=extension_id)
    if not policies.can_manage(by, finding, own_party_ids=own_party_ids(by)):
        raise NotAllowed
    if asked.status != ExtensionStatus.PENDING:
        raise ExtensionAnswered
    return finding, asked


def _answer(
    asked: Extension,
    status: ExtensionStatus,
    *,
    by: Actor,
    now: datetime,
    answer: str,
    granted: datetime | None = None,
) -> None:
    asked.status, asked.answer, asked.granted = status, answer.strip()[:300], granted
    asked.answered_at, asked.answered_by, asked.answered_by_name = now, by.account_id, by.name
    asked.save()


def _told(
    finding: Finding,
    kind: StepKind,
    verb: str,
    title: str,
    said: str,
    asked: Extension,
    by: Actor,
    tenant: Tenant,
    now: datetime,
) -> None:
    step(finding, kind, by=by, now=now, text=said)
    note(finding, verb, said, by, extension=str(asked.pk))
    notices.settle(subject=finding, now=now, occasion=f"finding.extension:{asked.pk}")
    to = [*people_of_party(finding, tenant, now), *([asked.asked_by] if asked.asked_by else [])]
    tell(finding, f"answered:{asked.pk}", title, to=to, by=by, now=now, kind=NoticeKind.INFO, text=said)
