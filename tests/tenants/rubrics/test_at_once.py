"""Two clicks, two people: the same copy is made once, and the same draft is not overwritten."""

from __future__ import annotations

from uuid import uuid4

from identity.choices import Role
from identity.contracts import Actor
from kernel import clock
from kernel.errors import Conflict
from kernel.tenancy import Tenant
from tenants.rubrics import operations, queries
from tenants.rubrics.drafts import sheet_draft
from tenants.rubrics.models import Rubric, RubricRevision
from tests.at_once import at_once
from tests.tenants.rubrics.test_operations import with_item


def admin(tenant: Tenant) -> Actor:
    return Actor(account_id=uuid4(), name="周明", roles=frozenset({Role.SCHOOL_ADMIN}), school_id=tenant.school_id)


def test_a_double_click_adopts_once(committed_alpha: Tenant) -> None:
    by, now = admin(committed_alpha), clock.now()
    answers = at_once(
        committed_alpha,
        *[lambda: operations.adopt(template_key="rubric-dorm", by=by, tenant=committed_alpha, now=now)] * 3,
    )
    assert sorted(type(a).__name__ for a in answers) == ["Rubric", "TitleTaken", "TitleTaken"]
    assert Rubric.objects.count() == 1


def test_two_editors_of_the_same_sheet(committed_alpha: Tenant) -> None:
    by, now = admin(committed_alpha), clock.now()
    row = operations.adopt(template_key="rubric-dorm", by=by, tenant=committed_alpha, now=now)
    operations.activate(rubric_id=row.pk, by=by, tenant=committed_alpha, now=now)
    seen = queries.frozen(row.pk)
    sheet = with_item(sheet_draft(seen), 0, 0, text="改过的检查内容")
    answers = at_once(
        committed_alpha,
        *[
            lambda: operations.edit(
                rubric_id=row.pk, sheet=sheet, digest=seen.digest, by=by, tenant=committed_alpha, now=now
            )
        ]
        * 2,
    )
    assert sorted(type(a) for a in answers if isinstance(a, Exception)) == [Conflict]
    assert [r.revision for r in RubricRevision.objects.filter(rubric=row)] == [2, 1]
