"""Around the cycle: void, comment, who verifies, another deadline."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from identity.contracts import Actor
from identity.people import people_of_school
from kernel.errors import Invalid, NotAllowed
from kernel.tenancy import Tenant
from tenants.findings import deadlines, policies
from tenants.findings.choices import UNSOLVED, FindingStatus, StepKind
from tenants.findings.errors import ReasonMissing, VerifierUnfit, WrongMove
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
)
from tenants.findings.operations.extending import lapse
from tenants.findings.operations.withdrawing import unlink_repeats
from tenants.notices import operations as notices
from tenants.notices.choices import NoticeKind
from tenants.organisation.queries import own_party_ids
from tenants.timeline import once


@transaction.atomic
def void(*, finding_id: UUID, reason: str, by: Actor, tenant: Tenant, now: datetime) -> Finding:
    """→ 已作废: it was opened by mistake and counts nowhere. Locks the finding.

    Raises NotFound, WrongMove, NotAllowed, ReasonMissing.
    """
    finding = locked(finding_id, by)
    if finding.status not in UNSOLVED:
        raise WrongMove(status=str(FindingStatus(finding.status).label))
    if not policies.can_void(by, finding, own_party_ids=own_party_ids(by)):
        raise NotAllowed
    if not reason.strip():
        raise ReasonMissing(field="reason")
    move(finding, FindingStatus.VOID)
    finding.save(update_fields=["status"])
    lapse(finding, now=now)
    step(finding, StepKind.VOIDED, by=by, now=now, text=reason)
    note(finding, "voided", f"作废：{reason.strip()[:200]}", by)
    unlink_repeats(finding, tenant=tenant, now=now)
    notices.settle(subject=finding, now=now)
    tell(
        finding, "voided", "问题已作废", to=to_fix_again(finding, tenant, now), by=by, now=now,
        kind=NoticeKind.INFO, text=reason.strip(),
    )  # fmt: skip
    return finding


@transaction.atomic
def comment(
    *,
    finding_id: UUID,
    text: str,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    photo_ids: Sequence[UUID] = (),
    client_key: str = "",
) -> Finding:
    """Add words and pictures without moving anything. Raises NotFound, NotAllowed, Invalid, PhotoUnknown."""
    finding = locked(finding_id, by)
    if once.claim_for(key=client_key, operation="findings.comment", by=by, result_id=finding_id):
        return finding
    if not policies.can_comment(by, finding):
        raise NotAllowed
    if not 1 <= len(text.strip()) <= 1000:
        raise Invalid(_("请填写说明（1000 字以内）。"), field="text")
    step(finding, StepKind.COMMENTED, by=by, now=now, text=text, photos=checked_photos(photo_ids, by))
    note(finding, "commented", f"补充说明：{text.strip()[:120]}", by)
    return finding


def fit_verifier(finding: Finding, account_id: UUID, tenant: Tenant, now: datetime) -> str:
    """The name of a fit verifier. Raises VerifierUnfit."""
    people = people_of_school(
        school_id=tenant.school_id, roles=policies.OVERSEERS, today=now.astimezone(tenant.tz).date()
    )
    found = next((p for p in people if p.account_id == account_id), None)
    if found is None or account_id in finding.fixers:
        raise VerifierUnfit(field="verifier")
    return found.name


@transaction.atomic
def assign_verifier(*, finding_id: UUID, verifier_id: UUID | None, by: Actor, tenant: Tenant, now: datetime) -> Finding:
    """Name who verifies, or nobody in particular (None). Locks the finding. Raises NotFound, NotAllowed, VerifierUnfit."""
    finding = locked(finding_id, by)
    if not policies.can_manage(by, finding, own_party_ids=own_party_ids(by)):
        raise NotAllowed
    if finding.verifier_id == verifier_id:
        return finding
    finding.verifier_name = fit_verifier(finding, verifier_id, tenant, now) if verifier_id else ""
    finding.verifier_id = verifier_id
    finding.save(update_fields=["verifier_id", "verifier_name"])
    said = f"指定复查人：{finding.verifier_name}" if verifier_id else "取消指定复查人"
    step(finding, StepKind.ASSIGNED, by=by, now=now, text=said)
    note(finding, "verifier_assigned", said, by)
    if verifier_id:
        tell(
            finding, f"verifier:{verifier_id}:{now.isoformat()}", "您被指定为复查人",
            to=[verifier_id], by=by, now=now,
            kind=NoticeKind.TODO if finding.status == FindingStatus.VERIFYING else NoticeKind.INFO,
        )  # fmt: skip
    return finding


@transaction.atomic
def change_deadline(
    *, finding_id: UUID, deadline: datetime, reason: str, by: Actor, tenant: Tenant, now: datetime
) -> Finding:
    """Move the deadline, saying why; escalation starts over. Locks the finding.

    Raises NotFound, NotAllowed, DeadlinePast, DeadlineFar, ReasonMissing.
    """
    finding = locked(finding_id, by)
    if not policies.can_manage(by, finding, own_party_ids=own_party_ids(by)):
        raise NotAllowed
    deadlines.checked(deadline, now=now)
    if not reason.strip():
        raise ReasonMissing(field="reason")
    old = finding.deadline
    deadlines.move(finding, deadline)
    finding.save(update_fields=["deadline", "first_deadline", "escalation"])
    lapse(finding, now=now)
    said = f"{old.astimezone(tenant.tz):%Y-%m-%d %H:%M} → {deadline.astimezone(tenant.tz):%Y-%m-%d %H:%M}：{reason.strip()}"
    step(finding, StepKind.DEADLINE, by=by, now=now, text=said)
    note(finding, "deadline_changed", f"调整期限 {said}"[:280], by, old=old.isoformat(), new=deadline.isoformat())
    tell(
        finding, f"deadline:{deadline.isoformat()}", "整改期限已调整",
        to=people_of_party(finding, tenant, now), by=by, now=now, kind=NoticeKind.INFO, text=said,
    )  # fmt: skip
    return finding
