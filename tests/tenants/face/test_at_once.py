"""Two hands at once: one consent of two phones; a revocation while the picture is being looked at."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections

from institute.schools.queries import tenant_for
from kernel import clock, jobs
from kernel.errors import DomainError
from kernel.tenancy import Tenant, public_context, school_context
from tenants.face import engine, operations, queries
from tenants.face.choices import Outcome
from tenants.face.models import Check, Consent, Deletion, Template
from tests.factories import face_models
from tests.factories.face import agree, make_enrolled, person_actor, switch_on
from tests.factories.organisation import make_staff


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tenant]:
    """School alpha in a database of its own without a surrounding transaction."""
    from tests import databases

    monkeypatch.setattr(jobs, "_sender", [lambda name, payload: None])
    before = connection.settings_dict["NAME"]
    name = f"cielm_test_face_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
    with django_db_blocker.unblock():
        databases.create(name)
        databases.use(name)
        with public_context():
            tenant = tenant_for("s_alpha")
        with school_context(tenant):
            yield tenant
        databases.use(before)
        databases.drop(name)


def at_once(tenant: Tenant, *calls: Callable[[], Any]) -> list[str]:
    """Run the calls in threads that start together; what each came to: "done" or the refusal's code."""
    gate, outcome = threading.Barrier(len(calls)), [""] * len(calls)

    def run(n: int, call: Callable[[], Any]) -> None:
        try:
            with school_context(tenant):
                gate.wait()
                call()
            outcome[n] = "done"
        except DomainError as refused:
            outcome[n] = refused.code
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(n, call)) for n, call in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(outcome)


def test_two_phones_agree_at_once_and_there_is_one_consent(committed: Tenant) -> None:
    switch_on(committed)
    person = make_staff()

    def call() -> Consent:
        return agree(person, committed)

    assert at_once(committed, call, call, call) == ["done"] * 3
    assert Consent.objects.filter(staff=person).count() == 1


def test_a_check_sent_twice_is_answered_once(committed: Tenant, pack: Path) -> None:
    switch_on(committed)
    person, _template = make_enrolled(1, committed)
    by = person_actor(person, committed)
    told: list[str] = []
    jobs._sender[:] = [lambda name, payload: told.append(name)]
    check_id = operations.request_check(
        staff_id=person.pk, picture=face_models.photo(1, noise=2), purpose="punch", on_done="punches.face_checked",
        by=by, tenant=committed, now=clock.now(),
    )  # fmt: skip

    def call() -> None:
        operations.run_check(check_id=check_id, tenant=committed, clock=clock.now)

    assert at_once(committed, call, call) == ["done", "done"]
    assert queries.result_of(check_id).outcome == Outcome.MATCH
    assert told.count("punches.face_checked") == 1


def test_revoked_while_the_picture_is_looked_at(committed: Tenant, pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker has the picture in hand; the person revokes; nothing is stored of them afterwards."""
    switch_on(committed)
    person, _template = make_enrolled(1, committed)
    by = person_actor(person, committed)
    check_id = operations.request_enrolment(
        picture=face_models.photo(1, noise=4), by=by, tenant=committed, now=clock.now()
    )
    looking, revoked, look = threading.Event(), threading.Event(), engine.Engine.look

    def slowly(self: engine.Engine, image: Any) -> engine.Look:
        seen = look(self, image)
        looking.set()
        assert revoked.wait(20)
        return seen

    monkeypatch.setattr(engine.Engine, "look", slowly)

    def revoke() -> None:
        assert looking.wait(20)
        operations.revoke(staff_id=person.pk, by=by, tenant=committed, now=clock.now())
        revoked.set()

    def run() -> None:
        operations.run_check(check_id=check_id, tenant=committed, clock=clock.now)

    assert at_once(committed, revoke, run) == ["done", "done"]
    assert queries.result_of(check_id).outcome == Outcome.NO_CONSENT
    assert not Template.objects.exists()
    assert Deletion.objects.count() == 1
    assert not Check.objects.filter(picture_sealed__isnull=False).exists()
