"""Derivation in SQL against the plain rule (T8), and the cases that break other systems on real rows."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from kernel.tenancy import Tenant
from tenants.attendance import derive
from tenants.attendance.choices import Mark
from tenants.attendance.models import DayResult
from tenants.punches.models import Punch
from tenants.rosters.models import ShiftInstance
from tests.factories.rosters import make_instance
from tests.tenants.attendance import cases

pytestmark = pytest.mark.django_db
LAST = cases.FIRST + timedelta(days=10)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_sql_says_what_the_plain_rule_says(alpha: Tenant, seed: int) -> None:
    now = cases.build(alpha, seed)
    derive.derive(tenant=alpha, now=now, first=cases.FIRST, last=LAST)
    begun = set(ShiftInstance.objects.filter(in_from__lte=now).values_list("pk", flat=True))
    said, found = cases.oracle(now), cases.derived()
    assert found.keys() == begun and len(found) > 170
    wrong = {k: (said[k], found[k]) for k in found if said[k] != found[k]}
    assert not wrong, f"{len(wrong)} of {len(found)}: {next(iter(wrong.values()))}"
    marks = {j.mark for j in found.values()}
    assert marks >= {Mark.NORMAL, Mark.LATE, Mark.ABSENT, Mark.LEAVE, Mark.PENDING, Mark.REST, Mark.MISSING_OUT}
    assert any(j.late_minutes > 300 for j in found.values()) and any(j.early_minutes > 300 for j in found.values())
    later = now + timedelta(days=12)
    derive.derive(tenant=alpha, now=later, first=cases.FIRST, last=LAST)
    said, found = cases.oracle(later), cases.derived()
    assert said == found and not DayResult.objects.filter(mark=Mark.PENDING).exists()


def test_the_order_of_arrival_does_not_matter(alpha: Tenant) -> None:
    now = cases.build(alpha, 4, people=20) + timedelta(days=20)
    derive.derive(tenant=alpha, now=now, first=cases.FIRST, last=LAST)
    at_once = cases.derived()
    rows = list(Punch.objects.all())
    DayResult.objects.all().delete()
    Punch.objects.all().delete()
    random.Random(7).shuffle(rows)
    for start in range(0, len(rows), 25):
        part = rows[start : start + 25]
        Punch.objects.bulk_create(part)
        derive.derive_days([(p.staff_id, p.at.astimezone(alpha.tz).date()) for p in part], tenant=alpha, now=now)
    derive.derive_instances(derive.due(now=now, seen=now - timedelta(days=60)), tenant=alpha, now=now)
    assert cases.derived() == at_once


def test_deriving_again_writes_nothing(alpha: Tenant) -> None:
    now = cases.build(alpha, 5, people=10) + timedelta(days=20)
    first = derive.derive(tenant=alpha, now=now, first=cases.FIRST, last=LAST)
    again = derive.derive(tenant=alpha, now=now, first=cases.FIRST, last=LAST)
    assert first.written > 20 and (again.written, again.adjusted, again.forgotten) == (0, 0, 0)


# --- What results name stays -----------------------------------------------------------------------


@pytest.mark.parametrize("step", [derive.FORGET, derive.RELEASE, derive.HOLD, derive.CANCELLED])
def test_no_step_joins_the_results_with_themselves(alpha: Tenant, step: str) -> None:
    """A first month is derived into a table whose statistics say that it is empty: such a join costs its square."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE attendance_result")
        cursor.execute(f"EXPLAIN {step}", {"first": cases.FIRST, "last": LAST, "now": datetime(2026, 4, 1, tzinfo=UTC)})
        scans = [row[0] for row in cursor.fetchall() if "attendance_result r" in row[0] and "Scan" in row[0]]
    assert len(scans) == 1, scans


def test_an_instance_does_not_go_while_a_result_names_it(alpha: Tenant) -> None:
    row, other = make_instance(alpha, day=date(2026, 3, 2)), make_instance(alpha, day=date(2026, 3, 3))
    derive.derive(tenant=alpha, now=datetime(2026, 3, 9, tzinfo=UTC), first=row.day, last=row.day)
    assert DayResult.objects.filter(instance=row).exists() and not DayResult.objects.filter(instance=other).exists()

    def delete(pk: object) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("DELETE FROM rosters_shiftinstance WHERE id = %s", [pk])
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

    with pytest.raises(IntegrityError, match="are there"):
        delete(row.pk)
    delete(other.pk)
    row.delete()  # Django takes the result along first
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert not DayResult.objects.exists()
