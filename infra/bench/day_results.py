"""A month of 2,000 people (60,000 shift instances, 240,000 punches) derived by the product, against

the bare SQL (the same two probes and thresholds in one hand-written INSERT … SELECT without leave, flexible hours, devices,
traces, frozen months or comparison with what was there; into a table of the same columns and indexes) and against the plain rule
(`day.judge`) in a loop over the same rows read in bulk. All three in one run on the same rows; the marks are compared.
Then a second school of ten times the people, derived turn about with the first: the cost per person must stay. Beside the clock stands the processor time of the database backend
alone, which other work on the machine hardly changes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import Any

from infra.bench.scratch import load, on_cpu, seconds, told

GOAL, AT_MOST = 1.2, True
SIZES = {"small": 200, "full": 2_000}
DAYS, ROUNDS = 30, 5

# Ids grow with time, as the product makes them (kernel.ids).
FILL = """
WITH people AS (SELECT id, row_number() OVER (ORDER BY number) - 1 AS n FROM organisation_staff),
cells AS (
    INSERT INTO rosters_assignment (id, staff_id, day, shift_id, post_id, party_id, source, published_at, created_at)
    SELECT uuidv7(), p.id, %(first)s::date + d, %(shift)s, %(post)s, %(party)s, 'pattern', now(), now()
    FROM people p CROSS JOIN generate_series(0, %(days)s - 1) d
    RETURNING id, staff_id, day
)
INSERT INTO rosters_shiftinstance (id, assignment_id, staff_id, post_id, party_id, day, segment, starts_at, ends_at, in_from,
    in_until, out_from, out_until, needs_in, needs_out, flex_minutes, rule_id, grade)
SELECT uuidv7(), c.id, c.staff_id, %(post)s, %(party)s, c.day, 0, s.at, s.at + interval '8 hours',
       s.at - interval '1 hour', s.at + interval '4 hours', s.at + interval '4 hours', s.at + interval '10 hours', true, true, 0,
       %(rule)s, 'C'
FROM cells c JOIN people p ON p.id = c.staff_id
CROSS JOIN LATERAL (SELECT (c.day::timestamp + (p.n %% 3) * interval '8 hours') AT TIME ZONE 'Asia/Shanghai' AS at) s
"""
# The columns that matter here; the others get the model's defaults.
PUNCHES = """
INSERT INTO punches_punch (staff_id, at, recorded_at, received_at, source, grade, {columns})
SELECT i.staff_id, k.at, k.at, k.at, 'device', CASE WHEN k.r < 0.02 THEN 'D' ELSE 'B' END, {values}
FROM rosters_shiftinstance i
CROSS JOIN LATERAL (
    SELECT i.starts_at + (random() * 25 - 15) * interval '1 minute' AS at, random() AS r
    UNION ALL SELECT i.starts_at + (random() * 60) * interval '1 minute', random()
    UNION ALL SELECT i.ends_at - (random() * 60) * interval '1 minute', random()
    UNION ALL SELECT i.ends_at + (random() * 25 - 5) * interval '1 minute', random()) k
WHERE k.r > 0.01
ORDER BY k.at
"""
BARE = """
INSERT INTO bench_bare (instance_id, staff_id, post_id, party_id, day, mark, wait, late_minutes, early_minutes, worked_minutes,
    leave_minutes, in_punch_id, out_punch_id, in_at, out_at, grade, present_from, present_until, trace, derived_at)
SELECT id, staff_id, post_id, party_id, day,
       CASE WHEN in_id IS NULL AND out_id IS NULL THEN 'absent' WHEN late + early >= absent_minutes THEN 'absent'
            WHEN late + early >= half_absent_minutes THEN 'absent_half' WHEN in_id IS NULL THEN 'missing_in'
            WHEN out_id IS NULL THEN 'missing_out' WHEN late >= serious_minutes THEN 'serious_late' WHEN late > 0 THEN 'late'
            WHEN early > 0 THEN 'early' ELSE 'normal' END,
       '', late, early,
       CASE WHEN in_id IS NULL OR out_id IS NULL THEN 0
            ELSE floor(date_part('epoch', least(out_at, ends_at) - greatest(in_at, starts_at)) / 60)::int END, 0,
       in_id, out_id, in_at, out_at, greatest(coalesce(in_grade, ''), coalesce(out_grade, '')), greatest(in_at, starts_at),
       CASE WHEN in_id IS NOT NULL THEN least(out_at, ends_at) END, '{}', %(now)s
