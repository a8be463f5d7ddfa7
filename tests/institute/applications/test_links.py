"""The applicant's key: signed, expiring, revocable; and what visitors may ask how often."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import signing
from django.urls import reverse

from identity.models import Mail
from institute.applications import answers, links, operations, queries
from institute.applications.models import Application, ApplicationDocument, Enquiry, Knock
from kernel import crypto
from kernel.errors import Invalid, NotAllowed
from kernel.ids import new_id
from tests.factories.applications import NOW, VISITOR, admin, analyst, credit_code, make_draft, make_submitted, reviewer

db = pytest.mark.django_db


def _token(**changes: object) -> str:
    said = {"application_id": new_id(), "version": 1, "now": NOW, **changes}
    return links.make(**said)  # type: ignore[arg-type]


def test_a_token_says_what_was_signed() -> None:
    pk = new_id()
    assert links.read(_token(application_id=pk, mailed="ab"), now=NOW) == links.Key(pk, 1, "ab")
    assert links.path_of("x:y-_1") == reverse("public_application", args=["x:y-_1"])


def test_tampered_foreign_and_broken_tokens_are_refused() -> None:
    good = _token()
    payload, *rest = good.split(":")
    for bad in (
        "", "x", good[:-1] + ("A" if good[-1] != "A" else "B"), ":".join([payload[:-2] + "AA", *rest]),
        signing.dumps([str(new_id()), 1, "", 1]), signing.dumps(["no uuid", 1, "", 1], salt=links.SALT),
        signing.dumps({"a": 1}, salt=links.SALT),
    ):  # fmt: skip
        with pytest.raises(links.LinkInvalid):
            links.read(bad, now=NOW)


def test_a_token_lives_thirty_days() -> None:
    token = _token()
    links.read(token, now=NOW + timedelta(days=30))
    with pytest.raises(links.LinkExpired):
        links.read(token, now=NOW + timedelta(days=30, seconds=1))


@db
def test_revoked_links_open_nothing_and_the_new_one_does() -> None:
    application, token = make_submitted()
    operations.renew_links(token=token, revoke=True, by=VISITOR, now=NOW)
    for call in (
        lambda: queries.by_link(token, now=NOW),
        lambda: operations.arrive(token=token, by=VISITOR, now=NOW),
        lambda: operations.save_answer(token=token, field="city", value="x", by=VISITOR, now=NOW),
        lambda: operations.submit(token=token, by=VISITOR, now=NOW),
        lambda: operations.withdraw(token=token, confirm=application.number, by=VISITOR, now=NOW),
        lambda: operations.renew_links(token=token, revoke=False, by=VISITOR, now=NOW),
    ):
        with pytest.raises(links.LinkInvalid):
            call()
    mail = Mail.objects.latest("created_at")
    body = crypto.unseal(mail.body_sealed, schema="public", context="identity_mail.body")
    fresh = body.split("/apply/")[1].split("/")[0]
    assert queries.by_link(fresh, now=NOW) == application


@db
def test_only_the_mailed_link_confirms_the_address() -> None:
    started = operations.start(name="甲示例学校", email="a@example.org", source="1.1.1.1", by=VISITOR, now=NOW)
    operations.arrive(token=started.token, by=VISITOR, now=NOW)
    application = Application.objects.get(pk=started.application_id)
    assert application.email_confirmed_at is None
    token = links.make(application_id=application.pk, version=1, now=NOW, mailed=application.contact_email_index)
    operations.arrive(token=token, by=VISITOR, now=NOW)
    application.refresh_from_db()
    assert application.email_confirmed_at == NOW


@db
def test_visitors_are_counted_and_their_address_is_not_kept() -> None:
    for n in range(10):
        operations.start(name=f"校{n}", email="a@example.org", source="203.0.113.9", by=VISITOR, now=NOW)
    with pytest.raises(operations.TooOften):
        operations.start(name="再来", email="a@example.org", source="203.0.113.9", by=VISITOR, now=NOW)
    operations.start(name="别处", email="a@example.org", source="203.0.113.10", by=VISITOR, now=NOW)
    operations.start(name="后来", email="a@example.org", source="203.0.113.9", by=VISITOR, now=NOW + timedelta(hours=2))
    assert not Knock.objects.filter(source__contains="203").exists()


@db
def test_start_says_which_field_is_wrong() -> None:
    for name, email, field in (
        ("", "a@example.org", "name"),
        ("甲", "nope", "contact_email"),
        ("甲", "", "contact_email"),
    ):
        with pytest.raises(Invalid) as refused:
            operations.start(name=name, email=email, source="1.1.1.2", by=VISITOR, now=NOW)
        assert refused.value.field == field
    assert not Application.objects.exists() and not Mail.objects.exists()


# --- Answers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "typed", "kept"),
    [
        ("school_code", "１０ ５６４", "10564"),
        ("credit_code", " 12100000-400000624d ", "12100000400000624D"),
        ("students", "１２,５００ 人", 12500),
        ("students", "", None),
        ("name", "  华星\u200b 示例\n大学 ", "华星 示例 大学"),
        ("contact_phone", "+86 139 0000 0000", "13900000000"),
        ("contact_phone", "139", "139"),
        ("statement", "一行\n二行\x07", "一行\n二行"),
    ],
)
def test_answers_are_put_right_and_kept_as_typed(field: str, typed: str, kept: object) -> None:
    assert answers.parse(field, typed) == kept


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("students", "很多"), ("students", "-1"), ("students", "10000001"), ("campuses", "0"), ("kind", "castle"),
        ("region", "99"), ("line_cleaning", "robots"), ("school_code", "10564; DROP"), ("name", "长" * 101),
    ],
)  # fmt: skip
def test_what_no_column_could_hold_is_refused(field: str, typed: str) -> None:
    with pytest.raises(Invalid) as refused:
        answers.parse(field, typed)
    assert refused.value.field == field


def test_unknown_answers_are_refused() -> None:
    for field in ("status", "link_version", "id", "line_moon"):
        with pytest.raises(answers.UnknownAnswer):
            answers.parse(field, "x")


def test_check_digits() -> None:
    good = credit_code(5)
    assert answers.credit_code_problem(good) == ""
    assert answers.credit_code_problem("12100000400000624D") == ""
    for wrong in (
        good[:-1] + ("0" if good[-1] != "0" else "1"),
        good[1:] + good[0],
        good[:17],
        good.replace("9", "I", 1),
    ):
        assert answers.credit_code_problem(wrong)
    swapped = good[:9] + "10" + good[11:]
    assert "校验位" in answers.credit_code_problem(swapped)
    assert answers.school_code_problem("10564") == "" and answers.school_code_problem("1056")
    assert answers.phone_problem("020-85280000") == "" and answers.phone_problem("12345678901")


# --- Enquiries ------------------------------------------------------------------------------------------------


def _ask(**changes: str) -> Enquiry:
    said = {"topic": "programme", "name": "赵", "organisation": "", "email": "z@example.org", "phone": "",
            "message": "请问怎样申报？", "source": "198.51.100.1", **changes}  # fmt: skip
    return operations.ask(**said, by=VISITOR, now=NOW)


@db
def test_an_enquiry_waits_two_days_and_is_answered_by_mail() -> None:
    enquiry = _ask()
    assert enquiry.due_at == NOW + timedelta(days=2)
    by = admin()
    operations.give_enquiry(enquiry_id=enquiry.pk, owner_id=by.account_id, by=by, now=NOW)  # type: ignore[arg-type]
    operations.reply_to_enquiry(enquiry_id=enquiry.pk, reply="先准备材料", by=by, now=NOW)
    enquiry.refresh_from_db()
    assert (enquiry.status, enquiry.owner_name) == ("answered", by.name)
    mail = Mail.objects.get()
    body = crypto.unseal(mail.body_sealed, schema="public", context="identity_mail.body")
    assert mail.to == "z@example.org" and "先准备材料" in body and "> 请问怎样申报？" in body
    operations.close_enquiry(enquiry_id=enquiry.pk, why="办结", by=by, now=NOW)
    with pytest.raises(operations.EnquiryClosed):
        operations.reply_to_enquiry(enquiry_id=enquiry.pk, reply="再说", by=by, now=NOW)


@db
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"topic": "loan"}, "topic"), ({"name": " "}, "name"), ({"message": "嗨"}, "message"),
        ({"message": "长" * 2001}, "message"), ({"email": ""}, "email"), ({"email": "x@"}, "email"), ({"phone": "1"}, "phone"),
    ],
)  # fmt: skip
def test_an_enquiry_that_cannot_be_answered_is_refused(changes: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        _ask(**changes)
    assert refused.value.field == field and not Enquiry.objects.exists()


@db
def test_enquiries_are_limited_per_source_and_sealed() -> None:
    for _ in range(5):
        _ask()
    with pytest.raises(operations.TooOften):
        _ask()
    _ask(source="198.51.100.2", email="", phone="13900000000")
    assert not Enquiry.objects.filter(email_sealed__contains=b"example").exists()
    by, phone_only = admin(), Enquiry.objects.latest("pk")
    with pytest.raises(operations.NoAddress):
        operations.reply_to_enquiry(enquiry_id=phone_only.pk, reply="好", by=by, now=NOW)


@db
def test_the_inbox_is_for_staff() -> None:
    enquiry = _ask()
    assert list(queries.enquiries(analyst())) == [enquiry]
    for who in (reviewer(), VISITOR):
        with pytest.raises(NotAllowed):
            queries.enquiries(who)
        with pytest.raises(NotAllowed):
            operations.close_enquiry(enquiry_id=enquiry.pk, why="x", by=who, now=NOW)
    by, outsider = admin(), reviewer()
    with pytest.raises(operations.NotStaff):
        operations.give_enquiry(enquiry_id=enquiry.pk, owner_id=outsider.account_id, by=by, now=NOW)  # type: ignore[arg-type]


# --- Forgetting -----------------------------------------------------------------------------------------------


@db
def test_drafts_nobody_came_back_to_are_forgotten_with_their_files() -> None:
    old, _ = make_draft()
    sent, _ = make_submitted()
    later = NOW + timedelta(days=181)
    fresh, _ = make_draft(now=later)
    assert operations.sweep(now=later) == 1 == operations.sweep(now=later) + 1
    assert set(Application.objects.all()) == {sent, fresh}
    assert not ApplicationDocument.objects.filter(application_id=old.pk).exists()
    assert not Knock.objects.filter(at__lt=later - timedelta(days=2)).exists()


def test_logs_never_hold_an_applicant_s_link() -> None:
    from config.logs import masked

    token = _token()
    said = masked(f"GET {links.path_of(token)}documents/1/ from http://localhost{links.path_of(token)}")
    assert token not in said and said == "GET /apply/***/documents/1/ from http://localhost/apply/***/"
    assert masked("GET /apply/resume/?why=link_expired") == "GET /apply/resume/?why=link_expired"
