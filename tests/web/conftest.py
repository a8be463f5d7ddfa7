"""Pages under test: the host stays known, and print finds the fonts that set-up made."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from config.middleware import HostMiddleware
from identity import queries as identity
from identity.choices import Role
from identity.contracts import Actor
from identity.models import Account, Membership
from kernel import clock
from kernel.tenancy import Tenant
from tenants.organisation.models import Staff
from tests.databases import ROOT
from tests.factories.findings import make_member
from tests.factories.organisation import make_party, make_post, make_staff

Both = tuple[Staff, Staff, Actor]


@pytest.fixture(autouse=True)
def _host_stays_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is looked up again after two seconds, which would count as statements on a slow machine."""
    monkeypatch.setattr(HostMiddleware, "TTL", 600.0)


@pytest.fixture(autouse=True)
def _fonts(settings: Any) -> None:
    settings.FONT_DIR = str(ROOT / "var" / "fonts")


@pytest.fixture
def both(alpha: Tenant) -> Both:
    """Cleaner for one company, gardener for another; the older membership is the cleaner's."""
    cleaner, gardener = (
        make_staff("周大姐", post=make_post(post, party=make_party("contract", name)))
        for post, name in (("保洁员", "清源物业"), ("绿化工", "青禾园林"))
    )
    first = make_member(alpha, Role.FRONTLINE, staff_id=cleaner.pk)
    account = Account.objects.get(pk=first.account_id)
    Staff.objects.filter(pk__in=[cleaner.pk, gardener.pk]).update(account_id=account.pk)
    Membership.objects.create(
        account=account, school_id=alpha.school_id, role=Role.FRONTLINE, staff_id=gardener.pk,
        provider_id=gardener.party.provider_id, created_at=clock.now() + timedelta(minutes=1),
    )  # fmt: skip
    today = clock.now().astimezone(alpha.tz).date()
    return cleaner, gardener, identity.actor_for(account, school_id=alpha.school_id, today=today)


@pytest.fixture
def phone(both: Both) -> Client:
    client = Client(headers={"host": "alpha.localhost"})
    client.force_login(Account.objects.get(pk=both[2].account_id))
    return client