FROM (SELECT x.*, CASE WHEN raw_late > grace_minutes THEN raw_late ELSE 0 END AS late,
             CASE WHEN raw_early > early_grace_minutes THEN raw_early ELSE 0 END AS early
      FROM (SELECT i.*, r.grace_minutes, r.early_grace_minutes, r.serious_minutes, r.half_absent_minutes, r.absent_minutes,
                   f.id AS in_id, f.at AS in_at, f.grade AS in_grade, o.id AS out_id, o.at AS out_at, o.grade AS out_grade,
                   coalesce(greatest(0, floor(date_part('epoch', f.at - i.starts_at) / 60)::int), 0) AS raw_late,
                   coalesce(greatest(0, floor(date_part('epoch', i.ends_at - o.at) / 60)::int), 0) AS raw_early
            FROM rosters_shiftinstance i JOIN rosters_rule r ON r.id = i.rule_id
            LEFT JOIN LATERAL (SELECT p.id, p.at, p.grade FROM punches_punch p
                WHERE p.staff_id = i.staff_id AND p.at >= i.in_from AND p.at < i.in_until AND p.status = 'accepted'
                  AND p.grade <= i.grade AND p.direction <> 'out' ORDER BY p.at, p.id LIMIT 1) f ON true
            LEFT JOIN LATERAL (SELECT p.id, p.at, p.grade FROM punches_punch p
                WHERE p.staff_id = i.staff_id AND p.at >= i.out_from AND p.at < i.out_until AND p.status = 'accepted'
                  AND p.grade <= i.grade AND p.direction <> 'in' AND (f.at IS NULL OR p.at > f.at)
                ORDER BY p.at DESC, p.id DESC LIMIT 1) o ON true
            WHERE i.cancelled_at IS NULL AND i.day BETWEEN %(first)s AND %(last)s OFFSET 0) x OFFSET 0) y ORDER BY id
"""


def punch_statement() -> tuple[str, dict[str, object]]:
    """PUNCHES with every other column at the model's default, and those values as parameters."""
    from django.db import connection

    from tenants.punches.models import Punch

    ours = {"id", "staff_id", "at", "recorded_at", "received_at", "source", "grade"}
    rest = [f for f in Punch._meta.concrete_fields if f.column not in ours and not f.null]
    given = {f"d_{f.column}": f.get_db_prep_save(f.get_default(), connection) for f in rest}
    columns, values = ", ".join(f.column for f in rest), ", ".join(f"%(d_{f.column})s" for f in rest)
    return PUNCHES.replace("{columns}", columns).replace("{values}", values), given


class _School:
    """A school of its own with so many people, each with DAYS shifts and four punches to each shift."""

    FIRST, NOW = date(2026, 3, 1), datetime(2026, 4, 30, tzinfo=UTC)
    LAST = FIRST + timedelta(days=DAYS - 1)

    def __init__(self, slug: str, people: int) -> None:
        from django.db import connection

        from identity.contracts import Actor
        from institute.schools import operations as schools
        from institute.schools.contracts import NewSchool
        from institute.schools.queries import as_tenant
        from kernel.tenancy import school_context
        from tenants.organisation.models import Party, Post, Staff
        from tenants.rosters.models import Rule, Shift

        school = schools.approve_school(
            new=NewSchool(
                name=f"基准大学 {people}", kind="university", region="44", mode="mixed", slug=slug, city="", line_modes={},
                students=1, staff_count=1, campuses=1, trial=False,
            ),
            by=Actor.system(), now=self.NOW,
        )  # fmt: skip
        self.people, self.tenant = people, as_tenant(schools.provision(school_id=school.pk, now=self.NOW))
        with school_context(self.tenant), connection.cursor() as cursor:
            party = Party.objects.create(kind="department", name="后勤")
            post = Post.objects.create(name="岗", party=party, line="security")
            shift = Shift.objects.create(name="班", code="班")
            rule = Rule.objects.create(scope="school", valid_from=date(2020, 1, 1))
            Staff.objects.bulk_create(
                Staff(number=f"G{n:06d}", name=f"员工{n}", pinyin="yg", party=party, post=post) for n in range(people)
            )
            self.given: dict[str, Any] = {
                "first": self.FIRST, "last": self.LAST, "now": self.NOW, "days": DAYS, "shift": shift.pk, "post": post.pk,
                "party": party.pk, "rule": rule.pk,
            }  # fmt: skip
            cursor.execute(FILL, self.given)
            statement, defaults = punch_statement()
            cursor.execute(statement, defaults)
            for table in ("rosters_shiftinstance", "punches_punch", "organisation_staff"):
                cursor.execute(f"VACUUM ANALYZE {table}")
            cursor.execute("SELECT (SELECT count(*) FROM rosters_shiftinstance), (SELECT count(*) FROM punches_punch)")
            self.instances, punches = cursor.fetchone()
            print(f"{people:,} people, {self.instances:,} instances, {punches:,} punches", flush=True)

    def derive(self) -> None:
        from tenants.attendance import derive

        derive.derive(tenant=self.tenant, now=self.NOW, first=self.FIRST, last=self.LAST)


