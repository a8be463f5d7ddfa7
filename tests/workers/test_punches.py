"""Changed days reach whoever derives results, in the transaction that takes them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kernel import clock
from kernel.tenancy import Tenant
from tenants.punches.models import Dirty
from tests.factories.organisation import make_staff
from workers.celery import app
from workers.tasks import punches

NOW = clock.now()


def test_changed_days_are_handed_on_with_the_day_before(alpha: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[dict[str, Any]] = []
    monkeypatch.setattr(app.tasks[punches.DERIVES], "run", lambda **given: told.append(given))
    one, two, day = make_staff(), make_staff(), NOW.date()
    Dirty.objects.bulk_create([Dirty(staff_id=s.pk, day=day) for s in (one, two, one)])
    assert punches.received.run(tenant=alpha) == 2
    assert [(t["from_day"], t["until_day"]) for t in told] == [
        ((day - timedelta(days=1)).isoformat(), (day + timedelta(days=1)).isoformat())
    ]
    assert sorted(told[0]["staff_ids"]) == sorted([str(one.pk), str(two.pk)])
    assert not Dirty.objects.exists() and punches.received.run(tenant=alpha) == 0


def test_days_whose_derivation_fails_stay(alpha: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_given: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(app.tasks[punches.DERIVES], "run", broken)
    Dirty.objects.create(staff_id=make_staff().pk, day=NOW.date())
    with pytest.raises(RuntimeError):
        punches.received.run(tenant=alpha)
    assert Dirty.objects.count() == 1
