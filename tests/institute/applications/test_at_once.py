"""Two people at the same moment: one of them hears why not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from identity.contracts import Actor
from institute.applications import operations
from institute.applications.models import Application, Assignment, CriteriaSet
from institute.journal.models import JournalEvent
from institute.schools.models import School
from tests.at_once import outcomes
from tests.factories.applications import (
    NOW,
    VISITOR,
    admin,
    assign,
    fill,
    make_accepted,
    make_draft,
    make_scored,
    make_submitted,
    reviewer,
)


def test_two_administrators_decide_at_once(committed: str) -> None:
    one, two = admin(), admin()
    application, _ = make_scored(one)

    def decide(who: Any, verdict: str) -> Callable[[], Any]:
        return lambda: operations.decide(application_id=application.pk, verdict=verdict, reason="理由", by=who, now=NOW)

    assert outcomes(None, decide(one, "approved"), decide(two, "approved")) == ["done", "wrong_state"]
    assert School.objects.filter(application_id=application.pk).count() == 1
    assert JournalEvent.objects.filter(verb="application.approved", subject_id=str(application.pk)).count() == 1
    other, _ = make_scored(one)
    pair = [
        lambda: operations.decide(application_id=other.pk, verdict="rejected", reason="理由", by=one, now=NOW),
        lambda: operations.decide(application_id=other.pk, verdict="approved", reason="理由", by=two, now=NOW),
    ]
    assert outcomes(None, *pair) == ["done", "wrong_state"]
    other.refresh_from_db()
    assert School.objects.filter(application_id=other.pk).exists() == (other.status == "approved")


def test_a_double_click_submits_once(committed: str) -> None:
    application, token = make_draft()
    click = lambda: operations.submit(token=token, by=VISITOR, now=NOW)  # noqa: E731
    assert outcomes(None, click, click, click) == ["done", "wrong_state", "wrong_state"]
    assert JournalEvent.objects.filter(verb="application.submitted", subject_id=str(application.pk)).count() == 1


def test_two_applications_of_one_school_at_once(committed: str) -> None:
    one, token = make_draft()
    _, other = make_draft(school_code=one.school_code)
    outcome = outcomes(
        None,
        lambda: operations.submit(token=token, by=VISITOR, now=NOW),
        lambda: operations.submit(token=other, by=VISITOR, now=NOW),
    )
    assert outcome == ["already_open", "done"]
    assert Application.objects.filter(school_code=one.school_code, status="submitted").count() == 1


def test_the_last_two_sheets_at_once_take_the_seal_off_once(committed: str) -> None:
    by = admin()
    application, _ = make_accepted(by)
    people = [reviewer(), reviewer()]
    tasks = [assign(application, who, by) for who in people]
    assert outcomes(None, lambda: fill(tasks[0], people[0]), lambda: fill(tasks[1], people[1])) == ["done", "done"]
    application.refresh_from_db()
    assert application.status == "scored"
    assert JournalEvent.objects.filter(verb="application.scored", subject_id=str(application.pk)).count() == 1


def test_assigning_while_the_conflict_is_being_written(committed: str) -> None:
    by = admin()
    for n in range(4):
        application, _ = make_accepted(by, name=f"并发示例大学{n}")
        _assign_and_conflict(application, by)


def _assign_and_conflict(application: Application, by: Actor) -> None:
    who = reviewer()
    assert who.account_id
    change = {"account_id": who.account_id, "employer": application.name, "past_schools": [], "expertise": ""}
    outcome = outcomes(
        None,
        lambda: assign(application, who, by),
        lambda: operations.save_reviewer_profile(**change, by=who, now=NOW),
    )
    assert outcome in (["done", "done"], ["done", "reviewer_conflict"]), outcome
    assert not Assignment.objects.filter(application=application, ended_at__isnull=True).exists()


def test_the_seed_of_criteria_is_stored_once(committed: str) -> None:
    by = admin()
    made = [make_accepted(by)[0] for _ in range(3)]
    who = reviewer()
    assert outcomes(None, *[lambda a=a: assign(a, who, by) for a in made]) == ["done"] * 3
    assert CriteriaSet.objects.count() == 1


def test_return_and_accept_at_once(committed: str) -> None:
    by, other = admin(), admin()
    application, _ = make_submitted()
    outcome = outcomes(
        None,
        lambda: operations.accept(application_id=application.pk, by=by, now=NOW),
        lambda: operations.return_once(application_id=application.pk, items=["补"], by=other, now=NOW),
    )
    assert outcome == ["done", "wrong_state"]
