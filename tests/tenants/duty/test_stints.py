"""Signing on and off, declared absences, minutes below the minimum, the cockpit."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from identity.choices import Role
from kernel.clock import SHANGHAI
from kernel.errors import NotAllowed
from kernel.tenancy import Tenant
from tenants.duty import errors, operations, queries, staffing
from tenants.duty.choices import AnomalyKind
from tenants.duty.cockpit import cockpit
from tenants.duty.models import Absence, Anomaly, DutyPost, LogEntry, Stint
from tenants.notices.models import Notice
from tenants.punches.models import Punch
from tests.factories.duty import Guard, answer, make_coverage, make_duty_post, make_guard, make_sent, report, sign_on
from tests.factories.findings import make_member
from tests.factories.organisation import make_certificate
from tests.factories.punches import make_instance
from tests.factories.rosters import make_assignment, make_rule, make_shift

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=SHANGHAI)


def at(minute: float) -> datetime:
    return NOON + timedelta(minutes=minute)


@pytest.fixture
def duty(alpha: Tenant) -> DutyPost:
    return make_duty_post(name="南门岗", certificates=["security_guard"], break_minutes=15, break_cap_minutes=30)


@pytest.fixture
def guard(alpha: Tenant, duty: DutyPost) -> Guard:
    found = make_guard(alpha, party=duty.post.party)
    make_certificate(found.staff, kind="security_guard", expires_on=date(2027, 1, 1))
    return found


def test_signing_on_fills_the_rostered_shift(alpha: Tenant, duty: DutyPost, guard: Guard) -> None:
    make_rule()
    make_assignment(alpha, day=NOON.date(), staff=guard.staff, post=duty.post, shift=make_shift(spans=[(720, 1200)]))
    stint = sign_on(alpha, duty, guard, now=at(-20))
    assert stint.instance is not None
    assert (stint.due_until, stint.lacking) == (datetime(2026, 11, 25, 20, tzinfo=SHANGHAI), [])
    assert sign_on(alpha, duty, guard, now=at(-19)).pk == stint.pk  # twice is once
    assert Stint.objects.count() == 1 and not Anomaly.objects.exists()


def rostered(tenant: Tenant, duty: DutyPost, guard: Guard, *, grade: str = "C") -> str:
    """A shift from noon to eight that asks for `grade`; the code at the post."""
    make_instance(
        guard.staff, post=duty.post, place=duty.post.place, starts_at=NOON, ends_at=at(480), grade=grade
    )  # fmt: skip
    assert duty.post.place is not None
    return str(duty.post.place.code)


def test_signing_on_and_off_with_the_code_at_the_post_punches_once_each(
    alpha: Tenant, duty: DutyPost, guard: Guard
) -> None:
    code = rostered(alpha, duty, guard)
    for key in ("a", "a", "b"):  # the same tap again, and a second one
        stint = operations.sign_on(
            post_id=duty.pk, place_code=code, by=guard.actor, tenant=alpha, now=at(-5), client_key=key
        )
    row = Punch.objects.get()
    assert (row.direction, row.status, row.at, row.post_id, row.place_code) == ("in", "accepted", at(-5), duty.pk, True)
    assert queries.punch_of(stint, "in", by=guard.actor) == row
    for _twice in range(2):
        operations.sign_off(place_code=code, by=guard.actor, tenant=alpha, now=at(485), client_key="off")
    assert list(Punch.objects.order_by("at").values_list("direction", "status")) == [
        ("in", "accepted"),
        ("out", "accepted"),
    ]


def test_a_refused_punch_never_refuses_the_sign_on(alpha: Tenant, duty: DutyPost, guard: Guard) -> None:
    code = rostered(alpha, duty, guard, grade="A")
    stint = operations.sign_on(post_id=duty.pk, place_code=code, by=guard.actor, tenant=alpha, now=NOON)
    assert (stint.on_code, stint.signed_on_at) == (True, NOON)
    row = queries.punch_of(stint, "in", by=guard.actor)
    assert row is not None and (row.status, row.refusal) == ("refused", "too_weak")  # kept, with its reason


def test_a_punch_that_cannot_be_written_never_refuses_the_sign_on(alpha: Tenant, duty: DutyPost, guard: Guard) -> None:
    code = rostered(alpha, duty, guard)
    narrow = replace(guard.actor, scopes=frozenset({"duty:read", "duty:write"}))
    stint = operations.sign_on(post_id=duty.pk, place_code=code, by=narrow, tenant=alpha, now=NOON)
    assert stint.instance_id is not None and not Punch.objects.exists()


@pytest.mark.parametrize("shown", ["", "ELSEWHERE", "own without a shift"])
def test_without_the_posts_code_or_a_shift_nothing_is_punched(
    alpha: Tenant, duty: DutyPost, guard: Guard, shown: str
) -> None:
    assert duty.post.place is not None
    code = duty.post.place.code if shown.startswith("own") else shown
    if not shown.startswith("own"):
        rostered(alpha, duty, guard)
    operations.sign_on(post_id=duty.pk, place_code=code, by=guard.actor, tenant=alpha, now=NOON)
    operations.sign_off(place_code=code, by=guard.actor, tenant=alpha, now=at(60))
    assert not Punch.objects.exists()


def test_a_missing_certificate_is_recorded_and_raised_and_the_sign_on_stands(
    alpha: Tenant, duty: DutyPost, guard: Guard
) -> None:
    supervisor = make_member(alpha)
    guard.staff.certificates.update(expires_on=date(2026, 11, 24))
    stint = sign_on(alpha, duty, guard, now=NOON)
    assert (stint.lacking, stint.instance_id) == (["security_guard"], None)
    row = Anomaly.objects.get()
    assert (row.kind, row.holder_id, row.raised_at) == (AnomalyKind.CERTIFICATE, None, NOON)
    assert Notice.objects.filter(account_id=supervisor.account_id, subject_id=str(row.pk)).exists()
    operations.sign_off(by=guard.actor, tenant=alpha, now=at(5))  # it is the superiors', not in the guard's way


def test_a_certificate_whose_review_was_missed_is_none(alpha: Tenant, duty: DutyPost, guard: Guard) -> None:
    guard.staff.certificates.update(review_on=date(2026, 11, 24))
    assert sign_on(alpha, duty, guard, now=NOON).lacking == ["security_guard"]
    assert Anomaly.objects.get().kind == AnomalyKind.CERTIFICATE


def test_who_cannot_sign_on(alpha: Tenant, duty: DutyPost, guard: Guard) -> None:
    other = make_duty_post()
    with pytest.raises(errors.NotYourParty):
        sign_on(alpha, other, guard, now=NOON)
    with pytest.raises(NotAllowed):
        operations.sign_on(post_id=duty.pk, by=make_member(alpha), tenant=alpha, now=NOON)
    second = make_duty_post(party=duty.post.party)
    sign_on(alpha, duty, guard, now=NOON)
    with pytest.raises(errors.AlreadyOn):
        sign_on(alpha, second, guard, now=NOON)
    DutyPost.objects.filter(pk=duty.pk).update(active=False)
    with pytest.raises(errors.NotADutyPost):
        sign_on(alpha, duty, make_guard(alpha, party=duty.post.party), now=NOON)


def test_the_code_at_the_post_is_noted(alpha: Tenant, duty: DutyPost, guard: Guard) -> None:
    assert duty.post.place is not None
    stint = operations.sign_on(
        post_id=duty.pk, by=guard.actor, tenant=alpha, now=NOON, place_code=duty.post.place.code.lower()
    )
    assert stint.on_code


def test_nobody_leaves_while_a_call_rings(alpha: Tenant, duty: DutyPost, guard: Guard) -> None:
    sign_on(alpha, duty, guard, now=at(-10))
    call = make_sent(alpha, duty, now=NOON)
    with pytest.raises(errors.CallRinging):
        operations.sign_off(by=guard.actor, tenant=alpha, now=at(1))
    answer(alpha, call, guard, now=at(2))
    assert operations.sign_off(by=guard.actor, tenant=alpha, now=at(3)).signed_off_at == at(3)
    with pytest.raises(errors.NotOn):
        operations.sign_off(by=guard.actor, tenant=alpha, now=at(4))


def test_breaks_are_limited_each_and_capped_per_shift(alpha: Tenant, duty: DutyPost, guard: Guard) -> None:
    sign_on(alpha, duty, guard, now=NOON)
    with pytest.raises(errors.AwayTooLong):
        operations.declare_absence(kind="break", minutes=16, by=guard.actor, tenant=alpha, now=NOON)
    for n in range(2):
        operations.declare_absence(kind="break", minutes=15, by=guard.actor, tenant=alpha, now=at(60 * n))
        with pytest.raises(errors.AlreadyAway):
            operations.declare_absence(kind="patrol", minutes=15, by=guard.actor, tenant=alpha, now=at(60 * n + 1))
        operations.return_to_post(by=guard.actor, tenant=alpha, now=at(60 * n + 15))
    assert not Anomaly.objects.exists()
    operations.declare_absence(kind="break", minutes=5, by=guard.actor, tenant=alpha, now=at(180))
    row = Anomaly.objects.get()
    assert (row.kind, "35 分钟" in row.text) == (AnomalyKind.ABSENCE, True)
    assert Absence.objects.count() == 3  # recorded all the same
    operations.return_to_post(by=guard.actor, tenant=alpha, now=at(182))
    with pytest.raises(errors.NotAway):
        operations.return_to_post(by=guard.actor, tenant=alpha, now=at(183))


def test_staying_away_longer_than_declared_is_raised_once(alpha: Tenant, duty: DutyPost, guard: Guard) -> None:
    sign_on(alpha, duty, guard, now=NOON)
    operations.declare_absence(kind="break", minutes=10, by=guard.actor, tenant=alpha, now=NOON)
    assert operations.watch_stints(tenant=alpha, now=at(9)) == 0
    assert operations.watch_stints(tenant=alpha, now=at(11)) == 1
    assert operations.watch_stints(tenant=alpha, now=at(12)) == 0
    assert Anomaly.objects.get().kind == AnomalyKind.ABSENCE


def test_a_forgotten_stint_is_raised_once_and_a_superior_ends_it(alpha: Tenant, duty: DutyPost, guard: Guard) -> None:
    stint = sign_on(alpha, duty, guard, now=NOON)
    item = report(alpha, guard, now=at(10))
    assert operations.watch_stints(tenant=alpha, now=NOON + timedelta(hours=25)) == 0
    assert operations.watch_stints(tenant=alpha, now=NOON + timedelta(hours=27)) == 1
    assert operations.watch_stints(tenant=alpha, now=NOON + timedelta(hours=28)) == 0
    later = NOON + timedelta(hours=29)
    with pytest.raises(NotAllowed):
        operations.end_stint(stint_id=stint.pk, reason="忘记下岗", by=guard.actor, tenant=alpha, now=later)
    supervisor = make_member(alpha)
    operations.end_stint(stint_id=stint.pk, reason="忘记下岗", by=supervisor, tenant=alpha, now=later)
    item.refresh_from_db()
    assert (item.holder_id, item.raised_at) == (None, later)  # it is somebody's: the superiors'


# --- minutes below the minimum ---


def gaps(alpha: Tenant, duty: DutyPost, until: float) -> list[tuple[int, int, int, bool]]:
    """(from, to) in minutes after 12:00, missing, declared."""
    found = staffing.shortfalls(post_ids=[duty.pk], starts=at(-60), ends=at(until), tz=alpha.tz)
    return [
        (
            round((g.starts_at - NOON).total_seconds() / 60),
            round((g.ends_at - NOON).total_seconds() / 60),
            g.missing,
            g.declared,
        )
        for g in found.get(duty.pk, [])
    ]


def test_two_persons_at_any_minute(alpha: Tenant) -> None:
    duty = make_duty_post(name="消防控制室")
    make_coverage(duty.post, persons=2)
    one, two, three = (make_guard(alpha, party=duty.post.party, name=n) for n in "甲乙丙")
    sign_on(alpha, duty, one, now=at(0))
    sign_on(alpha, duty, two, now=at(10))
    operations.sign_off(by=one.actor, tenant=alpha, now=at(100))
    sign_on(alpha, duty, three, now=at(100))  # handed over in the same minute: no gap
    operations.declare_absence(kind="break", minutes=15, by=two.actor, tenant=alpha, now=at(120))
    operations.return_to_post(by=two.actor, tenant=alpha, now=at(130))
    assert gaps(alpha, duty, 140) == [(-60, 0, 2, False), (0, 10, 1, False), (120, 130, 1, True)]


def test_only_the_hours_of_the_contract_count(alpha: Tenant) -> None:
    duty = make_duty_post()
    make_coverage(duty.post, start_minute=720, end_minute=780)
    assert gaps(alpha, duty, 240) == [(0, 60, 1, False)]
    other = make_duty_post()
    make_coverage(other.post, weekdays=0b1111011)  # not on Wednesdays, which 25 November 2026 is
    make_coverage(other.post, valid_from=date(2027, 1, 1))
    assert gaps(alpha, other, 240) == []


def test_a_window_over_midnight_reaches_into_the_day(alpha: Tenant) -> None:
    duty = make_duty_post()
    make_coverage(duty.post, start_minute=1320, end_minute=1440 + 780)  # 22:00 – 13:00 of the next day
    assert gaps(alpha, duty, 240) == [(-60, 60, 1, False)]


# --- the cockpit ---


def test_the_cockpit_says_who_is_on_since_when_and_what_is_open(alpha: Tenant, duty: DutyPost, guard: Guard) -> None:
    make_coverage(duty.post)
    sign_on(alpha, duty, guard, now=NOON)
    next_one = make_guard(alpha, party=duty.post.party, name="钱保安")
    report(alpha, guard, now=at(5))
    sign_on(alpha, duty, next_one, now=at(6))
    operations.offer_handover(receiver_id=next_one.staff.pk, by=guard.actor, tenant=alpha, now=at(7))
    operations.declare_absence(kind="patrol", minutes=30, by=next_one.actor, tenant=alpha, now=at(8))
    call = make_sent(alpha, duty, now=at(9))
    view = cockpit(by=make_member(alpha), tenant=alpha, now=at(10))
    [state] = view.posts
    assert [(p.name, p.since, p.away) for p in state.on] == [("李保安", NOON, ""), ("钱保安", at(6), "patrol")]
    assert state.open_call is not None and state.open_call.id == call.pk
    assert (state.anomalies, state.handovers, view.staffed, view.ringing) == (2, 1, 1, 1)
    assert [(g.starts_at, g.ends_at) for g in state.shortfalls] == [(NOON.replace(hour=0), NOON)]
    assert state.short_now(at(10)) is None


def test_the_cockpit_asks_a_constant_number_of_questions(alpha: Tenant, django_assert_max_num_queries: object) -> None:
    by = make_member(alpha)
    for n in range(12):
        duty = make_duty_post()
        make_coverage(duty.post)
        sign_on(alpha, duty, make_guard(alpha, party=duty.post.party, name=f"保安{n}"), now=NOON)
        make_sent(alpha, duty, by=by, now=at(1))
    with django_assert_max_num_queries(12):  # type: ignore[operator]
        assert len(cockpit(by=by, tenant=alpha, now=at(2)).posts) == 12


def test_companies_and_guards_see_their_own_posts_only(alpha: Tenant, duty: DutyPost, guard: Guard) -> None:
    other = make_duty_post()
    sign_on(alpha, duty, guard, now=NOON)
    manager = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=duty.post.party.provider_id)
    for by in (manager, guard.actor):
        assert [p.post_id for p in cockpit(by=by, tenant=alpha, now=NOON).posts] == [duty.pk]
        assert not queries.visible_stints(by).filter(post=other.post).exists()
    make_coverage(other.post)
    call = make_sent(alpha, other, now=NOON)
    assert not queries.visible_calls(manager).filter(pk=call.pk).exists()
    assert LogEntry.objects.filter(post_id=duty.pk).count() == queries.visible_log(manager).count()


def test_no_read_tells_when_a_random_call_comes(alpha: Tenant, duty: DutyPost, guard: Guard) -> None:
    """A drawn call becomes a row only when it is due; and even then only the sweep sees it before it goes out."""
    from tenants.duty.models import Call

    Call.objects.create(post=duty.post, kind="random", day=NOON.date(), slot=0, due_at=NOON)
    sign_on(alpha, duty, guard, now=NOON)
    for by in (guard.actor, make_member(alpha), make_member(alpha, Role.SCHOOL_ADMIN)):
        assert not queries.visible_calls(by).exists()
        assert cockpit(by=by, tenant=alpha, now=NOON).posts[0].open_call is None
        assert queries.ringing(by, now=NOON) == []
