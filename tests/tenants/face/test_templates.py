"""What is stored, for how long, under which key, and that it is gone everywhere when it must be."""

from __future__ import annotations

import io
import logging
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from django.test import override_settings

from institute.schools.choices import SchoolStatus
from institute.schools.models import School
from kernel import clock, jobs
from kernel.crypto import CannotOpen
from kernel.errors import NotAllowed, NotFound
from kernel.tenancy import Tenant, school_context
from tenants.face import engine, operations, queries, vault
from tenants.face.choices import Ended, Gone, Kept
from tenants.face.errors import NothingStored
from tenants.face.models import Consent, Deletion, Setting, Template
from tenants.organisation import operations as organisation
from tenants.organisation.models import Staff
from tenants.timeline.models import Event
from tests.factories import face_models
from tests.factories.face import admin, make_enrolled, person_actor, switch_on
from tests.factories.organisation import make_staff
from workers.tasks import face as of_faces
from workers.tasks import organisation as of_people


def opened(template: Template, *, schema: str = "s_alpha", **other: Any) -> bytes:
    of = {"staff_id": template.staff_id, "model_hash": template.model_hash, **other}
    return vault.open_vector(template.vector_sealed, schema=schema, **of)


def test_a_template_opens_for_its_school_person_and_model_alone(alpha: Tenant, pack: Path) -> None:
    switch_on(alpha)
    _person, template = make_enrolled(1, alpha)
    assert len(opened(template)) == 2048
    for wrong in ({"schema": "s_beta"}, {"staff_id": make_staff().pk}, {"model_hash": "0" * 64}):
        with pytest.raises(CannotOpen):
            opened(template, **wrong)


def test_rotation_seals_under_the_newest_key(alpha: Tenant, pack: Path) -> None:
    """After the rotation the first key may go; before it, it may not."""
    with override_settings(DATA_KEYS=["one" * 12]):
        switch_on(alpha, photo_days=30)
        _person, template = make_enrolled(1, alpha)
        vector = opened(template)
    with override_settings(DATA_KEYS=["one" * 12, "two" * 12]):
        assert vault.key_of(template.vector_sealed) == 0 and opened(template) == vector
        assert operations.rotate(tenant=alpha) == 1
        template.refresh_from_db()
        assert (vault.key_of(template.vector_sealed), vault.key_of(template.photo_sealed or b"\xff")) == (1, 1)
        assert opened(template) == vector
        assert operations.rotate(tenant=alpha) == 0
    with override_settings(DATA_KEYS=["gone" * 9, "two" * 12]):
        assert opened(template) == vector


def test_the_command_rotates_every_school(alpha: Tenant, pack: Path) -> None:
    with override_settings(DATA_KEYS=["one" * 12]):
        switch_on(alpha)
        make_enrolled(1, alpha)
    out = io.StringIO()
    with override_settings(DATA_KEYS=["one" * 12, "two" * 12]):
        call_command("face_rotate", stdout=out)
    assert "共 1 条" in out.getvalue()


def test_a_leaver_is_gone_with_the_next_sweep(alpha: Tenant, pack: Path) -> None:
    switch_on(alpha)
    person, template = make_enrolled(1, alpha)
    stayer, _t = make_enrolled(2, alpha)
    now = clock.now()
    organisation.leave(
        staff_id=person.pk, left_on=now.date() - timedelta(days=2), now=now, by=admin(alpha), tenant=alpha
    )
    assert operations.upkeep(tenant=alpha, now=now + timedelta(minutes=30)) == 1
    assert list(Template.objects.values_list("staff_id", flat=True)) == [stayer.pk]
    assert Consent.objects.get(staff=person).ended == Ended.LEFT
    record = Deletion.objects.get()
    assert (record.reason, record.template_id, record.by_name) == (Gone.LEFT, template.pk, "系统")
    assert record.deleted_at - now < timedelta(hours=24)
    assert operations.upkeep(tenant=alpha, now=now + timedelta(hours=1)) == 0


