"""Anomalies, handovers that cannot be lost, the sealed log, camera reports."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from django.db import connection

from identity.choices import Role
from kernel.clock import SHANGHAI
from kernel.errors import Invalid, NotAllowed, NotFound
from kernel.tenancy import Tenant
from tenants.duty import errors, operations, queries, webhooks
from tenants.duty.choices import AnomalyStatus, ItemStatus
from tenants.duty.models import Anomaly, CameraReport, DutyPost, Handover, HandoverItem, LogEntry, Seal
from tenants.findings.models import Finding
from tenants.notices.models import Notice
from tenants.timeline.models import Event
from tests.factories.duty import Guard, make_duty_post, make_guard, report, sign_on
from tests.factories.findings import make_member, make_photo

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=SHANGHAI)


def at(minute: float) -> datetime:
    return NOON + timedelta(minutes=minute)


@pytest.fixture
def duty(alpha: Tenant) -> DutyPost:
    return make_duty_post(name="配电房")


@pytest.fixture
def giver(alpha: Tenant, duty: DutyPost) -> Guard:
    found = make_guard(alpha, party=duty.post.party, name="甲")
    sign_on(alpha, duty, found, now=at(0))
    return found


@pytest.fixture
def receiver(alpha: Tenant, duty: DutyPost, giver: Guard) -> Guard:
    found = make_guard(alpha, party=duty.post.party, name="乙")
    sign_on(alpha, duty, found, now=at(60))
    return found


def offer(alpha: Tenant, giver: Guard, receiver: Guard, *, minute: float = 70) -> Handover:
    return operations.offer_handover(receiver_id=receiver.staff.pk, by=giver.actor, tenant=alpha, now=at(minute))


# --- anomalies ---


def test_an_anomaly_is_its_reporters_and_visible_to_the_next_shift(
    alpha: Tenant, giver: Guard, receiver: Guard
) -> None:
    photo = make_photo(alpha, giver.actor)
    row = operations.report_anomaly(
        kind="fault", text="3号柜异响", severity="major", file_ids=[photo.pk], by=giver.actor, tenant=alpha, now=at(5)
    )
    assert (row.holder_id, row.number[:2]) == (giver.staff.pk, "YC")
    assert queries.visible_anomalies(receiver.actor).filter(pk=row.pk).exists()
    assert queries.shows_evidence(receiver.actor, photo.pk)
    stranger = make_guard(alpha, party=make_duty_post().post.party)
    assert not queries.shows_evidence(stranger.actor, photo.pk)
    with pytest.raises(NotFound):
        queries.anomaly(anomaly_id=row.pk, by=stranger.actor)


def test_the_same_key_reports_once(alpha: Tenant, giver: Guard) -> None:
    for _ in range(2):
        operations.report_anomaly(
            kind="alarm", text="烟感报警", by=giver.actor, tenant=alpha, now=at(5), client_key="a"
        )
    assert Anomaly.objects.count() == 1


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "certificate"}, {"kind": "x"}, {"text": " "}, {"severity": "awful"}, {"file_ids": ["0" * 32] * 1}],
)
def test_what_is_no_report(alpha: Tenant, giver: Guard, wrong: dict[str, object]) -> None:
    from uuid import UUID

    given = {"kind": "alarm", "text": "烟感报警", **wrong}
    given["file_ids"] = [UUID(str(f)) for f in given.get("file_ids", [])]  # type: ignore[attr-defined]
    with pytest.raises((Invalid, errors.PhotoUnknown)):
        operations.report_anomaly(**given, by=giver.actor, tenant=alpha, now=at(5))  # type: ignore[arg-type]
    assert not Anomaly.objects.exists()


def test_only_who_holds_it_or_the_office_closes_it(alpha: Tenant, giver: Guard, receiver: Guard) -> None:
    row = report(alpha, giver, now=at(5))
    with pytest.raises(errors.NotHolder):
        operations.close_anomaly(anomaly_id=row.pk, result="误报", by=receiver.actor, tenant=alpha, now=at(70))
    with pytest.raises(errors.ReasonMissing):
        operations.close_anomaly(anomaly_id=row.pk, result="", by=giver.actor, tenant=alpha, now=at(70))
    done = operations.close_anomaly(anomaly_id=row.pk, result="误报，已复位", by=giver.actor, tenant=alpha, now=at(70))
    assert done.status == AnomalyStatus.CLOSED
    with pytest.raises(errors.AnomalyClosed):
        operations.close_anomaly(anomaly_id=row.pk, result="再次", by=giver.actor, tenant=alpha, now=at(71))


def test_an_anomaly_becomes_one_finding(alpha: Tenant, giver: Guard) -> None:
    row = report(alpha, giver, now=at(5))
    with pytest.raises(NotAllowed):
        operations.to_finding(anomaly_id=row.pk, by=giver.actor, tenant=alpha, now=at(6))
    by = make_member(alpha)
    for _ in range(2):
        made = operations.to_finding(anomaly_id=row.pk, by=by, tenant=alpha, now=at(7))
    assert Finding.objects.get().pk == made.finding_id


# --- handing over ---


def test_nobody_leaves_with_something_open_in_their_hands(alpha: Tenant, giver: Guard, receiver: Guard) -> None:
    rows = [report(alpha, giver, text=f"事项{n}", now=at(n)) for n in range(2)]
    with pytest.raises(errors.HandoverOpen):
        operations.sign_off(by=giver.actor, tenant=alpha, now=at(65))
    handover = offer(alpha, giver, receiver)
    with pytest.raises(errors.HandoverOpen):  # offered is not accepted
        operations.sign_off(by=giver.actor, tenant=alpha, now=at(71))
    first, second = [i for _h, i in queries.items_of([handover.pk])]
    operations.answer_item(item_id=first.pk, accept=True, by=receiver.actor, tenant=alpha, now=at(72))
    with pytest.raises(errors.HandoverOpen):
        operations.sign_off(by=giver.actor, tenant=alpha, now=at(73))
    operations.answer_item(item_id=second.pk, accept=True, by=receiver.actor, tenant=alpha, now=at(74))
    operations.sign_off(by=giver.actor, tenant=alpha, now=at(75))
    assert {a.holder_id for a in Anomaly.objects.filter(pk__in=[r.pk for r in rows])} == {receiver.staff.pk}
    handover.refresh_from_db()
    assert handover.done_at == at(74)


def test_all_at_once_is_accepted_in_one_step(alpha: Tenant, giver: Guard, receiver: Guard) -> None:
    for n in range(3):
        report(alpha, giver, text=f"事项{n}", now=at(n))
    handover = offer(alpha, giver, receiver)
    operations.accept_handover(handover_id=handover.pk, by=receiver.actor, tenant=alpha, now=at(71))
    operations.sign_off(by=giver.actor, tenant=alpha, now=at(72))
    assert Anomaly.objects.filter(holder=receiver.staff).count() == 3


def test_a_refused_item_goes_up_and_holds_its_giver_until_a_superior_takes_it(
    alpha: Tenant, giver: Guard, receiver: Guard
) -> None:
    supervisor, second = make_member(alpha), make_member(alpha)
    row = report(alpha, giver, now=at(5))
    [(_h, item)] = queries.items_of([offer(alpha, giver, receiver).pk])
    with pytest.raises(errors.ReasonMissing):
        operations.answer_item(item_id=item.pk, accept=False, by=receiver.actor, tenant=alpha, now=at(71))
    operations.answer_item(
        item_id=item.pk, accept=False, reason="不具备电工证", by=receiver.actor, tenant=alpha, now=at(72)
    )
    assert Notice.objects.filter(account_id=supervisor.account_id, title__startswith="交接被拒").count() == 1
    with pytest.raises(errors.HandoverOpen):
        operations.sign_off(by=giver.actor, tenant=alpha, now=at(73))
    with pytest.raises(errors.NothingToHand):  # it is up, not to be pushed on somebody else meanwhile
        offer(alpha, giver, receiver, minute=73)
    operations.take_anomaly(anomaly_id=row.pk, by=supervisor, tenant=alpha, now=at(74))
    with pytest.raises(errors.AlreadyAnswered):
        operations.take_anomaly(anomaly_id=row.pk, by=second, tenant=alpha, now=at(75))
    operations.sign_off(by=giver.actor, tenant=alpha, now=at(76))
    row.refresh_from_db()
    assert (row.holder_id, row.taken_by, row.status) == (None, supervisor.account_id, AnomalyStatus.OPEN)


def test_offered_to_another_the_first_offer_ends(alpha: Tenant, duty: DutyPost, giver: Guard, receiver: Guard) -> None:
    third = make_guard(alpha, party=duty.post.party, name="丙")
    sign_on(alpha, duty, third, now=at(61))
    report(alpha, giver, now=at(5))
    first = offer(alpha, giver, receiver)
    second = offer(alpha, giver, third, minute=71)
    [(_h, old)] = queries.items_of([first.pk])
    assert old.status == ItemStatus.WITHDRAWN
    with pytest.raises(errors.AlreadyAnswered):
        operations.answer_item(item_id=old.pk, accept=True, by=receiver.actor, tenant=alpha, now=at(72))
    operations.accept_handover(handover_id=second.pk, by=third.actor, tenant=alpha, now=at(73))
    assert Anomaly.objects.get().holder_id == third.staff.pk


def test_the_receiver_must_be_there_or_come_next_and_only_they_answer(
    alpha: Tenant, duty: DutyPost, giver: Guard, receiver: Guard
) -> None:
    report(alpha, giver, now=at(5))
    absent = make_guard(alpha, party=duty.post.party, name="丁")
    for unfit in (absent, giver):
        with pytest.raises(errors.ReceiverUnfit):
            offer(alpha, giver, unfit)
    [(_h, item)] = queries.items_of([offer(alpha, giver, receiver).pk])
    for other in (giver, absent):
        with pytest.raises(NotFound):
            operations.answer_item(item_id=item.pk, accept=True, by=other.actor, tenant=alpha, now=at(72))
    assert HandoverItem.objects.get().status == ItemStatus.OFFERED


def test_closed_meanwhile_there_is_nothing_to_accept(alpha: Tenant, giver: Guard, receiver: Guard) -> None:
    row = report(alpha, giver, now=at(5))
    handover = offer(alpha, giver, receiver)
    operations.close_anomaly(anomaly_id=row.pk, result="已处理完", by=giver.actor, tenant=alpha, now=at(71))
    handover.refresh_from_db()
    assert handover.done_at == at(71)
    operations.sign_off(by=giver.actor, tenant=alpha, now=at(72))


# --- the sealed log ---


def test_signing_off_seals_the_log_and_the_chain_holds(
    alpha: Tenant, duty: DutyPost, giver: Guard, receiver: Guard
) -> None:
    operations.add_note(post_id=duty.pk, text="巡视配电柜，温度正常", by=giver.actor, tenant=alpha, now=at(10))
    operations.sign_off(by=giver.actor, tenant=alpha, now=at(80))
    operations.add_note(post_id=duty.pk, text="夜间无异常", by=receiver.actor, tenant=alpha, now=at(90))
    operations.sign_off(by=receiver.actor, tenant=alpha, now=at(100))
    one, two = Seal.objects.order_by("number")
    assert (one.first_seq, two.first_seq, two.previous) == (1, one.last_seq + 1, one.digest)
    assert two.last_seq == LogEntry.objects.count()
    supervisor = make_member(alpha)
    assert queries.check_log(post_id=duty.pk, by=supervisor, tenant=alpha) is None
    assert Event.objects.filter(verb="duty.sealed").count() == 2


def unguarded() -> None:
    """As somebody who owns the database: the triggers of this transaction do not run."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")


