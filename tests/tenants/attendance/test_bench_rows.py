"""The bench's three ways agree on a few people, so that its statements stay true to the tables."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection

from infra.bench import day_results as bench
from kernel.tenancy import Tenant
from tenants.attendance import derive
from tenants.attendance.models import DayResult
from tests.factories.organisation import make_post, make_staff
from tests.factories.rosters import make_rule, make_shift

pytestmark = pytest.mark.django_db


def test_bare_sql_and_product_agree(alpha: Tenant) -> None:
    post, first, now = make_post(), date(2026, 3, 1), datetime(2026, 4, 30, tzinfo=UTC)
    for n in range(6):
        make_staff(f"员工{n}", post=post, number=f"G{n:06d}")
    given = {
        "first": first, "last": first + timedelta(days=9), "days": 10, "shift": make_shift().pk, "post": post.pk,
        "party": post.party_id, "rule": make_rule().pk, "now": now, "since": "G000000", "until": "G000006",
    }  # fmt: skip
    statement, defaults = bench.punch_statement()
    with connection.cursor() as cursor:
        cursor.execute(bench.FILL, given)
        cursor.execute(statement, {**given, **defaults})
        cursor.execute("CREATE TABLE bench_bare (LIKE attendance_result INCLUDING ALL)")
        cursor.execute(bench.BARE, given)
        derive.derive(tenant=alpha, now=now, first=first, last=given["last"])
        cursor.execute(
            "SELECT count(*) FROM attendance_result r JOIN bench_bare b USING (instance_id)"
            " WHERE (r.mark, r.late_minutes, r.early_minutes, r.in_punch_id, r.out_punch_id)"
            " IS NOT DISTINCT FROM (b.mark, b.late_minutes, b.early_minutes, b.in_punch_id, b.out_punch_id)"
        )
        assert cursor.fetchone()[0] == DayResult.objects.count() == 60
