"""顶岗替换 brings somebody to the post: a name alone, two names for each other, or one name for two excuse nobody."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from kernel.clock import SHANGHAI
from kernel.errors import Invalid
from kernel.tenancy import Tenant
from tenants.duty import absences, operations, staffing
from tenants.duty.choices import AnomalyKind, Outcome
from tenants.duty.errors import ReliefUnfit
from tenants.duty.models import Absence, Anomaly, DutyPost, Stint, Summons
from tenants.findings.models import Finding
from tenants.notices.models import Notice
from tenants.organisation.models import Staff
from tests.factories.duty import (
    Guard,
    answer,
    close,
    make_coverage,
    make_duty_post,
    make_guard,
    make_sent,
    make_walking,
    sign_on,
)
from tests.factories.rosters import make_leave

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=SHANGHAI)


def at(minute: float) -> datetime:
    return NOON + timedelta(minutes=minute)


@pytest.fixture
def room(alpha: Tenant) -> DutyPost:
    """The fire control room: two at any minute, all day."""
    found = make_duty_post(
        name="消防控制室", persons_to_answer=2, off_post_after=1, gap_minutes=15, gap_finding_minutes=60
    )
    make_coverage(found.post, persons=2)
    return found


@pytest.fixture
def pair(alpha: Tenant, room: DutyPost) -> tuple[Guard, Guard]:
    one, two = (make_guard(alpha, party=room.post.party, name=name) for name in ("甲", "乙"))
    for who in (one, two):
        sign_on(alpha, room, who, now=at(-30))
    return one, two


def relieved(alpha: Tenant, who: Guard, by: Guard, *, now: datetime, minutes: int = 240) -> Absence:
    return operations.declare_absence(
        kind="relief", minutes=minutes, relief_staff_id=by.staff.pk, by=who.actor, tenant=alpha, now=now
    )


def refused(alpha: Tenant, who: Guard, by: Guard, *, now: datetime) -> str:
    with pytest.raises(ReliefUnfit) as no:
        relieved(alpha, who, by, now=now)
    assert no.value.field == "relief_staff_id"
    return no.value.sentence


def test_where_two_must_be_one_of_the_two_relieves_nobody(
    alpha: Tenant, room: DutyPost, pair: tuple[Guard, Guard]
) -> None:
    one, two = pair
    assert "本来就在岗" in refused(alpha, one, two, now=at(-9))
    assert not Absence.objects.exists()


def test_two_never_excuse_each_other(alpha: Tenant, room: DutyPost, pair: tuple[Guard, Guard]) -> None:
    one, two = pair
    DutyPost.objects.update(persons_to_answer=1)
    relieved(alpha, one, two, now=at(-9))
    assert "也申报了离岗" in refused(alpha, two, one, now=at(-8))
    call = make_sent(alpha, room, now=NOON)
    assert dict(Summons.objects.filter(call=call).values_list("staff__name", "away")) == {"甲": True, "乙": False}
    assert close(alpha, call).off_post
    assert "乙" in Finding.objects.get().detail and "甲" not in Finding.objects.get().detail


def test_rows_that_name_each_other_excuse_neither(alpha: Tenant, room: DutyPost, pair: tuple[Guard, Guard]) -> None:
    """As they could be written before: each relieved by the other, for four hours."""
    one, two = pair
    for who, by in ((one, two), (two, one)):
        stint = Stint.objects.get(staff=who.staff)
        Absence.objects.create(stint=stint, kind="relief", relief=by.staff, starts_at=at(0), until=at(240))
    call = make_sent(alpha, room, now=at(5))
    assert (call.needed, call.excused) == (2, False)
    assert close(alpha, call).off_post
    for minute in (16, 60, 61):
        operations.watch_stints(tenant=alpha, now=at(minute))
    [row] = Anomaly.objects.filter(kind=AnomalyKind.SHORT)
    assert row.begun_at == at(0) and row.finding_id is not None


def test_who_stands_in_is_bound_a_tour_of_their_own_excuses_them_not(
    alpha: Tenant, room: DutyPost, pair: tuple[Guard, Guard]
) -> None:
    one, two = pair
    DutyPost.objects.update(persons_to_answer=1)
    relieved(alpha, one, two, now=at(-9))
    make_walking(alpha, two, now=at(-8))
    operations.declare_absence(kind="patrol", minutes=60, by=two.actor, tenant=alpha, now=at(-7))
    call = make_sent(alpha, room, now=NOON)
    assert not call.excused
    assert dict(Summons.objects.filter(call=call).values_list("staff__name", "away")) == {"甲": True, "乙": False}


def test_a_relief_who_came_answers_with_the_other_and_the_number_stays(
    alpha: Tenant, room: DutyPost, pair: tuple[Guard, Guard]
) -> None:
    one, two = pair
    third = make_guard(alpha, party=room.post.party, name="丙")
    relieved(alpha, one, third, now=at(-9))
    assert Notice.objects.filter(account_id=third.actor.account_id, title__startswith="请顶岗").count() == 1
    sign_on(alpha, room, third, now=at(-5))
    call = make_sent(alpha, room, now=NOON)
    assert call.needed == 2
    for who in (two, third):
        answer(alpha, call, who, now=at(1))
    assert close(alpha, call).outcome == Outcome.ON_POST
    gaps = staffing.shortfalls(post_ids=[room.pk], starts=at(-30), ends=at(5), tz=alpha.tz)[room.pk]
    assert [(g.starts_at, g.ends_at, g.declared) for g in gaps] == [(at(-9), at(-5), False)]


def test_one_who_comes_relieves_one(alpha: Tenant, room: DutyPost, pair: tuple[Guard, Guard]) -> None:
    one, two = pair
    third = make_guard(alpha, party=room.post.party, name="丙")
    relieved(alpha, one, third, now=at(-9))
    assert "正在顶替别的同事" in refused(alpha, two, third, now=at(-8))
    sign_on(alpha, room, third, now=at(-5))
    operations.declare_absence(kind="break", minutes=10, by=two.actor, tenant=alpha, now=at(-4))
    assert make_sent(alpha, room, now=NOON).needed == 2


def test_when_the_relief_leaves_the_one_away_answers_again_and_is_told(
    alpha: Tenant, room: DutyPost, pair: tuple[Guard, Guard]
) -> None:
    one, _two = pair
    third = make_guard(alpha, party=room.post.party, name="丙")
    relieved(alpha, one, third, now=at(-9))
    sign_on(alpha, room, third, now=at(-5))
    operations.sign_off(by=third.actor, tenant=alpha, now=at(-1))
    assert Notice.objects.filter(account_id=one.actor.account_id, title__startswith="请马上返岗").count() == 1
    assert not Summons.objects.get(call=make_sent(alpha, room, now=NOON), staff=one.staff).away


# --- who may ---


def test_only_somebody_fit_relieves(alpha: Tenant, room: DutyPost, pair: tuple[Guard, Guard]) -> None:
    one, _two = pair
    own = room.post.party
    elsewhere = make_duty_post(name="门岗", party=own)
    stranger = make_guard(alpha, party=make_duty_post().post.party, name="外单位")
    busy, left, resting = (make_guard(alpha, party=own, name=name) for name in ("丁", "戊", "己"))
    sign_on(alpha, elsewhere, busy, now=at(-30))
    Staff.objects.filter(pk=left.staff.pk).update(status="left", left_on=NOON.date())
    make_leave(resting.staff, at(-60), at(60))
    assert "正在“门岗”当班" in refused(alpha, one, busy, now=NOON)
    assert "已离职" in refused(alpha, one, left, now=NOON)
    assert "正在请假" in refused(alpha, one, resting, now=NOON)
    for nobody in (stranger.staff.pk, one.staff.pk, None):
        with pytest.raises(Invalid) as no:
            operations.declare_absence(
                kind="relief", minutes=60, relief_staff_id=nobody, by=one.actor, tenant=alpha, now=NOON
            )
        assert no.value.field == "relief_staff_id"
    assert not Absence.objects.exists()


def test_a_relief_holds_the_posts_certificates(alpha: Tenant) -> None:
    duty = make_duty_post(name="配电值班", certificates=["electrician"])
    one, two = (make_guard(alpha, party=duty.post.party, name=name) for name in ("甲", "乙"))
    sign_on(alpha, duty, one, now=at(-30))
    assert "电工" in refused(alpha, one, two, now=NOON)
    assert absences.possible_reliefs(one.actor, post_id=duty.pk, now=NOON, tenant=alpha) == []


def test_only_a_relief_has_a_relief(alpha: Tenant, room: DutyPost, pair: tuple[Guard, Guard]) -> None:
    one, two = pair
    row = operations.declare_absence(
        kind="break", minutes=10, relief_staff_id=two.staff.pk, by=one.actor, tenant=alpha, now=NOON
    )
    assert row.relief_id is None


# --- minutes below the minimum ---


def test_a_relief_who_does_not_come_explains_a_quarter_of_an_hour(alpha: Tenant) -> None:
    duty = make_duty_post(name="门岗", gap_minutes=15)
    make_coverage(duty.post, persons=1)
    one, two = (make_guard(alpha, party=duty.post.party, name=name) for name in ("甲", "乙"))
    sign_on(alpha, duty, one, now=at(-30))
    relieved(alpha, one, two, now=at(0))
    gaps = staffing.shortfalls(post_ids=[duty.pk], starts=at(-30), ends=at(60), tz=alpha.tz)[duty.pk]
    assert [(g.starts_at, g.ends_at, g.declared) for g in gaps] == [(at(0), at(15), True), (at(15), at(60), False)]
    covered = staffing.covered_minutes(post_ids=[duty.pk], starts=at(-30), ends=at(60), tz=alpha.tz)["security"]
    assert (covered.held, covered.minutes_short) == (45, 45)
    operations.watch_stints(tenant=alpha, now=at(31))
    assert Anomaly.objects.filter(kind=AnomalyKind.SHORT).count() == 1


def test_reliefs_who_never_come_are_breaks_and_have_their_cap(alpha: Tenant) -> None:
    duty = make_duty_post(name="门岗")
    one, two = (make_guard(alpha, party=duty.post.party, name=name) for name in ("甲", "乙"))
    sign_on(alpha, duty, one, now=at(-30))
    for n in range(4):
        assert not Anomaly.objects.exists()
        relieved(alpha, one, two, now=at(60 * n))
        operations.return_to_post(by=one.actor, tenant=alpha, now=at(60 * n + 14))
    assert "累计离岗 56 分钟" in Anomaly.objects.get().text


def test_a_break_or_patrol_beyond_what_explains_it_is_a_gap(alpha: Tenant) -> None:
    duty = make_duty_post(name="门岗")
    make_coverage(duty.post, persons=1)
    one = make_guard(alpha, party=duty.post.party, name="甲")
    sign_on(alpha, duty, one, now=at(-30))
    operations.declare_absence(kind="break", minutes=10, by=one.actor, tenant=alpha, now=at(0))
    operations.return_to_post(by=one.actor, tenant=alpha, now=at(30))
    operations.declare_absence(kind="patrol", minutes=60, by=one.actor, tenant=alpha, now=at(40))
    make_walking(alpha, one, now=at(50))
    gaps = staffing.shortfalls(post_ids=[duty.pk], starts=at(-30), ends=at(120), tz=alpha.tz)[duty.pk]
    assert [(g.starts_at, g.ends_at, g.declared) for g in gaps] == [
        (at(0), at(10), True), (at(10), at(30), False), (at(40), at(50), False), (at(50), at(100), True),
        (at(100), at(120), False),
    ]  # fmt: skip


def test_where_two_must_be_nothing_explains_one(alpha: Tenant, room: DutyPost, pair: tuple[Guard, Guard]) -> None:
    one, _two = pair
    make_walking(alpha, one, now=at(-1))
    operations.declare_absence(kind="patrol", minutes=60, by=one.actor, tenant=alpha, now=at(0))
    [gap] = staffing.shortfalls(post_ids=[room.pk], starts=at(-30), ends=at(20), tz=alpha.tz)[room.pk]
    assert (gap.starts_at, gap.present, gap.declared) == (at(0), 1, False)
