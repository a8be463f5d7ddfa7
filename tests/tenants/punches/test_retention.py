"""Coordinates are erased when their term is over; what was decided from them stays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from identity.choices import Role
from identity.models import Account
from kernel import clock
from kernel.errors import Invalid, NotAllowed
from kernel.tenancy import Tenant
from tenants.punches import operations, queries
from tenants.punches.models import Punch, Setting
from tenants.timeline.models import Event
from tests.factories.findings import make_member
from tests.factories.punches import make_punch
from workers.tasks import punches as tasks

NOW = datetime(2026, 6, 15, 4, tzinfo=UTC)


def old(days: float, *, now: datetime = NOW, **fields: Any) -> Punch:
    return make_punch(
        at=now - timedelta(days=days),
        latitude=30.0,
        longitude=120.0,
        accuracy_m=12.0,
        outside_m=0.0,
        grade="B",
        **fields,
    )


def erase(tenant: Tenant, *, now: datetime = NOW, **more: Any) -> int:
    return operations.erase_positions(tenant=tenant, now=now, **more)


def set_days(tenant: Tenant, days: int) -> Setting:
    return operations.set_position_days(days=days, by=make_member(tenant, Role.SCHOOL_ADMIN), tenant=tenant, now=NOW)


def test_coordinates_go_and_grade_verdict_error_and_distance_stay(alpha: Tenant) -> None:
    gone, kept = old(181), old(179)
    assert erase(alpha) == 1
    gone.refresh_from_db(), kept.refresh_from_db()
    assert (gone.latitude, gone.longitude) == (None, None)
    assert (gone.grade, gone.status, gone.accuracy_m, gone.outside_m) == ("B", "accepted", 12.0, 0.0)
    assert (kept.latitude, kept.longitude) == (30.0, 120.0)


def test_it_is_recorded_once_and_without_anything_due_nothing_is(alpha: Tenant) -> None:
    old(200), old(300)
    assert (erase(alpha), erase(alpha)) == (2, 0)
    (event,) = Event.objects.filter(verb="punch.positions_erased")
    assert event.payload["count"] == 2 and "抹去 2 条" in event.sentence
    assert Setting.objects.get().erased_count == 2


def test_it_counts_from_when_it_was_received_and_in_batches(alpha: Tenant) -> None:
    old(400, received_at=NOW - timedelta(days=10))  # an offline phone, an import: received ten days ago
    for n in range(3):
        old(190 + n)
    assert [erase(alpha, most=2) for _ in range(3)] == [2, 1, 0]
    assert Punch.objects.filter(latitude__isnull=False).count() == 1
    assert erase(alpha, now=NOW + timedelta(days=171)) == 1  # its own term


def test_a_shorter_term_erases_more_and_a_longer_one_brings_nothing_back(alpha: Tenant) -> None:
    old(100), old(200)
    assert erase(alpha) == 1
    set_days(alpha, 90)
    assert erase(alpha) == 1
    set_days(alpha, 365)
    assert erase(alpha) == 0 and not Punch.objects.filter(latitude__isnull=False).exists()


def test_only_the_admin_sets_it_within_bounds_and_it_is_told(alpha: Tenant) -> None:
    for role in (Role.SCHOOL_SUPERVISOR, Role.SCHOOL_LEADER, Role.FRONTLINE):
        with pytest.raises(NotAllowed):
            operations.set_position_days(days=90, by=make_member(alpha, role), tenant=alpha, now=NOW)
    for days in (0, 29, 731):
        with pytest.raises(Invalid):
            set_days(alpha, days)
    assert queries.setting(by=make_member(alpha)).position_days == 180
    assert set_days(alpha, 90).position_days == 90 and set_days(alpha, 90).position_days == 90
    assert Event.objects.filter(verb="punch.retention_set").count() == 1  # the same again is no news
    with pytest.raises(IntegrityError), transaction.atomic():
        Setting.objects.update(position_days=7)


def test_the_sweep_erases_all_batches(alpha: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "ERASE_AT_ONCE", 2)
    for n in range(5):
        old(200 + n, now=clock.now())
    tasks.sweep_school.run(tenant=alpha)
    assert not Punch.objects.filter(latitude__isnull=False).exists()


def test_the_page_sets_it_and_the_detail_says_that_it_was_erased(alpha: Tenant) -> None:
    admin, other = Client(headers={"host": "alpha.localhost"}), Client(headers={"host": "alpha.localhost"})
    admin.force_login(Account.objects.get(pk=make_member(alpha, Role.SCHOOL_ADMIN).account_id))
    other.force_login(Account.objects.get(pk=make_member(alpha, Role.SCHOOL_SUPERVISOR).account_id))
    assert "位置保存期限" in admin.get("/punches/").content.decode()
    assert "位置保存期限" not in other.get("/punches/").content.decode()
    assert other.post("/punches/retention/", {"days": "60"}).status_code == 403
    assert admin.post("/punches/retention/", {"days": "3"}).status_code == 422
    assert admin.post("/punches/retention/", {"days": "60"}).status_code == 302
    row = old(61, now=clock.now())
    erase(alpha, now=clock.now())
    assert "坐标已到期抹去" in admin.get(f"/punches/{row.pk}/").content.decode()
    assert "已按期抹去 1 条" in admin.get("/punches/retention/").content.decode()
