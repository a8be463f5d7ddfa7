"""Verdicts on people: taken back when they were wrong, not to be had by a trick, and about those who were meant."""

from __future__ import annotations

import io
import random
from datetime import datetime, timedelta

import pytest
from PIL import Image, ImageDraw

from identity.choices import Role
from kernel.clock import SHANGHAI
from kernel.errors import NotAllowed
from kernel.ids import new_id
from kernel.tenancy import Tenant
from tenants.duty import metrics, operations, queries
from tenants.duty.choices import CallStatus, Doubt, Outcome
from tenants.duty.models import Attempt, Call, DutyPost, LogEntry, Summons
from tenants.evidence.operations import keep_photo
from tenants.face.models import Check
from tenants.findings import operations as findings
from tenants.findings.choices import FindingStatus
from tenants.findings.models import Finding
from tenants.notices.models import Notice
from tenants.organisation.models import Post
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
from tests.factories.findings import make_member
from tests.factories.rosters import make_instance, make_shift

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=SHANGHAI)


def at(minute: float) -> datetime:
    return NOON + timedelta(minutes=minute)


@pytest.fixture
def duty(alpha: Tenant) -> DutyPost:
    return make_duty_post(name="1号公寓值班室", off_post_after=1)


@pytest.fixture
def guard(alpha: Tenant, duty: DutyPost) -> Guard:
    found = make_guard(alpha, party=duty.post.party)
    sign_on(alpha, duty, found, now=at(-60))
    return found


def seen(alpha: Tenant, summons: Summons, outcome: str, *, now: datetime) -> None:
    """The face service has looked at the newest answer."""
    summons.refresh_from_db()
    assert summons.face_check_id is not None
    Check.objects.filter(pk=summons.face_check_id).update(outcome=outcome)
    operations.face_checked(check_id=summons.face_check_id, tenant=alpha, now=now)


def rostered(alpha: Tenant, who: Guard, duty: DutyPost, first: int, last: int) -> None:
    """A shift of the day at the post, by local minutes."""
    make_instance(alpha, day=NOON.date(), staff=who.staff, post=duty.post, shift=make_shift(spans=((first, last),)))


def cases() -> int:
    [_answered, off_post] = metrics.counts(starts=at(-600), ends=at(6000))
    return off_post.numerator


# --- 1. another face ---


def test_another_face_before_the_deadline_lets_the_call_ring_again(alpha: Tenant, guard: Guard, duty: DutyPost) -> None:
    DutyPost.objects.update(asks_face=True)
    call = make_sent(alpha, duty, now=NOON)
    summons = answer(alpha, call, guard, now=at(1))
    call.refresh_from_db()
    assert call.outcome == Outcome.ON_POST
    seen(alpha, summons, "mismatch", now=at(1.5))
    call.refresh_from_db()
    assert (call.status, call.outcome, call.decided_at) == (CallStatus.RINGING, "", None)
    assert [row.pk for row in queries.ringing(guard.actor, now=at(2))] == [call.pk]
    assert Notice.objects.filter(account_id=guard.actor.account_id, title__contains="没有通过本人核验").count() == 1
    assert (close(alpha, call).outcome, call.off_post) == (Outcome.OTHER, True)


def test_whoever_was_taken_for_another_may_answer_again_and_a_match_is_believed(
    alpha: Tenant, guard: Guard, duty: DutyPost
) -> None:
    DutyPost.objects.update(asks_face=True)
    call = make_sent(alpha, duty, now=NOON)
    first = answer(alpha, call, guard, now=at(1))
    seen(alpha, first, "mismatch", now=at(1.5))
    second = answer(alpha, call, guard, now=at(3))
    call.refresh_from_db()
    assert (second.pk, call.status) == (first.pk, CallStatus.RINGING)  # not before the face is known
    kept = Attempt.objects.get()
    assert (kept.photo_id, kept.face) == (first.photo_id, "other")
    assert second.photo_id != first.photo_id
    seen(alpha, second, "match", now=at(3.5))
    call.refresh_from_db()
    assert (call.status, call.outcome) == (CallStatus.DONE, Outcome.ON_POST)


