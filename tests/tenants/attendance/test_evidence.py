"""What a decision about evidence does to the result of the day: a granted appeal counts, and the sentinel sees and spares."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kernel.tenancy import Tenant
from tenants.attendance import operations
from tenants.attendance.choices import Mark
from tenants.attendance.errors import FenceMoved
from tenants.organisation.models import Staff
from tenants.punches import operations as punches
from tenants.punches.choices import PunchStatus
from tenants.punches.fences import distance_m
from tenants.punches.models import Punch
from tenants.punches.queries import zone_of
from tests.factories.attendance import at, derive, make_day, make_worker, result_of
from tests.factories.findings import make_member
from tests.factories.organisation import make_party, make_post, make_staff
from tests.factories.punches import HERE, make_fence, make_polygon, make_punch, north

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("granted", [True, False])
def test_a_granted_appeal_counts_for_the_day_at_the_grade_that_was_asked(alpha: Tenant, granted: bool) -> None:
    staff, worker = make_worker(alpha)
    boss = make_member(alpha)
    shift = make_day(alpha, staff, "18:00")
    weak = make_punch(
        staff, at=at(alpha, "07:55"), status="refused", refusal="too_weak", grade="D", asked="C", post=staff.post
    )
    derive(alpha)
    assert result_of(shift).mark == Mark.MISSING_IN
    case = punches.appeal(
        punch_id=weak.pk, text="我确实在岗，主管看见了", by=worker, tenant=alpha, now=at(alpha, "19:00")
    )
    punches.decide_appeal(
        appeal_id=case.pk, granted=granted, note="监控可见", by=boss, tenant=alpha, now=at(alpha, "20:00")
    )
    derive(alpha)
    weak.refresh_from_db()
    if granted:
        assert (weak.status, weak.grade, weak.vouched_by) == (PunchStatus.ACCEPTED, "C", boss.account_id)
        assert weak.note.startswith(f"申诉成立（{boss.name}）：监控可见；原因曾为：佐证只到 D 级")
    else:
        assert (weak.status, weak.grade, weak.vouched_by) == (PunchStatus.REFUSED, "D", None)
    assert result_of(shift).mark == (Mark.NORMAL if granted else Mark.MISSING_IN)


# --- 误伤哨兵 -------------------------------------------------------------------------------------


def refused(alpha: Tenant, staff: Staff, n: int, refusal: str, **fields: Any) -> None:
    for k in range(n):
        make_punch(
            staff, at=at(alpha, "07:30") + timedelta(minutes=k), status="refused", refusal=refusal, grade="D", asked="C",
            **{"post": staff.post, **fields},
        )  # fmt: skip


def good(alpha: Tenant, n: int = 40) -> None:
    """Everybody else."""
    post = make_post(party=make_party("contract"))
    for k in range(n):
        make_punch(make_staff(post=post), at=at(alpha, "08:00"), post=post, phone_id=f"q{k}")


def look(alpha: Tenant) -> list[tuple[str, str]]:
    found = operations.look_for_suspects(tenant=alpha, now=at(alpha, "21:00"))
    return sorted((s.kind, s.phone_id) for s in found)


def test_a_suspected_post_hides_no_phone_that_fails_elsewhere(alpha: Tenant) -> None:
    good(alpha)
    basement = make_post("地下室", party=make_party("contract"))
    for n in range(3):
        refused(alpha, make_staff(post=basement), 4, "outside", phone_id=f"p{n}")
    refused(alpha, make_staff(post=make_post()), 12, "stale_fix", phone_id="broken")
    assert look(alpha) == [("phone", "broken"), ("post", "")]  # and not the phones of the basement
    refused(alpha, make_staff(post=make_post()), 12, "stale_fix", phone_id="broken too")
    assert look(alpha) == [("phone", "broken too")]  # while the post waits for its decision


@pytest.mark.parametrize("kind", ["post", "phone"])
def test_a_granted_case_counts_no_other_face_and_raises_missing_certificates(
    alpha: Tenant, kind: str, django_capture_on_commit_callbacks: Any
) -> None:
    good(alpha)
    post = make_post(party=make_party("contract"), certificates=["health"])
    people = [make_staff(post=post) for _ in range(3 if kind == "post" else 1)]
    for n, staff in enumerate(people):
        for refusal in ("too_weak", "stale_fix", "face_mismatch", "not_live"):
            refused(alpha, staff, 4, refusal, phone_id=f"p{n}", lacking=["health"])
    (row,) = operations.look_for_suspects(tenant=alpha, now=at(alpha, "21:00"))
    assert row.kind == kind
    was = dict(Punch.objects.filter(status="refused").values_list("pk", "refusal"))
    with django_capture_on_commit_callbacks() as sent:
        operations.decide_suspect(
            suspect_id=row.pk, accepted=True, by=make_member(alpha), tenant=alpha, now=at(alpha, "22:00")
        )
    now = Punch.objects.filter(pk__in=was)
    assert {(was[p.pk], p.grade) for p in now if p.status == "accepted"} == {("too_weak", "C"), ("stale_fix", "C")}
    assert {was[p.pk] for p in now if p.status == "refused"} == {"face_mismatch", "not_live"}
    raised = [call.args[1]["punch_ids"] for call in sent if call.args[0] == "punches.raise_uncertified"]
    assert [set(ids) for ids in raised] == [{p.pk for p in now if p.status == "accepted"}]


def square(side: float) -> list[tuple[float, float]]:
    """A square field around HERE with sides of so many metres, as (longitude, latitude)."""
    half = side / 2 / 111_194.93
    (lat, lon), wide = HERE, half / 0.91963
    return [(lon - wide, lat - half), (lon + wide, lat - half), (lon + wide, lat + half), (lon - wide, lat + half)]


def test_a_polygon_is_proposed_with_its_line_further_out_and_changed_on_acceptance(alpha: Tenant) -> None:
    good(alpha)
    post = make_post("广场", party=make_party("contract"))
    make_fence(post, at=north(3_000))  # another one, far away: not the one that is at fault
    fence = make_polygon(post, square(100))
    lat, lon = north(85)
    for n in range(3):
        refused(
            alpha, make_staff(post=post), 4, "outside", phone_id=f"p{n}", latitude=lat, longitude=lon, accuracy_m=8.0,
            outside_m=35.0,
        )  # fmt: skip
    (row,) = operations.look_for_suspects(tenant=alpha, now=at(alpha, "21:00"))
    assert (row.kind, row.fence_id, row.proposal["grown_m"], row.proposal["p90_m"]) == ("fence", fence.pk, 40, 35)
    boss = make_member(alpha)
    operations.decide_suspect(suspect_id=row.pk, accepted=True, by=boss, tenant=alpha, now=at(alpha, "22:00"))
    fence.refresh_from_db()
    wider = zone_of(fence)
    assert len(fence.polygon) == 4
    assert distance_m(wider, *north(89)) == 0 and distance_m(wider, *north(100)) == pytest.approx(10, abs=0.5)
    assert not Punch.objects.filter(status="refused").exists()


def test_a_polygon_drawn_anew_meanwhile_is_not_overwritten(alpha: Tenant) -> None:
    good(alpha)
    post = make_post("广场", party=make_party("contract"))
    fence = make_polygon(post, square(100))
    for n in range(3):
        refused(
            alpha, make_staff(post=post), 4, "outside", phone_id=f"p{n}", latitude=north(85)[0], longitude=HERE[1],
            accuracy_m=8.0, outside_m=35.0,
        )  # fmt: skip
    (row,) = operations.look_for_suspects(tenant=alpha, now=at(alpha, "21:00"))
    type(fence).objects.filter(pk=fence.pk).update(polygon=[list(c) for c in square(120)])
    with pytest.raises(FenceMoved):
        operations.decide_suspect(
            suspect_id=row.pk, accepted=True, by=make_member(alpha), tenant=alpha, now=at(alpha, "22:00")
        )
    assert Punch.objects.filter(status="refused").count() == 12
