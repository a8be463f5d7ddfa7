"""Schools side by side at 1,000 schools: the product's query with ranks and quartiles, against the bare fact query."""

from __future__ import annotations

from infra.bench.scratch import seconds, told

GOAL = 1.5
AT_MOST = True
SIZES = {"small": (1000, 15), "full": (1000, 60)}
MONTHS, METRICS = 24, 5


def run(size: str) -> tuple[float, float]:
    from datetime import date
    from uuid import uuid4

    from django.db import connection

    from identity.choices import Role
    from identity.contracts import Actor
    from institute.benchmarking import queries
    from institute.benchmarking.models import MetricDefinition

    schools, rounds = SIZES["small" if size == "small" else "full"]
    for n in range(METRICS):
        MetricDefinition.objects.create(
            code=f"bench_{n}", version=1, name=f"指标{n}", unit="%", numerator="a", denominator="b", coverage="c",
            direction="up", percent=True, minimum_n=10, minimum_coverage="0.5", position=n,
        )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO schools_school (id, schema_name, slug, name, pinyin, school_code, credit_code, kind, region,"
            " city, mode, line_modes, students, staff_count, campuses, trial, status, status_note, status_at,"
            " admin_name, admin_email, created_at) SELECT gen_random_uuid(), 's_bench_' || g, 'bench-' || g,"
            " '对标' || g || '大学', '', '', '', 'university', '44', '', 'mixed', '{}', 12000, 0, 1, false, 'ready', '',"
            " now(), '', '', now() FROM generate_series(1, %s) g",
            [schools],
        )
        cursor.execute(
            "INSERT INTO benchmarking_fact (school_id, metric_code, metric_version, grain, period, line, numerator,"
            " denominator, n, coverage, trial, recorded_at)"
            " SELECT s.id, 'bench_' || m, 1, 'month', (date '2025-01-01' + make_interval(months => p))::date, '',"
            " floor(random() * 90), 100, 100, 1, false, now()"
            " FROM schools_school s, generate_series(0, %s) m, generate_series(0, %s) p",
            [METRICS - 1, MONTHS - 1],
        )
        cursor.execute("ANALYZE benchmarking_fact; ANALYZE schools_school")
    month = date(2025, 12, 1)
    by = Actor(account_id=uuid4(), name="bench", roles=frozenset({Role.INSTITUTE_ANALYST}))

    def bare() -> None:
        """What the numbers need and nothing else: fetch, divide, sort."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT f.school_id, s.name, s.kind, s.students, s.region, s.mode, f.numerator, f.denominator, f.n,"
                " f.coverage, f.trial, f.recorded_at, round(f.numerator * 100 / f.denominator, 2) AS value"
                " FROM benchmarking_fact f JOIN schools_school s ON s.id = f.school_id"
                " WHERE f.metric_code = 'bench_2' AND f.grain = 'month' AND f.period = %s AND f.line = ''"
                " AND f.metric_version = 1 AND s.status = 'ready' ORDER BY value DESC, s.name",
                [month],
            )
            assert len(cursor.fetchall()) == schools

    def product() -> None:
        answer = queries.side_by_side(by=by, code="bench_2", month=month)
        assert answer.ranked == schools and answer.spread is not None

    for warm in (bare, product):
        warm()
    one, two = [], []
    for _ in range(rounds):  # in turn, so that both see the same machine
        one.append(seconds(bare))
        two.append(seconds(product))
    print(f"{schools} schools, {schools * MONTHS * METRICS} facts:")
    base = told("  the bare fact query", one)
    ours = told("  side by side, with ranks, quarters and quartiles", two)
    return ours / base, GOAL