def test_hiding_the_face_at_the_second_try_is_no_way_round(alpha: Tenant, guard: Guard, duty: DutyPost) -> None:
    DutyPost.objects.update(asks_face=True)
    call = make_sent(alpha, duty, now=NOON)
    seen(alpha, answer(alpha, call, guard, now=at(1)), "mismatch", now=at(1.5))
    seen(alpha, answer(alpha, call, guard, now=at(3)), "no_face", now=at(3.5))
    assert close(alpha, call).outcome == Outcome.OTHER


def test_another_face_after_the_deadline_counts_at_once_and_a_late_match_takes_it_back(
    alpha: Tenant, guard: Guard, duty: DutyPost
) -> None:
    DutyPost.objects.update(asks_face=True)
    call = make_sent(alpha, duty, now=NOON)
    summons = answer(alpha, call, guard, now=at(4))
    seen(alpha, summons, "mismatch", now=at(7))
    call.refresh_from_db()
    assert (call.outcome, call.off_post, Finding.objects.count()) == (Outcome.OTHER, True, 1)
    seen(alpha, answer(alpha, call, guard, now=at(8)), "match", now=at(8.5))
    call.refresh_from_db()
    assert (call.outcome, call.off_post) == (Outcome.LATE, False)


def test_a_mismatch_while_another_call_rings_is_decided_as_it_stands(
    alpha: Tenant, guard: Guard, duty: DutyPost
) -> None:
    DutyPost.objects.update(asks_face=True)
    call = make_sent(alpha, duty, now=NOON)
    summons = answer(alpha, call, guard, now=at(1))
    second = make_sent(alpha, duty, now=at(2))
    seen(alpha, summons, "mismatch", now=at(2.5))
    call.refresh_from_db()
    second.refresh_from_db()
    assert (call.outcome, second.status) == (Outcome.OTHER, CallStatus.RINGING)


# --- 2. 脱岗 taken back ---


def test_nobody_is_called_off_post_while_an_answer_may_be_on_its_way_up(
    alpha: Tenant, guard: Guard, duty: DutyPost
) -> None:
    call = make_sent(alpha, duty, now=NOON)
    assert operations.decide_due(tenant=alpha, now=at(5) + timedelta(seconds=29)) == 0
    answer(alpha, call, guard, now=at(5) + timedelta(seconds=20), after=40, elapsed_seconds=15)
    assert close(alpha, call).outcome == Outcome.ON_POST
    assert not Finding.objects.exists()


def test_an_answer_soon_after_the_deadline_takes_off_post_back(alpha: Tenant, guard: Guard, duty: DutyPost) -> None:
    call = close(alpha, make_sent(alpha, duty, now=NOON))
    finding = Finding.objects.get()
    assert (call.off_post, call.finding_id, cases()) == (True, finding.pk, 1)
    answer(alpha, call, guard, now=at(7))
    call.refresh_from_db()
    finding.refresh_from_db()
    assert (call.outcome, call.off_post, call.finding_id, cases()) == (Outcome.LATE, False, None, 0)
    assert finding.status == FindingStatus.VOID
    assert LogEntry.objects.filter(post_id=duty.pk, text__contains="脱岗撤销").count() == 1


def test_coming_back_hours_later_to_tap_does_not_undo_off_post(alpha: Tenant, guard: Guard, duty: DutyPost) -> None:
    supervisor = make_member(alpha)
    call = close(alpha, make_sent(alpha, duty, now=NOON))
    summons = answer(alpha, call, guard, now=at(60))
    call.refresh_from_db()
    assert (summons.late, call.outcome, call.off_post, cases()) == (True, Outcome.TIMEOUT, True, 1)
    assert Finding.objects.get().status == FindingStatus.OPEN
    assert Notice.objects.filter(account_id=supervisor.account_id, title__contains="迟来的应答").count() == 1


