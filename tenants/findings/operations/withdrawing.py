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


def _finder(finding: Finding) -> list[UUID]:
    return [finding.found_by] if finding.found_by else []
