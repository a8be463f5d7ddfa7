"""Reading the timeline: filters, keys instead of pages, and who may."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from identity.choices import Role
from identity.contracts import Actor
from kernel import clock
from kernel.errors import NotAllowed
from kernel.tenancy import Tenant
from tenants.timeline import numbers, once, queries
from tenants.timeline.models import ClientKey, Event
from tenants.timeline.operations import record
from tests.factories.findings import make_finding, make_member, make_submitted
from tests.factories.organisation import make_place, make_staff

NOW = clock.now()


def test_filters(alpha: Tenant) -> None:
    by, place = make_member(alpha, name="张三丰"), make_place()
    found = make_finding(alpha, by=by, place=place)
    make_submitted(alpha)
    ask = {"by": by, "tz": alpha.tz}
    assert queries.events(**ask).count() == 3
    assert queries.events(**ask, verb="finding.opened").count() == 2
    assert queries.events(**ask, verb="finding").count() == 3
    assert queries.events(**ask, verb="find").count() == 0
    assert [e.subject_id for e in queries.events(**ask, person="三丰")] == [str(found.pk)]
    assert queries.events(**ask, place_ids=[place.pk]).count() == 1
    assert queries.events(**ask, party_id=found.party_id).count() == 1
    assert queries.events(**ask, account_id=by.account_id).count() == 1
    assert queries.events(**ask, subject_type="findings.finding", subject_id=str(found.pk)).count() == 1
    today = clock.now().astimezone(alpha.tz).date()
    assert queries.events(**ask, from_day=today, until_day=today).count() == 3
    assert queries.events(**ask, from_day=today + timedelta(days=1)).count() == 0
    assert queries.events(**ask, text=found.number).count() == 1


def test_pages_are_stable_while_events_arrive(alpha: Tenant) -> None:
    by, place = make_member(alpha), make_place()
    for _ in range(7):
        make_finding(alpha, by=by, place=place)
    rows = queries.events(by=by, tz=alpha.tz)
    one = queries.slice_of(rows, size=3)
    make_finding(alpha, by=by, place=place)
    two = queries.slice_of(rows, before=one.before, size=3)
    three = queries.slice_of(rows, before=two.before, size=3)
    ids = [e.pk for part in (one, two, three) for e in part.rows]
    assert len(set(ids)) == len(ids) == 7 and ids == sorted(ids, reverse=True)
    assert three.before is None


def test_only_the_office_reads_it(alpha: Tenant) -> None:
    for actor in (
        Actor.anonymous(),
        make_member(alpha, Role.FRONTLINE),
        Actor(uuid4(), "集成", frozenset({Role.SCHOOL_ADMIN}), scopes=frozenset({"findings:read"})),
    ):
        with pytest.raises(NotAllowed):
            queries.events(by=actor, tz=alpha.tz)


def test_a_company_is_told_of_its_contracts_and_nothing_where_none_are_given(alpha: Tenant) -> None:
    own, other = make_finding(alpha), make_finding(alpha)
    by = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=uuid4())
    ask = {"by": by, "tz": alpha.tz}
    assert not queries.events(**ask).exists()
    told = queries.events(**ask, own_party_ids=[own.party_id])
    assert {e.subject_id for e in told} == {str(own.pk)}
    assert not queries.events(**ask, own_party_ids=[own.party_id], party_id=other.party_id).exists()
    limited = replace(by, scopes=frozenset({"findings:read"}))
    with pytest.raises(NotAllowed):
        queries.events(**{**ask, "by": limited}, own_party_ids=[own.party_id])
    with pytest.raises(NotAllowed):  # frontline are told nothing even with a party
        queries.events(by=make_member(alpha, Role.FRONTLINE), tz=alpha.tz, own_party_ids=[own.party_id])


def test_numbers_run_per_day_and_kind(alpha: Tenant) -> None:
    day = NOW.date()
    got = [
        numbers.next_number(prefix=p, day=d)
        for p, d in (("WT", day), ("WT", day), ("XC", day), ("WT", day + timedelta(1)))
    ]
    assert [n[-4:] for n in got] == ["0001", "0002", "0001", "0001"]


def test_old_keys_are_forgotten(alpha: Tenant) -> None:
    by = make_member(alpha)
    once.claim(key="a", operation="x", by=by).keep(uuid4())
    assert once.forget(now=NOW) == 0
    assert once.forget(now=NOW + timedelta(days=61)) == 1
    assert not ClientKey.objects.exists() and not Event.objects.exists()


def test_a_post_and_a_person_can_be_followed(alpha: Tenant) -> None:
    by, finding, post, worker = make_member(alpha), make_finding(alpha), uuid4(), uuid4()
    about = {"verb": "duty.signed_on", "sentence": "签到", "subject": finding}
    record(**about, by=by, post_id=post, staff_id=worker)
    record(**about, by=replace(by, staff_id=worker))
    record(**about, by=replace(by, staff_id=uuid4()), post_id=post, staff_id=uuid4())
    ask = {"by": by, "tz": alpha.tz, "verb": "duty"}
    assert queries.events(**ask, post_id=post).count() == 2
    assert queries.events(**ask, staff_id=worker).count() == 2  # what was done about them and what they did
    assert queries.events(**ask, staff_id=worker, post_id=post).count() == 1


def test_an_event_about_a_place_or_a_person_stands_on_their_timeline(alpha: Tenant) -> None:
    by = make_member(alpha)
    person = make_staff()
    record(verb="place.renamed", sentence="改名", subject=make_place(), by=by)
    record(verb="staff.moved", sentence="调岗", subject=person, by=by)
    assert queries.events(by=by, tz=alpha.tz, staff_id=person.pk).get().verb == "staff.moved"
    assert queries.events(by=by, tz=alpha.tz, verb="place").get().place_id is not None


def test_a_noun_finds_the_nouns_that_begin_with_it(alpha: Tenant) -> None:
    admin = make_member(alpha, Role.SCHOOL_ADMIN)
    place = make_place()
    for verb in ("patrol.started", "patrol_route.saved", "finding_rule.changed", "patrolling.x"):
        record(verb=verb, sentence=verb, subject=place, by=admin)

    def found(verb: str) -> set[str]:
        return set(queries.events(by=admin, tz=alpha.tz, verb=verb).values_list("verb", flat=True))

    assert found("patrol") == {"patrol.started", "patrol_route.saved"}
    assert found("finding") == {"finding_rule.changed"}
    assert found("patrol_route.saved") == {"patrol_route.saved"}
