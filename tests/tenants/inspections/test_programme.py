"""抽检排程: what comes first and why, what fits, the order of the walk, and what ticks it off."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from identity.choices import Role
from kernel import clock
from kernel.clock import day_bounds
from kernel.errors import Invalid, NotAllowed
from kernel.tenancy import Tenant
from tenants.inspections import boards, metrics, operations, programme
from tenants.inspections.models import Inspection, Programme
from tenants.inspections.operations.planning import ProgrammeAccepted, StopDone, StopTwice
from tenants.notices.models import Notice
from tenants.organisation.models import Place
from tenants.rubrics.models import Section
from tenants.timeline.models import Event
from tests.factories.findings import make_finding, make_member, make_submitted
from tests.factories.inspections import make_done, make_inspection
from tests.factories.organisation import make_place

NOW = clock.now()


def monday(tenant: Tenant) -> datetime:
    today = NOW.astimezone(tenant.tz).date()
    return day_bounds(programme.monday_of(today), tenant.tz)[0]


def campus(*names: str) -> tuple[Place, list[Place]]:
    top = make_place(kind="campus")
    return top, [make_place(name, kind="building", parent=top) for name in names]


def seen(tenant: Tenant, place: Place, days: int) -> Inspection:
    row = make_done(tenant, place=place, answers=None)
    Inspection.objects.filter(pk=row.pk).update(
        started_at=monday(tenant) - timedelta(days=days, minutes=30), finished_at=monday(tenant) - timedelta(days=days)
    )
    return row


def known(tenant: Tenant) -> dict[str, programme.Candidate]:
    return {c.name.split(" / ")[-1]: c for c in programme.candidates(at=monday(tenant))}


def test_what_is_known_of_a_place(alpha: Tenant) -> None:
    _top, (library, gym, never) = campus("图书馆", "体育馆", "新楼")
    room = make_place("阅览室", kind="floor", parent=library)
    before = monday(alpha) - timedelta(days=2)
    seen(alpha, library, 40)
    seen(alpha, room, 5)  # a walk of one room is none of the building
    seen(alpha, gym, 3)
    make_finding(alpha, place=room, severity="critical", now=before)
    make_submitted(alpha, place=room, now=before)
    make_finding(alpha, place=gym, now=before - timedelta(days=200))
    found = known(alpha)
    one = found["图书馆"]
    assert (one.days, one.weight, one.faults, one.unverified, one.late) == (40, 10, 2, 1, 1)
    assert one.why == "已 40 天未巡查（目标 30 天一次），1 个整改待复查，1 个整改已超期，近 90 天发现 2 个问题。"
    assert (found["体育馆"].days, found["体育馆"].faults, found["体育馆"].late) == (3, 0, 1)
    assert (found["新楼"].days, found["新楼"].score) == (None, 80)
    assert [c.name.split(" / ")[-1] for c in programme.chosen(found.values(), minutes=1000)] == [
        "图书馆", "新楼", "体育馆",
    ]  # fmt: skip
    assert str(never.pk) in found["新楼"].path


def test_it_fits_the_minutes_and_walks_in_the_order_of_the_tree(alpha: Tenant) -> None:
    _top, buildings = campus("甲楼", "乙楼", "丙楼", "丁楼")
    Place.objects.filter(pk=buildings[3].pk).update(position=0)
    for n, building in enumerate(buildings[:3], start=1):
        Place.objects.filter(pk=building.pk).update(position=n)
    for building, days in zip(buildings, (1, 50, 1, 60), strict=True):
        seen(alpha, building, days)
    week = programme.monday_of(NOW.astimezone(alpha.tz).date())
    short = programme.propose(week=week, minutes=65, tz=alpha.tz)  # two visits of 30 and the way between
    assert [p.candidate.name.split(" / ")[-1] for p in short] == ["丁楼", "乙楼"]
    assert programme.propose(week=week, minutes=64, tz=alpha.tz) != short
    assert programme.propose(week=week, minutes=65, tz=alpha.tz) == short  # the same data and week, the same list


def test_it_is_one_statement_however_many_places(alpha: Tenant, django_assert_num_queries) -> None:
    campus(*(f"{n}号楼" for n in range(12)))
    with django_assert_num_queries(2):
        assert len(programme.candidates(at=NOW)) == 12


def test_proposed_edited_accepted_and_ticked_off(alpha: Tenant) -> None:
    by = make_member(alpha)
    _top, (one, two, three) = campus("一号楼", "二号楼", "三号楼")
    call = {"by": by, "tenant": alpha, "now": NOW}
    today = NOW.astimezone(alpha.tz).date()
    row = operations.propose_programme(week=today, minutes=90, **call)
    assert row.stops.count() == 2
    outside = ({one.pk, two.pk, three.pk} - set(row.stops.values_list("place_id", flat=True))).pop()
    added = operations.add_stop(programme_id=row.pk, place_id=outside, **call)
    with pytest.raises(StopTwice):
        operations.add_stop(programme_id=row.pk, place_id=outside, **call)
    again = operations.propose_programme(week=today, minutes=90, **call)
    assert again.pk == row.pk and again.stops.filter(pk=added.pk).exists() and again.stops.count() == 2
    other = again.stops.exclude(pk=added.pk).get()
    mate = make_member(alpha)
    operations.assign_stop(stop_id=other.pk, inspector_id=mate.account_id, **call)
    operations.accept_programme(programme_id=row.pk, **call)
    assert Notice.objects.filter(account_id=mate.account_id, title__contains="抽检任务").exists()
    with pytest.raises(ProgrammeAccepted):
        operations.propose_programme(week=today, minutes=600, **call)
    make_inspection(alpha, place=other.place)  # begun is not done
    other.refresh_from_db()
    assert other.done_at is None
    walk = make_done(alpha, place=other.place, by=mate, answers=None)
    other.refresh_from_db()
    assert other.inspection_id == walk.pk
    with pytest.raises(StopDone):
        operations.drop_stop(stop_id=other.pk, by=by, tenant=alpha)
    assert [s.pk for s in boards.this_week(now=NOW, tz=alpha.tz, by=mate)] == [
        s.pk for s in row.stops.order_by("position")
    ]
    operations.drop_stop(stop_id=added.pk, by=by, tenant=alpha)
    assert row.stops.count() == 1


def test_a_walk_of_one_room_does_not_tick_off_the_building(alpha: Tenant) -> None:
    by = make_member(alpha)
    _top, (one,) = campus("一号楼")
    room = make_place("101", kind="floor", parent=one)
    row = operations.propose_programme(week=NOW.astimezone(alpha.tz).date(), minutes=90, by=by, tenant=alpha, now=NOW)
    make_done(alpha, place=room, by=by, answers=None)
    assert row.stops.filter(done_at=None).count() == 1


def test_one_item_answered_on_a_walk_of_the_campus_covers_nothing(alpha: Tenant) -> None:
    by = make_member(alpha)
    top, (one, two) = campus("一号楼", "二号楼")
    row = operations.propose_programme(week=NOW.astimezone(alpha.tz).date(), minutes=600, by=by, tenant=alpha, now=NOW)
    make_done(alpha, place=top, by=by)
    make_done(alpha, place=top, by=by, answers=None)
    make_done(alpha, place=one, by=by, answers=1)  # too little of its sheet
    assert row.stops.filter(done_at=None).count() == 2
    later = clock.now() + timedelta(minutes=1)
    assert [c.covered for c in programme.candidates(at=later)] == [False, False]
    make_done(alpha, place=two, by=by, answers=None)
    assert list(row.stops.exclude(done_at=None).values_list("place_id", flat=True)) == [two.pk]
    later = clock.now() + timedelta(minutes=1)
    assert {c.place_id: c.covered for c in programme.candidates(at=later)} == {one.pk: False, two.pk: True}


def test_a_sheet_ticked_in_seconds_covers_nothing_and_the_list_says_so(alpha: Tenant) -> None:
    by = make_member(alpha)
    _top, (one,) = campus("一号楼")
    row = operations.propose_programme(week=NOW.astimezone(alpha.tz).date(), minutes=600, by=by, tenant=alpha, now=NOW)
    then = NOW - timedelta(hours=1)
    walk = make_inspection(alpha, place=one, by=by, now=then)
    for section in Section.objects.all():
        operations.pass_rest(
            inspection_id=walk.pk, section_id=section.pk, by=by, tenant=alpha, now=then + timedelta(seconds=3)
        )
    operations.finish(inspection_id=walk.pk, by=by, tenant=alpha, now=then + timedelta(seconds=6))
    assert row.stops.filter(done_at=None).count() == 1
    [found] = programme.candidates(at=NOW + timedelta(days=1))
    assert (found.covered, found.days, found.glanced) == (False, None, True)
    assert "最近一次没有看够，不计入覆盖" in found.why
    period = {"starts": NOW - timedelta(days=1), "ends": NOW + timedelta(days=1)}
    assert [c.numerator for c in metrics.coverage(**period)] == [0]
    assert "用时过短" in Event.objects.get(verb="inspection.finished").sentence
    make_done(alpha, place=one, by=by, answers=None, now=NOW)
    [found] = programme.candidates(at=NOW + timedelta(days=1))
    assert (found.covered, found.glanced) == (True, False)
    assert [c.numerator for c in metrics.coverage(**period)] == [1]
    assert row.stops.filter(done_at=None).count() == 0


def test_a_short_sheet_takes_a_short_time(alpha: Tenant) -> None:
    by = make_member(alpha)
    _top, (one,) = campus("一号楼")
    asked = make_done(alpha, place=one, by=by, answers=None).results.count()
    Inspection.objects.all().delete()
    pace_of = timedelta(seconds=20 * asked)
    make_done(alpha, place=one, by=by, answers=None, now=NOW, took=pace_of - timedelta(seconds=1))
    assert [c.covered for c in programme.candidates(at=NOW + timedelta(days=1))] == [False]
    make_done(alpha, place=one, by=by, answers=None, now=NOW, took=pace_of)
    assert [c.covered for c in programme.candidates(at=NOW + timedelta(days=1))] == [True]


def test_what_is_kept_by_hand_is_not_proposed_again(alpha: Tenant) -> None:
    by = make_member(alpha)
    _top, (one, two) = campus("一号楼", "二号楼")
    make_finding(alpha, place=one, severity="critical", now=monday(alpha) - timedelta(days=2))  # comes first by points
    call = {"by": by, "tenant": alpha, "now": NOW}
    today = NOW.astimezone(alpha.tz).date()
    row = operations.propose_programme(week=today, minutes=40, **call)
    row.stops.all().delete()
    kept = operations.add_stop(programme_id=row.pk, place_id=one.pk, **call)
    again = operations.propose_programme(week=today, minutes=90, **call)
    assert set(again.stops.values_list("place_id", flat=True)) == {kept.place_id, two.pk}


def test_coverage_of_each_kind(alpha: Tenant) -> None:
    by, admin = make_member(alpha), make_member(alpha, Role.SCHOOL_ADMIN)
    _top, (one, _two) = campus("一号楼", "二号楼")
    make_done(alpha, place=one, answers=None)
    later = clock.now() + timedelta(minutes=1)
    building = boards.coverage_now(now=later, row=None, by=by)[0]
    assert (building.kind, building.total, building.covered, building.percent) == ("building", 2, 1, 50)
    row = operations.propose_programme(
        week=later.astimezone(alpha.tz).date(), minutes=600, by=by, tenant=alpha, now=later
    )
    assert boards.coverage_now(now=later, row=row, by=by)[0].planned == 2
    operations.set_coverage_target(kind="floor", every_days=90, by=admin, tenant=alpha)
    assert set(programme.targets()) == {"building", "area", "floor"}
    operations.set_coverage_target(kind="area", every_days=None, by=admin, tenant=alpha)
    assert set(programme.targets()) == {"building", "floor"}
    with pytest.raises(Invalid):
        operations.set_coverage_target(kind="floor", every_days=0, by=admin, tenant=alpha)


def test_next_week_is_proposed_once_from_friday_noon(alpha: Tenant) -> None:
    supervisor = make_member(alpha)
    campus("一号楼")
    friday = programme.monday_of(NOW.astimezone(alpha.tz).date()) + timedelta(days=4)
    noon = datetime(friday.year, friday.month, friday.day, 12, tzinfo=alpha.tz)
    assert operations.propose_next_week(tenant=alpha, now=noon - timedelta(minutes=1)) is None
    row = operations.propose_next_week(tenant=alpha, now=noon)
    assert row is not None and row.week == friday + timedelta(days=3)
    assert operations.propose_next_week(tenant=alpha, now=noon + timedelta(hours=1)) is None
    assert Notice.objects.filter(account_id=supervisor.account_id, title__startswith="下周抽检计划").count() == 1
    assert Programme.objects.count() == 1


def test_only_overseers_plan(alpha: Tenant) -> None:
    today = NOW.astimezone(alpha.tz).date()
    for role in (Role.FRONTLINE, Role.PROVIDER_MANAGER):
        outsider = make_member(alpha, role, provider_id=uuid4() if role == Role.PROVIDER_MANAGER else None)
        with pytest.raises(NotAllowed):
            operations.propose_programme(week=today, minutes=60, by=outsider, tenant=alpha, now=NOW)
        with pytest.raises(NotAllowed):
            boards.week_of(today, by=outsider)
    with pytest.raises(Invalid):
        operations.propose_programme(
            week=today - timedelta(days=30), minutes=60, by=make_member(alpha), tenant=alpha, now=NOW
        )
