"""Facts side by side, positions published, and what a school may learn."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from identity.choices import Role
from institute.benchmarking import operations, queries
from institute.benchmarking.choices import Silence
from institute.benchmarking.models import Fact, Position, Publication, Watermark
from institute.journal.models import JournalEvent
from institute.schools.models import School
from kernel.errors import NotAllowed, NotFound
from tests.factories.benchmarking import OCTOBER, analyst, make_fact, make_metric, make_peer, of_school

pytestmark = pytest.mark.django_db
NOVEMBER = datetime(2026, 11, 12, tzinfo=UTC)
D = Decimal


def publish(**fields) -> Publication:
    return operations.publish(**{"month": OCTOBER, "by": analyst(), "now": NOVEMBER, **fields})


def position(school: School, dimension: str = "all") -> Position:
    own = queries.own_standing(by=of_school(school), school_id=school.pk)
    return next(p for p in own.metrics[0].positions if p.dimension == dimension)


def test_schools_side_by_side() -> None:
    make_metric()
    one, two, three = make_peer(1), make_peer(2), make_peer(3, mode="outsourced")
    make_fact(one, "180", denominator=2, n=2)
    make_fact(two, "95.555")
    make_fact(three, "70")
    answer = queries.side_by_side(by=analyst(), code="round_score", month=OCTOBER)
    assert [(r.name, r.value, r.place) for r in answer.rows] == [
        ("对标002大学", D("95.56"), 1), ("对标001大学", D("90.00"), 2), ("对标003大学", D("70.00"), 3),
    ]  # fmt: skip
    assert (answer.rows[1].numerator, answer.rows[1].denominator, answer.rows[1].n) == (180, 2, 2)
    narrow = queries.side_by_side(by=analyst(), code="round_score", month=OCTOBER, mode="mixed", size="large")
    assert len(narrow.rows) == 2 and answer.as_of is not None


def test_trial_thin_and_incomplete_data_is_shown_but_not_ranked() -> None:
    make_metric(minimum_n=5, direction="down")
    rows = [make_peer(n) for n in range(5)]
    make_fact(rows[0], 10, n=9)
    make_fact(rows[1], 1, n=4)
    make_fact(rows[2], 1, n=9, coverage="0.4")
    make_fact(rows[3], 1, n=9, trial=True)
    make_fact(rows[4], 5, n=9)
    answer = queries.side_by_side(by=analyst(), code="round_score", month=OCTOBER)
    assert [(r.name, r.place) for r in answer.rows[:2]] == [("对标004大学", 1), ("对标000大学", 2)]
    assert {r.silence for r in answer.rows[2:]} == {"few_cases", "coverage", "trial"}
    assert answer.ranked == 2 and all(r.place is None and r.quarter is None for r in answer.rows[2:])


def test_a_school_that_is_on_trial_now_is_not_ranked_either() -> None:
    make_metric()
    make_fact(make_peer(1, trial=True), 90)
    assert queries.side_by_side(by=analyst(), code="round_score", month=OCTOBER).rows[0].silence == "trial"


def test_other_lines_months_and_versions_stay_apart() -> None:
    make_metric(version=2)
    school = make_peer(1)
    make_fact(school, 50)
    make_fact(school, 60, metric_version=2, line="cleaning")
    make_fact(school, 70, metric_version=2, period=date(2026, 9, 1))
    assert queries.side_by_side(by=analyst(), code="round_score", month=OCTOBER).rows == []
    lines = queries.side_by_side(by=analyst(), code="round_score", month=OCTOBER, line="cleaning").rows
    assert [r.value for r in lines] == [D("60.00")]
    with pytest.raises(NotFound):
        queries.side_by_side(by=analyst(), code="nothing", month=OCTOBER)


def test_a_fact_is_one_of_a_kind() -> None:
    school = make_peer(1)
    make_fact(school, 1)
    for wrong in (
        {},
        {"line": "x", "denominator": 0},
        {"line": "x", "coverage": "1.2"},
        {"line": "x", "grain": "year"},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            make_fact(school, 1, **wrong)


def test_who_may_compare() -> None:
    make_metric()
    school = make_peer(1)
    for person in (of_school(school, Role.SCHOOL_ADMIN), of_school(school, Role.PROVIDER_MANAGER)):
        with pytest.raises(NotAllowed):
            queries.side_by_side(by=person, code="round_score", month=OCTOBER)
        with pytest.raises(NotAllowed):
            queries.facts_of(by=person)
        with pytest.raises(NotAllowed):
            publish(by=person)


# --- Positions ------------------------------------------------------------------------------------------------


def test_a_school_sees_its_quarter_and_the_number_of_peers() -> None:
    make_metric()
    rows = [make_peer(n) for n in range(8)]
    for n, school in enumerate(rows):
        make_fact(school, 80 + n)
    publish()
    best, last = position(rows[7]), position(rows[0])
    assert (best.quarter, best.peers, best.silence) == (1, 7, "")
    assert (last.quarter, last.peers) == (4, 7)
    own = queries.own_standing(by=of_school(rows[0]), school_id=rows[0].pk)
    assert own.month == OCTOBER and own.metrics[0].value == D("80.00")


def test_fewer_than_five_peers_show_nothing_and_say_why() -> None:
    make_metric()
    rows = [make_peer(n) for n in range(5)]
    for school in rows:
        make_fact(school, 90)
    publish()
    seen = position(rows[0])
    assert (seen.quarter, seen.peers, seen.silence) == (None, None, Silence.FEW_PEERS)


def test_only_ranked_schools_count_as_peers() -> None:
    make_metric()
    rows = [make_peer(n) for n in range(6)]
    for n, school in enumerate(rows):
        make_fact(school, 90, trial=n == 5)
    publish()
    assert position(rows[0]).silence == Silence.FEW_PEERS
    assert position(rows[5]).silence == Silence.TRIAL


def test_the_difference_attack_finds_nothing() -> None:
    """Twelve schools; ten of one kind. All minus that kind would speak about two: only all is told."""
    make_metric()
    rows = [make_peer(n, kind="university" if n < 10 else "primary") for n in range(12)]
    for n, school in enumerate(rows):
        make_fact(school, 70 + n)
    publish()
    assert position(rows[0], "all").peers == 11
    assert position(rows[0], "kind").silence == Silence.OVERLAP
    assert position(rows[11], "kind").silence == Silence.FEW_PEERS
    told = {(p.dimension, p.group): p.peers for p in Position.objects.filter(metric_code="round_score", silence="")}
    sizes = [n + 1 for n in told.values()]  # type: ignore[operator]
    assert all(abs(a - b) == 0 or abs(a - b) >= 5 for a in sizes for b in sizes)


def test_a_position_holds_no_value_of_another_school() -> None:
    """What is stored and handed out per school: its own group, a quarter, a count. Nothing else to read off."""
    columns = {f.name for f in Position._meta.get_fields()}
    assert columns == {
        "id", "publication", "school_id", "metric_code", "dimension", "group", "quarter", "peers", "silence",
    }  # fmt: skip


def test_trying_values_after_publication_moves_nothing() -> None:
    """A school that changes its own number to feel for the border of a quarter has to wait a month per try."""
    make_metric()
    rows = [make_peer(n) for n in range(8)]
    facts = [make_fact(school, 80 + n) for n, school in enumerate(rows)]
    publish()
    for value in (81, 83, 85, 99):
        Fact.objects.filter(pk=facts[0].pk).update(numerator=value)
        assert position(rows[0]).quarter == 4
    assert operations.month_to_publish(now=NOVEMBER, waiting=0) is None


def test_nobody_sees_another_schools_position() -> None:
    make_metric()
    one, two = make_peer(1), make_peer(2)
    for person in (of_school(one), of_school(one, Role.SCHOOL_ADMIN), of_school(two, Role.PROVIDER_MANAGER)):
        with pytest.raises(NotAllowed):
            queries.own_standing(by=person, school_id=two.pk)
        with pytest.raises(NotAllowed):
            queries.facts_of(by=person, school_id=two.pk)


def test_publishing_once_and_again_with_a_reason() -> None:
    make_metric()
    rows = [make_peer(n) for n in range(8)]
    for n, school in enumerate(rows):
        make_fact(school, 80 + n)
    with pytest.raises(operations.MonthNotOver):
        publish(month=date(2026, 11, 1))
    publish()
    with pytest.raises(operations.AlreadyPublished):
        publish()
    Fact.objects.filter(school_id=rows[0].pk).update(numerator=99)
    again = publish(reason="甲校更正数据")
    assert again.edition == 2 and position(rows[0]).quarter == 1
    assert Publication.objects.count() == 1
    assert Position.objects.filter(school_id=rows[0].pk, metric_code="round_score").count() == 5
    assert JournalEvent.objects.filter(verb="benchmark.published").count() == 2


def test_the_day_of_publication() -> None:
    def due(day: int, waiting: int = 0) -> date | None:
        return operations.month_to_publish(now=datetime(2026, 11, day, 4, tzinfo=UTC), waiting=waiting)

    assert (due(9), due(10), due(10, waiting=3), due(13, waiting=3)) == (None, OCTOBER, None, OCTOBER)


def test_a_school_that_still_catches_up_counts_as_unread() -> None:
    school, now = make_peer(1), datetime(2026, 11, 9, 4, tzinfo=UTC)
    make_metric()
    ask = {"school_ids": [school.pk], "now": now, "every": timedelta(hours=20)}
    Watermark.objects.create(school_id=school.pk, metric_code="round_score", through=date(2026, 9, 1), ran_at=now)
    assert operations.schools_to_look_at(**ask) == [school.pk]
    Watermark.objects.update(through=date(2026, 11, 1))
    assert operations.schools_to_look_at(**ask) == []


def test_a_neutral_metric_is_never_ranked() -> None:
    make_metric(direction="neutral")
    rows = [make_peer(n) for n in range(8)]
    for n, school in enumerate(rows):
        make_fact(school, n + 1)
    publish()
    assert position(rows[0]).silence == Silence.NEUTRAL
    answer = queries.side_by_side(by=analyst(), code="round_score", month=OCTOBER)
    assert answer.spread is None and answer.rows[0].value == D("8.00")


# --- Cost ---------------------------------------------------------------------------------------------------------


def test_the_comparison_is_two_queries_for_any_number_of_schools(django_assert_num_queries) -> None:
    make_metric()
    for n in range(30):
        make_fact(make_peer(n), 60 + n)
    with django_assert_num_queries(2):
        assert len(queries.side_by_side(by=analyst(), code="round_score", month=OCTOBER).rows) == 30
