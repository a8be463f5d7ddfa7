"""A worker that compares a photo, killed with SIGKILL at every step: the sweep has it done again, and it is there once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from kernel import clock, jobs
from kernel.tenancy import Tenant
from tenants.organisation.models import Post
from tenants.punches import operations
from tenants.punches.choices import PhotoState
from tenants.punches.models import PhotoCheck, Punch
from tenants.punches.operations import likeness
from tests.factories.organisation import make_place, make_post
from tests.factories.rosters import make_terms
from tests.killing import after, before, die, killed
from tests.tenants.punches.test_likeness import punch, selfie, worker
from workers.tasks import punches

COMPARING: dict[str, Callable[[], None]] = {
    "begun, nothing read": lambda: before(likeness.evidence, "nearest_among"),
    "both pictures in hand": lambda: before(likeness, "is_copy"),
    "looked at, nothing written": lambda: before(PhotoCheck, "save", call=2),
    "written, not committed": lambda: dies_in_commit(),
    "committed, message not acknowledged": lambda: after(likeness, "compare_photo"),
}


def dies_in_commit() -> None:
    """Die when the second transaction (the first counts the try) asks for its commit."""
    commits, plain = [0], connection._commit

    def deadly() -> Any:
        commits[0] += 1
        return die() if commits[0] == 2 else plain()

    connection._commit = deadly


@pytest.fixture
def school(committed_alpha: Tenant, settings: Any, tmp_path: Path) -> Iterator[Tenant]:
    settings.MEDIA_ROOT = str(tmp_path)
    yield committed_alpha


@pytest.fixture
def gate(school: Tenant) -> Post:
    post = make_post(place=make_place(code="GATE-7"))
    make_terms(post, grade="B")
    return post


@pytest.fixture
def sent(school: Tenant) -> list[int]:
    """The punches whose comparison was asked for by a message."""
    found: list[int] = []

    def note(name: str, payload: Any) -> None:
        if name == "punches.compare_photo":
            found.append(payload["punch_id"])

    jobs._sender[:] = [note]
    return found


@pytest.mark.parametrize("point", COMPARING)
def test_a_comparison_killed_anywhere_is_made_again_and_stands_once(
    school: Tenant, gate: Post, sent: list[int], point: str
) -> None:
    _person, by = worker(school, gate)
    first, row = punch(school, by, selfie(1)), punch(school, by, selfie(1), quality=60)
    likeness.compare_photo(punch_id=first.pk, tenant=school, now=clock.now())
    sent.clear()
    killed(
        school, COMPARING[point],
        lambda: likeness.compare_photo(punch_id=row.pk, tenant=school, now=clock.now()),
    )  # fmt: skip
    done = point == "committed, message not acknowledged"
    check = PhotoCheck.objects.get(punch=row)
    assert (check.state, check.tries) == (PhotoState.ALIKE if done else PhotoState.WAITING, 1), point
    later = clock.now() + timedelta(minutes=5)
    assert operations.compare_waiting(tenant=school, now=later) == (0 if done else 1), point
    assert sent == ([] if done else [row.pk])
    punches.compare_photo.run(tenant=school, punch_id=row.pk)  # the broker brings it again in any case
    check.refresh_from_db()
    assert (check.state, check.earlier_id, check.tries) == (PhotoState.ALIKE, first.pk, 1 if done else 2), point
    stood = check.compared_at
    assert likeness.compare_photo(punch_id=row.pk, tenant=school, now=later) is None
    check.refresh_from_db()
    assert check.compared_at == stood and Punch.objects.get(pk=row.pk).photo_id == check.photo_id


def test_a_photo_that_kills_each_worker_is_let_be_and_the_sweep_lives(
    school: Tenant, gate: Post, sent: list[int]
) -> None:
    _person, by = worker(school, gate)
    punch(school, by, selfie(1))
    row = punch(school, by, selfie(1), quality=60)
    later = clock.now() + timedelta(minutes=5)
    for _ in range(3):
        sent.clear()
        operations.compare_waiting(tenant=school, now=later)
        assert row.pk in sent
        killed(
            school, lambda: before(likeness, "is_copy"),
            lambda: likeness.compare_photo(punch_id=row.pk, tenant=school, now=later),
        )  # fmt: skip
    sent.clear()
    operations.compare_waiting(tenant=school, now=later)
    assert row.pk not in sent and Punch.objects.get(pk=row.pk).photo_id is not None