def test_a_human_who_saw_the_guard_takes_it_back_even_when_the_fix_was_begun(
    alpha: Tenant, guard: Guard, duty: DutyPost
) -> None:
    call = close(alpha, make_sent(alpha, duty, now=NOON))
    finding = Finding.objects.get()
    manager = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=duty.post.party.provider_id)
    findings.start_fix(finding_id=finding.pk, by=manager, tenant=alpha, now=at(20))
    operations.judge_call(
        call_id=call.pk, outcome=Outcome.ON_POST, note="监控显示在岗", by=make_member(alpha), tenant=alpha, now=at(30)
    )
    call.refresh_from_db()
    finding.refresh_from_db()
    assert (call.off_post, cases(), finding.status) == (False, 0, FindingStatus.VOID)


def test_the_ground_of_a_later_case_falls_with_the_call_before(alpha: Tenant, guard: Guard, duty: DutyPost) -> None:
    DutyPost.objects.update(off_post_after=2)
    first = close(alpha, make_sent(alpha, duty, now=NOON))
    second = close(alpha, make_sent(alpha, duty, now=at(60)))
    assert (first.off_post, second.off_post) == (False, True)
    operations.judge_call(
        call_id=first.pk, outcome=Outcome.ON_POST, note="当时在岗", by=make_member(alpha), tenant=alpha, now=at(90)
    )
    second.refresh_from_db()
    assert (second.outcome, second.off_post) == (Outcome.TIMEOUT, False)
    assert Finding.objects.get().status == FindingStatus.VOID


# --- 3. and 4. declared absences ---


def pair(alpha: Tenant) -> tuple[DutyPost, Guard, Guard]:
    duty = make_duty_post(name="消防控制室", persons_to_answer=2, off_post_after=1)
    one, two = (make_guard(alpha, party=duty.post.party, name=n) for n in ("甲", "乙"))
    for person in (one, two):
        sign_on(alpha, duty, person, now=at(-30))
    return duty, one, two


def test_one_of_two_on_patrol_the_other_answers_for_the_post(alpha: Tenant) -> None:
    duty, one, two = pair(alpha)
    make_walking(alpha, one, now=at(-10))
    operations.declare_absence(kind="patrol", minutes=60, by=one.actor, tenant=alpha, now=at(-9))
    call = make_sent(alpha, duty, now=NOON)
    assert (call.needed, call.excused) == (1, False)
    answer(alpha, call, two, now=at(1))
    call.refresh_from_db()
    assert (call.outcome, call.off_post) == (Outcome.ON_POST, False)


def test_a_relief_who_signed_on_answers_in_the_others_place(alpha: Tenant) -> None:
    duty, one, _two = pair(alpha)
    relief = make_guard(alpha, party=duty.post.party, name="丙")
    operations.declare_absence(
        kind="relief", minutes=60, relief_staff_id=relief.staff.pk, by=one.actor, tenant=alpha, now=at(-9)
    )
    assert make_sent(alpha, duty, now=at(-8)).needed == 2  # named, but not there yet: it excuses nobody
    Call.objects.update(status="done", outcome="on_post", decided_at=at(-7))
    sign_on(alpha, duty, relief, now=at(-5))
    call = make_sent(alpha, duty, now=NOON)
    assert call.needed == 2
    assert Summons.objects.get(call=call, staff=one.staff).away
    assert not Summons.objects.get(call=call, staff=relief.staff).away


@pytest.mark.parametrize("kind", ["break", "patrol"])
def test_words_alone_excuse_nobody(alpha: Tenant, guard: Guard, duty: DutyPost, kind: str) -> None:
    """A break, a patrol without an open tour."""
    operations.declare_absence(kind=kind, minutes=15, by=guard.actor, tenant=alpha, now=at(-1))
    call = close(alpha, make_sent(alpha, duty, now=NOON))
    assert (call.outcome, call.excused, call.off_post) == (Outcome.TIMEOUT, False, True)


def test_a_tour_begun_after_the_call_rang_excuses_nobody(alpha: Tenant, guard: Guard, duty: DutyPost) -> None:
    operations.declare_absence(kind="patrol", minutes=60, by=guard.actor, tenant=alpha, now=at(-1))
    call = make_sent(alpha, duty, now=NOON)
    make_walking(alpha, guard, now=at(-1))
    assert close(alpha, call).off_post


# --- 5. whose calls ---


