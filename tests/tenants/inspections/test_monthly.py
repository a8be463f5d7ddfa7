"""每月判分校准: proposed by risk, arranged by one tap, and nobody left to remember it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from identity.choices import Role
from identity.contracts import Actor
from kernel.errors import NotAllowed
from kernel.tenancy import Tenant
from tenants.inspections import boards, monthly, operations
from tenants.inspections.models import Calibration, Checklist
from tenants.inspections.operations import NothingToPropose
from tenants.notices.models import Notice
from tests.factories.findings import make_finding, make_member
from tests.factories.organisation import make_place
from tests.factories.rubrics import make_rubric

TITLE = "11 月还没有安排判分校准"


def at(alpha: Tenant, day: int, hour: int = 9, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=alpha.tz)


def a_sheet(tenant: Tenant, title: str = "日检", *, line: str = "cleaning", kind: str = "") -> Checklist:
    rubric = make_rubric(title=f"{title}的标准", lines=(line,))
    items = [i.pk for s in rubric.sections.all() for i in s.items.all()]
    admin = make_member(tenant, Role.SCHOOL_ADMIN)
    return operations.save_checklist(
        title=title, rubric_id=rubric.pk, item_ids=items, kind=kind, by=admin, tenant=tenant
    )


def two_buildings(tenant: Tenant, *, now: datetime) -> tuple[object, object]:
    """A quiet one and one with problems."""
    top = make_place(kind="campus")
    quiet, troubled = (make_place(name, kind="building", parent=top) for name in ("甲楼", "乙楼"))
    make_finding(tenant, place=troubled, severity="major", now=now - timedelta(days=3))
    return quiet, troubled


def reminders() -> list[tuple[object, str]]:
    return list(Notice.objects.filter(title=TITLE).order_by("pk").values_list("account_id", "kind"))


def test_the_proposal_takes_the_risk_and_who_scored_longest_ago(alpha: Tenant) -> None:
    now = at(alpha, 10)
    quiet, troubled = two_buildings(alpha, now=now)
    sheet = a_sheet(alpha)
    a_sheet(alpha, "一张专项表", kind="air")  # of the same line, but no routine
    one, two, three = (make_member(alpha, name=name) for name in "甲乙丙")
    leader = make_member(alpha, Role.SCHOOL_LEADER, name="长")
    wanted = monthly.proposal(now=now, tenant=alpha)
    assert wanted is not None and wanted.place_id == troubled.pk and "发现 1 个问题" in wanted.why  # type: ignore[attr-defined]
    assert [p.account_id for p in wanted.scorers] == [
        p.account_id for p in sorted((one, two, three), key=lambda p: p.name)[:2]
    ]
    assert (wanted.checklist_id, wanted.closes_at) == (sheet.pk, at(alpha, 17, 18))
    row = operations.arrange_proposed(by=leader, tenant=alpha, now=now)
    assert set(row.seats.values_list("account_id", flat=True)) == {p.account_id for p in wanted.scorers}
    later = monthly.proposal(now=at(alpha, 10, month=12), tenant=alpha)
    assert later is not None and later.place_id == quiet.pk  # type: ignore[attr-defined]
    left_out = {one.account_id, two.account_id, three.account_id} - {p.account_id for p in wanted.scorers}
    assert later.scorers[0].account_id in left_out


def test_one_tap_twice_is_one_calibration_a_month(alpha: Tenant) -> None:
    now = at(alpha, 10)
    two_buildings(alpha, now=now)
    a_sheet(alpha)
    make_member(alpha, name="甲"), make_member(alpha, name="乙")
    leader = make_member(alpha, Role.SCHOOL_LEADER)
    row = operations.arrange_proposed(by=leader, tenant=alpha, now=now)
    assert operations.arrange_proposed(by=leader, tenant=alpha, now=at(alpha, 30, 23)) == row
    assert Calibration.objects.count() == 1
    assert boards.missing_this_month(now=now, tenant=alpha, by=leader) == (False, None)
    operations.void_calibration(calibration_id=row.pk, by=leader, tenant=alpha, now=now)
    missing, wanted = boards.missing_this_month(now=now, tenant=alpha, by=leader)
    assert missing and wanted is not None
    assert operations.arrange_proposed(by=leader, tenant=alpha, now=now) != row  # a called-off one is none
    assert operations.arrange_proposed(by=leader, tenant=alpha, now=at(alpha, 1, month=12)).opens_at == at(
        alpha, 1, month=12
    )
    assert Calibration.objects.count() == 3


def test_only_who_may_arrange_sees_and_taps_the_proposal(alpha: Tenant) -> None:
    supervisor = make_member(alpha)
    assert boards.missing_this_month(now=at(alpha, 10), tenant=alpha, by=supervisor) == (False, None)
    with pytest.raises(NotAllowed):
        operations.arrange_proposed(by=supervisor, tenant=alpha, now=at(alpha, 10))
    with pytest.raises(NotAllowed):
        boards.missing_this_month(now=at(alpha, 10), tenant=alpha, by=make_member(alpha, Role.FRONTLINE))


def test_without_a_sheet_there_is_nothing_to_propose(alpha: Tenant) -> None:
    two_buildings(alpha, now=at(alpha, 10))
    make_member(alpha), make_member(alpha)
    leader = make_member(alpha, Role.SCHOOL_LEADER)
    assert boards.missing_this_month(now=at(alpha, 10), tenant=alpha, by=leader) == (True, None)
    with pytest.raises(NothingToPropose):
        operations.arrange_proposed(by=leader, tenant=alpha, now=at(alpha, 10))
    a_sheet(alpha, "食堂日检", line="canteen")  # of another line than the troubled building; the quiet one has none
    wanted = monthly.proposal(now=at(alpha, 10), tenant=alpha)
    assert wanted is not None and wanted.place_name.endswith("甲楼")


def test_a_month_without_one_is_told_from_the_tenth_and_the_twenty_fifth(alpha: Tenant) -> None:
    two_buildings(alpha, now=at(alpha, 1))
    a_sheet(alpha)
    make_member(alpha), make_member(alpha)
    leader: Actor = make_member(alpha, Role.SCHOOL_LEADER)
    Notice.objects.all().delete()
    for early in (at(alpha, 9, 23), at(alpha, 10, 7)):
        assert operations.remind_calibration(tenant=alpha, now=early) == 0
    assert reminders() == []
    for _again in range(3):
        operations.remind_calibration(tenant=alpha, now=at(alpha, 10, 8))
        operations.remind_calibration(tenant=alpha, now=at(alpha, 24, 9))
    mine = [kind for account, kind in reminders() if account == leader.account_id]
    assert mine == ["todo"]
    operations.remind_calibration(tenant=alpha, now=at(alpha, 25, 9))
    operations.remind_calibration(tenant=alpha, now=at(alpha, 30, 9))
    assert [kind for account, kind in reminders() if account == leader.account_id] == ["todo", "late"]
    assert Notice.objects.filter(title=TITLE, text__contains="乙楼").exists()
    operations.arrange_proposed(by=leader, tenant=alpha, now=at(alpha, 30, 10))
    assert not Notice.objects.filter(title=TITLE, read_at=None).exists()  # arranged: nothing is left to do
    assert operations.remind_calibration(tenant=alpha, now=at(alpha, 30, 11)) == 0


def test_a_month_with_one_or_a_school_of_one_is_left_alone(alpha: Tenant) -> None:
    two_buildings(alpha, now=at(alpha, 1))
    assert operations.remind_calibration(tenant=alpha, now=at(alpha, 12)) == 0  # whoever found the problem is alone
    a_sheet(alpha)
    make_member(alpha), make_member(alpha)
    leader = make_member(alpha, Role.SCHOOL_LEADER)
    operations.arrange_proposed(by=leader, tenant=alpha, now=at(alpha, 2))
    assert operations.remind_calibration(tenant=alpha, now=at(alpha, 12)) == 0
    assert reminders() == []
    assert operations.remind_calibration(tenant=alpha, now=at(alpha, 12, month=12)) > 0
