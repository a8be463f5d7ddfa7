"""What the responsible party does: begin, name who answers for it, hand in the fix."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import product
from uuid import UUID

from django.db import transaction

from identity.contracts import Actor
from kernel.errors import NotAllowed
from kernel.tenancy import Tenant
from tenants.evidence import queries as evidence
from tenants.evidence.alike import is_copy
from tenants.findings import policies
from tenants.findings.choices import AFTER, BEFORE, UNSOLVED, WITH_FIXER, FindingStatus, StepKind
from tenants.findings.errors import OwnerUnfit, PhotoMissing, PhotoOfAnother, RootCauseMissing, SamePhoto, WrongMove
from tenants.findings.models import Finding, StepPhoto
from tenants.findings.operations.common import (
    MAX_PHOTOS,
    checked_photos,
    locked,
    move,
    note,
    owner_account,
    step,
    tell,
    verifiers,
)
from tenants.findings.operations.extending import lapse
from tenants.notices import operations as notices
from tenants.notices.choices import NoticeKind
from tenants.organisation import queries as organisation
from tenants.organisation.choices import StaffStatus
from tenants.organisation.queries import own_party_ids
from tenants.timeline import once

ROOT_CAUSE_MIN = 10


@transaction.atomic
def start_fix(
    *,
    finding_id: UUID,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    cause: str = "",
    measure: str = "",
    root_cause: str = "",
    owner_id: UUID | None = None,
    client_key: str = "",
) -> Finding:
    """待整改 → 整改中, with cause, measure and owner if known. Locks the finding.

    Raises NotFound, NotAllowed, WrongMove, OwnerUnfit.
    """
    finding = locked(finding_id, by)
    if once.claim_for(key=client_key, operation="findings.start", by=by, result_id=finding_id):
        return finding
    if finding.status not in WITH_FIXER:
        raise WrongMove(status=str(FindingStatus(finding.status).label))
    if not policies.can_fix(by, finding, own_party_ids=own_party_ids(by)):
        raise NotAllowed
    move(finding, FindingStatus.FIXING)
    _fixed_by(finding, by)
    finding.cause, finding.measure = cause.strip()[:300] or finding.cause, measure.strip()[:300] or finding.measure
    finding.root_cause = root_cause.strip()[:500] or finding.root_cause
    if owner_id is not None:
        finding.owner_id, finding.owner_name = owner_id, _fit_owner(finding, owner_id)
    finding.save(update_fields=["status", "fixers", "cause", "measure", "root_cause", "owner", "owner_name"])
    plan = "；".join(t for t in (cause and f"原因：{cause.strip()}", measure and f"措施：{measure.strip()}") if t)
    step(finding, StepKind.STARTED, by=by, now=now, text=plan)
    note(finding, "started", "开始整改", by)
    return finding


def check_new(finding: Finding, photos: Sequence[UUID]) -> None:
    """Pictures of the fix show it after the fix: none is a picture of the problem, also saved anew, scaled or
    cropped, and none is of another finding (one picture may show two fixes at the same place).
    Raises SamePhoto, PhotoOfAnother.
    """
    taken = StepPhoto.objects.filter(step__finding=finding, step__kind__in=BEFORE).values_list("evidence_id", flat=True)
    before = list(taken)
    known = evidence.contracts_of([*before, *photos])
    bytes_of = {i: {known[i].sha256, known[i].source_sha256} for i in known}
    if any(bytes_of[one] & bytes_of[old] for one in photos for old in before if old in known):
        raise SamePhoto(field="photos")
    elsewhere = evidence.same_bytes(photos)
    others = StepPhoto.objects.filter(evidence_id__in=elsewhere).exclude(step__finding=finding)
    if others.exclude(step__kind__in=AFTER, step__finding__place_id=finding.place_id).exists():
        raise PhotoOfAnother(field="photos")
    small = evidence.small_pictures([*before[-MAX_PHOTOS:], *photos])
    for one, old in product(photos, before[-MAX_PHOTOS:]):
        if one in small and old in small and is_copy(small[one], small[old]):
            raise SamePhoto(field="photos")


def _companies(finding: Finding, by: Actor) -> frozenset[UUID]:
    """For whom `by` works on it: the responsible company, or all of theirs when they record it for somebody else."""
    if policies.answers_for(by, finding, own_party_ids=own_party_ids(by)):
        return frozenset({finding.party.provider_id} if finding.party.provider_id else ())
    return by.provider_ids


def _fixed_by(finding: Finding, by: Actor) -> None:
    if by.account_id is not None and by.account_id not in finding.fixers:
        finding.fixers = [*finding.fixers, by.account_id]


@transaction.atomic
def submit_fix(
    *,
    finding_id: UUID,
    photo_ids: Sequence[UUID],
    by: Actor,
    tenant: Tenant,
    now: datetime,
    text: str = "",
    cause: str = "",
    measure: str = "",
    root_cause: str = "",
    client_key: str = "",
) -> Finding:
    """Hand in the fix with at least one photo: → 待复查. Locks the finding; the sender can never verify it.

    A repeat (复发) is taken only with its root cause. A waiting request for more time lapses.
    Raises NotFound, NotAllowed, WrongMove, RootCauseMissing, PhotoMissing, PhotoUnknown, SamePhoto,
    PhotoOfAnother, TooManyPhotos.
    """
    finding = locked(finding_id, by)
    if once.claim_for(key=client_key, operation="findings.submit", by=by, result_id=finding_id):
        return finding
    if finding.status not in WITH_FIXER:
        raise WrongMove(status=str(FindingStatus(finding.status).label))
    if not policies.can_fix(by, finding, own_party_ids=own_party_ids(by)):
        raise NotAllowed
    finding.root_cause = root_cause.strip()[:500] or finding.root_cause
    if finding.repeat_of_id and len(finding.root_cause) < ROOT_CAUSE_MIN:
        raise RootCauseMissing(field="root_cause")
    photos = checked_photos(photo_ids, by)
    if not photos:
        raise PhotoMissing(field="photos")
    check_new(finding, photos)
    move(finding, FindingStatus.VERIFYING)
    _fixed_by(finding, by)
    finding.fixed_by, finding.fixed_by_name = by.account_id, by.name
    finding.fixer_provider_ids = sorted({*finding.fixer_provider_ids, *_companies(finding, by)})
    finding.submitted_at, finding.chased = now, 0
    finding.first_submitted_at = finding.first_submitted_at or now
    finding.cause, finding.measure = cause.strip()[:300] or finding.cause, measure.strip()[:300] or finding.measure
    finding.save()
    step(finding, StepKind.SUBMITTED, by=by, now=now, text=text, photos=photos)
    note(finding, "submitted", "提交整改，待复查", by)
    lapse(finding, now=now)
    notices.settle(subject=finding, now=now)
    tell(
        finding, f"submitted:{finding.rejections}:{finding.reopened}", "整改已提交，请复查",
        to=verifiers(finding, tenant, now), by=by, now=now,
    )  # fmt: skip
    return finding


def _fit_owner(finding: Finding, staff_id: UUID) -> str:
    """The name of a fit owner: one of the party's people who works there now. Raises OwnerUnfit."""
    person = organisation.staff_by_id([staff_id]).get(staff_id)
    if person is None or person.party_id != finding.party_id or person.status == StaffStatus.LEFT:
        raise OwnerUnfit(field="owner")
    return person.name