def test_a_rostered_person_does_not_inherit_the_calls_of_the_shift_before(alpha: Tenant, duty: DutyPost) -> None:
    DutyPost.objects.update(off_post_after=2)
    make_coverage(duty.post)
    one = make_guard(alpha, party=duty.post.party, name="甲")
    sign_on(alpha, duty, one, now=at(-60))
    close(alpha, make_sent(alpha, duty, now=NOON))
    operations.sign_off(by=one.actor, tenant=alpha, now=at(10))
    close(alpha, make_sent(alpha, duty, now=at(60)))  # nobody on, nobody rostered
    assert not Call.objects.filter(off_post=True).exists()
    two = make_guard(alpha, party=duty.post.party, name="乙")
    rostered(alpha, two, duty, 820, 1320)
    close(alpha, make_sent(alpha, duty, now=at(120)))
    assert not Call.objects.filter(off_post=True).exists()
    third = close(alpha, make_sent(alpha, duty, now=at(180)))
    assert third.off_post
    assert "乙" in Finding.objects.get().detail and "甲" not in Finding.objects.get().detail


def test_an_empty_post_is_a_case_of_its_own(alpha: Tenant, duty: DutyPost) -> None:
    make_coverage(duty.post)
    DutyPost.objects.update(off_post_after=2)
    close(alpha, make_sent(alpha, duty, now=NOON))
    assert close(alpha, make_sent(alpha, duty, now=at(60))).off_post
    assert "无人上岗" in Finding.objects.get().detail


def test_of_two_only_the_one_who_did_not_answer_is_named(alpha: Tenant) -> None:
    duty, one, _two = pair(alpha)
    call = make_sent(alpha, duty, now=NOON)
    answer(alpha, call, one, now=at(1))
    assert close(alpha, call).off_post
    detail = Finding.objects.get().detail
    assert "乙" in detail and "甲" not in detail


def test_the_second_person_who_never_signed_on_is_called_too(alpha: Tenant) -> None:
    duty = make_duty_post(persons_to_answer=2, off_post_after=1)
    one, two = (make_guard(alpha, party=duty.post.party, name=n) for n in ("甲", "乙"))
    sign_on(alpha, duty, one, now=at(-30))
    rostered(alpha, two, duty, 660, 1320)
    call = make_sent(alpha, duty, now=NOON)
    answer(alpha, call, one, now=at(1))
    assert close(alpha, call).off_post
    assert "乙" in Finding.objects.get().detail and "甲" not in Finding.objects.get().detail


# --- 6. and 7. proofs ---


def test_an_old_gesture_is_late_at_best_whatever_the_phone_says(alpha: Tenant, guard: Guard, duty: DutyPost) -> None:
    DutyPost.objects.update(answer_minutes=30)
    call = make_sent(alpha, duty, now=NOON)
    summons = answer(alpha, call, guard, now=at(25), after=23 * 60, elapsed_seconds=5)
    call.refresh_from_db()
    assert (summons.doubt, summons.late, call.status) == (Doubt.STALE, True, CallStatus.RINGING)
    assert close(alpha, call).outcome == Outcome.LATE


def test_an_old_gesture_may_be_bettered_while_there_is_time(alpha: Tenant, guard: Guard, duty: DutyPost) -> None:
    DutyPost.objects.update(answer_minutes=30)
    call = make_sent(alpha, duty, now=NOON)
    answer(alpha, call, guard, now=at(10), after=9 * 60, elapsed_seconds=5)
    again = answer(alpha, call, guard, now=at(12))
    call.refresh_from_db()
    assert (again.doubt, call.outcome, Attempt.objects.count()) == (Doubt.NONE, Outcome.ON_POST, 1)


def selfie(seed: int) -> Image.Image:
    """A picture with as much in it as a real one (a hundred things of every size); the same for the same seed."""
    dice = random.Random(seed)
    image = Image.new("RGB", (640, 480), (128, 128, 128))
    draw = ImageDraw.Draw(image)
    for _ in range(400):
        x, y, side = dice.randrange(640), dice.randrange(480), dice.randrange(6, 90)
        colour = (dice.randrange(256), dice.randrange(256), dice.randrange(256))
        draw.polygon([(x, y), (x + side, y + dice.randrange(side)), (x + dice.randrange(side), y + side)], fill=colour)
    return image


