"""Scores are sealed until the last sheet is in; people with a conflict find nothing anywhere."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identity.choices import Role
from identity.contracts import Actor
from identity.models import Membership
from institute.applications import conflicts, operations, queries, scoring
from institute.applications.choices import ApplicationStatus
from institute.applications.criteria import SEED, CriterionText
from institute.applications.models import Application, Assignment, Conflict, Criterion, ReviewerProfile, ScoreLine
from institute.journal.models import JournalEvent
from institute.providers.models import Provider
from institute.schools.models import School
from kernel.errors import Invalid, NotAllowed, NotFound
from tests.factories.applications import (
    NOW,
    admin,
    analyst,
    assign,
    fill,
    make_accepted,
    make_scored,
    make_submitted,
    reviewer,
)
from tests.factories.identity import actor_of, make_member

S = ApplicationStatus
db = pytest.mark.django_db


@db
def test_nobody_sees_a_score_before_the_last_sheet_is_in() -> None:
    by = admin()
    application, _ = make_accepted(by)
    one, two = reviewer(), reviewer()
    task = assign(application, one, by)
    assign(application, two, by)
    fill(task, one, "66.60")
    application.refresh_from_db()
    for who in (by, one, two, analyst()):
        assert queries.result_of(application, by=who) is None
        assert queries.results_of([application.pk], by=who) == {}
    for who in (by, two):
        with pytest.raises(NotAllowed):
            queries.my_lines(task, by=who)
    listed = queries.assignments_of(application).get(pk=task.pk)
    assert {"comment", "recommendation"} <= listed.get_deferred_fields()
    events = " ".join(str(e.payload) + e.sentence for e in queries.events_for_institute(application, by=by))
    assert "66.6" not in events and "可以入选" not in events


@db
def test_one_sheet_alone_breaks_no_seal() -> None:
    by, one = admin(), reviewer()
    application, _ = make_accepted(by)
    fill(assign(application, one, by), one)
    application.refresh_from_db()
    assert application.status == S.REVIEWING and queries.result_of(application, by=by) is None


@db
def test_a_sheet_is_complete_or_refused_and_final_once_in() -> None:
    by, one = admin(), reviewer()
    application, _ = make_accepted(by)
    task = assign(application, one, by)
    keep = {"assignment_id": task.pk, "comments": {}, "by": one, "now": NOW}
    for wrong in ("101", "-1", "8o", "80.005", "NaN", "Infinity"):
        with pytest.raises(Invalid) as refused:
            operations.save_sheet(points={"need": wrong}, **keep)  # type: ignore[arg-type]
        assert refused.value.field == "need"
    with pytest.raises(Invalid):
        operations.save_sheet(points={"nonsense": "1"}, **keep)  # type: ignore[arg-type]
    operations.save_sheet(points={"need": "80", "basis": ""}, **keep)  # type: ignore[arg-type]
    with pytest.raises(operations.SheetIncomplete, match=r"后勤服务管理基础.*评审建议、总体意见"):
        operations.submit_sheet(assignment_id=task.pk, by=one, now=NOW)
    fill(task, one)
    for again in (
        lambda: operations.submit_sheet(assignment_id=task.pk, by=one, now=NOW),
        lambda: operations.save_sheet(points={"need": "1"}, **keep),  # type: ignore[arg-type]
    ):
        with pytest.raises(operations.SheetClosed):
            again()
    assert ScoreLine.objects.get(assignment=task, criterion__code="need").points == 80


@db
def test_another_reviewers_sheet_does_not_exist() -> None:
    by, one, two = admin(), reviewer(), reviewer()
    application, _ = make_accepted(by)
    task = assign(application, one, by)
    assign(application, two, by)
    for who in (two, by):
        with pytest.raises(NotFound):
            operations.save_sheet(assignment_id=task.pk, points={}, comments={}, by=who, now=NOW)
        with pytest.raises(NotFound):
            operations.submit_sheet(assignment_id=task.pk, by=who, now=NOW)


@db
def test_five_sheets_lose_the_highest_and_the_lowest() -> None:
    by = admin()
    application, _ = make_scored(by, "70", "95.5", "80", "81.25", "60")
    result = queries.result_of(application, by=by)
    assert result is not None and result.trimmed and result.mean == Decimal("77.08")  # (70 + 80 + 81.25) / 3


def test_the_mean_is_rounded_half_up_at_the_end() -> None:
    assert scoring.mean([Decimal("80.005")]).value == Decimal("80.01")
    assert scoring.mean([Decimal("80"), Decimal("80.01")]).value == Decimal("80.01")  # 80.005
    assert scoring.mean([Decimal(n) for n in (1, 2, 3, 4)]).trimmed is False


@given(st.lists(st.decimals(0, 100, places=4), min_size=1, max_size=12))
@settings(max_examples=60, deadline=None)
def test_the_mean_lies_between_the_sheets(totals: list[Decimal]) -> None:
    value = scoring.mean(totals).value
    assert scoring.half_up(min(totals)) <= value <= scoring.half_up(max(totals))
    assert scoring.mean(totals[::-1]).value == value


# --- Conflicts --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("华星示例大学", "华星示例大学", True),
        ("华星示例大学后勤处", "华星示例大学", True),
        (" 华星（示例）大学 ", "华星(示例)大学", True),
        ("ＡＢＣ物业公司", "abc物业公司", True),
        ("华星示例大学", "华东示例大学", False),
        ("一中", "第一中学", False),
        ("", "华星示例大学", False),
    ],
)
def test_names_of_one_body_meet(one: str, other: str, same: bool) -> None:
    assert conflicts.same_body(one, other) is conflicts.same_body(other, one) is same


def _sees(application: Application, who: Actor) -> bool:
    """Whether any door is open: list, detail, files, result."""
    document = application.documents.first()
    assert document is not None
    listed = queries.queue(who).filter(pk=application.pk).exists()
    try:
        queries.detail(application.pk, by=who)
        opened = True
    except NotFound:
        opened = False
    try:
        queries.document_for(application.pk, document.pk, by=who)
        file = True
    except NotFound:
        file = False
    batch = bool(
        queries.documents_by_application([application.pk], by=who)
        or queries.checks_by_application([application.pk], by=who)
        or queries.results_of([application.pk], by=who)
    )
    assert listed == opened == file == batch or not batch
    return listed or opened or file or batch


@db
@pytest.mark.parametrize("why", ["employer", "provider", "school", "code", "declared"])
def test_a_conflict_closes_every_door(why: str) -> None:
    by = admin()
    application, _ = make_accepted(
        by, name="华星示例大学", school_code="98765", provider_names="甲物业有限公司、乙物业有限公司"
    )
    who = reviewer()
    assert who.account_id
    task = assign(application, who, by)
    assert _sees(application, who)
    profile = {"employer": "独立评估研究中心", "past_schools": []}
    profile |= {
        "employer": {"employer": "华星示例大学"}, "provider": {"employer": "乙物业有限公司"},
        "school": {"past_schools": ["华星示例大学附属中学"]}, "code": {"past_schools": ["98765"]}, "declared": {},
    }[why]  # fmt: skip
    if why == "declared":
        operations.declare_conflict(
            application_id=application.pk, account_id=who.account_id, reason="亲属在该校", by=who, now=NOW
        )
    else:
        operations.save_reviewer_profile(account_id=who.account_id, expertise="", by=who, now=NOW, **profile)  # type: ignore[arg-type]
    assert not _sees(application, who)
    task.refresh_from_db()
    assert task.ended_why == "conflict"
    with pytest.raises(operations.ReviewerConflict):
        assign(application, who, by)
    with pytest.raises(NotFound):
        operations.save_sheet(assignment_id=task.pk, points={"need": "1"}, comments={}, by=who, now=NOW)
    blocked = next(
        c for c in queries.candidates(application, by=by, today=NOW.date()) if c.account_id == who.account_id
    )
    assert blocked.blocked is not None and not blocked.assigned


@db
def test_a_conflict_is_found_when_the_school_applies_after_the_profile_was_written() -> None:
    who = reviewer("海蓝示例学院后勤集团")
    application, _ = make_submitted(name="海蓝示例学院")
    assert Conflict.objects.filter(application=application, account_id=who.account_id, kind="employer").exists()


@db
def test_the_profile_itself_is_asked_when_the_stored_conflict_is_missing() -> None:
    by = admin()
    application, _ = make_accepted(by, name="远山示例大学")
    who = reviewer()
    task = assign(application, who, by)
    ReviewerProfile.objects.filter(pk=who.account_id).update(employer="远山示例大学")  # past every operation
    with pytest.raises(NotFound):
        queries.detail(application.pk, by=who)
    with pytest.raises(NotFound):
        operations.save_sheet(assignment_id=task.pk, points={}, comments={}, by=who, now=NOW)
    assert queries.results_of([application.pk], by=who) == {}


@db
def test_a_conflict_outweighs_the_administrators_role() -> None:
    application, _ = make_submitted()
    by = admin()
    assert by.account_id
    operations.declare_conflict(
        application_id=application.pk, account_id=by.account_id, reason="本人母校", by=by, now=NOW
    )
    assert not _sees(application, by)
    for call in (
        lambda: operations.accept(application_id=application.pk, by=by, now=NOW),
        lambda: operations.decide(application_id=application.pk, verdict="rejected", reason="x", by=by, now=NOW),
        lambda: operations.reveal_contact(application_id=application.pk, by=by),
    ):
        with pytest.raises(NotFound):
            call()


@db
def test_a_conflict_that_comes_to_light_late_puts_the_seal_back_on() -> None:
    by = admin()
    application, people = make_scored(by)
    assert people[0].account_id
    operations.declare_conflict(
        application_id=application.pk, account_id=people[0].account_id, reason="后来发现", by=by, now=NOW
    )
    application.refresh_from_db()
    assert application.status == S.REVIEWING and queries.result_of(application, by=by) is None
    third = reviewer()
    fill(assign(application, third, by), third, "70")
    application.refresh_from_db()
    result = queries.result_of(application, by=by)
    assert application.status == S.SCORED and result is not None
    assert {s.reviewer_name for s in result.sheets} == {people[1].name, third.name}


@db
def test_nobody_declares_for_others_but_administrators() -> None:
    application, _ = make_submitted()
    one, two = reviewer(), reviewer()
    assert two.account_id
    for who in (one, analyst()):
        with pytest.raises(operations.OwnConflict):
            operations.declare_conflict(
                application_id=application.pk, account_id=two.account_id, reason="x", by=who, now=NOW
            )
    with pytest.raises(NotAllowed):
        operations.declare_conflict(
            application_id=application.pk, account_id=two.account_id, reason="x", by=Actor.anonymous(), now=NOW
        )


@db
def test_reviewers_without_profile_or_role_are_not_assigned() -> None:
    by = admin()
    application, _ = make_accepted(by)
    with pytest.raises(operations.ReviewerUnknown):
        assign(application, reviewer(profile=False), by)
    for stranger in (analyst(), actor_of(make_member(role="institute_admin"))):  # type: ignore[arg-type]
        with pytest.raises(operations.NotReviewer):
            assign(application, stranger, by)
    with pytest.raises(operations.NotReviewer):
        operations.assign_reviewer(application_id=application.pk, account_id=UUID(int=7), by=by, now=NOW)


@db
def test_reviewers_see_their_tasks_and_nothing_else() -> None:
    by, who = admin(), reviewer()
    mine, _ = make_accepted(by)
    other, _ = make_accepted(by)
    assign(mine, who, by)
    assert list(queries.queue(who)) == [mine]
    with pytest.raises(NotFound):
        queries.detail(other.pk, by=who)
    assert list(queries.queue(who, needs_me=True)) == [mine]


# --- Criteria -----------------------------------------------------------------------------------------------


@db
def test_weights_add_up_and_editions_never_change() -> None:
    by = admin()
    assert sum(c.weight for c in SEED) == 100
    application, _ = make_accepted(by)
    assign(application, reviewer(), by)
    application.refresh_from_db()
    rows = [CriterionText("a", "甲", Decimal("33.33")), CriterionText("b", "乙", Decimal("66.67"))]
    with pytest.raises(operations.WeightsWrong, match=r"99\.99"):
        operations.save_criteria(rows=[rows[0], CriterionText("b", "乙", Decimal("66.66"))], by=by, now=NOW)
    for wrong in (
        [],
        [rows[0], rows[0]],
        [CriterionText("a", " ", Decimal(100))],
        [CriterionText("a", "甲", Decimal(0))],
    ):
        with pytest.raises(Invalid):
            operations.save_criteria(rows=wrong, by=by, now=NOW)
    with pytest.raises(NotAllowed):
        operations.save_criteria(rows=rows, by=analyst(), now=NOW)
    saved = operations.save_criteria(rows=rows, by=by, now=NOW)
    assert saved.edition == 2 and application.criteria_edition == 1
    assert [c.label for c in queries.criteria_of(application)] == [c.label for c in SEED]
    assert [c.label for c in queries.current_criteria()] == ["甲", "乙"]
    assert Criterion.objects.filter(set_id=1).count() == len(SEED) and Assignment.objects.count() == 1


@db
def test_what_reviewers_write_about_themselves_takes_no_conflict_back() -> None:
    by = admin()
    application, _ = make_accepted(by, name="青禾示例大学")
    who = reviewer("青禾示例大学")
    mine = {"account_id": who.account_id, "past_schools": [], "expertise": "", "now": NOW}
    operations.save_reviewer_profile(**mine, employer="另一家单位", by=who)
    with pytest.raises(operations.ReviewerConflict):
        assign(application, who, by)
    event = JournalEvent.objects.filter(verb="reviewer.profile_saved").latest("pk")
    assert (event.payload["before"]["employer"], event.payload["after"]["employer"]) == ("青禾示例大学", "另一家单位")
    operations.save_reviewer_profile(**mine, employer="另一家单位", by=by)  # the administrator stands for it
    assert assign(application, who, by).account_id == who.account_id


@db
@pytest.mark.parametrize("where", ["school", "company"])
def test_a_role_held_on_this_platform_keeps_a_reviewer_away(where: str) -> None:
    by = admin()
    name = "甲大学" if where == "school" else "丙示例大学"
    application, _ = make_accepted(by, name=name, provider_names="晨光示例物业有限公司")
    who = reviewer("无关单位")
    if where == "school":
        Membership.objects.create(
            account_id=who.account_id, school_id=School.objects.get(slug="alpha").pk, role=Role.SCHOOL_LEADER
        )
    else:
        company = Provider.objects.create(credit_code="91330000MA7DEM0X2C", name="晨光示例物业有限公司")
        Membership.objects.create(
            account_id=who.account_id, school_id=School.objects.get(slug="beta").pk, role=Role.PROVIDER_MANAGER,
            provider_id=company.pk,
        )  # fmt: skip
    with pytest.raises(operations.ReviewerConflict):
        assign(application, who, by)
    assert not _sees(application, who)
    [candidate] = [
        c for c in queries.candidates(application, by=by, today=NOW.date()) if c.account_id == who.account_id
    ]
    assert candidate.blocked is not None