@transaction.atomic
def assign_owner(*, finding_id: UUID, owner_id: UUID | None, by: Actor, tenant: Tenant, now: datetime) -> Finding:
    """Name who of the party answers for the fix (责任人), or nobody (None). Locks the finding.

    Raises NotFound, NotAllowed, WrongMove, OwnerUnfit.
    """
    finding = locked(finding_id, by)
    if finding.status not in UNSOLVED:
        raise WrongMove(status=str(FindingStatus(finding.status).label))
    if not policies.can_name_owner(by, finding, own_party_ids=own_party_ids(by)):
        raise NotAllowed
    if finding.owner_id == owner_id:
        return finding
    finding.owner_name = _fit_owner(finding, owner_id) if owner_id else ""
    finding.owner_id = owner_id
    finding.save(update_fields=["owner", "owner_name"])
    said = f"整改负责人：{finding.owner_name}" if owner_id else "取消整改负责人"
    step(finding, StepKind.OWNER, by=by, now=now, text=said)
    note(finding, "owner_named", said, by, staff_id=owner_id)
    tell(
        finding, f"owner:{owner_id}:{now.isoformat()}", "您被指定为整改负责人",
        to=owner_account(finding), by=by, now=now, kind=NoticeKind.TODO,
    )  # fmt: skip
    return finding
