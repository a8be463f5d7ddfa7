"""Actors, photos and findings for tests. Run inside a school (`alpha`)."""

from __future__ import annotations

import io
import random
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from PIL import Image

from identity.choices import Role
from identity.contracts import Actor
from identity.models import Account, Membership
from kernel import clock
from kernel.ids import new_id
from kernel.tenancy import Tenant
from tenants.evidence import operations as evidence
from tenants.evidence.models import Evidence
from tenants.findings import operations
from tenants.findings.models import Finding
from tenants.organisation.models import Party, Place
from tests.factories.organisation import make_party, make_place

NAMES = {
    Role.SCHOOL_ADMIN: "管理员",
    Role.SCHOOL_LEADER: "分管领导",
    Role.SCHOOL_SUPERVISOR: "监管员",
    Role.FRONTLINE: "一线员工",
    Role.PROVIDER_MANAGER: "物业经理",
}


def make_member(
    tenant: Tenant,
    role: Role = Role.SCHOOL_SUPERVISOR,
    *,
    provider_id: UUID | None = None,
    staff_id: UUID | None = None,
    name: str | None = None,
    password: str | None = None,
) -> Actor:
    """An account with a membership in the school, as the actor it becomes when signed in."""
    account = Account.objects.create_user(
        f"u{new_id().hex[-12:]}", password, name=name or NAMES[role], email=f"{new_id().hex[-12:]}@example.org"
    )
    Membership.objects.create(
        account=account, school_id=tenant.school_id, role=role, provider_id=provider_id, staff_id=staff_id
    )
    return Actor(
        account_id=account.pk, name=account.name, roles=frozenset({role}), school_id=tenant.school_id,
        provider_ids=frozenset({provider_id} if provider_id else ()), staff_id=staff_id,
    )  # fmt: skip


def picture(seed: int = 1, *, size: tuple[int, int] = (64, 48), form: str = "JPEG", **save: Any) -> bytes:
    """The bytes of a small picture; another seed, another picture."""
    dice = random.Random(seed)
    image = Image.new("RGB", (8, 6))
    image.putdata([(dice.randrange(256), dice.randrange(256), dice.randrange(256)) for _ in range(48)])
    image = image.resize(size, Image.Resampling.BILINEAR)
    out = io.BytesIO()
    image.save(out, form, **save)
    return out.getvalue()


def make_photo(tenant: Tenant, by: Actor, *, seed: int | None = None, **fields: Any) -> Evidence:
    """A photo in the school's evidence; each call another picture unless `seed` says otherwise."""
    seed = new_id().int % 100_000 if seed is None else seed
    return evidence.keep_photo(
        upload=picture(seed), name=f"{seed}.jpg", by=by, tenant=tenant, now=clock.now(), **fields
    )


def make_finding(
    tenant: Tenant,
    *,
    by: Actor | None = None,
    place: Place | None = None,
    party: Party | None = None,
    title: str = "楼道有积水",
    line: str = "cleaning",
    now: datetime | None = None,
    **fields: Any,
) -> Finding:
    """An open finding, opened by the operation itself."""
    return operations.open_finding(
        title=title, place_id=(place or make_place()).pk, party_id=(party or make_party()).pk, line=line,
        by=by or make_member(tenant), tenant=tenant, now=now or clock.now(), **fields,
    )  # fmt: skip


def make_submitted(
    tenant: Tenant, *, fixer: Actor | None = None, now: datetime | None = None, **fields: Any
) -> Finding:
    """A finding whose fix waits for verification; by default the fixer is a manager of the party's company."""
    now = now or clock.now()
    provider = new_id()
    party = fields.pop("party", None) or make_party("contract", provider_id=provider)
    found = make_finding(tenant, party=party, now=now, **fields)
    fixer = fixer or make_member(tenant, Role.PROVIDER_MANAGER, provider_id=party.provider_id)
    photo = make_photo(tenant, fixer)
    return operations.submit_fix(
        finding_id=found.pk, photo_ids=[photo.pk], by=fixer, tenant=tenant, now=now + timedelta(minutes=5)
    )


def make_closed(
    tenant: Tenant, *, verifier: Actor | None = None, now: datetime | None = None, **fields: Any
) -> Finding:
    """A finding fixed and verified."""
    now = now or clock.now()
    found = make_submitted(tenant, now=now, **fields)
    return operations.verify_pass(
        finding_id=found.pk, by=verifier or make_member(tenant), tenant=tenant, now=now + timedelta(minutes=10)
    )
