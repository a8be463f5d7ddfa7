"""What whoever did not fix it decides: passed, sent back, opened again, seen on site."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from identity.contracts import Actor
from kernel.errors import NotAllowed
from kernel.tenancy import Tenant
from tenants.findings import deadlines, policies
from tenants.findings.choices import UNSOLVED, FindingStatus, StepKind
from tenants.findings.errors import FixerNeverCloses, ReasonMissing, RootCauseMissing, WrongMove
from tenants.findings.models import Finding
from tenants.findings.operations.common import (
    checked_photos,
    locked,
    move,
    note,
    people_of_party,
    step,
    tell,
    to_fix_again,
    verifiers,
)
from tenants.findings.operations.extending import lapse
from tenants.findings.operations.fixing import ROOT_CAUSE_MIN, check_new
from tenants.findings.operations.learning import check_consequence, needs_consequence, write_consequence
from tenants.notices import operations as notices
from tenants.notices.choices import NoticeKind
from tenants.organisation.queries import own_party_ids
from tenants.timeline import once


def _check_verifier(finding: Finding, by: Actor) -> None:
    if finding.status != FindingStatus.VERIFYING:
        raise WrongMove(status=str(FindingStatus(finding.status).label))
    if policies.is_fixer(by, finding, own_party_ids=own_party_ids(by)):
        raise FixerNeverCloses
    if not policies.can_verify(by, finding, own_party_ids=own_party_ids(by)):
        raise NotAllowed


@transaction.atomic
def verify_pass(
    *,
    finding_id: UUID,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    text: str = "",
    lesson: str = "",
    consequence: str = "",
    rubric_id: UUID | None = None,
    rubric_revision: int | None = None,
    plan_event_id: int | None = None,
    root_cause: str = "",
    photo_ids: Sequence[UUID] = (),
    client_key: str = "",
) -> Finding:
    """待复查 → 已销号, with the verdict and what follows from it. Locks the finding: of two verifiers at once
    the second is told so.

    A repeat, a critical and a veto finding is closed only with its consequence (A of PDCA): a sheet revised
    since (`rubric_id`, `rubric_revision`), a changed plan or rule (`plan_event_id` or `lesson` says which), or why nothing
    changes (`lesson`). A repeat that an inspection saw solved before the party said why it came again asks the
    verifier for its root cause. Raises NotFound, WrongMove, FixerNeverCloses, NotAllowed, RootCauseMissing,
    ConsequenceMissing, ReasonMissing, RubricUnchanged, PlanUnchanged, PhotoUnknown.
    """
    finding = locked(finding_id, by)
    if once.claim_for(key=client_key, operation="findings.pass", by=by, result_id=finding_id):
        return finding
    _check_verifier(finding, by)
    photos = checked_photos(photo_ids, by)
    finding.root_cause = root_cause.strip()[:500] or finding.root_cause
    if finding.repeat_of_id and len(finding.root_cause) < ROOT_CAUSE_MIN:
        raise RootCauseMissing(field="root_cause")
    write_consequence(
        finding, consequence=consequence, lesson=lesson, rubric_id=rubric_id, rubric_revision=rubric_revision,
        plan_event_id=plan_event_id,
    )  # fmt: skip
    check_consequence(finding)
    _close(finding, by=by, now=now, verdict=text.strip() or "复查合格")
    step(finding, StepKind.PASSED, by=by, now=now, text=finding.verdict, photos=photos)
    note(finding, "closed", f"复查通过，问题销号：{finding.verdict}", by)
    _tell_closed(finding, tenant, by, now)
    return finding


def _close(finding: Finding, *, by: Actor, now: datetime, verdict: str) -> None:
    move(finding, FindingStatus.CLOSED)
    finding.closed_at, finding.closed_by, finding.closed_by_name = now, by.account_id, by.name
    finding.closer_provider_ids = sorted(by.provider_ids)
    finding.verdict = verdict[:300]
    finding.save()
    lapse(finding, now=now)
    notices.settle(subject=finding, now=now)


def _tell_closed(finding: Finding, tenant: Tenant, by: Actor, now: datetime) -> None:
    told = [*people_of_party(finding, tenant, now), *([finding.found_by] if finding.found_by else [])]
    if finding.fixed_by:
        told.append(finding.fixed_by)
    tell(finding, f"closed:{finding.reopened}", "问题已销号", to=told, by=by, now=now, kind=NoticeKind.INFO)


@transaction.atomic
def verify_reject(
    *,
    finding_id: UUID,
    reason: str,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    photo_ids: Sequence[UUID] = (),
    client_key: str = "",
) -> Finding:
    """待复查 → 整改中, saying what is still wrong. Locks the finding.

    Raises NotFound, WrongMove, FixerNeverCloses, NotAllowed, ReasonMissing, PhotoUnknown.
    """
    finding = locked(finding_id, by)
    if once.claim_for(key=client_key, operation="findings.reject", by=by, result_id=finding_id):
        return finding
    _check_verifier(finding, by)
    _reject(finding, reason=reason, photos=checked_photos(photo_ids, by), by=by, tenant=tenant, now=now)
    return finding


def _reject(finding: Finding, *, reason: str, photos: Sequence[UUID], by: Actor, tenant: Tenant, now: datetime) -> None:
    if not reason.strip():
        raise ReasonMissing(field="reason")
    move(finding, FindingStatus.FIXING)
    finding.rejections += 1
    finding.submitted_at = None
    finding.save()
    step(finding, StepKind.REJECTED, by=by, now=now, text=reason, photos=photos)
    note(finding, "rejected", f"复查退回：{reason.strip()[:200]}", by)
    notices.settle(subject=finding, now=now)
    tell(
        finding, f"rejected:{finding.rejections}", "复查未通过，请继续整改",
        to=to_fix_again(finding, tenant, now), by=by, now=now, text=reason.strip(),
    )  # fmt: skip


@transaction.atomic
def reopen(
    *,
    finding_id: UUID,
    reason: str,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    deadline: datetime | None = None,
    photo_ids: Sequence[UUID] = (),
    client_key: str = "",
) -> Finding:
    """已销号 → 整改中, because it is there again; a new deadline by severity unless given. Locks the finding.

    Raises NotFound, WrongMove, NotAllowed, ReasonMissing, DeadlinePast, DeadlineFar, PhotoUnknown.
    """
    finding = locked(finding_id, by)
    if once.claim_for(key=client_key, operation="findings.reopen", by=by, result_id=finding_id):
        return finding
    if finding.status != FindingStatus.CLOSED:
        raise WrongMove(status=str(FindingStatus(finding.status).label))
    if not policies.can_reopen(by, finding, own_party_ids=own_party_ids(by)):
        raise NotAllowed
    if not reason.strip():
        raise ReasonMissing(field="reason")
    photos = checked_photos(photo_ids, by)
    usual = deadlines.default_deadline(severity=finding.severity, found_at=now)
    due = deadlines.checked(deadline, now=now) if deadline else usual
    move(finding, FindingStatus.FIXING)
    finding.reopened += 1
    finding.deadline, finding.first_deadline, finding.escalation = due, None, 0
    finding.closed_at = finding.closed_by = finding.closer_provider_id = finding.submitted_at = None
    finding.closer_provider_ids = []
    finding.closed_by_name = ""
    finding.consequence, finding.rubric_id, finding.rubric_revision = "", None, None  # it did not help
    finding.plan_event_id = None
    finding.save()
    step(finding, StepKind.REOPENED, by=by, now=now, text=reason, photos=photos)
    note(finding, "reopened", f"重新打开：{reason.strip()[:200]}", by)
    tell(
        finding, f"reopened:{finding.reopened}", "问题被重新打开，请整改",
        to=to_fix_again(finding, tenant, now), by=by, now=now, text=reason.strip(),
    )  # fmt: skip
    return finding


@transaction.atomic
def confirm_on_site(
    *,
    finding_id: UUID,
    solved: bool,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    text: str = "",
    lesson: str = "",
    consequence: str = "",
    photo_ids: Sequence[UUID] = (),
    client_key: str = "",
) -> Finding:
    """The next inspection of the place looks at an open finding: 已解决 or 仍存在. Locks the finding.

    Solved: → 待复查 by the word of whoever stands there, and → 已销号 at once where nothing is missing: a fix
    was handed in or the inspector's own photo shows it, a repeat has its root cause, and a repeat, a critical
    and a veto finding has its consequence. Where something is missing the verifiers are asked for it. When the
    party handed nothing in, nothing says it did (`first_submitted_at` stays empty). Still there: a handed-in
    fix is rejected; otherwise the look is noted.

    Raises NotFound, WrongMove (already closed), FixerNeverCloses, NotAllowed, Invalid and ReasonMissing (of the
    consequence), PhotoUnknown, SamePhoto.
    """
    finding = locked(finding_id, by)
    if once.claim_for(key=client_key, operation="findings.confirm", by=by, result_id=finding_id):
        return finding
    if finding.status not in UNSOLVED:
        raise WrongMove(status=str(FindingStatus(finding.status).label))
    if policies.is_fixer(by, finding, own_party_ids=own_party_ids(by)):
        raise FixerNeverCloses
    if not policies.can_confirm(by, finding, own_party_ids=own_party_ids(by)):
        raise NotAllowed
    photos = checked_photos(photo_ids, by)
    if not solved:
        if finding.status == FindingStatus.VERIFYING:
            _reject(finding, reason=text.strip() or "巡查时问题仍存在", photos=photos, by=by, tenant=tenant, now=now)
            return finding
        step(finding, StepKind.SEEN_AGAIN, by=by, now=now, text=text, photos=photos)
        note(finding, "seen_again", "巡查时问题仍存在", by)
        return finding
    check_new(finding, photos)
    write_consequence(finding, consequence=consequence, lesson=lesson, rubric_id=None, rubric_revision=None)
    handed_in = finding.status == FindingStatus.VERIFYING
    if not handed_in:
        move(finding, FindingStatus.VERIFYING)
        finding.submitted_at, finding.chased = now, 0
        finding.save()
        lapse(finding, now=now)
        notices.settle(subject=finding, now=now)
    verdict = text.strip() or "巡查现场确认已解决"
    step(finding, StepKind.SEEN_SOLVED, by=by, now=now, text=verdict, photos=photos)
    lacks = _lacks(finding, shown=handed_in or bool(photos))
    if lacks:
        said = f"巡查现场看到已解决，待复查：还缺{'、'.join(lacks)}"
        note(finding, "seen_solved", said, by)
        tell(
            finding, f"seen_solved:{finding.rejections}:{finding.reopened}", "现场已解决，请复查销号",
            to=verifiers(finding, tenant, now), by=by, now=now, text=said,
        )  # fmt: skip
        return finding
    _close(finding, by=by, now=now, verdict=verdict)
    step(finding, StepKind.PASSED, by=by, now=now, text=finding.verdict)
    note(finding, "closed", "巡查现场确认已解决，问题销号", by)
    _tell_closed(finding, tenant, by, now)
    return finding


def _lacks(finding: Finding, *, shown: bool) -> list[str]:
    """What still has to be there before it can be closed."""
    found = [] if shown else ["整改后的照片"]
    if finding.repeat_of_id and len(finding.root_cause) < ROOT_CAUSE_MIN:
        found.append("根本原因")
    if needs_consequence(finding) and not finding.consequence:
        found.append("改进结论")
    return found
