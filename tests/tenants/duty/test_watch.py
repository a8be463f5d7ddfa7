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
from tests.factories.duty import Guard, make_coverage, make_duty_post, make_guard, report, sign_on
from tests.factories.findings import make_member
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
    silent = make_duty_post(name="门岗", gap_minutes=0)
    make_coverage(silent.post, persons=1, start_minute=720, end_minute=1080)
    watch(alpha, 40)
    assert not shorts()


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
