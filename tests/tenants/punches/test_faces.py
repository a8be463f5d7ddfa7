"""A punch with a face, through the real engine on small models: it waits, then it counts or says why not."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from kernel import clock
from kernel.tenancy import Tenant
from tenants.evidence.models import Evidence
from tenants.face.operations import run_check
from tenants.punches import operations
from tenants.punches.choices import PunchStatus, Refusal
from tenants.punches.models import Dirty, Punch
from tests.factories import face_models
from tests.factories.face import make_enrolled, person_actor, switch_on
from tests.factories.organisation import make_post, make_staff
from tests.factories.punches import HERE, make_fence, make_instance
from tests.tenants.face.conftest import pack, pack_folder  # noqa: F401  (fixtures)
from workers.tasks.punches import sweep_school

NOW = clock.now()


def take(alpha: Tenant, picture: bytes, *, inside: bool = True) -> Punch:
    person, _template = make_enrolled(1, alpha, person=make_staff(post=make_post()))
    make_instance(person, grade="A")
    make_fence(person.post)
    where = {"latitude": HERE[0] + (0 if inside else 1), "longitude": HERE[1], "accuracy_m": 9, "fix_age_s": 1}
    return operations.punch(
        client_id=uuid4(), face=picture, by=person_actor(person, alpha), tenant=alpha, now=clock.now(), **where
    )


def answered(row: Punch, alpha: Tenant) -> Punch:
    assert row.face_check_id is not None
    run_check(check_id=row.face_check_id, tenant=alpha, clock=clock.now)
    done = operations.face_checked(check_id=row.face_check_id, tenant=alpha, now=clock.now())
    assert done is not None
    return done


def test_a_live_match_at_the_place_is_grade_a_and_no_picture_is_kept(alpha: Tenant, pack: Path) -> None:  # noqa: F811
    switch_on(alpha)
    row = take(alpha, face_models.photo(1, noise=9))
    assert (row.status, row.refusal, Dirty.objects.count()) == (PunchStatus.PENDING, "", 0)
    row = answered(row, alpha)
    assert (row.status, row.grade) == (PunchStatus.ACCEPTED, "A")
    assert row.face_score is not None and row.face_score > 0.7 and row.liveness is not None
    assert Dirty.objects.count() == 1 and not Evidence.objects.exists()


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (face_models.photo(2), Refusal.FACE_MISMATCH),
        (face_models.photo(1, screen=True), Refusal.NOT_LIVE),
        (face_models.photo(), Refusal.TOO_WEAK),  # no face in it: the rest decides, and the post asks for A
    ],
)
def test_what_is_no_living_own_face_is_refused_by_name(
    alpha: Tenant, pack: Path, picture: bytes, reason: Refusal  # noqa: F811
) -> None:  # fmt: skip
    switch_on(alpha)
    row = answered(take(alpha, picture), alpha)
    assert (row.status, row.refusal) == (PunchStatus.REFUSED, reason)
    assert not Dirty.objects.exists()


def test_outside_is_refused_at_once_and_no_face_is_looked_at(alpha: Tenant, pack: Path) -> None:  # noqa: F811
    switch_on(alpha)
    row = take(alpha, face_models.photo(1), inside=False)
    assert (row.refusal, row.face_check_id) == (Refusal.OUTSIDE, None)


def test_a_picture_that_is_none_leaves_the_rest(alpha: Tenant, pack: Path) -> None:  # noqa: F811
    switch_on(alpha)
    row = take(alpha, b"no picture")
    assert (row.status, row.refusal, row.face_check_id) == (PunchStatus.REFUSED, Refusal.TOO_WEAK, None)
    assert "无法读取" in row.note


def test_nobody_waits_for_a_queue_that_does_not_answer(alpha: Tenant, pack: Path) -> None:  # noqa: F811
    switch_on(alpha)
    row = take(alpha, face_models.photo(1))
    assert operations.give_up_waiting(tenant=alpha, now=clock.now()) == 0
    assert operations.give_up_waiting(tenant=alpha, now=clock.now() + timedelta(minutes=16)) == 1
    row.refresh_from_db()
    assert (row.status, row.refusal) == (PunchStatus.REFUSED, Refusal.TOO_WEAK)
    assert operations.face_checked(check_id=row.face_check_id, tenant=alpha, now=clock.now()) is None


def test_an_answer_whose_message_was_lost_still_decides(alpha: Tenant, pack: Path) -> None:  # noqa: F811
    switch_on(alpha)
    row = take(alpha, face_models.photo(1, noise=9))
    assert (
        operations.settle_answered(tenant=alpha, now=clock.now() + timedelta(minutes=2)) == 0
    )  # nobody has looked yet
    assert row.face_check_id is not None
    run_check(check_id=row.face_check_id, tenant=alpha, clock=clock.now)
    assert operations.settle_answered(tenant=alpha, now=clock.now()) == 0  # its message may be on the way
    sweep_school.run(tenant=alpha)
    row.refresh_from_db()
    assert row.status == PunchStatus.PENDING
    Punch.objects.update(received_at=clock.now() - timedelta(minutes=20))  # the sweep itself was late, too
    sweep_school.run(tenant=alpha)
    row.refresh_from_db()
    assert (row.status, row.grade, row.note) == (PunchStatus.ACCEPTED, "A", "")
    assert operations.settle_answered(tenant=alpha, now=clock.now() + timedelta(hours=1)) == 0
