"""The way of an application, step by step, and every refusal on it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from identity.contracts import Actor
from identity.models import Mail
from institute.applications import completeness, operations, queries
from institute.applications.choices import MOVES, ApplicationStatus
from institute.applications.models import Application, Assignment
from institute.journal.models import JournalEvent
from institute.schools.models import School
from kernel import crypto
from kernel.errors import Invalid, NotAllowed, NotFound
from tests.factories.applications import (
    NOW,
    PDF,
    VISITOR,
    admin,
    analyst,
    assign,
    fill,
    make_accepted,
    make_draft,
    make_scored,
    make_submitted,
    reviewer,
)

pytestmark = pytest.mark.django_db
S = ApplicationStatus


def _verbs(application: Application) -> list[str]:
    return list(reversed([e.verb for e in queries.events_for_institute(application, by=admin())]))


def _mails(application: Application) -> list[str]:
    return [m.subject for m in Mail.objects.order_by("created_at", "pk") if application.number in m.subject]


def test_from_draft_to_an_approved_school() -> None:
    by = admin()
    application, _token = make_submitted()
    operations.accept(application_id=application.pk, by=by, now=NOW)
    one, two = reviewer(), reviewer()
    tasks = [assign(application, one, by), assign(application, two, by)]
    fill(tasks[0], one, "81.5")
    application.refresh_from_db()
    assert application.status == S.REVIEWING and queries.result_of(application, by=by) is None
    fill(tasks[1], two, "90")
    application.refresh_from_db()
    result = queries.result_of(application, by=by)
    assert application.status == S.SCORED and result is not None
    assert (str(result.mean), result.trimmed, len(result.sheets)) == ("85.75", False, 2)
    slug = f"t{application.pk.hex[-8:]}"
    operations.decide(application_id=application.pk, verdict="approved", reason="基础扎实", slug=slug, by=by, now=NOW)
    application.refresh_from_db()
    school = School.objects.get(application_id=application.pk)
    assert application.status == S.APPROVED and school.slug == slug and school.mode == "mixed"
    assert (school.admin_email, school.line_modes["cleaning"], school.students) == (
        application.contact_email, "outsourced", 12000,
    )  # fmt: skip
    assert [v for v in _verbs(application) if v in queries.APPLICANT_VERBS] == [
        "application.started", "application.email_confirmed", "application.submitted", "application.accepted",
        "application.review_started", "application.approved",
    ]  # fmt: skip
    assert len(_mails(application)) == 5
    shown = [s.sentence for s in queries.steps_of(application)]
    assert not any(one.name in s or "评分" in s for s in shown)


def test_an_empty_draft_names_each_missing_thing() -> None:
    application, token = make_draft(complete=False)
    with pytest.raises(operations.Incomplete) as refused:
        operations.submit(token=token, by=VISITOR, now=NOW)
    missing: list[completeness.Check] = refused.value.details["missing"]
    assert [m.field for m in missing] == [
        "school_code", "kind", "region", "city", "students", "staff_count", "campuses", "line_cleaning",
        "contact_name", "contact_duty", "contact_phone", "contact_email", "statement", "document_letter",
        "document_legal",
    ]  # fmt: skip
    assert "两项至少填一项" in missing[0].hint
    application.refresh_from_db()
    assert application.status == S.DRAFT


def test_an_unconfirmed_mailbox_stops_submission_and_a_new_one_must_be_confirmed_again() -> None:
    application, token = make_draft()
    operations.save_answer(token=token, field="contact_email", value="other@example.org", by=VISITOR, now=NOW)
    with pytest.raises(operations.Incomplete, match="邮箱已确认"):
        operations.submit(token=token, by=VISITOR, now=NOW)
    operations.arrive(token=token, by=VISITOR, now=NOW)  # the link that went to the old address
    application.refresh_from_db()
    assert application.email_confirmed_at is None


def test_submitting_twice_counts_once() -> None:
    application, token = make_submitted()
    with pytest.raises(operations.WrongState):
        operations.submit(token=token, by=VISITOR, now=NOW)
    assert _verbs(application).count("application.submitted") == 1


def test_nothing_can_be_changed_after_submission() -> None:
    application, token = make_submitted()
    document = queries.documents_of(application)[0]
    for call in (
        lambda: operations.save_answer(token=token, field="name", value="x", by=VISITOR, now=NOW),
        lambda: operations.add_document(token=token, kind="other", name="a.pdf", data=PDF, by=VISITOR, now=NOW),
        lambda: operations.remove_document(token=token, document_id=document.pk, by=VISITOR, now=NOW),
    ):
        with pytest.raises(operations.NotEditable):
            call()


def test_one_open_application_per_school() -> None:
    first, _ = make_submitted()
    _second, token = make_draft(school_code=first.school_code)
    with pytest.raises(operations.AlreadyOpen, match=first.number):
        operations.submit(token=token, by=VISITOR, now=NOW)
    _by_credit, token = make_draft(school_code="", credit_code=first.credit_code)
    with pytest.raises(operations.AlreadyOpen):
        operations.submit(token=token, by=VISITOR, now=NOW)
    saved = operations.save_answer(
        token=token, field="credit_code", value=first.credit_code.lower(), by=VISITOR, now=NOW
    )
    assert first.number in saved.hint


def test_the_database_itself_keeps_one_open_application_per_code() -> None:
    first, _ = make_submitted()
    second, _ = make_submitted()
    with pytest.raises(IntegrityError), transaction.atomic():
        Application.objects.filter(pk=second.pk).update(school_code=first.school_code)


def test_after_withdrawal_the_school_may_apply_again() -> None:
    first, token = make_submitted()
    operations.withdraw(token=token, confirm=first.number, by=VISITOR, now=NOW)
    _, again = make_draft(school_code=first.school_code)
    assert operations.submit(token=again, by=VISITOR, now=NOW).status == S.SUBMITTED


def test_a_selected_school_need_not_apply() -> None:
    by = admin()
    application, _ = make_scored(by)
    operations.decide(application_id=application.pk, verdict="approved", reason="好", by=by, now=NOW)
    _, token = make_draft(school_code=application.school_code)
    with pytest.raises(operations.AlreadySelected, match=application.name):
        operations.submit(token=token, by=VISITOR, now=NOW)


def test_withdrawing_needs_the_number_and_ends_open_tasks() -> None:
    by = admin()
    application, token = make_accepted(by)
    task = assign(application, reviewer(), by)
    with pytest.raises(operations.NotConfirmed):
        operations.withdraw(token=token, confirm="yes", by=VISITOR, now=NOW)
    operations.withdraw(token=token, confirm=application.number.lower(), reason="明年再报", by=VISITOR, now=NOW)
    task.refresh_from_db()
    assert task.ended_at is not None
    with pytest.raises(operations.WrongState):
        operations.withdraw(token=token, confirm=application.number, by=VISITOR, now=NOW)
    for verdict in ("approved", "rejected"):
        with pytest.raises(operations.WrongState):
            operations.decide(application_id=application.pk, verdict=verdict, reason="x", by=by, now=NOW)


def test_returned_exactly_once() -> None:
    by = admin()
    application, token = make_submitted()
    with pytest.raises(operations.NothingMissing):
        operations.return_once(application_id=application.pk, items=["  "], by=by, now=NOW)
    operations.return_once(application_id=application.pk, items=["申报函缺少公章", ""], by=by, now=NOW)
    application.refresh_from_db()
    assert application.status == S.RETURNED and application.returned_items == ["申报函缺少公章"]
    body = crypto.unseal(
        Mail.objects.get(subject__contains="需要补正").body_sealed, schema="public", context="identity_mail.body"
    )
    assert "1. 申报函缺少公章" in body and "2026-12-07" in body
    with pytest.raises(operations.WrongState):
        operations.accept(application_id=application.pk, by=by, now=NOW)
    operations.save_answer(token=token, field="students", value="12,500 人", by=VISITOR, now=NOW)
    operations.submit(token=token, by=VISITOR, now=NOW + timedelta(days=1))
    with pytest.raises(operations.AlreadyReturned):
        operations.return_once(application_id=application.pk, items=["再补"], by=by, now=NOW)
    step = queries.steps_of(application)[0]
    assert step.sentence == "补正材料已提交" and step.note == "修改了：在校生人数"
    assert operations.accept(application_id=application.pk, by=by, now=NOW).status == S.ACCEPTED


def test_incomplete_applications_can_be_rejected_without_review() -> None:
    by = admin()
    application, _ = make_submitted()
    for verdict in ("approved", "waitlisted"):
        with pytest.raises(operations.WrongState):
            operations.decide(application_id=application.pk, verdict=verdict, reason="x", by=by, now=NOW)
    operations.decide(application_id=application.pk, verdict="rejected", reason="不属于本项目范围", by=by, now=NOW)
    assert not School.objects.filter(application_id=application.pk).exists()


def test_a_decision_needs_a_reason_and_is_taken_once() -> None:
    by, other = admin(), admin()
    application, _ = make_scored(by)
    with pytest.raises(Invalid):
        operations.decide(application_id=application.pk, verdict="approved", reason=" ", by=by, now=NOW)
    with pytest.raises(Invalid):
        operations.decide(application_id=application.pk, verdict="maybe", reason="x", by=by, now=NOW)
    operations.decide(application_id=application.pk, verdict="approved", reason="好", by=by, now=NOW)
    with pytest.raises(operations.WrongState):
        operations.decide(application_id=application.pk, verdict="rejected", reason="不好", by=other, now=NOW)
    assert School.objects.filter(application_id=application.pk).count() == 1


def test_a_refused_slug_leaves_everything_as_it_was() -> None:
    by = admin()
    application, _ = make_scored(by)
    with pytest.raises(Invalid) as refused:
        operations.decide(application_id=application.pk, verdict="approved", reason="好", slug="www", by=by, now=NOW)
    application.refresh_from_db()
    assert refused.value.field == "slug" and application.status == S.SCORED
    assert "application.approved" not in _verbs(application)


def test_the_waiting_list_may_still_be_selected() -> None:
    by = admin()
    application, _ = make_scored(by)
    operations.decide(application_id=application.pk, verdict="waitlisted", reason="名额已满", by=by, now=NOW)
    operations.decide(application_id=application.pk, verdict="approved", reason="有名额了", by=by, now=NOW)
    assert School.objects.filter(application_id=application.pk).exists()


def test_only_administrators_run_the_procedure() -> None:
    application, _ = make_submitted()
    for who in (analyst(), reviewer(), VISITOR):
        for call in (
            lambda: operations.accept(application_id=application.pk, by=who, now=NOW),  # noqa: B023
            lambda: operations.return_once(application_id=application.pk, items=["x"], by=who, now=NOW),  # noqa: B023
            lambda: operations.decide(application_id=application.pk, verdict="rejected", reason="x", by=who, now=NOW),  # noqa: B023
            lambda: operations.reveal_contact(application_id=application.pk, by=who),  # noqa: B023
        ):
            with pytest.raises(NotAllowed):
                call()


def test_drafts_are_nobodys_business() -> None:
    draft, _ = make_draft()
    by = admin()
    assert draft not in queries.queue(by)
    with pytest.raises(NotFound):
        queries.detail(draft.pk, by=by)
    with pytest.raises(NotFound):
        operations.accept(application_id=draft.pk, by=by, now=NOW)


@pytest.mark.parametrize("status", S.values)
def test_every_state_is_known_to_the_table_of_moves(status: str) -> None:
    assert S(status) in MOVES


def test_the_database_refuses_an_unknown_state_and_a_decision_without_reason() -> None:
    application, _ = make_submitted()
    for wrong in ({"status": "lost"}, {"status": "rejected", "decision_reason": ""}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Application.objects.filter(pk=application.pk).update(**wrong)


def test_contact_data_are_sealed_at_rest_and_a_look_is_on_record() -> None:
    application, _ = make_submitted()
    with connection.cursor() as cursor:
        cursor.execute("SELECT a::text FROM applications_application a WHERE id = %s", [application.pk])
        row = cursor.fetchone()[0]
    assert "13900000000" not in row and "example.org" not in row
    assert operations.reveal_contact(application_id=application.pk, by=admin())["phone"] == "13900000000"
    assert JournalEvent.objects.filter(verb="application.contact_seen").count() == 1


def test_queue_filters_and_what_needs_me() -> None:
    by = admin()
    waiting, _ = make_submitted(region="33")
    done, _ = make_scored(by)
    assert list(queries.queue(by, region="33")) == [waiting]
    assert list(queries.queue(by, q=done.number.lower())) == [done]
    assert set(queries.queue(by, needs_me=True)) == {waiting, done}
    assert queries.counts_by_status(by) == {"submitted": 1, "scored": 1}
    row = queries.queue(by, status="scored")[0]
    assert (row.reviewers, row.sheets_in) == (2, 2)


def test_a_replaced_reviewer_counts_for_nothing() -> None:
    by = admin()
    application, _ = make_accepted(by)
    slow, one, two = reviewer(), reviewer(), reviewer()
    gone = assign(application, slow, by)
    tasks = [assign(application, one, by), assign(application, two, by)]
    fill(tasks[0], one)
    fill(tasks[1], two)
    application.refresh_from_db()
    assert application.status == S.REVIEWING
    operations.replace_reviewer(assignment_id=gone.pk, by=by, now=NOW)
    application.refresh_from_db()
    assert application.status == S.SCORED
    with pytest.raises(operations.WrongState):
        operations.replace_reviewer(assignment_id=tasks[0].pk, by=by, now=NOW)


def test_assigning_the_same_reviewer_twice_gives_one_task() -> None:
    by = admin()
    application, _ = make_accepted(by)
    who = reviewer()
    assert assign(application, who, by) == assign(application, who, by)
    assert Assignment.objects.filter(application=application).count() == 1
    assert Mail.objects.filter(subject="您有一项新的评审任务").count() == 1


def returned() -> tuple[Application, str, Actor]:
    by = admin()
    application, token = make_submitted()
    operations.return_once(application_id=application.pk, items=["申报函缺少公章"], by=by, now=NOW)  # until 7 December
    return application, token, by


DAY = timedelta(days=1)


def test_after_its_day_nothing_is_handed_in_unless_the_office_gives_more_time() -> None:
    application, token, by = returned()
    late = NOW + 16 * DAY
    with pytest.raises(operations.FixOverdue):
        operations.submit(token=token, by=VISITOR, now=late)
    for wrong in (NOW.date(), (NOW + 15 * DAY).date(), (late + 400 * DAY).date()):
        with pytest.raises(operations.FixDayWrong):
            operations.extend_fix(application_id=application.pk, fix_due_on=wrong, by=by, now=late)
    operations.extend_fix(application_id=application.pk, fix_due_on=(late + 5 * DAY).date(), by=by, now=late)
    assert Mail.objects.filter(subject__contains="期限已延长").count() == 1
    assert operations.submit(token=token, by=VISITOR, now=late).status == S.SUBMITTED


def test_a_school_that_never_came_back_can_be_turned_away_after_its_day_and_another_may_apply() -> None:
    application, _token, by = returned()
    no = {"application_id": application.pk, "verdict": "rejected", "reason": "逾期未补正", "by": by}
    with pytest.raises(operations.FixNotOver):
        operations.decide(**no, now=NOW + 15 * DAY)
    for verdict in ("approved", "waitlisted"):
        with pytest.raises(operations.WrongState):
            operations.decide(**{**no, "verdict": verdict}, now=NOW + 16 * DAY)
    assert operations.decide(**no, now=NOW + 16 * DAY).status == S.REJECTED
    draft, token = make_draft(school_code=application.school_code, credit_code=application.credit_code)
    assert operations.submit(token=token, by=VISITOR, now=NOW + 17 * DAY).status == S.SUBMITTED
    assert draft.pk != application.pk


def test_a_review_can_be_ended_without_scores_by_turning_the_school_away() -> None:
    by = admin()
    application, _ = make_accepted(by)
    task = assign(application, reviewer(), by)
    row = operations.decide(application_id=application.pk, verdict="rejected", reason="学校已并校", by=by, now=NOW)
    task.refresh_from_db()
    assert row.status == S.REJECTED and task.ended_at == NOW


def test_a_reminder_goes_out_once_three_days_before() -> None:
    application, _token, by = returned()
    assert operations.remind_of_fixes(now=NOW + 11 * DAY) == 0
    assert operations.remind_of_fixes(now=NOW + 12 * DAY) == 1
    assert operations.remind_of_fixes(now=NOW + 13 * DAY) == 0
    assert Mail.objects.filter(subject__contains="补正期限将到").count() == 1
    operations.extend_fix(application_id=application.pk, fix_due_on=(NOW + 30 * DAY).date(), by=by, now=NOW + 14 * DAY)
    assert operations.remind_of_fixes(now=NOW + 28 * DAY) == 1  # of the new day
    assert operations.remind_of_fixes(now=NOW + 99 * DAY) == 0
