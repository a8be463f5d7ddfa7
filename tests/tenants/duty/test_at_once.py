"""Two hands at once, and hands that die in the middle: real connections, no surrounding transaction."""

from __future__ import annotations

import threading
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.db.utils import OperationalError

from identity.choices import Role
from kernel import clock
from kernel.tenancy import Tenant, school_context
from tenants.duty import operations, queries
from tenants.duty.choices import CallStatus, ItemStatus, Outcome
from tenants.duty.models import Anomaly, Call, DutyPost, HandoverItem, LogEntry, Seal, Stint, Summons
from tenants.notices.models import Notice
from tests.at_once import outcomes
from tests.factories.duty import Guard, answer, make_coverage, make_duty_post, make_guard, make_sent, report, sign_on
from tests.factories.findings import make_member, make_photo

NOW = clock.now()


def manned(tenant: Tenant) -> tuple[DutyPost, Guard]:
    duty = make_duty_post()
    guard = make_guard(tenant, party=duty.post.party)
    sign_on(tenant, duty, guard, now=NOW - timedelta(hours=1))
    return duty, guard


def test_two_supervisors_call_the_same_post_at_once_one_call_both_told(committed_alpha: Tenant) -> None:
    duty, _guard = manned(committed_alpha)
    people = [make_member(committed_alpha) for _ in range(4)]
    done = outcomes(
        committed_alpha,
        *(
            lambda by=by: operations.issue_calls(post_ids=[duty.pk], by=by, tenant=committed_alpha, now=NOW)  # type: ignore[misc]
            for by in people
        ),
    )
    assert done == ["done"] * 4
    row = Call.objects.get()
    assert set(row.callers) == {p.account_id for p in people}
    operations.send_due(tenant=committed_alpha, now=NOW)
    operations.decide_due(tenant=committed_alpha, now=NOW + timedelta(minutes=5.5))
    told = Notice.objects.filter(subject_id=str(row.pk), kind="info").values_list("account_id", flat=True)
    assert set(told) == {p.account_id for p in people}


def test_many_workers_come_back_at_once_and_a_call_goes_out_once(committed_alpha: Tenant) -> None:
    duty, guard = manned(committed_alpha)
    operations.issue_calls(post_ids=[duty.pk], by=make_member(committed_alpha), tenant=committed_alpha, now=NOW)
    late = NOW + timedelta(minutes=20)
    outcomes(committed_alpha, *([lambda: operations.send_due(tenant=committed_alpha, now=late)] * 4))
    assert Summons.objects.count() == 1
    assert Notice.objects.filter(account_id=guard.actor.account_id).count() == 1


def test_whoever_signs_off_while_calls_go_out_is_not_called(committed_alpha: Tenant) -> None:
    """The sweep waits for the post's lock, and reads who is on duty after it."""
    duty, guard = manned(committed_alpha)
    operations.issue_calls(post_ids=[duty.pk], by=make_member(committed_alpha), tenant=committed_alpha, now=NOW)
    leaving, sent = threading.Event(), threading.Event()

    def leave() -> None:
        try:
            with school_context(committed_alpha), transaction.atomic():
                operations.sign_off(by=guard.actor, tenant=committed_alpha, now=NOW)
                leaving.set()
                sent.wait(1.5)  # the sweep is under way and cannot go past
        finally:
            connections.close_all()

    thread = threading.Thread(target=leave)
    thread.start()
    leaving.wait(20)
    operations.send_due(tenant=committed_alpha, now=NOW)
    sent.set()
    thread.join()
    assert Call.objects.get().status == CallStatus.RINGING
    assert not Summons.objects.exists()


