"""People with and without a face on record. Run inside a school (`alpha`)."""

from __future__ import annotations

from datetime import date, datetime
from uuid import uuid4

from identity.choices import Role
from identity.contracts import Actor
from kernel import clock
from kernel.tenancy import Tenant
from tenants.face import engine, operations, pack, pictures, queries, texts
from tenants.face.choices import Decision, Source
from tenants.face.models import Consent, Template
from tenants.face.operations import checks
from tenants.organisation.models import Staff
from tests.factories import face_models
from tests.factories.organisation import make_staff


def person_actor(person: Staff, tenant: Tenant) -> Actor:
    """The signed-in frontline worker who is this person."""
    return Actor(
        account_id=person.account_id or uuid4(),
        name=person.name,
        roles=frozenset({Role.FRONTLINE}),
        school_id=tenant.school_id,
        staff_id=person.pk,
    )


def admin(tenant: Tenant) -> Actor:
    return Actor(account_id=uuid4(), name="管理员", roles=frozenset({Role.SCHOOL_ADMIN}), school_id=tenant.school_id)


def switch_on(tenant: Tenant, *, photo_days: int = 0) -> None:
    operations.configure(
        enabled=True, assessed_on=date(2026, 1, 5), photo_days=photo_days, by=admin(tenant), tenant=tenant,
        now=clock.now(),
    )  # fmt: skip


def agree(person: Staff, tenant: Tenant, *, now: datetime | None = None) -> Consent:
    now = now or clock.now()
    version = texts.current(now.astimezone(tenant.tz).date()).version
    return operations.decide(
        decision=Decision.AGREED, text_version=version, is_14=True, by=person_actor(person, tenant), tenant=tenant,
        now=now,
    )  # fmt: skip


def make_enrolled(
    who: int, tenant: Tenant, *, person: Staff | None = None, now: datetime | None = None
) -> tuple[Staff, Template]:
    """A person whose face is the drawn person `who`, agreed and enrolled through the real engine."""
    now = now or clock.now()
    person = person or make_staff()
    agree(person, tenant, now=now)
    picture = face_models.photo(who)
    look = engine.current().look(pictures.load(picture))
    consent = queries.standing_consent(person.pk, today=now.astimezone(tenant.tz).date())
    assert consent is not None and not look.outcome
    template = checks.enrol(
        person=person, consent=consent, look=look, picture=picture, model_hash=pack.usable().model_hash,
        source=Source.PHONE, by=person_actor(person, tenant), tenant=tenant, now=now,
    )  # fmt: skip
    return person, template
