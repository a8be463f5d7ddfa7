"""What nobody at a post sees is seen by the sweep: matters left behind, posts below their minimum, unjudged cameras."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from identity.choices import Role
from identity.contracts import Actor
from kernel.clock import SHANGHAI
from kernel.tenancy import Tenant
from tenants.duty import errors, operations, webhooks
from tenants.duty.choices import AnomalyKind, ItemStatus
from tenants.duty.models import Anomaly, CameraReport, DutyPost, HandoverItem, LogEntry
from tenants.findings import operations as findings
from tenants.findings.models import Finding
from tenants.notices.models import Notice
from tenants.organisation.models import Staff
from tenants.rosters.models import ShiftInstance
from tests.factories.duty import Guard, make_coverage, make_duty_post, make_guard, make_walking, report, sign_on
from tests.factories.findings import make_member
from tests.factories.organisation import make_place
from tests.factories.rosters import make_instance, make_shift

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=SHANGHAI)


def at(minute: float) -> datetime:
    return NOON + timedelta(minutes=minute)


def watch(alpha: Tenant, minute: float) -> int:
    return operations.watch_stints(tenant=alpha, now=at(minute))


@pytest.fixture
def duty(alpha: Tenant) -> DutyPost:
    return make_duty_post(name="配电房")


@pytest.fixture
def giver(alpha: Tenant, duty: DutyPost) -> Guard:
    found = make_guard(alpha, party=duty.post.party, name="甲")
    sign_on(alpha, duty, found, now=at(0))
    return found


@pytest.fixture
def chief(alpha: Tenant) -> Actor:
    return make_member(alpha)


@pytest.fixture
def coming(alpha: Tenant, duty: DutyPost) -> tuple[Guard, ShiftInstance]:
    """Somebody whose shift at the post begins at 13:00."""
    found = make_guard(alpha, party=duty.post.party, name="乙")
    shift = make_shift(spans=((780, 1200),))
    return found, make_instance(alpha, day=NOON.date(), staff=found.staff, post=duty.post, shift=shift)


def handed(alpha: Tenant, giver: Guard, receiver: Guard) -> Anomaly:
    """Accepted from home at 12:20, and the giver gone."""
    row = report(alpha, giver, now=at(5))
    handover = operations.offer_handover(receiver_id=receiver.staff.pk, by=giver.actor, tenant=alpha, now=at(10))
    operations.accept_handover(handover_id=handover.pk, by=receiver.actor, tenant=alpha, now=at(20))
    operations.sign_off(by=giver.actor, tenant=alpha, now=at(21))
    return row


def told(account: Actor, title: str) -> int:
    return Notice.objects.filter(account_id=account.account_id, title__startswith=title).count()


# --- handed to somebody who never comes ---


def test_a_receiver_who_never_comes_loses_nothing(
    alpha: Tenant, giver: Guard, coming: tuple[Guard, ShiftInstance], chief: Actor
) -> None:
    row = handed(alpha, giver, coming[0])
    for minute in (40, 74):  # the shift begins at 13:00; a quarter of an hour is theirs
        watch(alpha, minute)
        row.refresh_from_db()
        assert row.holder_id == coming[0].staff.pk
    watch(alpha, 76)
    watch(alpha, 77)
    row.refresh_from_db()
    assert (row.holder_id, row.raised_at, row.status) == (None, at(76), "open")
    assert told(chief, "未了事项无人负责") == 1
    assert LogEntry.objects.filter(kind="handover", text__contains="乙没有到岗").count() == 1


def test_a_receiver_who_comes_keeps_it(
    alpha: Tenant, duty: DutyPost, giver: Guard, coming: tuple[Guard, ShiftInstance], chief: Actor
) -> None:
    row = handed(alpha, giver, coming[0])
    sign_on(alpha, duty, coming[0], now=at(62))
    watch(alpha, 200)
    row.refresh_from_db()
    assert row.holder_id == coming[0].staff.pk
    assert told(chief, "未了事项无人负责") == 0


def test_a_cancelled_shift_sends_it_up_at_once(
    alpha: Tenant, giver: Guard, coming: tuple[Guard, ShiftInstance], chief: Actor
) -> None:
    row = handed(alpha, giver, coming[0])
    ShiftInstance.objects.filter(pk=coming[1].pk).update(cancelled_at=at(30))
    watch(alpha, 36)
    row.refresh_from_db()
    assert (row.holder_id, told(chief, "未了事项无人负责")) == (None, 1)


def test_who_left_the_company_holds_nothing(
    alpha: Tenant, giver: Guard, coming: tuple[Guard, ShiftInstance], chief: Actor
) -> None:
    row = handed(alpha, giver, coming[0])
    Staff.objects.filter(pk=coming[0].staff.pk).update(status="left", left_on=NOON.date())
    watch(alpha, 25)
    row.refresh_from_db()
    assert row.holder_id is None


def test_a_stint_ended_by_a_superior_tells_the_superiors_and_ends_offers(
    alpha: Tenant, giver: Guard, coming: tuple[Guard, ShiftInstance], chief: Actor
) -> None:
    row = report(alpha, giver, now=at(5))
    handover = operations.offer_handover(receiver_id=coming[0].staff.pk, by=giver.actor, tenant=alpha, now=at(10))
    second = make_member(alpha)
    stint = handover.stint
    operations.end_stint(stint_id=stint.pk, reason="突发疾病", by=chief, tenant=alpha, now=at(15))
    row.refresh_from_db()
    handover.refresh_from_db()
    assert (row.holder_id, row.raised_at, handover.done_at) == (None, at(15), at(15))
    assert HandoverItem.objects.get().status == ItemStatus.WITHDRAWN
    assert (told(second, "未了事项无人负责"), told(chief, "未了事项无人负责")) == (1, 0)  # who did it knows


# --- below the minimum ---


def shorts() -> list[Anomaly]:
    return list(Anomaly.objects.filter(kind=AnomalyKind.SHORT).order_by("reported_at"))


def test_a_gap_is_raised_once_while_it_lasts_and_the_next_one_again(
    alpha: Tenant, duty: DutyPost, giver: Guard, chief: Actor
) -> None:
    make_coverage(duty.post, persons=2, start_minute=720, end_minute=1080)  # two persons from 12:00
    watch(alpha, 14)
    assert not shorts()
    for minute in (15, 16, 30):
        watch(alpha, minute)
    [first] = shorts()
    assert (first.reported_at, first.holder_id, "应有 2 人、在岗 1 人" in first.text) == (at(15), None, True)
    assert told(chief, "在岗人数不足") == 1
    other = make_guard(alpha, party=duty.post.party, name="乙")
    sign_on(alpha, duty, other, now=at(31))
    watch(alpha, 32)
    operations.sign_off(by=other.actor, tenant=alpha, now=at(40))
    watch(alpha, 54)
    assert len(shorts()) == 1
    watch(alpha, 55)
    assert [row.reported_at for row in shorts()] == [at(15), at(55)]


def test_more_people_going_is_the_same_gap(alpha: Tenant, duty: DutyPost, giver: Guard) -> None:
    make_coverage(duty.post, persons=2, start_minute=720, end_minute=1080)
    watch(alpha, 15)
    operations.sign_off(by=giver.actor, tenant=alpha, now=at(20))
    watch(alpha, 60)
    assert len(shorts()) == 1


def test_a_declared_absence_enough_people_or_a_post_set_to_zero_raise_nothing(
    alpha: Tenant, duty: DutyPost, giver: Guard
) -> None:
    make_coverage(duty.post, persons=1, start_minute=720, end_minute=1080)
    operations.declare_absence(kind="patrol", minutes=60, by=giver.actor, tenant=alpha, now=at(5))
    make_walking(alpha, giver, now=at(5))
    silent = make_duty_post(name="门岗", gap_minutes=0)
    make_coverage(silent.post, persons=1, start_minute=720, end_minute=1080)
    watch(alpha, 40)
    assert not shorts()


# --- a gap that ends, and one that lasts ---


def hours_of_two(duty: DutyPost) -> None:
    make_coverage(duty.post, persons=2, start_minute=720, end_minute=1080)  # two persons from 12:00 to 18:00


def test_a_gap_that_ends_closes_its_anomaly_with_its_times(
    alpha: Tenant, duty: DutyPost, giver: Guard, chief: Actor
) -> None:
    hours_of_two(duty)
    watch(alpha, 15)
    [row] = shorts()
    assert (row.status, row.begun_at, row.ended_at) == ("open", at(0), None)
    watch(alpha, 20)
    assert shorts()[0].status == "open"  # it runs on
    other = make_guard(alpha, party=duty.post.party, name="乙")
    sign_on(alpha, duty, other, now=at(31))
    assert watch(alpha, 32) == 1
    assert watch(alpha, 33) == 0
    [row] = shorts()
    assert (row.status, row.begun_at, row.ended_at, row.closed_at) == ("closed", at(0), at(31), at(32))
    assert row.result == "11月25日 12:00 至 12:31 低于最低人数，共 31 分钟，已结束" and row.finding_id is None
    assert LogEntry.objects.filter(kind="anomaly", text__contains="已结束").count() == 1
    assert not Notice.objects.filter(title__startswith="在岗人数不足", read_at=None).exists()


def test_the_end_of_the_hours_ends_the_gap_too(alpha: Tenant, duty: DutyPost, giver: Guard) -> None:
    make_coverage(duty.post, persons=2, start_minute=720, end_minute=740)
    watch(alpha, 15)
    watch(alpha, 21)
    [row] = shorts()
    assert (row.status, row.ended_at) == ("closed", at(20))


def test_what_a_superior_has_taken_is_theirs_to_close(
    alpha: Tenant, duty: DutyPost, giver: Guard, chief: Actor
) -> None:
    hours_of_two(duty)
    watch(alpha, 15)
    operations.take_anomaly(anomaly_id=shorts()[0].pk, by=chief, tenant=alpha, now=at(16))
    sign_on(alpha, duty, make_guard(alpha, party=duty.post.party, name="乙"), now=at(31))
    watch(alpha, 32)
    [row] = shorts()
    assert (row.status, row.ended_at, row.result) == ("open", at(31), "")
    watch(alpha, 33)
    assert LogEntry.objects.filter(text__contains="已结束").count() == 1


def test_one_closed_by_hand_still_gets_its_end_and_keeps_its_words(
    alpha: Tenant, duty: DutyPost, giver: Guard, chief: Actor
) -> None:
    hours_of_two(duty)
    watch(alpha, 15)
    operations.close_anomaly(anomaly_id=shorts()[0].pk, result="已安排人", by=chief, tenant=alpha, now=at(16))
    sign_on(alpha, duty, make_guard(alpha, party=duty.post.party, name="乙"), now=at(31))
    watch(alpha, 32)
    [row] = shorts()
    assert (row.result, row.closed_by_name, row.ended_at) == ("已安排人", chief.name, at(31))


def test_a_gap_beyond_the_posts_time_becomes_one_finding(
    alpha: Tenant, duty: DutyPost, giver: Guard, chief: Actor
) -> None:
    hours_of_two(duty)
    make_place(kind="campus")
    DutyPost.objects.filter(pk=duty.pk).update(gap_finding_minutes=40)
    watch(alpha, 15)
    watch(alpha, 39)
    assert not Finding.objects.exists()
    for minute in (40, 41, 90):
        watch(alpha, minute)
    [row], found = shorts(), Finding.objects.get()
    assert (row.finding_id, found.source, found.source_id, found.category) == (found.pk, "duty", row.pk, "absent")
    assert found.party_id == duty.post.party_id
    sign_on(alpha, duty, make_guard(alpha, party=duty.post.party, name="乙"), now=at(91))
    watch(alpha, 92)
    row.refresh_from_db()
    found.refresh_from_db()
    assert (row.status, found.status) == ("closed", "open")  # the finding goes its own way


def test_a_gap_seen_late_still_becomes_its_finding_before_it_ends(alpha: Tenant, duty: DutyPost, giver: Guard) -> None:
    """The workers stood still while it lasted too long."""
    hours_of_two(duty)
    make_place(kind="campus")
    watch(alpha, 15)
    sign_on(alpha, duty, make_guard(alpha, party=duty.post.party, name="乙"), now=at(75))
    watch(alpha, 200)
    [row] = shorts()
    assert (row.status, row.ended_at, row.finding_id) == ("closed", at(75), Finding.objects.get().pk)


def test_a_post_set_to_zero_makes_no_finding(alpha: Tenant, duty: DutyPost, giver: Guard) -> None:
    hours_of_two(duty)
    make_place(kind="campus")
    DutyPost.objects.filter(pk=duty.pk).update(gap_finding_minutes=0)
    watch(alpha, 15)
    watch(alpha, 300)
    assert not Finding.objects.exists() and len(shorts()) == 1


def test_where_no_finding_can_be_opened_the_superiors_learn_why_and_it_is_tried_again(
    alpha: Tenant, duty: DutyPost, giver: Guard, chief: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kernel.errors import Invalid

    hours_of_two(duty)
    make_place(kind="campus")
    watch(alpha, 15)

    def refuse(**_given: object) -> None:
        raise Invalid("责任单位已停用。")

    with monkeypatch.context() as patched:
        patched.setattr(findings, "open_finding", refuse)
        for minute in (60, 61, 62):
            watch(alpha, minute)
    said = Notice.objects.filter(account_id=chief.account_id, title__startswith="在岗人数不足没能转为问题")
    assert [("责任单位已停用" in n.text) for n in said] == [True]
    watch(alpha, 63)
    assert shorts()[0].finding_id == Finding.objects.get().pk


def test_the_time_to_a_finding_is_no_shorter_than_to_the_alarm(alpha: Tenant, duty: DutyPost) -> None:
    from kernel.errors import Invalid

    admin = make_member(alpha, Role.SCHOOL_ADMIN)
    given = {"post_id": duty.pk, "by": admin, "tenant": alpha, "now": NOON}
    with pytest.raises(Invalid) as refused:
        operations.configure_post(gap_minutes=30, gap_finding_minutes=20, **given)
    assert refused.value.field == "gap_finding_minutes"
    operations.configure_post(gap_minutes=30, gap_finding_minutes=0, **given)
    assert operations.configure_post(gap_finding_minutes=30, **given).gap_finding_minutes == 30


# --- cameras nobody judges ---


def reported(alpha: Tenant, duty: DutyPost) -> CameraReport:
    admin = make_member(alpha, Role.SCHOOL_ADMIN)
    made = operations.add_camera(name="公寓视频平台", by=admin, tenant=alpha, now=NOON)
    body = json.dumps({"post": str(duty.pk), "kind": "off_post"}).encode()
    stamp = int(NOON.timestamp())
    return operations.receive_report(
        camera_id=made.system.pk, message_id="m1", timestamp=str(stamp), body=body, tenant=alpha, now=NOON,
        signatures=webhooks.sign(secret=made.secret, message_id="m1", timestamp=stamp, body=body),
    )[0]  # fmt: skip


def test_a_camera_report_nobody_judges_goes_up_once(alpha: Tenant, duty: DutyPost, chief: Actor) -> None:
    leader = make_member(alpha, Role.SCHOOL_LEADER)
    row = reported(alpha, duty)
    assert operations.watch_reports(tenant=alpha, now=at(59)) == 0
    assert operations.watch_reports(tenant=alpha, now=at(60)) == 1
    assert operations.watch_reports(tenant=alpha, now=at(61)) == 0
    row.refresh_from_db()
    anomaly = Anomaly.objects.get()
    assert (row.anomaly_id, row.status, anomaly.kind) == (anomaly.pk, "new", AnomalyKind.CAMERA)
    assert told(leader, "视频告警 60 分钟没有人确认") == 1
    assert Finding.objects.count() == 0  # it still counts for nothing


def test_a_judged_report_does_not_go_up(alpha: Tenant, duty: DutyPost, chief: Actor) -> None:
    row = reported(alpha, duty)
    operations.judge_report(report_id=row.pk, confirmed=False, note="误报", by=chief, tenant=alpha, now=at(5))
    assert operations.watch_reports(tenant=alpha, now=at(90)) == 0


def test_confirmed_but_without_a_finding_the_superiors_are_told(
    alpha: Tenant, duty: DutyPost, chief: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kernel.errors import Invalid

    def refuse(**_given: object) -> None:
        raise Invalid("责任单位已停用。")

    row = reported(alpha, duty)
    second = make_member(alpha)
    monkeypatch.setattr(findings, "open_finding", refuse)
    operations.judge_report(report_id=row.pk, confirmed=True, note="属实", by=chief, tenant=alpha, now=at(5))
    row.refresh_from_db()
    anomaly = Anomaly.objects.get(pk=row.anomaly_id)
    assert (row.finding_id, anomaly.kind, "责任单位已停用" in anomaly.text) == (None, AnomalyKind.CAMERA, True)
    assert told(second, "视频告警：配电房") == 1


# --- an owner named when reporting ---


def test_a_colleague_on_duty_may_be_named_as_the_owner(alpha: Tenant, duty: DutyPost, giver: Guard) -> None:
    other = make_guard(alpha, party=duty.post.party, name="乙")
    sign_on(alpha, duty, other, now=at(1))
    row = operations.report_anomaly(
        kind="fault", text="3号柜异响", owner_id=other.staff.pk, by=giver.actor, tenant=alpha, now=at(5)
    )
    assert (row.holder_id, row.raised_at, row.reported_by) == (other.staff.pk, None, giver.actor.account_id)
    assert (told(other.actor, "请处理"), told(giver.actor, "请处理")) == (1, 0)
    operations.sign_off(by=giver.actor, tenant=alpha, now=at(6))  # nothing is in the reporter's hands


def test_the_office_names_who_is_on_duty_there(alpha: Tenant, duty: DutyPost, giver: Guard, chief: Actor) -> None:
    row = operations.report_anomaly(
        kind="fault", text="3号柜异响", post_id=duty.pk, owner_id=giver.staff.pk, by=chief, tenant=alpha, now=at(5)
    )
    assert (row.holder_id, row.raised_at) == (giver.staff.pk, None)


def test_nobody_who_is_not_on_duty_there_is_made_the_owner(alpha: Tenant, duty: DutyPost, giver: Guard) -> None:
    absent = make_guard(alpha, party=duty.post.party, name="乙")
    elsewhere = make_duty_post(name="门岗")
    away = make_guard(alpha, party=elsewhere.post.party, name="丙")
    sign_on(alpha, elsewhere, away, now=at(1))
    for unfit in (absent, away):
        with pytest.raises(errors.OwnerNotThere):
            operations.report_anomaly(
                kind="fault", text="3号柜异响", owner_id=unfit.staff.pk, by=giver.actor, tenant=alpha, now=at(5)
            )
    assert not Anomaly.objects.exists()
