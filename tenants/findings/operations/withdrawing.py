"""The source itself takes back what it reported."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from identity.contracts import Actor
from kernel.tenancy import Tenant
from tenants.findings.choices import UNSOLVED, FindingSource, FindingStatus, StepKind
from tenants.findings.models import Finding
from tenants.findings.operations.common import move, note, step, tell, to_fix_again, verifiers
from tenants.findings.operations.extending import lapse
from tenants.notices import operations as notices
from tenants.notices.choices import NoticeKind

TAKEN_BACK = (FindingSource.PRESENCE, FindingSource.PATROL)


@transaction.atomic
def take_back(*, finding_id: UUID, reason: str, by: Actor, tenant: Tenant, now: datetime) -> Finding | None:
    """What the finding was opened for turns out not to have been: → 已作废, also when somebody has begun to fix it.

    For the feature that opened it by itself (a presence call that was answered after all, a tour that was walked) and
    has asked its own policy; `by` is the platform, or the human whose judgement says so. A closed finding stays closed and is told the reason; one
    that a person reported is theirs to void. Locks the finding. None when nothing was taken back.
    """
    finding = (
        Finding.objects.select_for_update(of=("self",)).select_related("party", "place").filter(pk=finding_id).first()
    )
    if finding is None or finding.source not in TAKEN_BACK or finding.status == FindingStatus.VOID:
        return None
    if finding.status not in UNSOLVED:
        step(finding, StepKind.COMMENTED, by=by, now=now, text=reason)
        note(finding, "commented", f"补充说明：{reason[:120]}", by)
        return None
    move(finding, FindingStatus.VOID)
    finding.save(update_fields=["status"])
    lapse(finding, now=now)
    step(finding, StepKind.VOIDED, by=by, now=now, text=reason)
    note(finding, "voided", f"作废：{reason[:200]}", by)
    unlink_repeats(finding, tenant=tenant, now=now)
    notices.settle(subject=finding, now=now)
    tell(
        finding, "voided", "问题已作废", to=[*to_fix_again(finding, tenant, now), *_finder(finding)], by=by, now=now,
        kind=NoticeKind.INFO, text=reason,
    )  # fmt: skip
    return finding


@transaction.atomic
def speak_for(
    *, finding_id: UUID, text: str, by: Actor, tenant: Tenant, now: datetime, decide: bool = False
) -> Finding | None:
    """The source adds what it has learned since, which proves too little to take the finding back. Locks the finding.

    With `decide` whoever verifies it is asked to look, as long as it is unsolved. None for one that is void.
    """
    finding = (
        Finding.objects.select_for_update(of=("self",)).select_related("party", "place").filter(pk=finding_id).first()
    )
    if finding is None or finding.source not in TAKEN_BACK or finding.status == FindingStatus.VOID:
        return None
    row = step(finding, StepKind.COMMENTED, by=by, now=now, text=text)
    note(finding, "commented", f"补充说明：{text[:120]}", by)
    if decide and finding.status in UNSOLVED:
        tell(
            finding,
            f"spoken_for:{row.pk}",
            "请核实是否作废",
            to=verifiers(finding, tenant, now),
            by=by,
            now=now,
            text=text,
        )
    return finding


def unlink_repeats(gone: Finding, *, tenant: Tenant, now: datetime) -> None:
    """What repeats a finding that counts nowhere any more repeats the one before it, or none. Locks those after it.

    Call under the lock of the one that is gone. Chains are followed from the older to the newer, as they are made.
    """
    by = Actor.system(tenant.school_id)
    before = gone.repeat_of
    rows = Finding.objects.select_for_update(of=("self",)).filter(repeat_of=gone).exclude(status=FindingStatus.VOID)
    for row in rows.order_by("found_at", "pk"):
        row.repeat_of = before
        row.save(update_fields=["repeat_of"])
        now_so = f"改为 {before.number} 的复发" if before else "不再算复发"
        step(row, StepKind.COMMENTED, by=by, now=now, text=f"{gone.number} 已作废，{now_so}")
        note(row, "repeat_changed", f"{gone.number} 已作废，{now_so}", by)
        _recount(row, before.repeats + 1 if before else 0)


def _recount(finding: Finding, repeats: int) -> None:
    """How many came before it in the chain, and of those after it."""
    finding.repeats = repeats
    finding.save(update_fields=["repeats"])
    for later in Finding.objects.select_for_update(of=("self",)).filter(repeat_of=finding).order_by("found_at", "pk"):
        _recount(later, repeats + 1)


def _finder(finding: Finding) -> list[UUID]:
    return [finding.found_by] if finding.found_by else []
