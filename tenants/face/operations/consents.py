"""Decisions of people about their own face: agreed, refused, revoked. Refusing and revoking never fail for a reason of ours."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from django.db import transaction

from identity.contracts import Actor
from kernel.crypto import CannotOpen
from kernel.errors import Invalid, NotAllowed, NotFound
from kernel.tenancy import Tenant
from tenants.face import policies, queries, texts, vault
from tenants.face.choices import Age, Decision, Ended, Gone, Guardian, How
from tenants.face.errors import AgeNotRecorded, AgeUnknown, GuardianNeeded, NotWorking, ServiceOff, TextChanged
from tenants.face.models import Consent
from tenants.face.operations.templates import lock_person, remove_of
from tenants.organisation import queries as organisation
from tenants.organisation.choices import StaffStatus
from tenants.organisation.models import Staff
from tenants.timeline import operations as timeline
from tenants.timeline.once import claim

ADULT_ENOUGH = 14  # years: below, a guardian consents (PIPL art. 31)


def _age(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def _person(staff_id: UUID) -> Staff:
    person = organisation.staff_by_id([staff_id]).get(staff_id)
    if person is None:
        raise NotFound
    return person


def _check_version(text_version: str, today: date) -> texts.Text:
    text = texts.current(today)
    if text.version != text_version:
        raise TextChanged(field="text_version")
    return text


@transaction.atomic
def decide(
    *,
    decision: str,
    text_version: str,
    is_14: bool = False,
    key: str = "",
    by: Actor,
    tenant: Tenant,
    now: datetime,
) -> Consent:
    """The signed-in person agrees to, or refuses, the text they read; a refusal after an agreement revokes it.

    `is_14`: they say that they are at least 14, needed where no ID card is registered. Locks the person.
    Raises NotAllowed, Invalid, TextChanged, NotWorking, ServiceOff, GuardianNeeded, AgeUnknown.
    """
    staff_id = by.staff_id
    if staff_id is None or not policies.can_decide(by, staff_id):
        raise NotAllowed
    if decision not in Decision.values:
        raise Invalid("请选择“同意”或“不使用人脸”。", field="decision")
    claimed = claim(key=key, operation="face.decide", by=by)
    if claimed.result_id:
        return Consent.objects.get(pk=claimed.result_id)
    person = _person(staff_id)
    today = now.astimezone(tenant.tz).date()
    text = _check_version(text_version, today)
    if decision == Decision.AGREED:
        born = organisation.born_on(person, tenant=tenant)
        if born is not None and _age(born, today) < ADULT_ENOUGH:
            raise GuardianNeeded
        if born is None and not is_14:
            raise AgeUnknown(field="is_14")
    age = Age.UNKNOWN
    if decision == Decision.AGREED:
        age = Age.SAID if born is None else Age.CARD
    row = _decided(person, decision, text, How.PHONE, age=age, by=by, tenant=tenant, now=now)
    claimed.keep(row.pk)
    return row


@transaction.atomic
def record_paper(
    *,
    staff_id: UUID,
    decision: str,
    text_version: str,
    guardian: str = "",
    guardian_name: str = "",
    is_14: bool = False,
    by: Actor,
    tenant: Tenant,
    now: datetime,
) -> Consent:
    """The admin records what a person, or the guardian of one under 14, signed on paper.

    `is_14`: the admin has seen that the person is at least 14, needed where neither an ID card nor a guardian is
    registered. Locks the person.
    Raises NotAllowed, NotFound, Invalid, TextChanged, NotWorking, ServiceOff, GuardianNeeded, AgeNotRecorded.
    """
    if not policies.can_configure(by):
        raise NotAllowed
    if decision not in Decision.values:
        raise Invalid("请选择“同意”或“不使用人脸”。", field="decision")
    if guardian not in Guardian.values or bool(guardian) != bool(guardian_name.strip()):
        raise Invalid("由监护人同意时，请选择关系并填写监护人姓名。", field="guardian_name")
    person = _person(staff_id)
    today = now.astimezone(tenant.tz).date()
    text = _check_version(text_version, today)
    born = organisation.born_on(person, tenant=tenant)
    age = Age.UNKNOWN
    if decision == Decision.AGREED:
        if born and _age(born, today) < ADULT_ENOUGH and not guardian:
            raise GuardianNeeded(field="guardian")
        if born is None and not guardian and not is_14:
            raise AgeNotRecorded(field="is_14")
        age = Age.GUARDIAN if guardian else Age.SAID if born is None else Age.CARD
    return _decided(
        person, decision, text, How.PAPER, age=age, guardian=guardian, guardian_name=guardian_name.strip()[:40],
        by=by, tenant=tenant, now=now,
    )  # fmt: skip


def _decided(
    person: Staff,
    decision: str,
    text: texts.Text,
    how: How,
    *,
    age: Age,
    guardian: str = "",
    guardian_name: str = "",
    by: Actor,
    tenant: Tenant,
    now: datetime,
) -> Consent:
    if person.status == StaffStatus.LEFT:
        raise NotWorking
    if decision == Decision.AGREED and not queries.service_on():
        raise ServiceOff
    lock_person(person.pk, tenant)
    before = Consent.objects.filter(staff_id=person.pk, ended_at__isnull=True).first()
    if before is not None and (before.decision, before.text_version) == (decision, text.version):
        return before
    if before is not None:
        revoked = before.decision == Decision.AGREED and decision == Decision.REFUSED
        before.ended_at, before.ended = now, Ended.REVOKED if revoked else Ended.CHANGED
        before.ended_by_name = by.name
        before.save(update_fields=["ended_at", "ended", "ended_by_name"])
    if decision == Decision.REFUSED:
        remove_of(staff_id=person.pk, reason=Gone.REVOKED, by=by, now=now)
    row = Consent.objects.create(
        staff_id=person.pk,
        decision=decision,
        text_version=text.version,
        text_sha256=text.sha256,
        how=how,
        age=age,
        guardian=guardian,
        guardian_sealed=vault.seal_name(guardian_name, schema=tenant.schema) if guardian_name else None,
        decided_at=now,
        by_account_id=by.account_id,
        by_name=by.name,
    )
    timeline.record(
        verb="face.agreed" if decision == Decision.AGREED else "face.refused",
        sentence=f"员工（工号 {person.number}）{'同意使用' if decision == Decision.AGREED else '选择不使用'}人脸"
        f"（{how.label}，告知书 {text.version} 版）",
        subject=person,
        by=by,
        party_id=person.party_id,
        consent_id=str(row.pk),
        text_version=text.version,
        guardian=guardian,
    )
    return row


@transaction.atomic
def revoke(*, staff_id: UUID, by: Actor, tenant: Tenant, now: datetime) -> None:
    """Take an agreement back: the template goes in the same transaction. Twice does nothing.

    For the person, and for the admin to whom they said so. Locks the person. Raises NotAllowed, NotFound.
    """
    if not (policies.can_decide(by, staff_id) or policies.can_configure(by)):
        raise NotAllowed
    person = _person(staff_id)
    lock_person(staff_id, tenant)
    ended = Consent.objects.filter(staff_id=staff_id, ended_at__isnull=True, decision=Decision.AGREED).update(
        ended_at=now, ended=Ended.REVOKED, ended_by_name=by.name
    )
    gone = remove_of(staff_id=staff_id, reason=Gone.REVOKED, by=by, now=now)
    if not ended and not gone:
        return
    timeline.record(
        verb="face.revoked",
        sentence=f"员工（工号 {person.number}）撤回人脸同意{'，人脸特征已删除' if gone else ''}",
        subject=person,
        by=by,
        party_id=person.party_id,
    )


def check_ages(*, tenant: Tenant, now: datetime, limit: int = 500) -> int:
    """Consents that rest on a word about the age are held against ID cards registered since: a child's ends, with its
    template, and a guardian is asked; the others are done with. Safe to run twice; returns how many ended."""
    waiting = Consent.objects.filter(
        ended_at__isnull=True, decision=Decision.AGREED, age__in=[Age.UNKNOWN, Age.SAID], guardian="",
        staff__id_card_sealed__isnull=False,
    )  # fmt: skip
    today = now.astimezone(tenant.tz).date()
    return sum(
        _check_age(pk, today, tenant=tenant, now=now) for pk in list(waiting.values_list("pk", flat=True)[:limit])
    )


@transaction.atomic
def _check_age(consent_id: UUID, today: date, *, tenant: Tenant, now: datetime) -> bool:
    lock_person(Consent.objects.values_list("staff_id", flat=True).get(pk=consent_id), tenant)
    row = Consent.objects.select_related("staff").get(pk=consent_id)
    try:
        born = organisation.born_on(row.staff, tenant=tenant)
    except CannotOpen:  # sealed under a key that is gone: it says nothing, and the others are looked at all the same
        return False
    if row.ended_at is not None or born is None:
        return False
    if _age(born, today) >= ADULT_ENOUGH:
        row.age = Age.CARD
        row.save(update_fields=["age"])
        return False
    system = Actor.system(tenant.school_id)
    row.ended_at, row.ended, row.ended_by_name = now, Ended.MINOR, system.name
    row.save(update_fields=["ended_at", "ended", "ended_by_name"])
    remove_of(staff_id=row.staff_id, reason=Gone.MINOR, by=system, now=now)
    timeline.record(
        verb="face.minor",
        sentence=f"员工（工号 {row.staff.number}）的人脸同意失效：身份证显示不满十四周岁，须监护人书面同意",
        subject=row.staff,
        by=system,
        party_id=row.staff.party_id,
    )
    return True
