"""Two hands at once: one consent of two phones; a revocation while the picture is being looked at."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from kernel import clock, jobs
from kernel.tenancy import Tenant
from tenants.face import engine, operations, queries
from tenants.face.choices import Outcome
from tenants.face.models import Check, Consent, Deletion, Template
from tenants.face.operations import checks, consents, templates
from tests.at_once import outcomes
from tests.factories import face_models
from tests.factories.face import agree, make_enrolled, person_actor, switch_on
from tests.factories.organisation import make_staff


def test_two_phones_agree_at_once_and_there_is_one_consent(committed_alpha: Tenant) -> None:
    switch_on(committed_alpha)
    person = make_staff()

    def call() -> Consent:
        return agree(person, committed_alpha)

    assert outcomes(committed_alpha, call, call, call) == ["done"] * 3
    assert Consent.objects.filter(staff=person).count() == 1


def test_a_check_sent_twice_is_answered_once(committed_alpha: Tenant, pack: Path) -> None:
    switch_on(committed_alpha)
    person, _template = make_enrolled(1, committed_alpha)
    by = person_actor(person, committed_alpha)
    told: list[str] = []
    jobs._sender[:] = [lambda name, payload: told.append(name)]
    check_id = operations.request_check(
        staff_id=person.pk, picture=face_models.photo(1, noise=2), purpose="punch", on_done="punches.face_checked",
        by=by, tenant=committed_alpha, now=clock.now(),
    )  # fmt: skip

    def call() -> None:
        operations.run_check(check_id=check_id, tenant=committed_alpha, clock=clock.now)

    assert outcomes(committed_alpha, call, call) == ["done", "done"]
    assert queries.result_of(check_id).outcome == Outcome.MATCH
    assert told.count("punches.face_checked") == 1


def test_revoked_while_the_picture_is_looked_at(
    committed_alpha: Tenant, pack: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker has the picture in hand; the person revokes; nothing is stored of them afterwards."""
    switch_on(committed_alpha)
    person, _template = make_enrolled(1, committed_alpha)
    by = person_actor(person, committed_alpha)
    check_id = operations.request_enrolment(
        picture=face_models.photo(1, noise=4), by=by, tenant=committed_alpha, now=clock.now()
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
        operations.revoke(staff_id=person.pk, by=by, tenant=committed_alpha, now=clock.now())
        revoked.set()

    def run() -> None:
        operations.run_check(check_id=check_id, tenant=committed_alpha, clock=clock.now)

    assert outcomes(committed_alpha, revoke, run) == ["done", "done"]
    assert queries.result_of(check_id).outcome == Outcome.NO_CONSENT
    assert not Template.objects.exists()
    assert Deletion.objects.count() == 1
    assert not Check.objects.filter(picture_sealed__isnull=False).exists()


def test_revoking_and_answering_never_wait_for_each_other(
    committed_alpha: Tenant, pack: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker writes its answer at the moment in which the person revokes: one waits, neither is thrown out."""
    switch_on(committed_alpha)
    person, _template = make_enrolled(1, committed_alpha)
    by = person_actor(person, committed_alpha)
    check_id = operations.request_enrolment(
        picture=face_models.photo(1, noise=4), by=by, tenant=committed_alpha, now=clock.now()
    )
    answering, revoking, real = threading.Event(), threading.Event(), templates.lock_person

    def when_answering(staff_id: Any, tenant: Tenant) -> None:
        answering.set()
        assert revoking.wait(20)
        real(staff_id, tenant)

    def when_revoking(staff_id: Any, tenant: Tenant) -> None:
        assert answering.wait(20)
        real(staff_id, tenant)
        revoking.set()
        time.sleep(0.3)  # the worker goes for the person meanwhile

    monkeypatch.setattr(checks, "lock_person", when_answering)
    monkeypatch.setattr(consents, "lock_person", when_revoking)

    def revoke() -> None:
        operations.revoke(staff_id=person.pk, by=by, tenant=committed_alpha, now=clock.now())

    def run() -> None:
        operations.run_check(check_id=check_id, tenant=committed_alpha, clock=clock.now)

    assert outcomes(committed_alpha, revoke, run) == ["done", "done"]
    assert queries.result_of(check_id).outcome == Outcome.NO_CONSENT
    assert not Template.objects.exists()
