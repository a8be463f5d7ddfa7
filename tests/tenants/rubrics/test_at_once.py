"""Two clicks, two people: the same copy is made once, and the same draft is not overwritten."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections

from identity.choices import Role
from identity.contracts import Actor
from institute.schools.queries import tenant_for
from kernel import clock
from kernel.errors import Conflict
from kernel.tenancy import Tenant, public_context, school_context
from tenants.rubrics import operations, queries
from tenants.rubrics.drafts import sheet_draft
from tenants.rubrics.models import Rubric, RubricRevision
from tenants.timeline.models import Event
from tests.tenants.rubrics.test_operations import with_item


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: Any) -> Iterator[Tenant]:
    """School alpha without a surrounding transaction; what a test writes is deleted after it."""
    with django_db_blocker.unblock():
        with public_context():
            tenant = tenant_for("s_alpha")
        yield tenant
        with school_context(tenant):
            Rubric.objects.all().delete()
            Event.objects.all().delete()
        connections.close_all()


def at_once(tenant: Tenant, work: Callable[[], Any], times: int = 2) -> list[Any]:
    """Run `work` in as many threads, started together; answers or exceptions."""
    gate = threading.Barrier(times)
    answers: list[Any] = []

    def run() -> None:
        try:
            with school_context(tenant):
                gate.wait()
                answers.append(work())
        except Exception as error:
            answers.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return answers


def admin(tenant: Tenant) -> Actor:
    return Actor(account_id=uuid4(), name="周明", roles=frozenset({Role.SCHOOL_ADMIN}), school_id=tenant.school_id)


def test_a_double_click_adopts_once(committed: Tenant) -> None:
    by, now = admin(committed), clock.now()
    answers = at_once(
        committed, lambda: operations.adopt(template_key="rubric-dorm", by=by, tenant=committed, now=now), times=3
    )
    assert sorted(type(a).__name__ for a in answers) == ["Rubric", "TitleTaken", "TitleTaken"]
    with school_context(committed):
        assert Rubric.objects.count() == 1


def test_two_editors_of_the_same_sheet(committed: Tenant) -> None:
    by, now = admin(committed), clock.now()
    with school_context(committed):
        row = operations.adopt(template_key="rubric-dorm", by=by, tenant=committed, now=now)
        operations.activate(rubric_id=row.pk, by=by, tenant=committed, now=now)
        seen = queries.frozen(row.pk)
    sheet = with_item(sheet_draft(seen), 0, 0, text="改过的检查内容")
    answers = at_once(
        committed,
        lambda: operations.edit(rubric_id=row.pk, sheet=sheet, digest=seen.digest, by=by, tenant=committed, now=now),
    )
    assert sorted(type(a) for a in answers if isinstance(a, Exception)) == [Conflict]
    with school_context(committed):
        assert [r.revision for r in RubricRevision.objects.filter(rubric=row)] == [2, 1]
