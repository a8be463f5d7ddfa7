"""The sealed log: what is changed, removed or made anew behind the platform's back is found, and named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from kernel.clock import SHANGHAI
from kernel.tenancy import Tenant
from tenants.duty import chain, operations, queries
from tenants.duty.models import DutyPost, LogEntry, Seal
from tenants.timeline.models import Event
from tests.factories.duty import Guard, make_duty_post, make_guard, sign_on
from tests.factories.findings import make_member

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=SHANGHAI)


def at(minute: float) -> datetime:
    return NOON + timedelta(minutes=minute)


@pytest.fixture
def duty(alpha: Tenant) -> DutyPost:
    return make_duty_post(name="配电房")


@pytest.fixture
def guard(alpha: Tenant, duty: DutyPost) -> Guard:
    found = make_guard(alpha, party=duty.post.party, name="甲")
    sign_on(alpha, duty, found, now=at(0))
    return found


@contextmanager
def as_an_intruder() -> Iterator[None]:
    """Writes as somebody who owns the database may: the triggers do not run."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        yield
        cursor.execute("SET LOCAL session_replication_role = origin")


def sealed(alpha: Tenant, duty: DutyPost, guard: Guard, *, notes: int = 1) -> None:
    """Some notes, and the shift ends."""
    for n in range(notes):
        operations.add_note(post_id=duty.pk, text=f"巡视 {n}", by=guard.actor, tenant=alpha, now=at(n))
    operations.sign_off(by=guard.actor, tenant=alpha, now=at(20))


def fault(alpha: Tenant, duty: DutyPost) -> chain.Fault | None:
    return queries.check_log(post_id=duty.pk, by=make_member(alpha), tenant=alpha)


def what(alpha: Tenant, duty: DutyPost) -> str:
    found = fault(alpha, duty)
    return found.what if found else ""


# --- the database itself ---


