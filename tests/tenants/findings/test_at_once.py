"""Two verifiers press at the same moment; a phone sends the same thing several times at once: each takes hold once."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from identity.choices import Role
from kernel import clock
from kernel.ids import new_id
from kernel.tenancy import Tenant
from tenants.findings import operations
from tenants.findings.models import Finding, Step
from tenants.findings.operations import WrongMove
from tenants.timeline.models import Event
from tests.at_once import at_once
from tests.factories.findings import make_finding, make_member, make_photo, make_submitted
from tests.factories.organisation import make_party, make_place


@pytest.fixture
def school(committed_alpha: Tenant, settings: Any, tmp_path: Path) -> Tenant:
    settings.MEDIA_ROOT = tmp_path
    return committed_alpha


def steps(finding: Finding, kind: str) -> int:
    return Step.objects.filter(finding=finding, kind=kind).count()


def test_of_two_verifiers_one_closes_and_the_other_is_told(school: Tenant) -> None:
    found, now = make_submitted(school), clock.now()
    judge = partial(operations.verify_pass, finding_id=found.pk, tenant=school, now=now)
    answers = at_once(school, *[partial(judge, by=make_member(school)) for _ in range(3)])
    assert sorted(type(a).__name__ for a in answers) == ["Finding", "WrongMove", "WrongMove"]
    assert steps(found, "passed") == Event.objects.filter(verb="finding.closed").count() == 1
    found.refresh_from_db()
    assert found.status == "closed" and found.closed_by in {a.closed_by for a in answers if isinstance(a, Finding)}


def test_a_pass_and_a_rejection_do_not_both_take_hold(school: Tenant) -> None:
    found, now = make_submitted(school), clock.now()
    answers = at_once(
        school,
        partial(operations.verify_pass, finding_id=found.pk, by=make_member(school), tenant=school, now=now),
        partial(
            operations.verify_reject,
            finding_id=found.pk,
            reason="还有积水",
            by=make_member(school),
            tenant=school,
            now=now,
        ),
    )
    assert sum(isinstance(a, WrongMove) for a in answers) == 1
    assert steps(found, "passed") + steps(found, "rejected") == 1
    found.refresh_from_db()
    assert found.status == ("closed" if steps(found, "passed") else "fixing")


def test_a_verdict_sent_three_times_at_once_counts_once(school: Tenant) -> None:
    found, by, key = make_submitted(school), make_member(school), str(new_id())
    send = partial(operations.verify_pass, finding_id=found.pk, by=by, tenant=school, now=clock.now(), client_key=key)
    answers = at_once(school, send, send, send)
    assert [a.pk for a in answers] == [found.pk] * 3, answers
    assert steps(found, "passed") == Event.objects.filter(verb="finding.closed").count() == 1


def test_a_finding_sent_three_times_at_once_is_opened_once(school: Tenant) -> None:
    by, key = make_member(school), str(new_id())
    send = partial(
        operations.open_finding, title="灯不亮", place_id=make_place().pk, party_id=make_party().pk, line="cleaning",
        photo_ids=[make_photo(school, by).pk], by=by, tenant=school, now=clock.now(), client_key=key,
    )  # fmt: skip
    answers = at_once(school, send, send, send)
    assert len({a.pk for a in answers}) == 1, answers
    assert Finding.objects.count() == Event.objects.filter(verb="finding.opened").count() == 1


def test_a_fix_sent_three_times_at_once_is_one_step(school: Tenant) -> None:
    party = make_party("contract", provider_id=new_id())
    fixer = make_member(school, Role.PROVIDER_MANAGER, provider_id=party.provider_id)
    found = make_finding(school, party=party)
    send = partial(
        operations.submit_fix, finding_id=found.pk, photo_ids=[make_photo(school, fixer).pk], by=fixer, tenant=school,
        now=clock.now(), client_key=str(new_id()),
    )  # fmt: skip
    answers = at_once(school, send, send, send)
    assert [a.pk for a in answers] == [found.pk] * 3, answers
    assert steps(found, "submitted") == 1
    other = partial(send, client_key="")
    assert [type(a) for a in at_once(school, other, other)] == [WrongMove, WrongMove]
