"""What every step of a finding needs: the locked row, checked photos, the step itself, events and notices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from identity.choices import Role
from identity.contracts import Actor
from identity.people import people_of_school
from kernel.errors import NotFound
from kernel.tenancy import Tenant
from tenants.evidence import queries as evidence
from tenants.findings import policies
from tenants.findings.choices import MOVES, FindingStatus, StepKind
from tenants.findings.errors import PhotoUnknown, TooManyPhotos, WrongMove
from tenants.findings.models import Finding, Step, StepPhoto
from tenants.notices import operations as notices
from tenants.notices.choices import NoticeKind
from tenants.organisation import queries as organisation
from tenants.organisation.queries import own_party_ids
from tenants.timeline.operations import record

MAX_PHOTOS = 9


def path_of(finding: Finding) -> str:
    """Where a notice about it leads."""
    return f"/findings/{finding.pk}/"


def locked(finding_id: UUID, by: Actor) -> Finding:
    """The finding under lock, with place and party. Raises NotFound, also for one the actor may not see."""
    finding = (
        Finding.objects.select_for_update(of=("self",)).select_related("party", "place").filter(pk=finding_id).first()
    )
    if finding is None:
        raise NotFound
    if not policies.can_see(by, finding, own_party_ids=own_party_ids(by)):
        raise NotFound
    return finding


def move(finding: Finding, to: FindingStatus) -> None:
    if to not in MOVES[FindingStatus(finding.status)]:
        raise WrongMove(status=str(FindingStatus(finding.status).label))
    finding.status = to


def checked_photos(photo_ids: Sequence[UUID], by: Actor) -> list[UUID]:
    """The ids, checked: they exist in this school and `by` may use them. Raises PhotoUnknown, TooManyPhotos."""
    wanted = list(dict.fromkeys(photo_ids))
    if len(wanted) > MAX_PHOTOS:
        raise TooManyPhotos(field="photos")
    if wanted and evidence.existing(wanted, by=by) != wanted:
        raise PhotoUnknown(field="photos")
    return wanted


def step(
    finding: Finding, kind: StepKind, *, by: Actor, now: datetime, text: str = "", photos: Sequence[UUID] = ()
) -> Step:
    row = Step.objects.create(
        finding=finding, kind=kind, at=now, account_id=by.account_id, actor_name=by.name, text=text.strip()
    )
    StepPhoto.objects.bulk_create([StepPhoto(step=row, evidence_id=p, position=n) for n, p in enumerate(photos)])
    return row


def note(
    finding: Finding, verb: str, sentence: str, by: Actor, *, staff_id: UUID | None = None, **payload: Any
) -> None:
    record(
        verb=f"finding.{verb}",
        sentence=f"{finding.number} {sentence}"[:300],
        subject=finding,
        by=by,
        place_id=finding.place_id,
        party_id=finding.party_id,
        staff_id=staff_id,
        **payload,
    )


def people_of_party(finding: Finding, tenant: Tenant, now: datetime) -> list[UUID]:
    """Managers of the responsible company and whoever answers for the fix.

    A department's other people see it on their own page instead.
    """
    owner = owner_account(finding)
    if finding.party.provider_id is None:
        return owner
    people = people_of_school(
        school_id=tenant.school_id,
        roles=[Role.PROVIDER_MANAGER],
        today=now.astimezone(tenant.tz).date(),
        provider_id=finding.party.provider_id,
    )
    return [*owner, *(p.account_id for p in people)]


def owner_account(finding: Finding) -> list[UUID]:
    """The login of the named owner, if there is one."""
    if finding.owner_id is None:
        return []
    person = organisation.staff_by_id([finding.owner_id]).get(finding.owner_id)
    return [person.account_id] if person and person.account_id else []


def supervisors(tenant: Tenant, now: datetime) -> list[UUID]:
    today = now.astimezone(tenant.tz).date()
    found = people_of_school(school_id=tenant.school_id, roles=[Role.SCHOOL_SUPERVISOR], today=today)
    found = found or people_of_school(school_id=tenant.school_id, roles=[Role.SCHOOL_ADMIN], today=today)
    return [p.account_id for p in found]


def verifiers(finding: Finding, tenant: Tenant, now: datetime) -> list[UUID]:
    """Whose turn it is after a fix: the named verifier, else the finder if they oversee, else the supervisors."""
    if finding.verifier_id:
        return [finding.verifier_id]
    if finding.found_by and finding.found_by not in finding.fixers:
        today = now.astimezone(tenant.tz).date()
        overseers = people_of_school(school_id=tenant.school_id, roles=policies.OVERSEERS, today=today)
        if any(p.account_id == finding.found_by for p in overseers):
            return [finding.found_by]
    return [a for a in supervisors(tenant, now) if a not in finding.fixers]


def tell(
    finding: Finding,
    occasion: str,
    title: str,
    *,
    to: Sequence[UUID],
    by: Actor,
    now: datetime,
    kind: NoticeKind = NoticeKind.TODO,
    text: str = "",
    mail: bool = False,
) -> None:
    notices.notify(
        account_ids=to,
        kind=kind,
        title=f"{title}：{finding.title}",
        text=text or f"{finding.number} · {finding.place.full_name} · {finding.party.name}",
        path=path_of(finding),
        subject=finding,
        occasion=f"finding.{occasion}:{finding.pk}",
        now=now,
        mail=mail,
        besides=by.account_id,
    )


def to_fix_again(finding: Finding, tenant: Tenant, now: datetime) -> list[UUID]:
    return [*people_of_party(finding, tenant, now), *([finding.fixed_by] if finding.fixed_by else [])]