def test_one_changed_byte_in_the_database_is_found(alpha: Tenant, duty: DutyPost, giver: Guard) -> None:
    note = operations.add_note(post_id=duty.pk, text="23:40 来访登记", by=giver.actor, tenant=alpha, now=at(10))
    operations.sign_off(by=giver.actor, tenant=alpha, now=at(20))
    unguarded()
    LogEntry.objects.filter(pk=note.pk).update(text="23:41 来访登记")
    fault = queries.check_log(post_id=duty.pk, by=make_member(alpha), tenant=alpha)
    assert fault is not None
    assert (fault.what, fault.seq) == ("line", note.seq)
    body = bytes(Seal.objects.get().body)
    assert fault.byte is not None and body[fault.byte : fault.byte + 1] == b"0"
    LogEntry.objects.filter(pk=note.pk).update(text="23:40 来访登记")
    changed = bytearray(body)
    changed[fault.byte] ^= 1
    Seal.objects.update(body=bytes(changed))
    again = queries.check_log(post_id=duty.pk, by=make_member(alpha), tenant=alpha)
    assert again is not None and (again.what, again.byte) == ("body", fault.byte)


def test_the_last_seal_made_anew_is_found(alpha: Tenant, duty: DutyPost, giver: Guard) -> None:
    from tenants.duty import chain

    operations.sign_off(by=giver.actor, tenant=alpha, now=at(20))
    unguarded()
    LogEntry.objects.filter(seq=1).update(text="改写")
    row = Seal.objects.get()
    head = chain.head_of(
        post_id=duty.pk, number=1, first_seq=1, last_seq=row.last_seq, stint_id=row.stint_id, at=row.at
    )
    row.body = chain.body_of([queries.line_of(e) for e in LogEntry.objects.filter(seq__lte=row.last_seq)], head=head)
    row.digest = chain.digest_of(row.previous, row.body)
    row.save()
    fault = queries.check_log(post_id=duty.pk, by=make_member(alpha), tenant=alpha)
    assert fault is not None and fault.what == "key"