def test_the_deadline_runs_in_a_suspended_school_too(
    alpha: Tenant, pack: Path, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    switch_on(alpha)
    leaver, _template = make_enrolled(1, alpha)
    stayer, _template = make_enrolled(2, alpha)
    Staff.objects.filter(pk=leaver.pk).update(left_on=clock.now().date() - timedelta(days=3))
    School.objects.filter(pk=alpha.school_id).update(status=SchoolStatus.SUSPENDED)
    sent: list[tuple[str, str]] = []
    monkeypatch.setattr("workers.base.close_old_connections", lambda: None)  # it would end this transaction
    monkeypatch.setattr(jobs, "_sender", [lambda name, payload: sent.append((name, payload["schema"]))])
    for sweep, task in ((of_people.part_leavers, of_people.part_due), (of_faces.sweep, of_faces.upkeep)):
        with django_capture_on_commit_callbacks(execute=True):
            sweep()
        assert (task.name, alpha.schema) in sent
        task(schema=alpha.schema)
    with school_context(alpha):
        assert list(Template.objects.values_list("staff_id", flat=True)) == [stayer.pk]
        assert Deletion.objects.get().reason == Gone.LEFT


def test_a_school_that_stops_keeps_nothing(alpha: Tenant, pack: Path) -> None:
    switch_on(alpha)
    make_enrolled(1, alpha)
    make_enrolled(2, alpha)
    operations.configure(
        enabled=False, assessed_on=date(2026, 1, 5), photo_days=0, by=admin(alpha), tenant=alpha, now=clock.now()
    )
    operations.upkeep(tenant=alpha, now=clock.now())
    assert not Template.objects.exists()
    assert set(Deletion.objects.values_list("reason", flat=True)) == {Gone.OFF}


def test_originals_are_kept_by_choice_and_by_term(alpha: Tenant, pack: Path) -> None:
    switch_on(alpha, photo_days=30)
    now = clock.now()
    person, _template = make_enrolled(1, alpha, now=now)
    assert operations.upkeep(tenant=alpha, now=now + timedelta(days=29)) == 0
    assert operations.reveal_photo(staff_id=person.pk, by=admin(alpha), tenant=alpha)[:2] == b"\xff\xd8"
    assert Event.objects.filter(verb="face.photo_read").count() == 1
    assert operations.upkeep(tenant=alpha, now=now + timedelta(days=30)) == 1
    assert (Template.objects.get().photo_sealed, Deletion.objects.get().kept) == (None, Kept.PHOTO)
    with pytest.raises(NotFound):
        operations.reveal_photo(staff_id=person.pk, by=admin(alpha), tenant=alpha)


def test_a_shorter_term_holds_for_photos_already_kept(alpha: Tenant, pack: Path) -> None:
    switch_on(alpha, photo_days=100)
    now = clock.now()
    make_enrolled(1, alpha, now=now - timedelta(days=20))
    switch_on(alpha, photo_days=7)
    operations.upkeep(tenant=alpha, now=now)
    assert Template.objects.get().photo_sealed is None


def test_an_original_is_shown_to_the_person_and_the_admin(alpha: Tenant, pack: Path) -> None:
    switch_on(alpha, photo_days=30)
    person, _template = make_enrolled(1, alpha)
    operations.reveal_photo(staff_id=person.pk, by=person_actor(person, alpha), tenant=alpha)
    with pytest.raises(NotAllowed):
        operations.reveal_photo(staff_id=person.pk, by=person_actor(make_staff(), alpha), tenant=alpha)


def test_a_person_has_theirs_deleted(alpha: Tenant, pack: Path) -> None:
    switch_on(alpha)
    person, _template = make_enrolled(1, alpha)
    by = person_actor(person, alpha)
    operations.delete_template(staff_id=person.pk, by=by, tenant=alpha, now=clock.now())
    assert (Template.objects.count(), Deletion.objects.get().reason) == (0, Gone.ASKED)
    assert Consent.objects.get().ended_at is None
    with pytest.raises(NothingStored):
        operations.delete_template(staff_id=person.pk, by=by, tenant=alpha, now=clock.now())
    with pytest.raises(NotAllowed):
        operations.delete_template(
            staff_id=person.pk, by=person_actor(make_staff(), alpha), tenant=alpha, now=clock.now()
        )


def test_a_deletion_record_holds_nothing_biometric(alpha: Tenant, pack: Path) -> None:
    switch_on(alpha)
    person, template = make_enrolled(1, alpha)
    vector = opened(template)
    operations.revoke(staff_id=person.pk, by=person_actor(person, alpha), tenant=alpha, now=clock.now())
    columns = {f.name for f in Deletion._meta.concrete_fields}
    assert not columns & {"vector", "vector_sealed", "photo", "photo_sealed", "name"}
    assert vector.hex()[:32] not in str(Deletion.objects.values().get())


def test_no_log_line_holds_a_vector(alpha: Tenant, pack: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    switch_on(alpha)
    person, template = make_enrolled(1, alpha)
    check = operations.request_check(
        staff_id=person.pk, picture=face_models.photo(1), purpose="punch", by=person_actor(person, alpha),
        tenant=alpha, now=clock.now(),
    )  # fmt: skip
    caplog.clear()
    logging.getLogger("django.db.backends").setLevel(logging.WARNING)  # the database's own log is not one of ours
    operations.run_check(check_id=check, tenant=alpha, clock=clock.now)
    numbers = np.frombuffer(opened(template), np.float32)
    text = caplog.text + repr(engine.current().look(face_models.picture(1)))
    assert not any(f"{n:.5f}" in text for n in numbers[:64]) and opened(template)[:8].hex() not in text


def test_a_model_that_changed_asks_for_new_enrolment(alpha: Tenant, pack: Path, tmp_path: Path) -> None:
    switch_on(alpha)
    person, _template = make_enrolled(1, alpha)
    today = clock.now().date()
    assert queries.ready_people([person.pk], today=today) == {person.pk}
    with override_settings(FACE_MODEL_PACK=str(face_models.make_pack(tmp_path / "q", seed=9))):
        assert queries.ready_people([person.pk], today=today) == set()
        assert queries.coverage(by=admin(alpha)).outdated == 1


def test_another_school_knows_nothing_of_it(alpha: Tenant, beta: Tenant, pack: Path) -> None:
    switch_on(alpha)
    person, _template = make_enrolled(1, alpha)
    with school_context(beta):
        assert not Template.objects.exists() and not Setting.objects.exists()
        with pytest.raises(NotFound):
            queries.person(person.pk, by=admin(beta))


# --- Curves and matrices, on vectors made here -----------------------------------------------------------


def test_the_threshold_parts_synthetic_people() -> None:
    """500 people, each seen twice with noise: accepting one's own falls and accepting another's falls as it rises."""
    rng = np.random.default_rng(3)
    people = rng.normal(size=(500, 512)).astype(np.float32)
    again = people + rng.normal(scale=0.9, size=people.shape).astype(np.float32)
    people, again = engine._unit(people), engine._unit(again)
    own = np.array([engine.score(a.tobytes(), b.tobytes()) for a, b in zip(people, again, strict=True)])
    others = (again @ people.T)[~np.eye(500, dtype=bool)]
    curve = [(float((own >= t).mean()), float((others >= t).mean())) for t in np.arange(0, 1.01, 0.05)]
    assert curve == sorted(curve, reverse=True)
    accepted, false = curve[8]  # 0.40
    assert accepted > 0.999 and false == 0.0
    assert curve[0][1] > 0.4 and curve[-1][0] == 0.0


def test_one_among_many_with_a_lead_over_the_second() -> None:
    rng = np.random.default_rng(4)
    rows = engine._unit(rng.normal(size=(5_000, 512)))
    matrix = engine.Matrix([row.tobytes() for row in rows], 512)
    found = matrix.nearest(rows[4_321].tobytes())
    assert found is not None and found.index == 4_321
    assert found.score == pytest.approx(1.0, abs=1e-5) and found.margin > 0.5
    twins = engine.Matrix([rows[0].tobytes(), rows[0].tobytes()], 512)
    alike = twins.nearest(rows[0].tobytes())
    assert alike is not None and alike.margin == pytest.approx(0.0, abs=1e-6)
    assert engine.Matrix([], 512).nearest(rows[0].tobytes()) is None and len(matrix) == 5_000
