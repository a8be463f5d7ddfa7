"""One picture against one person's own template, through the real insightface on small models."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import override_settings

from kernel import clock, jobs
from kernel.crypto import CannotOpen
from kernel.errors import Invalid, NotAllowed, NotFound
from kernel.ids import new_id
from kernel.tenancy import Tenant
from tenants.evidence import operations as evidence
from tenants.face import engine, operations, queries, vault
from tenants.face.choices import Outcome
from tenants.face.errors import NoConsent, PictureUnreadable, ServiceOff
from tenants.face.models import Check, Deletion, Template
from tenants.face.pack import NoPack
from tenants.organisation.models import Staff
from tenants.timeline.models import Event
from tests.factories import face_models
from tests.factories.face import admin, agree, make_enrolled, person_actor, switch_on
from tests.factories.organisation import make_staff


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, Any]]]:
    """What was enqueued, without a broker."""
    found: list[tuple[str, Any]] = []
    monkeypatch.setattr(jobs, "_sender", [lambda name, payload: found.append((name, dict(payload)))])
    yield found


def ask(person: Staff, picture: bytes, tenant: Tenant, **how: Any) -> UUID:
    given = {"purpose": "punch", "by": person_actor(person, tenant), "now": clock.now(), **how}
    return operations.request_check(staff_id=person.pk, picture=picture, tenant=tenant, **given)


def outcome(person: Staff, picture: bytes, tenant: Tenant) -> Any:
    check_id = ask(person, picture, tenant)
    operations.run_check(check_id=check_id, tenant=tenant, clock=clock.now)
    return queries.result_of(check_id)


def test_a_person_is_known_again(alpha: Tenant, pack: Path) -> None:
    switch_on(alpha)
    person, _template = make_enrolled(1, alpha)
    result = outcome(person, face_models.photo(1, noise=9, off=(11, -7)), alpha)
    assert result.outcome == Outcome.MATCH and result.passed and result.live
    assert result.score > 0.7 > result.threshold
    assert result.model_hash == face_models.sha256(pack / "rec.onnx")


def test_somebody_else_is_not(alpha: Tenant, pack: Path) -> None:
    switch_on(alpha)
    person, _template = make_enrolled(1, alpha)
    make_enrolled(2, alpha)  # their own template is not asked: 1:1
    result = outcome(person, face_models.photo(2), alpha)
    assert (result.outcome, result.passed) == (Outcome.MISMATCH, False)
    assert result.score < result.threshold


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (face_models.photo(), Outcome.NO_FACE),
        (face_models.photo(1, 2), Outcome.SEVERAL),
        (face_models.photo(1, size=256, kind="PNG"), Outcome.TOO_SMALL),
        (face_models.photo(1, screen=True), Outcome.NOT_LIVE),
        (face_models.photo(1, off=(225, -225)), Outcome.OFF_CENTRE),
    ],
)
def test_what_is_wrong_with_a_picture_is_said(alpha: Tenant, pack: Path, picture: bytes, expected: str) -> None:
    switch_on(alpha)
    person, _template = make_enrolled(1, alpha)
    assert outcome(person, picture, alpha).outcome == expected


def test_a_failed_liveness_still_tells_the_score(alpha: Tenant, pack: Path) -> None:
    switch_on(alpha)
    person, _template = make_enrolled(1, alpha)
    result = outcome(person, face_models.photo(1, screen=True), alpha)
    assert result.live is False and result.score is not None and not result.passed


def test_without_a_liveness_model_none_is_told(alpha: Tenant, tmp_path: Path) -> None:
    with override_settings(FACE_MODEL_PACK=str(face_models.make_pack(tmp_path / "p", live=False))):
        switch_on(alpha)
        person, _template = make_enrolled(1, alpha)
        result = outcome(person, face_models.photo(1, screen=True), alpha)
    assert (result.liveness, result.live, result.outcome) == (None, None, Outcome.MATCH)


def test_the_picture_is_gone_with_the_answer(alpha: Tenant, pack: Path) -> None:
    switch_on(alpha)
    person, _template = make_enrolled(1, alpha)
    check_id = ask(person, face_models.photo(1), alpha)
    assert Check.objects.get(pk=check_id).picture_sealed is not None
    operations.run_check(check_id=check_id, tenant=alpha, clock=clock.now)
    assert Check.objects.get(pk=check_id).picture_sealed is None


def test_a_waiting_picture_is_sealed(alpha: Tenant, pack: Path) -> None:
    switch_on(alpha)
    person, _template = make_enrolled(1, alpha)
    check_id = ask(person, face_models.photo(1), alpha)
    sealed = bytes(Check.objects.get(pk=check_id).picture_sealed or b"")
    assert b"JFIF" not in sealed
    with pytest.raises(CannotOpen):
        vault.open_picture(sealed, schema="s_beta", owner_id=check_id)
    assert vault.open_picture(sealed, schema="s_alpha", owner_id=check_id)[:2] == b"\xff\xd8"


def test_whoever_asked_is_told_once(
    alpha: Tenant, pack: Path, sent: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    switch_on(alpha)
    person, _template = make_enrolled(1, alpha)
    with django_capture_on_commit_callbacks(execute=True):
        check_id = ask(person, face_models.photo(1), alpha, subject_id=4711, on_done="punches.face_checked")
    assert [name for name, _p in sent if name.startswith(("face.check", "punches"))] == ["face.check"]
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(2):
            operations.run_check(check_id=check_id, tenant=alpha, clock=clock.now)
    told = [payload for name, payload in sent if name == "punches.face_checked"]
    assert told == [{"check_id": str(check_id), "schema": "s_alpha"}]
    assert queries.result_of(check_id).subject_id == "4711"


def test_every_use_of_a_face_stands_on_the_timeline(alpha: Tenant, pack: Path) -> None:
    switch_on(alpha)
    person, _template = make_enrolled(1, alpha)
    outcome(person, face_models.photo(1), alpha)
    outcome(person, face_models.photo(2), alpha)
    events = Event.objects.filter(verb="face.checked").order_by("id")
    assert [e.payload["outcome"] for e in events] == ["match", "mismatch"]
    assert all(person.number in e.sentence and person.name not in e.sentence for e in events)


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ("service", Outcome.UNAVAILABLE),
        ("pack", Outcome.UNAVAILABLE),
        ("consent", Outcome.NO_CONSENT),
        ("template", Outcome.NO_TEMPLATE),
        ("model", Outcome.OLD_TEMPLATE),
    ],
)
def test_where_no_answer_can_come_it_is_there_at_once(
    alpha: Tenant, pack: Path, tmp_path: Path, sent: list[Any], missing: str, expected: str,
    django_capture_on_commit_callbacks: Any,
) -> None:  # fmt: skip
    """Nobody waits at the door for a service that is not there, and whoever asked is told all the same."""
    person = make_staff()
    if missing != "service":
        switch_on(alpha)
    if missing in ("template", "model"):
        agree(person, alpha)
    if missing == "model":
        make_enrolled(1, alpha, person=person)
    folder = {"pack": "", "model": str(face_models.make_pack(tmp_path / "q", seed=8))}.get(missing, str(pack))
    sent.clear()
    with override_settings(FACE_MODEL_PACK=folder), django_capture_on_commit_callbacks(execute=True):
        check_id = ask(person, face_models.photo(1), alpha, on_done="punches.face_checked")
    result = queries.result_of(check_id)
    assert (result.done, result.outcome, result.score) == (True, expected, None)
    assert [name for name, _payload in sent] == ["punches.face_checked"]
    assert Check.objects.get(pk=check_id).picture_sealed is None


def test_a_photo_that_was_kept_can_be_checked(alpha: Tenant, pack: Path, settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = str(tmp_path)
    switch_on(alpha)
    person, _template = make_enrolled(1, alpha)
    by = person_actor(person, alpha)
    kept = evidence.keep_photo(
        upload=face_models.photo(1, noise=5), name="卡.jpg", by=by, tenant=alpha, now=clock.now()
    )
    common = {"staff_id": person.pk, "purpose": "punch", "tenant": alpha, "now": clock.now()}
    check_id = operations.request_check(evidence_id=kept.pk, by=by, **common)
    operations.run_check(check_id=check_id, tenant=alpha, clock=clock.now)
    assert queries.result_of(check_id).outcome == Outcome.MATCH
    stranger, _t = make_enrolled(2, alpha)
    with pytest.raises(NotFound):
        operations.request_check(
            evidence_id=kept.pk, by=person_actor(stranger, alpha), **{**common, "staff_id": stranger.pk}
        )


@pytest.mark.parametrize("bad", [b"", b"GIF89a" + b"0" * 100, b"\xff\xd8\xff" + b"0" * 200, b"0" * (13 << 20)])
def test_hostile_bytes_are_no_picture(alpha: Tenant, pack: Path, bad: bytes) -> None:
    switch_on(alpha)
    person, _template = make_enrolled(1, alpha)
    with pytest.raises(PictureUnreadable):
        ask(person, bad, alpha)
    assert not Check.objects.exists()


def test_a_pixel_bomb_is_not_decoded(alpha: Tenant, pack: Path) -> None:
    import io

    from PIL import Image

    out = io.BytesIO()
    Image.new("1", (12_000, 12_000)).save(out, "PNG")
    switch_on(alpha)
    person, _template = make_enrolled(1, alpha)
    with pytest.raises(PictureUnreadable):
        ask(person, out.getvalue(), alpha)


def test_nobody_hands_in_a_picture_for_somebody_else(alpha: Tenant, pack: Path) -> None:
    switch_on(alpha)
    person, _template = make_enrolled(1, alpha)
    with pytest.raises(NotAllowed):
        ask(person, face_models.photo(1), alpha, by=person_actor(make_staff(), alpha))


@pytest.mark.parametrize("how", [{"purpose": "enrol"}, {"purpose": "spying"}, {"on_done": "os.system('x')"}])
def test_a_request_has_a_known_shape(alpha: Tenant, pack: Path, how: dict[str, str]) -> None:
    switch_on(alpha)
    person, _template = make_enrolled(1, alpha)
    with pytest.raises(Invalid):
        ask(person, face_models.photo(1), alpha, **how)


def test_a_lost_check_is_sent_again_and_given_up(
    alpha: Tenant, pack: Path, sent: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    switch_on(alpha)
    person, _template = make_enrolled(1, alpha)
    now = clock.now()
    check_id = ask(person, face_models.photo(1), alpha, on_done="punches.face_checked", now=now)
    for minutes, expected in ((0, []), (2, ["face.check"]), (11, ["punches.face_checked"]), (12, [])):
        sent.clear()
        with django_capture_on_commit_callbacks(execute=True):
            operations.chase(tenant=alpha, now=now + timedelta(minutes=minutes))
        assert [name for name, _payload in sent] == expected
    result = queries.result_of(check_id)
    assert result.outcome == Outcome.UNAVAILABLE
    assert Check.objects.get(pk=check_id).picture_sealed is None


def test_a_picture_that_kills_its_worker_is_given_up(alpha: Tenant, pack: Path) -> None:
    switch_on(alpha)
    person, _template = make_enrolled(1, alpha)
    check_id = ask(person, face_models.photo(1), alpha)
    Check.objects.filter(pk=check_id).update(attempts=3)
    operations.chase(tenant=alpha, now=clock.now())
    assert queries.result_of(check_id).outcome == Outcome.BAD_PICTURE


def test_an_unknown_check_is_not_found(alpha: Tenant, pack: Path) -> None:
    operations.run_check(check_id=new_id(), tenant=alpha, clock=clock.now)
    with pytest.raises(NotFound):
        queries.result_of(new_id())


def test_verify_answers_at_once(alpha: Tenant, pack: Path) -> None:
    switch_on(alpha)
    person, _template = make_enrolled(1, alpha)
    result = operations.verify(
        staff_id=person.pk, picture=face_models.photo(1), purpose="duty", by=admin(alpha), tenant=alpha,
        clock=clock.now,
    )  # fmt: skip
    assert result.passed and result.purpose == "duty"


# --- Enrolment ---------------------------------------------------------------------------------------


def enrol(person: Staff, picture: bytes, tenant: Tenant, **how: Any) -> Any:
    check_id = operations.request_enrolment(
        picture=picture, by=person_actor(person, tenant), tenant=tenant, now=clock.now(), **how
    )
    operations.run_check(check_id=check_id, tenant=tenant, clock=clock.now)
    return queries.result_of(check_id)


def test_no_consent_no_template(alpha: Tenant, pack: Path) -> None:
    switch_on(alpha)
    with pytest.raises(NoConsent):
        enrol(make_staff(), face_models.photo(1), alpha)
    assert not Template.objects.exists()


def test_no_service_and_no_pack_say_so(alpha: Tenant, pack: Path) -> None:
    person = make_staff()
    with pytest.raises(ServiceOff):
        enrol(person, face_models.photo(1), alpha)
    switch_on(alpha)
    agree(person, alpha)
    with override_settings(FACE_MODEL_PACK=""), pytest.raises(NoPack):
        enrol(person, face_models.photo(1), alpha)


def test_a_person_enrols_and_enrols_again(alpha: Tenant, pack: Path) -> None:
    switch_on(alpha)
    person = make_staff()
    agree(person, alpha)
    assert enrol(person, face_models.photo(1), alpha).outcome == Outcome.ENROLLED
    first = Template.objects.get()
    assert enrol(person, face_models.photo(1, noise=3), alpha).outcome == Outcome.ENROLLED
    assert Template.objects.get().pk != first.pk
    assert Deletion.objects.get().reason == "replaced"
    assert first.photo_sealed is None  # originals are not kept unless the school chose so


def test_a_resent_enrolment_is_the_same_one(alpha: Tenant, pack: Path) -> None:
    switch_on(alpha)
    person = make_staff()
    agree(person, alpha)
    by = person_actor(person, alpha)
    common = {"picture": face_models.photo(1), "key": "abc", "by": by, "tenant": alpha, "now": clock.now()}
    assert operations.request_enrolment(**common) == operations.request_enrolment(**common)
    assert Check.objects.count() == 1


def test_a_bad_picture_enrols_nobody(alpha: Tenant, pack: Path) -> None:
    switch_on(alpha)
    person = make_staff()
    agree(person, alpha)
    assert enrol(person, face_models.photo(1, 2), alpha).outcome == Outcome.SEVERAL
    assert enrol(person, face_models.photo(1, screen=True), alpha).outcome == Outcome.NOT_LIVE
    assert not Template.objects.exists()


# --- No network ----------------------------------------------------------------------------------------


def test_nothing_is_ever_downloaded(pack: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With every socket refusing and a home without models, the engine loads and looks."""

    def refuse(*_args: Any, **_kwargs: Any) -> Any:
        raise AssertionError("the engine tried the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("HOME", str(tmp_path))
    engine._loaded.clear()
    assert engine.current().look(face_models.picture(1)).outcome == ""
    assert list(tmp_path.iterdir()) == []


def test_a_missing_pack_is_refused_not_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: pytest.fail("the engine tried the network"))
    for folder in ("", str(tmp_path / "nothing"), "buffalo_l"):
        with override_settings(FACE_MODEL_PACK=folder), pytest.raises(NoPack):
            engine.current()


def test_the_table_knows_no_float(alpha: Tenant, pack: Path) -> None:
    """No raw template bytes, and no number of the vector, in a dump of the school's tables."""
    switch_on(alpha, photo_days=5)
    person, template = make_enrolled(1, alpha)
    vector = vault.open_vector(
        template.vector_sealed, schema="s_alpha", staff_id=person.pk, model_hash=template.model_hash
    )
    outcome(person, face_models.photo(1), alpha)
    import struct

    numbers = struct.unpack("<512f", vector)
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 's_alpha'")
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT coalesce(string_agg(t::text, chr(10)), '') FROM s_alpha.\"{table}\" t")
            dump = cursor.fetchone()[0]  # type: ignore[index]
            for start in range(0, 2048, 16):
                assert vector[start : start + 16].hex() not in dump, table
            for number in numbers[::64]:
                assert f"{number:.6f}" not in dump, table
    text = repr(engine.current().look(face_models.picture(1))) + repr(queries.template_of(person.pk))
    assert "b'" not in text and f"{numbers[0]:.4f}" not in text
