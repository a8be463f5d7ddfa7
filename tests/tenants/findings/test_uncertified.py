"""Presence without the certificate opens a finding: once per person, post and day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from kernel import clock
from kernel.tenancy import Tenant
from tenants.findings import operations
from tenants.findings.choices import FindingSource, FindingStatus, Severity
from tenants.findings.models import Finding
from tenants.organisation.models import Post
from tenants.punches.models import Punch
from tests.factories.findings import make_member
from tests.factories.organisation import make_contract, make_place, make_post, make_staff
from tests.factories.punches import make_punch
from workers.tasks import punches as tasks

NOW = datetime(2026, 6, 15, 4, tzinfo=UTC)


def substation(**fields: Any) -> Post:
    party = make_contract()
    return make_post(
        "配电值班", party=party, line="equipment", place=make_place(), certificates=["electrician"], **fields
    )


def uncertified(post: Post, *, at: datetime = NOW, staff: Any = None, **fields: Any) -> Punch:
    return make_punch(
        staff or make_staff("赵六", post=post), at=at, post=post, place=post.place, lacking=["electrician"], **fields
    )


def opened(tenant: Tenant, *rows: Punch) -> list[Finding]:
    return operations.open_uncertified(punch_ids=[r.pk for r in rows], tenant=tenant, now=NOW)


def test_it_goes_to_the_company_of_the_post_with_the_sentence_of_what_lacks(alpha: Tenant) -> None:
    post = substation()
    (row,) = opened(alpha, uncertified(post))
    assert (row.source, row.severity, row.status) == (FindingSource.ATTENDANCE, Severity.MAJOR, FindingStatus.OPEN)
    assert (row.party_id, row.place_id, row.line) == (post.party_id, post.place_id, "equipment")
    assert row.title.startswith("无证上岗：配电值班缺") and "赵六 6月15日" in row.detail


def test_once_per_person_post_and_day_however_often(alpha: Tenant) -> None:
    post, other = substation(), substation()
    first = uncertified(post)
    again = uncertified(post, at=NOW + timedelta(hours=5), staff=first.staff)
    assert len(opened(alpha, first, again)) == 1
    assert len(opened(alpha, first)) == 1 and Finding.objects.count() == 1  # the message came twice
    opened(alpha, uncertified(post, at=NOW + timedelta(days=1), staff=first.staff))  # another day
    opened(alpha, uncertified(other, staff=first.staff))  # another post
    opened(alpha, uncertified(post))  # another person
    assert Finding.objects.count() == 4


def test_a_refused_punch_a_certified_one_and_one_of_no_post_open_nothing(alpha: Tenant) -> None:
    post = substation()
    rows = [
        uncertified(post, status="refused", refusal="outside"), make_punch(make_staff(post=post), at=NOW, post=post),
        make_punch(make_staff(), at=NOW, lacking=["electrician"]),
    ]  # fmt: skip
    assert opened(alpha, *rows) == [] and not Finding.objects.exists()


def test_without_a_place_or_with_a_party_that_is_no_more_only_the_notice_stands(alpha: Tenant) -> None:
    nowhere = make_post(party=make_contract(), certificates=["electrician"])
    gone = substation()
    type(gone.party).objects.filter(pk=gone.party_id).update(active=False)
    assert opened(alpha, uncertified(nowhere), uncertified(gone)) == []


def test_the_job_tells_and_opens_and_may_run_twice(alpha: Tenant) -> None:
    make_member(alpha)
    row = uncertified(substation(), at=clock.now())
    assert tasks.raise_uncertified.run(tenant=alpha, punch_ids=[row.pk]) == 1
    assert tasks.raise_uncertified.run(tenant=alpha, punch_ids=[row.pk]) == 0
    assert Finding.objects.count() == 1
