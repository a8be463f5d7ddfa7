"""The drawing of a proposed fence: what it holds, and to whom the positions are shown."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from identity import operations as identity
from identity.choices import GrantScope, Role
from identity.models import Account
from kernel import clock
from kernel.tenancy import Tenant
from tenants.attendance import queries
from tenants.attendance.models import Suspect
from tenants.attendance.positions import Position
from tests.factories.attendance import make_refused
from tests.factories.findings import make_member
from tests.factories.identity import make_member as make_institute_member
from tests.factories.organisation import make_party, make_post, make_staff
from tests.factories.punches import HERE, make_fence, north
from tests.graphql_api.test_evaluations import ask
from web.tenant.attendance.fence_picture import HIGH, WIDE, picture, pictures

HOST = {"host": "alpha.localhost"}
NOW = clock.now()


def spot(metres: float, accuracy: float | None = 10.0, *, outside: float | None = None) -> Position:
    lat, lon = north(metres)
    return Position(lat, lon, accuracy, metres - 50 if outside is None else outside, NOW, False)


def circle(**proposal: Any) -> Suspect:
    told = {"name": "门口", "was_m": 50, "radius_m": 90, "p90_m": 40, "was": list(HERE), **proposal}
    return Suspect(kind="fence", proposal=told, refused=3, tried=5, reason="outside")


class TestDrawing:
    def test_now_then_and_the_punches_lie_in_one_scale_north_up(self) -> None:
        drawn = picture(circle(), [spot(70), spot(85)])
        assert drawn is not None
        assert drawn.then.r / drawn.now.r == pytest.approx(90 / 50, abs=0.01)
        assert (drawn.now.x, drawn.now.y) == (drawn.then.x, drawn.then.y)
        near, far = drawn.dots
        metre = drawn.now.r / 50
        assert drawn.now.y - near.y == pytest.approx(70 * metre, abs=1) and far.y < near.y
        assert near.error == pytest.approx(10 * metre, abs=0.2)
        for shape in (drawn.now, drawn.then):
            assert shape.r <= shape.x <= WIDE - shape.r and shape.r <= shape.y <= HIGH - shape.r

    def test_it_says_which_punches_the_proposal_takes_in(self) -> None:
        drawn = picture(circle(), [spot(80), spot(95), spot(140)])
        assert drawn is not None
        assert [d.taken for d in drawn.dots] == [True, True, False]  # 95 m: beyond the line by less than its error
        assert (drawn.taken, drawn.left, drawn.away) == (2, 1, 0)

    def test_one_punch_from_another_town_does_not_shrink_the_rest(self) -> None:
        near = [spot(80) for _ in range(19)]
        drawn, with_far = picture(circle(), near), picture(circle(), [*near, spot(30_000)])
        assert drawn is not None and with_far is not None
        assert with_far.now == drawn.now and (with_far.away, with_far.left) == (1, 1)

    def test_a_moved_centre_and_a_polygon(self) -> None:
        lat, lon = north(120)
        moved = picture(circle(latitude=lat, longitude=lon, radius_m=50), [spot(120)])
        assert moved is not None and moved.then.y < moved.now.y and moved.then.r == moved.now.r
        ring = [[HERE[1], HERE[0]], [HERE[1] + 0.001, HERE[0]], [HERE[1], HERE[0] + 0.001]]
        row = Suspect(kind="fence", proposal={"name": "广场", "was_polygon": ring, "polygon": ring, "grown_m": 10})
        drawn = picture(row, [])
        assert drawn is not None and drawn.now.points.count(",") == 3 and drawn.dots == ()

    def test_without_a_fence_to_change_nothing_is_drawn(self) -> None:
        assert pictures([Suspect(kind="phone", proposal={})], []) == {}


@pytest.fixture
def case(alpha: Tenant) -> Suspect:
    """An open case of a fence of 50 m: two refused 70 m away, one of which has no position any more."""
    post = make_post("地下车库", party=make_party("contract"))
    fence, person = make_fence(post, radius_m=50), make_staff("赵六", post=post)
    lat, lon = north(70)
    given: dict[str, Any] = {"accuracy_m": 8.0, "outside_m": 20.0, "phone_id": "p1"}
    make_refused(person, NOW - timedelta(hours=5), latitude=lat, longitude=lon, **given)
    make_refused(person, NOW - timedelta(hours=4), latitude=None, longitude=None, **given)
    return Suspect.objects.create(
        kind="fence", post=post, fence=fence, label="清源物业 · 地下车库", key=f"post:{post.pk}", people=2, low=0.4,
        since=NOW - timedelta(days=1), until=NOW, refused=8, tried=10, others_refused=1, others_tried=90, reason="outside",
        proposal={"name": fence.name, "was_m": 50, "radius_m": 90, "p90_m": 20},
    )  # fmt: skip


def client_of(account: Account) -> Client:
    client = Client(headers=HOST)
    client.force_login(account)
    return client


def office(alpha: Tenant, role: Role = Role.SCHOOL_SUPERVISOR) -> Client:
    return client_of(Account.objects.get(pk=make_member(alpha, role).account_id))


def guest(alpha: Tenant, *scopes: GrantScope) -> Client:
    day = NOW.astimezone(alpha.tz).date()
    identity.grant_access(
        scopes=scopes, starts_on=day, ends_on=day, reason="评估", by=make_member(alpha, Role.SCHOOL_ADMIN), tenant=alpha,
        now=NOW,
    )  # fmt: skip
    return client_of(make_institute_member(Role.INSTITUTE_ANALYST).account)


PAGE = "/attendance/suspects/"
POINTS = "{ attendanceSuspects(first: 5) { edges { node { label positions { outsideM accuracyM counted } } } } }"


def test_the_page_draws_the_fence_now_then_and_the_refused_punches(alpha: Tenant, case: Suspect) -> None:
    seen = office(alpha).get(PAGE).content.decode()
    assert 'class="fence-picture"' in seen and seen.count('class="punch') == 1
    assert "现在的范围，半径 50 米" in seen and "建议的范围，半径 90 米" in seen
    assert "采纳后在范围内：<b>1 次</b>" in seen and "赵六" not in seen
    assert 'data-confirm="采纳建议并修改打卡范围' in seen


@pytest.mark.parametrize(
    ("status", "said"), [("accepted", "采纳的范围，半径 90 米"), ("rejected", "当时的范围，半径 50 米")]
)
def test_a_decided_case_says_what_it_was_and_asks_nothing(alpha: Tenant, case: Suspect, status: str, said: str) -> None:
    Suspect.objects.update(status=status, decided_at=NOW, decided_by_name="督查员")
    seen = office(alpha).get(f"{PAGE}?status={status}").content.decode()
    assert said in seen and "现在的范围" not in seen and 'value="accept"' not in seen


def test_a_leader_looks_and_does_not_decide(alpha: Tenant, case: Suspect) -> None:
    seen = office(alpha, Role.SCHOOL_LEADER).get(PAGE).content.decode()
    assert 'class="fence-picture"' in seen and "由学校监管人员决定" in seen and 'value="accept"' not in seen


def test_results_alone_show_no_positions(alpha: Tenant, case: Suspect) -> None:
    seen = guest(alpha, GrantScope.ATTENDANCE).get(PAGE).content.decode()
    assert "地下车库" in seen and 'class="punch' not in seen


def test_with_punches_too_they_are_shown(alpha: Tenant, case: Suspect) -> None:
    seen = guest(alpha, GrantScope.ATTENDANCE, GrantScope.PUNCHES).get(PAGE).content.decode()
    assert seen.count('class="punch') == 1


def test_the_api_says_where_they_were(alpha: Tenant, case: Suspect) -> None:
    (edge,) = ask(office(alpha), POINTS)["attendanceSuspects"]["edges"]
    assert edge["node"]["positions"] == [{"outsideM": 20.0, "accuracyM": 8.0, "counted": False}]


def test_a_page_of_cases_takes_one_query_for_all_positions(
    alpha: Tenant, case: Suspect, django_assert_num_queries: Any
) -> None:
    by = make_member(alpha)
    rows = list(queries.suspects(by=by)) * 5
    with django_assert_num_queries(1):
        queries.suspect_positions(rows, by=by)
