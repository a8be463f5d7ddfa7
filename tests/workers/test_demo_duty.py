"""What the demo shows of duty, patrols and blind scoring: each state that waits for somebody, at times of its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from identity.choices import Role
from kernel import clock
from kernel.tenancy import Tenant
from tenants.duty.models import CameraReport, LogEntry
from tenants.findings.models import Finding
from tenants.inspections import monthly
from tenants.inspections.models import Calibration
from tenants.organisation.models import LineSetting
from tenants.patrols.models import Stop, Tour
from tenants.timeline.models import Event
from tests.factories.findings import make_member
from tests.factories.organisation import make_contract, make_place, make_post, make_staff
from tests.factories.rubrics import make_rubric
from workers.demo.school import boards, duty, patrols
from workers.demo.schools import PLANS, People


@pytest.fixture
def who(alpha: Tenant) -> People:
    """People who act, guards, and the buildings of the demo."""
    party = make_contract(lines=["security"])
    LineSetting.objects.update_or_create(line="security", defaults={"mode": "outsourced", "party": party})
    for name, (_where, _rules, heads) in duty.POSTS.items():
        post = make_post(name, party=party, line="security")
        for _person in range(heads):
            make_staff(post=post, party=party)
    campus = make_place("东校区")
    for building in {b for route in patrols.ROUTES.values() for b in route}:
        make_place("门厅", parent=make_place(building, parent=campus, kind="building"), kind="point")
    admin, leader = make_member(alpha, Role.SCHOOL_ADMIN), make_member(alpha, Role.SCHOOL_LEADER)
    return People(
        admin=admin,
        leader=leader,
        supervisors=(make_member(alpha), make_member(alpha, name="监管员乙")),
        provider=admin,
    )


def test_a_copied_picture_an_explanation_that_waits_and_scans_at_their_own_times(
    alpha: Tenant, who: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patrols, "NIGHTS", 3)
    patrols.make(PLANS[0], who, alpha, now=clock.now(), seed=1)
    east = list(Tour.objects.filter(route__name="东校区夜巡").exclude(status="due").order_by("-starts_at")[:3])
    one_less, copied, shown = east
    assert [c["other_number"] for c in copied.copies] == [shown.number] * 2
    assert [c["same_file"] for c in copied.copies] == [False, True] and (copied.credibility or 0) < 60
    assert list(one_less.stops.exclude(status="seen").values_list("status", "reviewed_at")) == [("explained", None)]
    assert not any(t.copies for t in Tour.objects.exclude(pk=copied.pk))
    assert not Finding.objects.filter(source_id=str(one_less.pk)).exists()
    told = Event.objects.filter(verb="patrol.scanned").values_list("at", flat=True)
    assert sorted(told) == sorted(Stop.objects.filter(status="seen").values_list("scanned_at", flat=True))


def test_of_three_camera_reports_one_waits_and_logs_run_forward(
    alpha: Tenant, who: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duty, "DAYS", 2)
    now = clock.now()
    duty.make(PLANS[0], who, alpha, now=now, seed=1)
    reports = {row.status: row for row in CameraReport.objects.all()}
    assert sorted(reports) == ["confirmed", "new", "rejected"]
    assert Finding.objects.get(pk=reports["confirmed"].finding_id).source == "presence"
    assert reports["new"].finding_id is None and reports["rejected"].finding_id is None
    assert now - timedelta(hours=1) < reports["new"].received_at < now  # not late yet
    logs: dict[object, list[datetime]] = {}
    for post_id, at in LogEntry.objects.order_by("seq").values_list("post_id", "at"):
        logs.setdefault(post_id, []).append(at)
    assert len(logs) == 4 and all(times == sorted(times) for times in logs.values())
    off = Event.objects.filter(verb="duty.signed_off").values_list("at", flat=True)
    assert sorted(off) == sorted(LogEntry.objects.filter(kind="off").values_list("at", flat=True))


@pytest.mark.parametrize("number", [0, 1])
def test_one_school_scores_blind_and_the_other_has_yet_to_arrange_it(alpha: Tenant, who: People, number: int) -> None:
    now = datetime(2026, 11, 20, 3, tzinfo=UTC)
    make_rubric(lines=("cleaning",))
    make_rubric(title="公寓考核表", lines=("dormitory",))
    boards.make(PLANS[number], who, alpha, now=now, seed=1)
    waiting = Calibration.objects.filter(status="open")
    assert [row.seats.filter(submitted_at=None).count() for row in waiting] == ([] if number else [1])
    assert (monthly.of_month(now=now, tenant=alpha) is None) == bool(number)
    assert monthly.proposal(now=now, tenant=alpha) is not None
