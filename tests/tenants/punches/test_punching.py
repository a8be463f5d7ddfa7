"""A person's punch: which shift, what it proves, why it did not count, and that it is never lost nor made up."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from identity.choices import Role
from identity.contracts import Actor
from kernel import anchors, clock
from kernel.errors import Invalid, NotAllowed, NotFound
from kernel.tenancy import Tenant, school_context
from tenants.evidence.models import Evidence
from tenants.notices.models import Notice
from tenants.organisation.choices import StaffStatus
from tenants.organisation.models import Post, Staff
from tenants.punches import operations, queries, sentences
from tenants.punches.choices import ClockBasis, Direction, PunchStatus, Refusal
from tenants.punches.contracts import Record
from tenants.punches.errors import NotOneself, NotStaff, PositionUnreadable
from tenants.punches.models import Dirty, Punch
from tenants.timeline.models import Event
from tests.factories.findings import make_member, make_photo
from tests.factories.organisation import make_certificate, make_contract, make_place, make_post, make_staff
from tests.factories.punches import make_device, make_fence, make_instance, make_punch, north

NOW = clock.now()


def worker(tenant: Tenant, *, post: Post | None = None, **fields: Any) -> tuple[Staff, Actor]:
    person = make_staff(post=post, **fields)
    return person, make_member(tenant, Role.FRONTLINE, staff_id=person.pk)


def take(tenant: Tenant, by: Actor, *, now: datetime = NOW, client_id: UUID | None = None, **given: Any) -> Punch:
    return operations.punch(client_id=client_id or uuid4(), by=by, tenant=tenant, now=now, **given)


def here(metres: float = 0, *, accuracy: float = 15, age: float = 2) -> dict[str, float]:
    lat, lon = north(metres)
    return {"latitude": lat, "longitude": lon, "accuracy_m": accuracy, "fix_age_s": age}


def test_a_punch_binds_to_the_shift_of_its_window_and_counts(alpha: Tenant) -> None:
    person, by = worker(alpha, post=make_post())
    gate = make_post(party=person.party)
    make_instance(person, post=gate, starts_at=NOW + timedelta(minutes=20))
    make_fence(gate)
    row = take(alpha, by, direction=Direction.IN, **here(30))
    assert (row.post, row.status, row.grade, row.asked, row.refusal) == (gate, PunchStatus.ACCEPTED, "C", "C", "")
    assert (row.at, row.clock, row.outside_m) == (NOW, ClockBasis.SERVER, 0)
    dirty = Dirty.objects.get()
    assert (dirty.staff_id, dirty.day) == (person.pk, NOW.astimezone(alpha.tz).date())


def test_outside_every_window_the_own_post_is_taken(alpha: Tenant) -> None:
    person, by = worker(alpha, post=make_post())
    make_instance(person, post=make_post(party=person.party), starts_at=NOW + timedelta(hours=9))
    assert take(alpha, by, **here()).post == person.post


def test_the_running_shift_goes_before_a_neighbour(alpha: Tenant) -> None:
    person, by = worker(alpha, post=make_post())
    first, second = make_post(party=person.party), make_post(party=person.party)
    make_instance(person, post=first, starts_at=NOW - timedelta(hours=8), ends_at=NOW - timedelta(minutes=1))
    make_instance(person, post=second, starts_at=NOW - timedelta(minutes=1))
    assert take(alpha, by, **here()).post == second


def test_the_same_client_id_is_one_punch(alpha: Tenant) -> None:
    person, by = worker(alpha, post=make_post())
    make_fence(person.post)
    key = uuid4()
    first = take(alpha, by, client_id=key, **here())
    again = take(alpha, by, client_id=key, now=NOW + timedelta(days=1), direction=Direction.OUT)
    assert (again.pk, again.at, Punch.objects.count(), Dirty.objects.count()) == (first.pk, NOW, 1, 1)


def test_an_old_fix_is_refused_with_a_sentence_and_a_way_out(alpha: Tenant) -> None:
    person, by = worker(alpha, post=make_post())
    make_instance(person)
    make_fence(person.post)
    row = take(alpha, by, **here(age=700))
    assert (row.status, row.refusal) == (PunchStatus.REFUSED, Refusal.STALE_FIX)
    assert sentences.why(row) == "定位是 12 分钟前取得的，不能说明您现在在这里。"
    assert "重新取一次" in sentences.next_step(row) and "人脸" not in sentences.next_step(row)
    assert not Dirty.objects.exists()
    assert Event.objects.filter(verb="punch.refused", staff_id=person.pk).count() == 1


def test_an_old_fix_far_away_reproaches_nobody_who_brings_other_evidence(alpha: Tenant) -> None:
    person, by = worker(alpha, post=make_post(place=make_place(code="GATE-1")))
    make_instance(person)
    make_fence(person.post)
    row = take(alpha, by, **here(90_000, age=7200), code="GATE-1")
    assert (row.status, row.grade) == (PunchStatus.ACCEPTED, "C")


@pytest.mark.parametrize(("metres", "accuracy", "ok"), [(130, 40, True), (150, 40, False), (9_000, 20, False)])
def test_outside_by_less_than_the_error_is_not_outside(alpha: Tenant, metres: float, accuracy: float, ok: bool) -> None:
    person, by = worker(alpha, post=make_post(place=make_place(code="GATE-E")))
    make_instance(person)
    make_fence(person.post)
    row = take(alpha, by, **here(metres, accuracy=accuracy), code="GATE-E")
    assert (row.status == PunchStatus.ACCEPTED) is ok
    assert row.outside_m == pytest.approx(metres - 100, abs=1)
    if not ok:
        assert row.refusal == Refusal.OUTSIDE and f"{metres - 100:.0f} 米" in sentences.why(row)


@pytest.mark.parametrize(
    ("metres", "accuracy", "why"),
    [
        (245, 150, "定位误差 150 米，不能证明您在范围内。"),
        (130, 40, "定位误差 40 米，不能证明您在范围内。"),
        (0, None, "手机没有给出定位误差，定位暂不能作为佐证。"),
    ],
)
def test_a_position_within_its_error_proves_nothing_by_itself(
    alpha: Tenant, metres: float, accuracy: float | None, why: str
) -> None:
    person, by = worker(alpha, post=make_post())
    make_instance(person)
    make_fence(person.post)
    row = take(alpha, by, **{**here(metres), "accuracy_m": accuracy})
    assert (row.status, row.refusal, row.grade) == (PunchStatus.REFUSED, Refusal.TOO_WEAK, "D")
    assert sentences.why(row).endswith(why) and "拍照" in sentences.next_step(row)


def test_no_position_is_not_outside(alpha: Tenant) -> None:
    person, by = worker(alpha, post=make_post())
    make_instance(person, grade="D")
    make_fence(person.post)
    row = take(alpha, by)
    assert (row.status, row.outside_m, row.grade) == (PunchStatus.ACCEPTED, None, "D")


def test_a_post_asks_for_a_grade_and_says_how_to_reach_it(alpha: Tenant) -> None:
    person, by = worker(alpha, post=make_post(place=make_place(code="GATE-2")))
    make_instance(person, grade="A")
    make_fence(person.post)
    weak = take(alpha, by, **here())
    assert (weak.status, weak.refusal, weak.grade) == (PunchStatus.REFUSED, Refusal.TOO_WEAK, "C")
    assert "扫码 + 拍照 + 定位" in sentences.next_step(weak) and "主管见证" in sentences.next_step(weak)
    photo = make_photo(alpha, by)
    full = take(alpha, by, **here(), code="https://alpha.localhost/q/GATE-2", photo_id=photo.pk)
    assert (full.status, full.grade) == (PunchStatus.ACCEPTED, "A")


def test_the_code_of_another_place_is_refused_by_name(alpha: Tenant) -> None:
    campus = make_place("东校区")
    gate, hall = make_place("东门", parent=campus), make_place("食堂", parent=campus, code="HALL")
    person, by = worker(alpha, post=make_post(place=gate))
    make_instance(person)
    row = take(alpha, by, code="HALL")
    assert (row.status, row.refusal) == (PunchStatus.REFUSED, Refusal.WRONG_PLACE)
    assert sentences.why(row) == "扫的是「东校区 / 食堂」的码，本班次在「东校区 / 东门」。"
    unknown = take(alpha, by, code="NO-SUCH")
    assert (unknown.refusal, unknown.place_code) == (Refusal.WRONG_PLACE, False)
    assert hall.pk == row.place_id


def test_a_point_inside_the_place_is_the_place(alpha: Tenant) -> None:
    hall = make_place("1号公寓", parent=make_place())
    point = make_place("门厅", parent=hall, kind="point", code="LOBBY")
    person, by = worker(alpha, post=make_post(place=hall))
    make_instance(person)
    row = take(alpha, by, code="lobby")
    assert (row.status, row.place_id, row.place_code) == (PunchStatus.ACCEPTED, point.pk, True)


def test_two_posts_a_day_the_scanned_code_tells_which(alpha: Tenant) -> None:
    campus = make_place()
    one, two = make_place(parent=campus, code="ONE"), make_place(parent=campus, code="TWO")
    person, by = worker(alpha, post=make_post())
    first = make_instance(person, post=make_post(party=person.party), place=one, starts_at=NOW - timedelta(hours=4),
                          ends_at=NOW + timedelta(minutes=10))  # fmt: skip
    second = make_instance(person, post=make_post(party=person.party), place=two,
                           starts_at=NOW + timedelta(minutes=10))  # fmt: skip
    assert take(alpha, by, code="TWO").post_id == second.post_id
    assert take(alpha, by, code="ONE").post_id == first.post_id


def test_another_companys_post_gets_no_punch_of_a_stranger(alpha: Tenant) -> None:
    party = make_contract()
    person, by = worker(alpha, post=make_post(party=party))
    theirs, mine = make_post(party=make_contract()), make_post(party=person.party)
    make_fence(theirs)
    make_instance(person, post=mine, starts_at=NOW + timedelta(hours=6))
    assert take(alpha, by, post_id=theirs.pk, **here(900)).post == person.post
    assert take(alpha, by, post_id=mine.pk, **here(900)).post == mine  # rostered there today
    assert not Punch.objects.filter(post=theirs).exists()
    boss = make_member(alpha)
    stands_in = operations.vouch(
        staff_id=person.pk, client_id=uuid4(), post_id=theirs.pk, by=boss, tenant=alpha, now=NOW, **here()
    )
    assert (stands_in.post, stands_in.status) == (theirs, PunchStatus.ACCEPTED)  # the school knows who helps out where
    company = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=party.provider_id)
    row = operations.vouch(staff_id=person.pk, client_id=uuid4(), post_id=theirs.pk, by=company, tenant=alpha, now=NOW)
    assert row.post == person.post


# --- Photos --------------------------------------------------------------------------------------


def photographed(tenant: Tenant, by: Actor, photo: Evidence, **given: Any) -> tuple[str, str]:
    row = take(tenant, by, photo_id=photo.pk, **given)
    return row.status, sentences.why(row)


def test_a_photo_counts_for_one_punch_and_so_does_its_copy(alpha: Tenant) -> None:
    person, by = worker(alpha, post=make_post())
    _other, friend = worker(alpha, post=person.post)
    photo = make_photo(alpha, by, seed=5)
    assert photographed(alpha, by, photo)[0] == "accepted"
    again = "这张照片已用于另一次打卡，没有计入佐证，请当场重拍。"
    for sender, picture in (
        (by, photo),
        (by, make_photo(alpha, by, seed=5)),
        (friend, make_photo(alpha, friend, seed=5)),
    ):
        status, why = photographed(alpha, sender, picture)
        assert status == "refused" and why.endswith(again)
    assert photographed(alpha, friend, make_photo(alpha, friend))[0] == "accepted"


@pytest.mark.parametrize("minutes", [16, 60 * 24 * 30])
def test_an_old_photo_proves_nothing(alpha: Tenant, minutes: int) -> None:
    _person, by = worker(alpha, post=make_post())
    status, why = photographed(alpha, by, make_photo(alpha, by), now=clock.now() + timedelta(minutes=minutes))
    assert status == "refused" and "不是这次打卡时拍的" in why
    assert Punch.objects.get().photo_id is None  # and the punch is kept


def test_a_photo_whose_own_time_is_another_proves_nothing(alpha: Tenant) -> None:
    _person, by = worker(alpha, post=make_post())
    photo = make_photo(alpha, by, taken_at=NOW - timedelta(hours=2))
    assert photographed(alpha, by, photo)[0] == "refused"


def test_a_phone_without_network_or_with_a_wrong_clock_has_its_photo_counted(alpha: Tenant) -> None:
    _person, by = worker(alpha, post=make_post())
    done, said = NOW - timedelta(hours=30), NOW + timedelta(days=1)
    photo = make_photo(alpha, by, taken_at=NOW - timedelta(hours=30))
    kept = anchors.anchor(schema=alpha.schema, now=done - timedelta(hours=2))
    waited = {"anchor": kept, "elapsed_ms": 2 * 3_600_000, "recorded_at": done}
    assert photographed(alpha, by, photo, **waited)[0] == "accepted"
    anchor = anchors.anchor(schema=alpha.schema, now=NOW - timedelta(minutes=3))
    mine = make_photo(alpha, by)
    type(mine).objects.filter(pk=mine.pk).update(taken_at=said)
    sent = {"anchor": anchor, "elapsed_ms": 180_000, "monotonic": True, "recorded_at": said}
    assert photographed(alpha, by, mine, **sent)[0] == "accepted"


def test_somebody_elses_photo_proves_nothing_and_an_unseen_one_is_an_error(alpha: Tenant) -> None:
    person, by = worker(alpha, post=make_post())
    boss = make_member(alpha, Role.SCHOOL_SUPERVISOR, staff_id=person.pk)
    theirs = make_photo(alpha, by)
    make_punch(person, photo_id=theirs.pk)
    assert photographed(alpha, boss, theirs)[0] == "refused"
    with pytest.raises(Invalid):
        take(alpha, worker(alpha, post=person.post)[1], photo_id=theirs.pk)


def test_after_a_refusal_the_same_photo_may_be_brought_again(alpha: Tenant) -> None:
    person, by = worker(alpha, post=make_post(place=make_place(code="GATE-3")))
    make_instance(person, grade="B")
    photo = make_photo(alpha, by)
    assert photographed(alpha, by, photo)[0] == "refused"
    assert photographed(alpha, by, photo, code="GATE-3")[0] == "accepted"


# --- Clock ---------------------------------------------------------------------------------------


def test_a_punch_that_arrives_two_days_late_counts_when_it_happened(alpha: Tenant) -> None:
    person, by = worker(alpha, post=make_post())
    done = NOW - timedelta(days=2)
    make_instance(person, starts_at=done - timedelta(minutes=5))
    make_fence(person.post)
    anchor = anchors.anchor(schema=alpha.schema, now=done - timedelta(minutes=3))
    row = take(
        alpha, by, anchor=anchor, elapsed_ms=180_000, monotonic=True, recorded_at=done + timedelta(days=1), **here()
    )
    assert (row.at, row.clock, row.status) == (done, ClockBasis.ANCHORED, PunchStatus.ACCEPTED)
    assert row.recorded_at == done + timedelta(days=1)
    assert sentences.arrived(row) == "2 天后补传"
    assert Dirty.objects.get().day == done.astimezone(alpha.tz).date()


def test_a_clock_that_lies_into_the_future_does_not_count_but_is_kept(alpha: Tenant) -> None:
    _person, by = worker(alpha, post=make_post())
    row = take(alpha, by, recorded_at=NOW + timedelta(days=1), **here())
    assert (row.status, row.refusal, row.at) == (PunchStatus.REFUSED, Refusal.CLOCK, NOW)
    forged = anchors.anchor(schema="s_beta", now=NOW - timedelta(hours=5))
    row = take(alpha, by, anchor=forged, elapsed_ms=0, monotonic=True, recorded_at=NOW - timedelta(days=30), **here())
    assert row.refusal == Refusal.CLOCK
    assert not Dirty.objects.exists()


def test_without_an_anchor_a_time_long_before_its_receipt_proves_nothing(alpha: Tenant) -> None:
    """Scanned and photographed at noon, claimed for eight: kept, with its sentence and a way on, but no proof of eight."""
    person, by = worker(alpha, post=make_post())
    make_fence(person.post)
    photo = make_photo(alpha, by)
    claim = NOW - timedelta(minutes=220)
    row = take(alpha, by, recorded_at=claim, photo_id=photo.pk, **here())
    assert (row.at, row.clock) == (claim, ClockBasis.CLAIMED)
    assert (row.grade, row.status, row.refusal) == ("D", PunchStatus.REFUSED, Refusal.CLOCK)
    assert sentences.why(row).startswith("时间未核对：手机没有服务器时间，4 小时后才上传")
    assert "申诉" in sentences.next_step(row) and "联网打开一次打卡页" in sentences.next_step(row)
    assert sentences.arrived(row) == "4 小时后补传（时间未核对）"
    assert not Dirty.objects.exists()


def test_where_a_post_asks_for_no_proof_an_unchecked_time_counts_and_is_marked(alpha: Tenant) -> None:
    person, by = worker(alpha, post=make_post())
    make_instance(person, starts_at=NOW - timedelta(hours=3), grade="D")
    row = take(alpha, by, recorded_at=NOW - timedelta(hours=3))
    assert (row.grade, row.status) == ("D", PunchStatus.ACCEPTED)
    assert sentences.arrived(row) == "3 小时后补传（时间未核对）"


def test_an_honest_phone_that_lost_the_anchor_is_treated_fairly(alpha: Tenant) -> None:
    """Received at once: the receipt says when. Restarted in the cellar: the difference of its clock stands in for hours."""
    person, by = worker(alpha, post=make_post())
    make_fence(person.post)
    at_once = take(alpha, by, recorded_at=NOW - timedelta(minutes=4), **here())
    assert (at_once.clock, at_once.grade, at_once.status) == (ClockBasis.CLAIMED, "C", PunchStatus.ACCEPTED)
    anchor = anchors.anchor(schema=alpha.schema, now=NOW - timedelta(hours=9))
    restarted = take(alpha, by, anchor=anchor, elapsed_ms=5 * 3_600_000, recorded_at=NOW - timedelta(hours=4), **here())
    assert (restarted.clock, restarted.grade, restarted.status) == (ClockBasis.WALL, "C", PunchStatus.ACCEPTED)
    assert "未核对" not in sentences.arrived(restarted)


def test_a_refused_claim_is_counted_by_whoever_decides_the_appeal(alpha: Tenant) -> None:
    person, by = worker(alpha, post=make_post())
    make_fence(person.post)
    row = take(alpha, by, recorded_at=NOW - timedelta(hours=3), **here())
    asked = operations.appeal(punch_id=row.pk, text="手机刷机后没有网络", by=by, tenant=alpha, now=NOW)
    office = make_member(alpha, Role.SCHOOL_SUPERVISOR)
    operations.decide_appeal(appeal_id=asked.pk, granted=True, note="当班同事证实", by=office, tenant=alpha, now=NOW)
    row.refresh_from_db()
    assert (row.status, row.grade, row.at) == (PunchStatus.ACCEPTED, "C", NOW - timedelta(hours=3))


def test_a_companys_voucher_needs_a_time_and_the_schools_does_not(alpha: Tenant) -> None:
    party = make_contract()
    person, _by = worker(alpha, post=make_post(party=party), party=party)
    make_fence(person.post)
    claim = {"recorded_at": NOW - timedelta(hours=3), **here()}
    office = make_member(alpha, Role.SCHOOL_SUPERVISOR)
    manager = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=party.provider_id)

    def vouched(by: Actor) -> tuple[str, str, str]:
        row = operations.vouch(staff_id=person.pk, client_id=uuid4(), by=by, tenant=alpha, now=NOW, **claim)
        return row.grade, row.status, row.refusal

    assert vouched(office) == ("A", PunchStatus.ACCEPTED, "")
    assert vouched(manager) == ("D", PunchStatus.REFUSED, Refusal.CLOCK)


# --- Phones and people -----------------------------------------------------------------------------


def test_two_phones_of_one_person_work_and_are_seen(alpha: Tenant) -> None:
    person, by = worker(alpha, post=make_post())
    make_fence(person.post)
    first, second = take(alpha, by, phone_id="p1", **here()), take(alpha, by, phone_id="p2", **here())
    other = make_punch(phone_id="p2")
    assert {first.status, second.status} == {PunchStatus.ACCEPTED}
    seen = queries.phones_of([first, second, other], now=clock.now())
    assert (seen[first.pk].own, seen[first.pk].shared) == (2, 0)
    assert (seen[second.pk].own, seen[second.pk].shared) == (2, 1)
    assert (seen[other.pk].own, seen[other.pk].shared) == (1, 1)


def test_only_people_of_the_school_punch_and_only_for_themselves(alpha: Tenant) -> None:
    with pytest.raises(NotStaff):
        take(alpha, make_member(alpha, Role.SCHOOL_SUPERVISOR))
    with pytest.raises(NotAllowed):
        take(alpha, Actor.anonymous())
    with pytest.raises(NotAllowed):
        take(alpha, Actor.system(alpha.school_id))
    assert not Punch.objects.exists()


def test_another_schools_person_is_nobody_here(alpha: Tenant, beta: Tenant) -> None:
    with school_context(beta):
        stranger = make_staff()
    by = make_member(alpha, Role.FRONTLINE, staff_id=stranger.pk)
    with pytest.raises(NotStaff):
        take(alpha, by)


@pytest.mark.parametrize(
    "wrong",
    [
        {"latitude": 23.0},
        {"latitude": 91, "longitude": 0},
        {"latitude": float("nan"), "longitude": 0},
        {"latitude": 1, "longitude": 1, "accuracy_m": -3},
        {"latitude": 1, "longitude": 1, "accuracy_m": float("inf")},
        {"latitude": "x", "longitude": 1},
    ],
)
def test_a_position_that_cannot_be_is_no_position(alpha: Tenant, wrong: dict[str, Any]) -> None:
    _person, by = worker(alpha, post=make_post())
    with pytest.raises(PositionUnreadable):
        take(alpha, by, **wrong)
    assert not Punch.objects.exists()


def test_who_has_left_is_told_so_and_the_punch_kept(alpha: Tenant) -> None:
    person, by = worker(alpha, post=make_post())
    Staff.objects.filter(pk=person.pk).update(status=StaffStatus.LEFT, left_on=date(2026, 1, 1))
    row = take(alpha, by, **here())
    assert (row.status, row.refusal) == (PunchStatus.REFUSED, Refusal.LEFT)


def test_uncertified_presence_counts_is_marked_and_raised_once(
    alpha: Tenant, django_capture_on_commit_callbacks: Any
) -> None:
    party = make_contract()
    post = make_post(party=party, certificates=["security_guard", "health"])
    person, by = worker(alpha, post=post)
    make_certificate(person, kind="health", expires_on=NOW.date() + timedelta(days=30))
    make_certificate(person, kind="security_guard", expires_on=NOW.date() - timedelta(days=3))
    make_fence(post)
    office, boss = make_member(alpha), make_member(alpha, Role.PROVIDER_MANAGER, provider_id=party.provider_id)
    stranger = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=uuid4())
    with django_capture_on_commit_callbacks() as sent:
        rows = [take(alpha, by, **here()) for _ in range(2)]
    assert [(r.status, r.lacking) for r in rows] == [(PunchStatus.ACCEPTED, ["security_guard"])] * 2
    assert len(sent) == 4  # handed on and raised, each twice
    ids = [r.pk for r in rows]
    assert operations.raise_uncertified(punch_ids=ids, tenant=alpha, now=NOW) == [ids[0]]
    assert operations.raise_uncertified(punch_ids=ids, tenant=alpha, now=NOW) == []
    told = Notice.objects.filter(title__startswith="无证上岗")
    assert set(told.values_list("account_id", flat=True)) >= {office.account_id, boss.account_id}
    assert not told.filter(account_id__in=[stranger.account_id, by.account_id]).exists()


# --- Voucher -------------------------------------------------------------------------------------


def test_a_voucher_on_site_is_as_good_as_a_face(alpha: Tenant) -> None:
    person, _by = worker(alpha, post=make_post())
    make_instance(person, grade="A")
    make_fence(person.post)
    boss = make_member(alpha)
    row = operations.vouch(staff_id=person.pk, client_id=uuid4(), by=boss, tenant=alpha, now=NOW, **here())
    assert (row.status, row.grade, row.vouched_on_site, row.vouched_by) == ("accepted", "A", True, boss.account_id)
    afar = operations.vouch(staff_id=person.pk, client_id=uuid4(), by=boss, tenant=alpha, now=NOW)
    assert (afar.status, afar.refusal, afar.grade) == (PunchStatus.REFUSED, Refusal.TOO_WEAK, "C")


def test_a_company_vouching_for_its_own_people_proves_less(alpha: Tenant) -> None:
    party = make_contract()
    person, _by = worker(alpha, post=make_post(party=party))
    make_fence(person.post)
    boss = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=party.provider_id)
    row = operations.vouch(staff_id=person.pk, client_id=uuid4(), by=boss, tenant=alpha, now=NOW, **here())
    assert row.grade == "B"
    stranger = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=uuid4())
    with pytest.raises(NotFound):
        operations.vouch(staff_id=person.pk, client_id=uuid4(), by=stranger, tenant=alpha, now=NOW)


def test_nobody_vouches_for_themselves_and_workers_for_nobody(alpha: Tenant) -> None:
    person, by = worker(alpha, post=make_post())
    other, _ = worker(alpha, post=person.post)
    with pytest.raises(NotAllowed):
        operations.vouch(staff_id=other.pk, client_id=uuid4(), by=by, tenant=alpha, now=NOW)
    boss = make_member(alpha, Role.SCHOOL_SUPERVISOR, staff_id=person.pk)
    with pytest.raises(NotOneself):
        operations.vouch(staff_id=person.pk, client_id=uuid4(), by=boss, tenant=alpha, now=NOW, **here())
    assert not Punch.objects.exists()


# --- Reading -------------------------------------------------------------------------------------


def test_who_sees_which_punches(alpha: Tenant) -> None:
    party = make_contract()
    mine, other = make_punch(make_staff(party=party)), make_punch()
    me = make_member(alpha, Role.FRONTLINE, staff_id=mine.staff_id)
    boss = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=party.provider_id)
    assert set(queries.visible(me)) == {mine} == set(queries.visible(boss))
    assert set(queries.visible(make_member(alpha))) == {mine, other}
    with pytest.raises(NotFound):
        queries.punch(punch_id=other.pk, by=me)
    with pytest.raises(NotAllowed):
        queries.visible(Actor.anonymous())


def test_the_list_filters(alpha: Tenant) -> None:
    person = make_staff("赵铁柱", post=make_post())
    late = make_punch(person, at=NOW - timedelta(days=2), post=person.post, lacking=["health"])
    Punch.objects.filter(pk=late.pk).update(received_at=NOW)
    refused = make_punch(status="refused", refusal="outside", at=NOW, grade="C")
    by = make_member(alpha)

    def found(**given: Any) -> set[Punch]:
        return set(queries.listing(by=by, tz=alpha.tz, **given))

    assert found(text="铁柱") == found(post_id=person.post_id) == found(mark="lacking") == found(mark="late") == {late}
    assert found(text="ztz") == {late}
    assert found(status="refused") == found(grade="C") == {refused}
    assert found(from_day=NOW.astimezone(alpha.tz).date()) == {refused}
    assert found(until_day=(NOW - timedelta(days=2)).astimezone(alpha.tz).date()) == {late}
    assert found(party_id=person.party_id, status="refused") == set()


def test_the_last_day_ends_at_noon_of_the_next_for_phones_and_devices(alpha: Tenant) -> None:
    """Whoever leaves after a night shift still punches its end, and the status alone refuses nobody."""
    person, by = worker(alpha, post=make_post())
    last = date(2026, 3, 10)
    Staff.objects.filter(pk=person.pk).update(status=StaffStatus.LEFT, left_on=last)
    by_phone, by_device = [], []
    device = make_device(verifies_person=True)
    for n, (day, hour) in enumerate([(10, 8), (11, 6), (11, 12)], start=1):
        when = datetime(2026, 3, day, hour, tzinfo=alpha.tz)
        row = operations.punch(client_id=uuid4(), by=by, tenant=alpha, now=when)
        by_phone.append(row.refusal == "left")
        operations.ingest(
            device_id=device.pk, records=[Record(n, person.number, when)], by=Actor.system(alpha.school_id), tenant=alpha,
            now=when,
        )  # fmt: skip
        by_device.append(Punch.objects.get(device=device, seq=n).refusal == "left")
    assert by_phone == by_device == [False, False, True]
