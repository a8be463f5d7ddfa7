"""How long certificates count, and who lacks which on a day."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kernel.tenancy import Tenant, school_context
from tenants.organisation import certificates, queries
from tenants.organisation.choices import CertificateKind, CertificateState
from tenants.organisation.models import Certificate
from tests.factories.organisation import make_certificate, make_post, make_staff


def card(issued: date, review: date | None = None, expires: date | None = None) -> Certificate:
    return Certificate(kind="electrician", issued_on=issued, review_on=review, expires_on=expires)


@pytest.mark.parametrize(
    ("kind", "issued", "review", "expires"),
    [
        ("electrician", date(2024, 5, 1), date(2027, 5, 1), date(2030, 4, 30)),
        ("health", date(2026, 3, 1), None, date(2027, 2, 28)),
        ("health", date(2024, 2, 29), None, date(2025, 2, 27)),
        ("elevator", date(2024, 2, 29), date(2028, 2, 29), None),
        ("security_guard", date(2020, 1, 1), None, None),
    ],
)
def test_review_and_end_follow_from_the_day_of_issue(
    kind: str, issued: date, review: date | None, expires: date | None
) -> None:
    assert certificates.proposed(kind, issued) == (review, expires)


@pytest.mark.parametrize(
    ("kind", "given", "completed"),
    [
        # A card with its end alone has its review all the same.
        ("electrician", (None, date(2030, 4, 30)), (date(2027, 5, 1), date(2030, 4, 30))),
        ("electrician", (date(2027, 5, 1), None), (date(2027, 5, 1), date(2030, 4, 30))),
        ("electrician", (None, None), (date(2027, 5, 1), date(2030, 4, 30))),
        # What the card says is not contradicted.
        ("electrician", (None, date(2026, 4, 30)), (None, date(2026, 4, 30))),
        ("electrician", (date(2030, 5, 1), None), (date(2030, 5, 1), None)),
        ("health", (None, None), (None, date(2025, 4, 30))),
        ("security_guard", (None, None), (None, None)),
    ],
)
def test_each_date_left_empty_is_proposed_by_itself(
    kind: str, given: tuple[date | None, date | None], completed: tuple[date | None, date | None]
) -> None:
    assert certificates.completed(kind, date(2024, 5, 1), *given) == completed


def test_every_kind_has_a_rule() -> None:
    assert set(certificates.RULES) == set(CertificateKind)
    assert certificates.kinds_of("special_work")[0] == "electrician" and certificates.kinds_of("nonsense") == ()


def test_a_certificate_counts_to_its_end_or_review_whichever_is_first() -> None:
    row = card(date(2024, 1, 1), review=date(2027, 1, 1), expires=date(2029, 12, 31))
    assert not certificates.valid_on(row, date(2023, 12, 31))
    assert certificates.valid_on(row, date(2024, 1, 1)) and certificates.valid_on(row, date(2027, 1, 1))
    assert not certificates.valid_on(row, date(2027, 1, 2))  # the review was missed
    assert certificates.valid_on(card(date(2024, 1, 1)), date(2099, 1, 1))  # no end


@pytest.mark.parametrize(
    ("review", "expires", "state"),
    [
        (None, None, CertificateState.VALID),
        (None, date(2026, 11, 24), CertificateState.EXPIRED),
        (None, date(2026, 11, 25), CertificateState.SOON),
        (None, date(2027, 2, 23), CertificateState.SOON),
        (None, date(2027, 2, 24), CertificateState.VALID),
        (date(2026, 11, 24), date(2029, 1, 1), CertificateState.REVIEW_LATE),
        (date(2026, 12, 24), date(2029, 1, 1), CertificateState.REVIEW),
        (date(2026, 1, 1), date(2026, 2, 1), CertificateState.EXPIRED),
    ],
)
def test_a_state_says_what_comes_first(review: date | None, expires: date | None, state: CertificateState) -> None:
    assert certificates.state_on(card(date(2020, 1, 1), review, expires), date(2026, 11, 25)) == state


@pytest.mark.parametrize(
    ("left", "stage"),
    [(91, None), (90, 90), (61, 90), (60, 60), (31, 60), (30, 30), (8, 30), (7, 7), (0, 7), (-1, 0), (-400, 0)],
)
def test_the_nearest_stage_is_the_one_to_tell(left: int, stage: int | None) -> None:
    today = date(2026, 11, 25)
    assert certificates.stage_of(today + timedelta(days=left), today) == stage


def test_lacks_are_found_for_many_days_in_one_query(alpha: Tenant) -> None:
    post = make_post(certificates=["electrician", "health"])
    free = make_post()
    sound, late, none = make_staff("甲"), make_staff("乙"), make_staff("丙")
    make_certificate(sound, kind="electrician", expires_on=date(2027, 1, 10))
    make_certificate(sound, kind="health")
    make_certificate(late, kind="electrician", expires_on=date(2026, 11, 1))
    make_certificate(late, kind="electrician", expires_on=date(2026, 12, 31))  # renewed: the longer one counts
    Certificate.objects.create(
        staff=late, kind="health", number="H1", issued_on=date(2025, 9, 1), review_on=date(2026, 12, 5)
    )
    days = [date(2026, 12, d) for d in (1, 5, 6)] + [date(2027, 1, 11)]
    needs = [(s.pk, p.pk, d) for s in (sound, late, none) for p in (post, free) for d in days]
    with CaptureQueriesContext(connection) as asked:
        lacks = queries.missing_certificates(needs + needs)
    assert len(asked) == 1
    said = {
        (s, d): [(x.kind.value, x.lapsed_on) for x in lacks.get((p.pk, post.pk, d), [])]
        for s, p in (("甲", sound), ("乙", late), ("丙", none))
        for d in days
    }
    assert said["甲", days[0]] == said["甲", days[2]] == []
    assert said["甲", days[3]] == [("electrician", date(2027, 1, 10))]
    assert said["乙", days[1]] == [] and said["乙", days[2]] == [("health", date(2026, 12, 5))]
    assert said["乙", days[3]] == [("electrician", date(2026, 12, 31)), ("health", date(2026, 12, 5))]
    assert said["丙", days[0]] == [("electrician", None), ("health", None)]
    assert not any(post_id == free.pk for _s, post_id, _d in lacks)  # a post that asks for nothing
    assert lacks[late.pk, post.pk, days[2]][0].sentence == "健康证明只到 2026-12-05"


def test_a_certificate_not_yet_issued_does_not_count(alpha: Tenant) -> None:
    post, person = make_post(certificates=["health"]), make_staff()
    make_certificate(person)  # issued on 2025-09-01
    day = date(2025, 8, 31)
    assert queries.missing_certificates([(person.pk, post.pk, day)])[person.pk, post.pk, day][0].lapsed_on is None


def test_nothing_asked_nothing_lacking(alpha: Tenant, beta: Tenant) -> None:
    assert queries.missing_certificates([]) == {}
    assert queries.missing_certificates([(uuid4(), uuid4(), date(2026, 1, 1))]) == {}
    post, person, day = make_post(certificates=["health"]), make_staff(), date(2026, 1, 1)
    with school_context(beta):
        assert queries.missing_certificates([(person.pk, post.pk, day)]) == {}  # not this school's post
    assert queries.missing_certificates([(person.pk, post.pk, day)])