def test_many_sweeps_draw_a_random_call_once(committed_alpha: Tenant) -> None:
    duty, _guard = manned(committed_alpha)
    make_coverage(duty.post)
    DutyPost.objects.update(calls_per_day=1)
    moment = NOW
    for n in range(0, 50 * 60, 30):  # find the moment, forget it, and let many come to it at once
        moment = NOW + timedelta(minutes=n)
        if operations.draw_random(tenant=committed_alpha, now=moment):
            break
    Call.objects.all().delete()
    draw = partial(operations.draw_random, tenant=committed_alpha, now=moment)
    assert outcomes(committed_alpha, draw, draw, draw) == ["done"] * 3
    assert Call.objects.count() == 1


def test_an_answer_at_the_last_second_sent_twice_at_once_is_one(committed_alpha: Tenant) -> None:
    duty, guard = manned(committed_alpha)
    call = make_sent(committed_alpha, duty, now=NOW)
    assert call.deadline is not None
    last = call.deadline - timedelta(seconds=1)
    opened = operations.open_call(
        call_id=call.pk, by=guard.actor, tenant=committed_alpha, now=last - timedelta(seconds=20)
    )
    photos = [make_photo(committed_alpha, guard.actor, seed=n).pk for n in range(2)]
    type(make_photo(committed_alpha, guard.actor)).objects.update(received_at=last)
    assert duty.post.place is not None
    code = duty.post.place.code

    def send(photo: Any) -> Any:
        return operations.answer_call(
            call_id=call.pk, nonce=opened.nonce, photo_id=photo, place_code=code, by=guard.actor, tenant=committed_alpha,
            now=last,
        )  # fmt: skip

    def decide() -> Any:
        return operations.decide_due(tenant=committed_alpha, now=call.deadline + timedelta(seconds=30))  # type: ignore[arg-type]

    assert outcomes(committed_alpha, lambda: send(photos[0]), lambda: send(photos[1]), decide) == ["done"] * 3
    call.refresh_from_db()
    assert (call.status, call.outcome) == (CallStatus.DONE, Outcome.ON_POST)  # given in time, whoever decided first
    assert Summons.objects.filter(answered_at__isnull=False).count() == 1


def test_two_phones_sign_on_at_once_and_one_is_on(committed_alpha: Tenant) -> None:
    duty = make_duty_post()
    guard = make_guard(committed_alpha, party=duty.post.party)
    outcomes(committed_alpha, *([lambda: sign_on(committed_alpha, duty, guard, now=NOW)] * 3))
    assert LogEntry.objects.filter(kind="on").count() == 1


def test_log_lines_written_at_once_have_numbers_without_gaps(committed_alpha: Tenant) -> None:
    duty, guard = manned(committed_alpha)
    write = [
        lambda n=n: operations.add_note(  # type: ignore[misc]
            post_id=duty.pk, text=f"记事 {n}", by=guard.actor, tenant=committed_alpha, now=NOW
        )
        for n in range(6)
    ]
    outcomes(committed_alpha, *write)
    operations.sign_off(by=guard.actor, tenant=committed_alpha, now=NOW)
    assert list(LogEntry.objects.order_by("seq").values_list("seq", flat=True)) == list(range(1, 9))
    assert queries.check_log(post_id=duty.pk, by=make_member(committed_alpha), tenant=committed_alpha) is None


def offered(tenant: Tenant, receivers: int = 1) -> tuple[DutyPost, Guard, list[Guard], Anomaly]:
    duty, giver = manned(tenant)
    people = [make_guard(tenant, party=duty.post.party, name=f"接班{n}") for n in range(receivers)]
    for person in people:
        sign_on(tenant, duty, person, now=NOW - timedelta(minutes=10))
    return duty, giver, people, report(tenant, giver, now=NOW)