def give(alpha: Tenant, call: Call, guard: Guard, image: Image.Image, *, quality: int, now: datetime) -> Summons:
    """Answer the call with this very picture."""
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    opened = operations.open_call(call_id=call.pk, by=guard.actor, tenant=alpha, now=now - timedelta(seconds=20))
    photo = keep_photo(upload=out.getvalue(), name="a.jpg", by=guard.actor, tenant=alpha, now=now)
    place = Post.objects.select_related("place").get(pk=call.post_id).place
    assert place is not None
    return operations.answer_call(
        call_id=call.pk,
        nonce=opened.nonce,
        photo_id=photo.pk,
        place_code=place.code,
        by=guard.actor,
        tenant=alpha,
        now=now,
    )


def test_a_re_saved_and_cropped_earlier_answer_is_no_proof(alpha: Tenant, guard: Guard, duty: DutyPost) -> None:
    give(alpha, make_sent(alpha, duty, now=NOON), guard, selfie(1), quality=92, now=at(1))
    call = make_sent(alpha, duty, now=at(60))
    summons = give(alpha, call, guard, selfie(1).crop((20, 15, 620, 465)), quality=60, now=at(61))
    call.refresh_from_db()
    assert (summons.doubt, call.status) == (Doubt.COPY, CallStatus.RINGING)
    assert close(alpha, call).outcome == Outcome.LATE  # and no accusation: neither 他人应答 nor 脱岗
    assert not call.off_post


def test_another_picture_after_a_doubtful_one_is_believed(alpha: Tenant, guard: Guard, duty: DutyPost) -> None:
    give(alpha, make_sent(alpha, duty, now=NOON), guard, selfie(1), quality=92, now=at(1))
    call = make_sent(alpha, duty, now=at(60))
    give(alpha, call, guard, selfie(1), quality=60, now=at(61))
    again = give(alpha, call, guard, selfie(2), quality=92, now=at(63))
    call.refresh_from_db()
    assert (again.doubt, call.outcome) == (Doubt.NONE, Outcome.ON_POST)


# --- 8. a human's word ---


def test_a_humans_timeout_counts_in_the_row_and_climbs(alpha: Tenant, guard: Guard, duty: DutyPost) -> None:
    leader = make_member(alpha, Role.SCHOOL_LEADER)
    call = make_sent(alpha, duty, now=NOON)
    answer(alpha, call, guard, now=at(1))
    operations.judge_call(
        call_id=call.pk, outcome=Outcome.OTHER, note="照片不是本人", by=make_member(alpha), tenant=alpha, now=at(180)
    )
    call.refresh_from_db()
    assert (call.off_post, Finding.objects.get().source_id) == (True, call.pk)
    operations.climb_chains(tenant=alpha, now=at(181))
    late = Notice.objects.filter(subject_id=str(call.pk), kind="late")
    assert not late.filter(account_id=leader.account_id).exists()  # a quarter of an hour runs from the judgement
    operations.climb_chains(tenant=alpha, now=at(195))
    assert late.filter(account_id=leader.account_id).count() == 1


def test_nobody_judges_their_own_company(alpha: Tenant, guard: Guard, duty: DutyPost) -> None:
    call = close(alpha, make_sent(alpha, duty, now=NOON))
    for by in (
        make_member(alpha, provider_id=duty.post.party.provider_id or new_id()),
        make_member(alpha, staff_id=guard.staff.pk),
    ):
        with pytest.raises(NotAllowed):
            operations.judge_call(
                call_id=call.pk, outcome=Outcome.ON_POST, note="在岗", by=by, tenant=alpha, now=at(30)
            )
    assert Call.objects.get().off_post


# --- 20. the chain's end ---


def test_a_chain_that_was_climbed_is_left_alone(alpha: Tenant, guard: Guard, duty: DutyPost) -> None:
    call = close(alpha, make_sent(alpha, duty, now=NOON))
    operations.climb_chains(tenant=alpha, now=at(10))
    call.refresh_from_db()
    assert not call.chain_done  # the leader is still to come
    operations.climb_chains(tenant=alpha, now=at(25))
    call.refresh_from_db()
    assert (call.chain_done, call.told_level) == (True, 3)