@pytest.mark.parametrize("table", ["duty_logentry", "duty_seal"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET at = at", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_the_database_only_adds_to_a_log(
    alpha: Tenant, duty: DutyPost, guard: Guard, table: str, statement: str
) -> None:
    sealed(alpha, duty, guard)
    before = (LogEntry.objects.count(), Seal.objects.count())
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(statement.format(table))
    assert (LogEntry.objects.count(), Seal.objects.count()) == before


# --- a seal proves its own data ---


@pytest.mark.parametrize("change", [{"at": at(21)}, {"stint_id": None}])
def test_time_and_stint_of_a_seal_are_within_its_digest(
    alpha: Tenant, duty: DutyPost, guard: Guard, change: dict[str, object]
) -> None:
    sealed(alpha, duty, guard)
    with as_an_intruder():
        Seal.objects.update(**change)
    assert fault(alpha, duty) == chain.Fault("head", 1, seq=None, byte=fault(alpha, duty).byte)  # type: ignore[union-attr]


def test_a_seal_made_anew_with_the_timeline_lacks_the_schools_key(alpha: Tenant, duty: DutyPost, guard: Guard) -> None:
    """Whoever owns the database rewrites a line, its seal and the digest on the timeline; the key is not there."""
    sealed(alpha, duty, guard)
    with as_an_intruder():
        LogEntry.objects.filter(seq=1).update(text="改写")
        row = Seal.objects.get()
        head = chain.head_of(
            post_id=duty.pk, number=1, first_seq=1, last_seq=row.last_seq, stint_id=row.stint_id, at=row.at
        )
        row.body = chain.body_of([queries.line_of(e) for e in LogEntry.objects.all()], head=head)
        row.digest = chain.digest_of(row.previous, row.body)
        row.save()
        Event.objects.filter(verb="duty.sealed").update(payload={"digest": row.digest})
    assert what(alpha, duty) == "key"
    with as_an_intruder():  # nor does it help to call the seal an old one
        row.version, row.body = 1, chain.body_of([queries.line_of(e) for e in LogEntry.objects.all()])
        row.digest = chain.digest_of(row.previous, row.body)
        row.save()
        Event.objects.filter(verb="duty.sealed").update(payload={"digest": row.digest})
    assert what(alpha, duty) == "anchor"


def test_seals_from_before_still_verify_and_new_ones_follow_them(alpha: Tenant, duty: DutyPost, guard: Guard) -> None:
    sealed(alpha, duty, guard)
    with as_an_intruder():  # as the version before left it: no head in the body, no keyed hash anywhere
        row = Seal.objects.get()
        row.version, row.mark, row.body = 1, "", chain.body_of([queries.line_of(e) for e in LogEntry.objects.all()])
        row.digest = chain.digest_of(row.previous, row.body)
        row.save()
        Event.objects.filter(verb="duty.sealed").update(payload={"digest": row.digest})
        DutyPost.objects.update(log_head="")
    assert fault(alpha, duty) is None
    sign_on(alpha, duty, guard, now=at(60))
    operations.sign_off(by=guard.actor, tenant=alpha, now=at(70))
    assert list(Seal.objects.order_by("number").values_list("version", flat=True)) == [1, chain.VERSION]
    assert fault(alpha, duty) is None


# --- what is gone ---


def test_a_log_emptied_with_its_seals_and_events_is_missed(alpha: Tenant, duty: DutyPost, guard: Guard) -> None:
    sealed(alpha, duty, guard)
    with as_an_intruder():
        LogEntry.objects.all().delete()
        Seal.objects.all().delete()
        Event.objects.filter(verb="duty.sealed").delete()
    assert what(alpha, duty) == "anchor"  # the post's own hash is of a seal that is not there
    with as_an_intruder():
        DutyPost.objects.update(log_head="")
    assert fault(alpha, duty) == chain.Fault("lost", 0, seq=1)
    with as_an_intruder():
        DutyPost.objects.update(last_seq=0)
    assert fault(alpha, duty) == chain.Fault("lost", 0, seq=1)  # somebody was on duty there


def test_the_last_seal_taken_away_is_missed(alpha: Tenant, duty: DutyPost, guard: Guard) -> None:
    sealed(alpha, duty, guard)
    sign_on(alpha, duty, guard, now=at(60))
    operations.sign_off(by=guard.actor, tenant=alpha, now=at(70))
    with as_an_intruder():
        Seal.objects.filter(number=2).delete()
    assert fault(alpha, duty) == chain.Fault("anchor", 1)
    with as_an_intruder():
        Event.objects.filter(verb="duty.sealed").order_by("-id")[0].delete()
    assert fault(alpha, duty) == chain.Fault("anchor", 1)


def test_a_seal_without_its_trace_on_the_timeline_is_told(alpha: Tenant, duty: DutyPost, guard: Guard) -> None:
    sealed(alpha, duty, guard)
    Event.objects.filter(verb="duty.sealed").delete()
    assert fault(alpha, duty) == chain.Fault("anchor", 1)


def test_lines_not_sealed_yet_are_counted_and_a_gap_is_named(alpha: Tenant, duty: DutyPost, guard: Guard) -> None:
    for n in range(3):
        operations.add_note(post_id=duty.pk, text=f"巡视 {n}", by=guard.actor, tenant=alpha, now=at(n))
    assert queries.unsealed_lines(duty.pk) == 4
    assert fault(alpha, duty) is None
    for seq in (4, 2):  # the newest, and one between
        with as_an_intruder():
            LogEntry.objects.filter(seq=seq).delete()
        assert fault(alpha, duty) == chain.Fault("lost", 0, seq=seq)


def test_a_line_nobody_counted_is_told(alpha: Tenant, duty: DutyPost, guard: Guard) -> None:
    sealed(alpha, duty, guard)
    last = LogEntry.objects.order_by("-seq")[0]
    LogEntry.objects.create(post_id=duty.pk, seq=last.seq + 1, at=at(30), kind="note", text="补写", actor_name="甲")
    assert fault(alpha, duty) == chain.Fault("extra", 1, seq=last.seq + 1)


def test_after_signing_off_nothing_is_left_unsealed(alpha: Tenant, duty: DutyPost, guard: Guard) -> None:
    sealed(alpha, duty, guard, notes=3)
    assert queries.unsealed_lines(duty.pk) == 0
    assert fault(alpha, duty) is None