def test_accept_and_refuse_at_once_one_holds(committed_alpha: Tenant) -> None:
    _duty, giver, [receiver], anomaly = offered(committed_alpha)
    operations.offer_handover(receiver_id=receiver.staff.pk, by=giver.actor, tenant=committed_alpha, now=NOW)
    item = HandoverItem.objects.get()

    def reply(accept: bool) -> Any:
        return operations.answer_item(
            item_id=item.pk, accept=accept, reason="人手不够", by=receiver.actor, tenant=committed_alpha, now=NOW
        )

    assert outcomes(committed_alpha, lambda: reply(True), lambda: reply(False)) == ["done", "item_already_answered"]
    item.refresh_from_db()
    anomaly.refresh_from_db()
    assert (item.status, anomaly.holder_id) in [
        (ItemStatus.ACCEPTED, receiver.staff.pk),
        (ItemStatus.REFUSED, giver.staff.pk),
    ]


def test_two_receivers_at_once_exactly_one_holds_it(committed_alpha: Tenant) -> None:
    """The giver offers it to a second person in the same moment in which the first accepts."""
    _duty, giver, [one, two], anomaly = offered(committed_alpha, receivers=2)
    first = operations.offer_handover(receiver_id=one.staff.pk, by=giver.actor, tenant=committed_alpha, now=NOW)

    def again() -> None:
        row = operations.offer_handover(receiver_id=two.staff.pk, by=giver.actor, tenant=committed_alpha, now=NOW)
        operations.accept_handover(handover_id=row.pk, by=two.actor, tenant=committed_alpha, now=NOW)

    def accept() -> None:
        operations.accept_handover(handover_id=first.pk, by=one.actor, tenant=committed_alpha, now=NOW)

    done = outcomes(committed_alpha, accept, again)
    assert "done" in done and len(done) == 2
    anomaly.refresh_from_db()
    assert anomaly.holder_id in {one.staff.pk, two.staff.pk}
    assert HandoverItem.objects.filter(anomaly=anomaly, status=ItemStatus.ACCEPTED).count() == 1
    assert not HandoverItem.objects.filter(anomaly=anomaly, status=ItemStatus.OFFERED).exists()


def test_leaving_and_a_new_item_at_once_leave_nothing_behind(committed_alpha: Tenant) -> None:
    """Sign-off against a report in the same moment: either the item came first and holds the person, or it was too late."""
    duty, giver = manned(committed_alpha)
    done = outcomes(
        committed_alpha,
        lambda: operations.sign_off(by=giver.actor, tenant=committed_alpha, now=NOW),
        lambda: report(committed_alpha, giver, now=NOW),
    )
    if Anomaly.objects.exists():
        assert "handover_open" in done
    else:
        assert "not_on_duty" in done
    assert DutyPost.objects.get(pk=duty.pk).last_seq == LogEntry.objects.count()


def test_who_signs_off_as_a_call_goes_out_is_called_or_gone(committed_alpha: Tenant) -> None:
    for n in range(6):
        duty, guard = manned(committed_alpha)
        operations.issue_calls(post_ids=[duty.pk], by=make_member(committed_alpha), tenant=committed_alpha, now=NOW)
        outcomes(
            committed_alpha,
            lambda: operations.send_due(tenant=committed_alpha, now=NOW),
            lambda guard=guard: operations.sign_off(by=guard.actor, tenant=committed_alpha, now=NOW),  # type: ignore[misc]
        )
        off = Stint.objects.get(staff=guard.staff).signed_off_at is not None
        assert Summons.objects.filter(staff=guard.staff).exists() is not off, n


def test_a_call_waits_for_a_sign_off_that_has_begun(committed_alpha: Tenant) -> None:
    """The sign-off holds the post; the sweep comes in between and must not call who is leaving."""
    duty, guard = manned(committed_alpha)
    operations.issue_calls(post_ids=[duty.pk], by=make_member(committed_alpha), tenant=committed_alpha, now=NOW)
    sent: list[int] = []

    def sweep() -> None:
        with school_context(committed_alpha):
            sent.append(operations.send_due(tenant=committed_alpha, now=NOW))
        connections.close_all()

    thread = threading.Thread(target=sweep)
    with transaction.atomic():
        operations.sign_off(by=guard.actor, tenant=committed_alpha, now=NOW)
        thread.start()
        thread.join(1.0)
        assert thread.is_alive() and not sent  # it waits for the post
    thread.join(30)
    assert sent == [1] and not Summons.objects.exists()