class _Clock:
    """By name, what each call took: by the clock, and of the processor in the database's backend."""

    def __init__(self) -> None:
        from django.db import connection

        self.wall: dict[str, list[float]] = {}
        self.cpu: dict[str, list[float]] = {}
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            self.backend: int = cursor.fetchone()[0]

    def time(self, name: str, work: Callable[[], None]) -> None:
        before = on_cpu(self.backend)
        self.wall.setdefault(name, []).append(seconds(work))
        self.cpu.setdefault(name, []).append(on_cpu(self.backend) - before)

    def tell(self, name: str, base: str) -> float:
        """Print both, and the median of the ratios: of each round, so what slows the machine for a while slows both."""
        told(base, self.wall[base])
        told(name, self.wall[name])
        ratio = _ratio(self.wall[name], self.wall[base])
        print(f"  {ratio:.2f} times by the clock ({load()})", end="")
        print(
            f", {_ratio(self.cpu[name], self.cpu[base]):.2f} times by processor time" if self.cpu[base][0] else "",
            flush=True,
        )
        return ratio


def _ratio(these: list[float], those: list[float]) -> float:
    return median(a / b for a, b in zip(these, those, strict=True))


def run(size: str) -> tuple[float, float]:
    from django.db import connection

    from kernel.tenancy import school_context
    from tenants.attendance import derive
    from tenants.organisation.models import Staff

    people = SIZES["small" if size == "small" else "full"]
    school = _School("bench", people)
    clock = _Clock()
    ours, bare = "product (upsert, leave, devices, trace)", "bare SQL"
    with school_context(school.tenant), connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_bare (LIKE attendance_result INCLUDING ALL)")
        for turn in range(ROUNDS):
            cursor.execute("TRUNCATE attendance_result, bench_bare")
            pair = [(bare, lambda: cursor.execute(BARE, school.given)), (ours, school.derive)]
            for each in pair if turn % 2 else pair[::-1]:
                clock.time(*each)
        ratio = clock.tell(ours, bare)
        cursor.execute(
            "SELECT count(*) FROM attendance_result r JOIN bench_bare b USING (instance_id)"
            " WHERE (r.mark, r.late_minutes, r.early_minutes, r.in_punch_id, r.out_punch_id)"
            " IS NOT DISTINCT FROM (b.mark, b.late_minutes, b.early_minutes, b.in_punch_id, b.out_punch_id)"
        )
        same = cursor.fetchone()[0]
        assert same == school.instances, f"{same} of {school.instances} alike"
        told("product again, nothing changed", [seconds(school.derive)])
        somebody = Staff.objects.values_list("pk", flat=True)[:1]
        told("one person's three days again", [
            seconds(lambda: derive.derive(
                tenant=school.tenant, now=school.NOW, first=school.FIRST, last=school.FIRST + timedelta(days=2),
                staff_ids=list(somebody),
            )) for _n in range(5)
        ])  # fmt: skip
        loop = told("plain rule in a Python loop over the same rows", [seconds(lambda: _loop(school.NOW))])
        print(f"  {loop / median(clock.wall[ours]):.1f} times as long as the product", flush=True)
    _tenfold(school, _School("bench-ten", people * 10))
    return ratio, GOAL


def _tenfold(one: _School, ten: _School) -> None:
    """Turn about, a school and one of ten times the people."""
    from django.db import connection

    from kernel.tenancy import school_context

    clock = _Clock()
    names = {school.people: f"a school of {school.people:,}" for school in (one, ten)}
    for _turn in range(ROUNDS):
        for school in (one, ten):
            with school_context(school.tenant), connection.cursor() as cursor:
                cursor.execute("TRUNCATE attendance_result")
                clock.time(names[school.people], school.derive)
    clock.tell(names[ten.people], names[one.people])
    print("  goal: about 10 times", flush=True)


def _loop(now: object) -> None:
    """What `day.judge` says of every instance, its punches read in bulk."""
    from collections import defaultdict
    from typing import cast

    from tenants.attendance.day import Expected, Rule, Seen, judge
    from tenants.punches.models import Punch
    from tenants.rosters.models import ShiftInstance

    punches: dict[Any, list[Seen]] = defaultdict(list)
    for row in Punch.objects.order_by("at").values_list(
        "staff_id", "id", "at", "direction", "grade", "status", "source", "refusal", "post_id"
    ):
        punches[row[0]].append(Seen(*row[1:]))
    for i in ShiftInstance.objects.select_related("rule").iterator():
        near = [p for p in punches[i.staff_id] if i.in_from <= p.at < i.out_until]
        rule = Rule(
            i.rule.grace_minutes, i.rule.early_grace_minutes, i.rule.serious_minutes, i.rule.half_absent_minutes,
            i.rule.absent_minutes, i.rule.report_hours,
        )  # fmt: skip
        expected = Expected(
            i.starts_at, i.ends_at, i.in_from, i.in_until, i.out_from, i.out_until, i.needs_in, i.needs_out, i.flex_minutes,
            i.grade, i.post_id,
        )  # fmt: skip
        judge(expected, rule, punches=near, now=cast("Any", now))
