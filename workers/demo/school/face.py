"""Who agreed to be known by face and who did not. No template: those need a model pack, which the platform does not bring."""

from datetime import datetime, timedelta
from random import Random

from django.db import transaction

from identity.choices import Role
from identity.contracts import Actor
from kernel.tenancy import Tenant
from tenants.face import operations, queries, texts
from tenants.face.choices import Decision
from tenants.organisation import queries as organisation
from workers.demo.school.stamps import stamp
from workers.demo.schools import People, Plan

DECIDED = 78  # of 120: the others have not looked at the page yet


def make(plan: Plan, who: People, tenant: Tenant, *, now: datetime, seed: int) -> None:
    """Switch the service on and let most people choose, unless it was done."""
    if queries.service_on():
        return
    random = Random(f"f{seed}{plan.slug}")  # noqa: S311  (deterministic on purpose)
    begun = now - timedelta(days=24)
    with transaction.atomic():
        assessed = (begun - timedelta(days=9)).astimezone(tenant.tz).date()
        operations.configure(enabled=True, assessed_on=assessed, photo_days=0, by=who.admin, tenant=tenant, now=begun)
        stamp(begun, newest="face.")
        people = list(organisation.staff(by=who.admin).order_by("number"))
        for person in sorted(random.sample(people, min(DECIDED, len(people))), key=lambda p: p.number):
            at = begun + timedelta(days=random.randint(1, 20), minutes=random.randint(0, 500))
            decision = random.choices((Decision.AGREED, Decision.REFUSED), weights=(88, 12))[0]
            version = texts.current(at.astimezone(tenant.tz).date()).version
            if random.random() < 0.15:
                operations.record_paper(
                    staff_id=person.pk,
                    decision=decision,
                    text_version=version,
                    is_14=True,
                    by=who.admin,
                    tenant=tenant,
                    now=at,
                )
            else:
                own = Actor(
                    account_id=person.account_id, name=person.name, roles=frozenset({Role.FRONTLINE}),
                    school_id=tenant.school_id, staff_id=person.pk,
                )  # fmt: skip
                operations.decide(decision=decision, text_version=version, is_14=True, by=own, tenant=tenant, now=at)
            stamp(at, newest="face.")