def test_signing_on_at_two_posts_at_once_is_on_at_one(committed_alpha: Tenant) -> None:
    one = make_duty_post()
    two = make_duty_post(party=one.post.party)
    guard = make_guard(committed_alpha, party=one.post.party)
    done = outcomes(
        committed_alpha,
        *(lambda duty=duty: sign_on(committed_alpha, duty, guard, now=NOW) for duty in (one, two, one, two)),  # type: ignore[misc]
    )
    assert done == ["already_on_duty", "already_on_duty", "done", "done"]
    assert Stint.objects.count() == 1


def test_two_video_systems_of_one_name_at_once(committed_alpha: Tenant) -> None:
    admins = [make_member(committed_alpha, Role.SCHOOL_ADMIN) for _ in range(3)]
    done = outcomes(
        committed_alpha,
        *(
            lambda by=by: operations.add_camera(name="视频平台", by=by, tenant=committed_alpha, now=NOW)  # type: ignore[misc]
            for by in admins
        ),
    )
    assert done == ["done", "invalid", "invalid"]


KILL_AFTER = ("duty_handoveritem", "duty_anomaly", "duty_logentry", "timeline_event")


@pytest.mark.parametrize("table", KILL_AFTER)
def test_a_process_killed_between_the_steps_of_an_acceptance_loses_nothing(committed_alpha: Tenant, table: str) -> None:
    """The server ends the connection right after one of the writes, as a killed worker's would end."""
    _duty, giver, [receiver], anomaly = offered(committed_alpha)
    handover = operations.offer_handover(receiver_id=receiver.staff.pk, by=giver.actor, tenant=committed_alpha, now=NOW)
    died: list[str] = []

    def dying() -> None:
        def cut(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            result = execute(sql, params, many, context)
            if sql.startswith(("UPDATE", "INSERT")) and table in sql:
                died.append(sql)
                execute("SELECT pg_terminate_backend(pg_backend_pid())", [], False, context)
            return result

        try:
            with school_context(committed_alpha), connection.execute_wrapper(cut):
                operations.accept_handover(handover_id=handover.pk, by=receiver.actor, tenant=committed_alpha, now=NOW)
        except OperationalError:
            pass
        finally:
            connections.close_all()

    thread = threading.Thread(target=dying)
    thread.start()
    thread.join()
    assert died
    item = HandoverItem.objects.get()
    anomaly.refresh_from_db()
    assert (item.status, anomaly.holder_id) == (ItemStatus.OFFERED, giver.staff.pk)  # all or nothing
    assert queries.offered_to(receiver.actor)  # and it still waits
    operations.accept_handover(handover_id=handover.pk, by=receiver.actor, tenant=committed_alpha, now=NOW)
    operations.sign_off(by=giver.actor, tenant=committed_alpha, now=NOW)
    assert Seal.objects.count() == 1


def test_a_process_killed_while_sending_leaves_the_call_to_the_next_sweep(committed_alpha: Tenant) -> None:
    duty, guard = manned(committed_alpha)
    operations.issue_calls(post_ids=[duty.pk], by=make_member(committed_alpha), tenant=committed_alpha, now=NOW)
    with pytest.raises(RuntimeError), transaction.atomic():
        operations.send_due(tenant=committed_alpha, now=NOW)
        raise RuntimeError("killed before the commit")
    assert (Call.objects.get().status, Summons.objects.count()) == (CallStatus.WAITING, 0)
    assert operations.send_due(tenant=committed_alpha, now=NOW + timedelta(seconds=20)) == 1
    answer(committed_alpha, Call.objects.get(), guard, now=NOW + timedelta(minutes=1))
    assert Call.objects.get().outcome == Outcome.ON_POST