def test_a_correction_is_an_addition(alpha: Tenant, duty: DutyPost, giver: Guard, receiver: Guard) -> None:
    note = operations.add_note(post_id=duty.pk, text="来访 2 人", by=giver.actor, tenant=alpha, now=at(10))
    operations.sign_off(by=giver.actor, tenant=alpha, now=at(65))
    line = operations.correct_entry(
        post_id=duty.pk, seq=note.seq, text="来访 3 人", by=receiver.actor, tenant=alpha, now=at(70)
    )
    note.refresh_from_db()
    assert (line.corrects, note.text) == (note.seq, "来访 2 人")
    assert queries.check_log(post_id=duty.pk, by=receiver.actor, tenant=alpha) is None
    with pytest.raises(NotAllowed):
        operations.correct_entry(post_id=duty.pk, seq=1, text="抹掉", by=giver.actor, tenant=alpha, now=at(71))


# --- cameras ---


def send(
    alpha: Tenant, duty: DutyPost, *, secret: str, camera: object, key: str = "m1", **other: object
) -> CameraReport:
    body = json.dumps({"post": str(duty.pk), "kind": "sleeping", "at": NOON.isoformat(), "text": "画面无移动"}).encode()
    stamp = int(NOON.timestamp())
    given = {
        "camera_id": camera, "message_id": key, "timestamp": str(stamp), "body": body, "now": NOON, "tenant": alpha,
        "signatures": webhooks.sign(secret=secret, message_id=key, timestamp=stamp, body=body), **other,
    }  # fmt: skip
    return operations.receive_report(**given)[0]  # type: ignore[arg-type]


def test_a_camera_report_counts_only_when_a_human_confirms_it(alpha: Tenant, duty: DutyPost) -> None:
    admin = make_member(alpha, Role.SCHOOL_ADMIN)
    made = operations.add_camera(name="公寓视频平台", by=admin, tenant=alpha, now=NOON)
    row = send(alpha, duty, secret=made.secret, camera=made.system.pk)
    assert send(alpha, duty, secret=made.secret, camera=made.system.pk).pk == row.pk  # replayed: nothing new
    assert (CameraReport.objects.count(), row.status, Finding.objects.count()) == (1, "new", 0)
    by = make_member(alpha)
    operations.judge_report(report_id=row.pk, confirmed=True, note="回看录像属实", by=by, tenant=alpha, now=at(5))
    row.refresh_from_db()
    assert (row.status, row.finding_id) == ("confirmed", Finding.objects.get().pk)
    with pytest.raises(errors.AlreadyJudged):
        operations.judge_report(report_id=row.pk, confirmed=False, note="误报", by=by, tenant=alpha, now=at(6))


def test_what_is_not_signed_just_now_by_a_known_system_is_refused(alpha: Tenant, duty: DutyPost) -> None:
    admin = make_member(alpha, Role.SCHOOL_ADMIN)
    made = operations.add_camera(name="公寓视频平台", by=admin, tenant=alpha, now=NOON)
    give = {"secret": made.secret, "camera": made.system.pk}
    for wrong in (
        {"secret": webhooks.new_secret()},
        {"camera": duty.pk},
        {"now": at(6)},
        {"body": b"{}"},
        {"signatures": ""},
    ):
        with pytest.raises(errors.BadSignature):
            send(alpha, duty, **{**give, **wrong})  # type: ignore[arg-type]
    operations.set_camera_active(camera_id=made.system.pk, active=False, by=admin, tenant=alpha, now=NOON)
    with pytest.raises(errors.BadSignature):
        send(alpha, duty, **give)  # type: ignore[arg-type]
    assert not CameraReport.objects.exists()
    with pytest.raises(NotAllowed):
        operations.add_camera(name="再来一个", by=make_member(alpha), tenant=alpha, now=NOON)
