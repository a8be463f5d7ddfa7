"""The ledger, the notices in time, the metric, the import, the scan."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.test.utils import CaptureQueriesContext

from identity.choices import Role
from identity.contracts import Actor
from kernel.clock import SHANGHAI
from kernel.errors import Invalid, NotAllowed
from kernel.tenancy import Tenant, school_context
from tenants.evidence import operations as evidence
from tenants.evidence.models import Evidence
from tenants.evidence.policies import can_read
from tenants.notices.models import Notice
from tenants.organisation import errors, ledger, metrics, operations
from tenants.organisation.choices import CertificateState
from tenants.organisation.models import Certificate, CertificateNotice, Staff
from tenants.timeline.models import Event
from tests.factories.identity import make_account, make_member, school_actor
from tests.factories.organisation import make_certificate, make_contract, make_department, make_post, make_staff
from tests.kernel.test_spreadsheets import xlsx
from tests.tenants.organisation.test_imports import check, confirm
from tests.tenants.organisation.test_queries import ADMIN

TODAY = date(2026, 11, 25)
NOW = datetime(2026, 11, 25, 1, 0, tzinfo=UTC)
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"


@pytest.fixture(autouse=True)
def media(settings: object, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path  # type: ignore[attr-defined]


# --- Ledger ---------------------------------------------------------------------------------------


def test_the_question_of_the_engineering_department_is_answered(alpha: Tenant) -> None:
    works, other = make_department("工程部"), make_department("食堂")
    post = make_post("电工", party=works, certificates=["electrician"])
    for name, expires in (("甲", date(2026, 11, 1)), ("乙", date(2027, 1, 1)), ("丙", date(2029, 1, 1))):
        make_certificate(make_staff(name, post=post), kind="electrician", expires_on=expires)
    make_staff("丁", post=post)
    make_certificate(make_staff("戊", party=other), kind="electrician", expires_on=date(2020, 1, 1))
    found = ledger.ledger(by=ADMIN, today=TODAY, party_id=works.pk, kind="special_work")
    assert [(r.name, r.state.value) for r in found.rows] == [
        ("甲", "expired"),
        ("丁", "missing"),
        ("乙", "soon"),
        ("丙", "valid"),
    ]
    assert found.total == 4 and found.in_force == 2
    said = ledger.answer(found, whose="工程部", which="特种作业操作证")
    assert said == "工程部的特种作业操作证共 4 份，有 1 份已过期或复审逾期，缺 1 份，1 份在 90 天内到期或需复审。"
    assert not ledger.ledger(by=ADMIN, today=TODAY, party_id=works.pk, kind="health").rows


def test_states_filter_and_the_longest_certificate_counts(alpha: Tenant) -> None:
    person = make_staff("甲")
    make_certificate(person, kind="welding", expires_on=date(2020, 1, 1))
    renewed = make_certificate(person, kind="welding", expires_on=date(2028, 1, 1))
    row = ledger.ledger(by=ADMIN, today=TODAY).rows
    assert [(r.certificate_id, r.state, r.required) for r in row] == [(renewed.pk, CertificateState.VALID, False)]
    assert ledger.ledger(by=ADMIN, today=TODAY, state="bad").rows == []
    assert len(ledger.ledger(by=ADMIN, today=TODAY, state="valid", search="甲").rows) == 1
    assert ledger.ledger(by=ADMIN, today=TODAY, search="%' OR 1=1 --").rows == []
    Staff.objects.update(status="left", left_on=TODAY)
    assert ledger.ledger(by=ADMIN, today=TODAY).rows == []


def test_each_sees_their_own_part(alpha: Tenant, beta: Tenant) -> None:
    provider = uuid4()
    ours = make_staff("我司", party=make_contract(provider_id=provider))
    theirs = make_staff("他司", party=make_contract())
    for person in (ours, theirs):
        make_certificate(person)
    boss = Actor(
        uuid4(), "经理", frozenset({Role.PROVIDER_MANAGER}), alpha.school_id, provider_ids=frozenset({provider})
    )
    worker = Actor(uuid4(), "员工", frozenset({Role.FRONTLINE}), alpha.school_id, staff_id=theirs.pk)
    nobody = Actor(uuid4(), "员工", frozenset({Role.FRONTLINE}), alpha.school_id)
    assert [r.name for r in ledger.ledger(by=boss, today=TODAY).rows] == ["我司"]
    assert [r.name for r in ledger.ledger(by=worker, today=TODAY).rows] == ["他司"]
    assert ledger.ledger(by=nobody, today=TODAY).rows == []
    with school_context(beta):
        assert ledger.ledger(by=ADMIN, today=TODAY).rows == []


def test_the_ledger_is_one_query(alpha: Tenant) -> None:
    post = make_post(certificates=["health", "electrician"])
    for n in range(30):
        make_certificate(make_staff(f"员工{n}", post=post))
    with CaptureQueriesContext(connection) as asked:
        assert len(ledger.ledger(by=ADMIN, today=TODAY).rows) == 60
    assert len(asked) == 1


# --- Notices --------------------------------------------------------------------------------------


def due(alpha: Tenant, left: int, *, name: str = "甲") -> tuple[Staff, Certificate]:
    person = make_staff(name, party=make_department(), account_id=make_account().pk)
    return person, make_certificate(person, kind="welding", expires_on=TODAY + timedelta(days=left))


def sweep(alpha: Tenant, days: int = 0) -> int:
    return operations.tell_ending_certificates(tenant=alpha, now=NOW + timedelta(days=days))


def titles(account_id: object) -> list[str]:
    return list(Notice.objects.filter(account_id=account_id).order_by("id").values_list("title", flat=True))


def test_each_stage_is_told_once_and_then_nobody_is_nagged(alpha: Tenant) -> None:
    person, row = due(alpha, 91)
    for day in range(110):
        sweep(alpha, day)
    assert list(CertificateNotice.objects.order_by("id").values_list("stage", flat=True)) == [90, 60, 30, 7, 0]
    told = titles(person.account_id)
    assert len(told) == 5 and "90 天内" in told[0] and "已过期" in told[4]
    assert row.expires_on and row.expires_on.isoformat() in told[0]


def test_after_downtime_only_the_nearest_stage_is_told(alpha: Tenant) -> None:
    person, _row = due(alpha, 5)
    assert sweep(alpha) == 1 and sweep(alpha) == 0
    assert len(titles(person.account_id)) == 1 and "7 天内" in titles(person.account_id)[0]


def test_company_and_school_get_one_notice_for_all(alpha: Tenant) -> None:
    provider = uuid4()
    contract = make_contract("明净物业", provider_id=provider)
    admin = make_member(Role.SCHOOL_ADMIN, tenant=alpha)
    manager = make_member(Role.PROVIDER_MANAGER, tenant=alpha, provider_id=provider)
    rival = make_member(Role.PROVIDER_MANAGER, tenant=alpha, provider_id=uuid4())
    for n in range(3):
        make_certificate(make_staff(f"员工{n}", party=contract), expires_on=TODAY + timedelta(days=20 - n))
    due(alpha, -3, name="自管")
    assert sweep(alpha) == 4
    assert titles(manager.account_id) == ["3 份证书将到期或需复审"]
    assert titles(admin.account_id) == ["3 份证书将到期或需复审，1 份证书已失效"]
    assert titles(rival.account_id) == []
    text = Notice.objects.get(account_id=admin.account_id).text
    assert "员工0" not in text and "工号" in text  # people by number: notices outlive what must be forgotten


def test_a_renewed_certificate_and_a_left_person_are_silent(alpha: Tenant) -> None:
    person, _row = due(alpha, 5)
    make_certificate(person, kind="welding", expires_on=TODAY + timedelta(days=900))
    gone, _row = due(alpha, 5)
    Staff.objects.filter(pk=gone.pk).update(status="left", left_on=TODAY)
    make_certificate(make_staff())  # without an end
    assert sweep(alpha) == 0 and not Notice.objects.exists()


def test_a_later_end_takes_back_the_to_do_and_counts_anew(alpha: Tenant) -> None:
    person, row = due(alpha, 5)
    sweep(alpha)
    operations.change_certificate(
        certificate_id=row.pk, kind="welding", number=row.number, issued_on=row.issued_on,
        expires_on=TODAY + timedelta(days=40), by=ADMIN, tenant=alpha, now=NOW,
    )  # fmt: skip
    assert Notice.objects.get(account_id=person.account_id).read_at
    assert sweep(alpha) == 1 and "60 天内" in titles(person.account_id)[1]


def test_a_review_date_is_not_wiped_by_leaving_it_out(alpha: Tenant) -> None:
    """An electrician whose review lapsed: a change of the number alone makes nobody valid till 2028."""
    person = make_staff()
    card = {"kind": "electrician", "issued_on": date(2023, 1, 1)}
    row = operations.add_certificate(staff_id=person.pk, number="T1", **card, by=ADMIN, tenant=alpha)
    lapsed, ends = row.review_on, row.expires_on
    assert lapsed is not None and lapsed < TODAY and ends is not None

    def changed(**fields: Any) -> Certificate:
        return operations.change_certificate(
            **{"certificate_id": row.pk, "number": "T1-2", **card, "by": ADMIN, "tenant": alpha, "now": NOW, **fields}
        )

    assert (changed().review_on, changed(expires_on=ends).expires_on) == (lapsed, ends)
    for short in ({"without_review": True}, {"without_review": True, "reason": "无"}, {"without_end": True}):
        with pytest.raises(Invalid):
            changed(**short)
    with pytest.raises(Invalid):
        changed(without_review=True, review_on=date(2029, 1, 1), reason="两样都填了")
    done = changed(without_review=True, reason="新规定取消复审")
    assert (done.review_on, done.expires_on, done.number) == (None, ends, "T1-2")
    said = Event.objects.filter(verb="certificate.changed").latest("pk").sentence
    assert f"复审 {lapsed}、有效期至 {ends} → 复审 无" in said and "（新规定取消复审）" in said


def test_another_card_gets_the_dates_of_its_kind_and_never_none_by_silence(alpha: Tenant) -> None:
    person = make_staff()
    row = operations.add_certificate(
        staff_id=person.pk, kind="electrician", number="T1", issued_on=date(2023, 1, 1), by=ADMIN, tenant=alpha
    )

    def renewed(kind: str) -> Certificate:
        return operations.change_certificate(
            certificate_id=row.pk, kind=kind, number="T2", issued_on=date(2026, 1, 1), by=ADMIN, tenant=alpha, now=NOW
        )

    assert (renewed("electrician").review_on, row.pk) == (date(2029, 1, 1), row.pk)
    with pytest.raises(Invalid):
        renewed("food_safety")


# --- Metric ---------------------------------------------------------------------------------------


def test_validity_counts_required_certificates_only(alpha: Tenant) -> None:
    post = make_post(certificates=["electrician", "health"], line="repair")
    good, late, none = (make_staff(n, post=post) for n in "甲乙丙")
    make_certificate(good, kind="electrician", expires_on=date(2028, 1, 1))
    make_certificate(good, kind="health")
    make_certificate(late, kind="electrician", expires_on=date(2026, 11, 24))
    make_certificate(none, kind="boiler")  # which nobody asked for
    make_staff("丁")  # without a post: what is required is not known
    by_line = {r.line: r for r in metrics.on_day(TODAY)}
    assert set(by_line) == {"", "repair"}
    whole = by_line[""]
    assert (whole.numerator, whole.denominator, whole.n, str(whole.coverage)) == (2, 6, 6, "0.7500")
    assert by_line["repair"].coverage == 1
    assert {r.line: r.numerator for r in metrics.on_day(date(2026, 11, 24))}[""] == 3
    assert metrics.readings(month=TODAY, tz=SHANGHAI)["certificate_validity"][0].month == date(2026, 11, 1)


def test_a_school_without_people_states_nothing_to_divide(alpha: Tenant) -> None:
    (whole,) = metrics.on_day(TODAY)
    assert (whole.line, whole.denominator, whole.coverage) == ("", 0, 0)


# --- Dates that follow, scans ---------------------------------------------------------------------


def add(alpha: Tenant, person: Staff, **fields: object) -> Certificate:
    given: dict = {"kind": "electrician", "number": "T1", "issued_on": date(2024, 5, 1), **fields}
    return operations.add_certificate(staff_id=person.pk, **given, by=ADMIN, tenant=alpha)


def test_dates_left_empty_follow_the_rule(alpha: Tenant) -> None:
    row = add(alpha, make_staff())
    assert (row.review_on, row.expires_on) == (date(2027, 5, 1), date(2030, 4, 30))
    own = add(alpha, make_staff(), number="T2", expires_on=date(2029, 1, 1))
    assert (own.review_on, own.expires_on) == (date(2027, 5, 1), date(2029, 1, 1))  # what the card says wins


def test_a_scan_is_seen_by_those_who_may_see_the_person(alpha: Tenant) -> None:
    boss, provider = school_actor(alpha, Role.SCHOOL_ADMIN), uuid4()
    person = make_staff(party=make_contract(provider_id=provider))
    scan = evidence.keep_file(upload=PDF, name="电工证.pdf", by=boss, tenant=alpha, now=NOW)
    row = add(alpha, person, scan_id=scan.pk)
    manager = Actor(
        uuid4(), "经理", frozenset({Role.PROVIDER_MANAGER}), alpha.school_id, provider_ids=frozenset({provider})
    )
    holder = Actor(uuid4(), "本人", frozenset({Role.FRONTLINE}), alpha.school_id, staff_id=person.pk)
    rival = Actor(
        uuid4(), "他司", frozenset({Role.PROVIDER_MANAGER}), alpha.school_id, provider_ids=frozenset({uuid4()})
    )
    other = Actor(uuid4(), "别人", frozenset({Role.FRONTLINE}), alpha.school_id, staff_id=make_staff().pk)
    assert [can_read(a, scan) for a in (manager, holder, rival, other)] == [True, True, False, False]
    assert row.scan_id == scan.pk
    with pytest.raises(errors.ScanUnknown):
        add(alpha, person, number="T9", scan_id=uuid4())


def test_a_forgotten_person_leaves_no_scan(alpha: Tenant, django_capture_on_commit_callbacks: object) -> None:
    boss, person = school_actor(alpha, Role.SCHOOL_ADMIN), make_staff()
    scan = evidence.keep_file(upload=PDF, name="电工证.pdf", by=boss, tenant=alpha, now=NOW)
    add(alpha, person, scan_id=scan.pk)
    operations.leave(staff_id=person.pk, left_on=TODAY - timedelta(days=1), now=NOW, by=boss, tenant=alpha)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        operations.forget(staff_id=person.pk, now=NOW, by=boss, tenant=alpha)
    assert not Evidence.objects.filter(pk=scan.pk).exists()
    assert not default_storage.exists(scan.path)


def test_the_bytes_stay_while_another_row_has_them(alpha: Tenant, django_capture_on_commit_callbacks: object) -> None:
    boss = school_actor(alpha, Role.SCHOOL_ADMIN)
    one, two = (evidence.keep_file(upload=PDF, name=n, by=boss, tenant=alpha, now=NOW) for n in ("a.pdf", "b.pdf"))
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        evidence.erase(evidence_ids=[one.pk], by=boss)
    assert default_storage.exists(two.path)


# --- Import ---------------------------------------------------------------------------------------

HEADS = ["工号*", "姓名", "证书类别*", "证书编号*", "发证日期*", "下次复审日期", "有效期至"]


def test_several_certificates_of_a_person_are_imported(alpha: Tenant) -> None:
    make_staff("张三", number="G1")
    make_staff("李四", number="G2")
    make_certificate(make_staff("王五", number="G3"), kind="health", number="H9")
    gone = make_staff("赵六", number="G4")
    Staff.objects.filter(pk=gone.pk).update(status="left", left_on=TODAY)
    rows = [
        ["G1", "张三", "电工证", "T1", "2024-05-01", "", ""],
        ["G1", "张三", "健康证明", "H1", "2026/3/1", "", ""],
        ["G2", "", "保安员证", "B1", "2020-01-01", "", "长期"],
        ["G2", "李司", "健康证明", "H2", "2026-03-01", "", ""],
        ["G9", "", "健康证明", "H3", "2026-03-01", "", ""],
        ["G2", "", "健康证明", "H9", "2026-03-01", "", ""],
        ["G2", "", "驾驶证", "J1", "2026-03-01", "", ""],
        ["G1", "", "电工证", "T1", "2024-05-01", "", ""],
        ["G4", "", "健康证明", "H5", "2026-03-01", "", ""],
        ["G2", "", "健康证明", "H6", "2026-03-01", "", "2025-01-01"],
    ]
    job = check(alpha, xlsx([HEADS, *rows]), "certificates")
    assert job.result["counts"] == {"new": 3, "updated": 0, "unchanged": 0, "wrong": 7, "total": 10}
    assert Certificate.objects.count() == 1  # nothing before the confirmation
    assert confirm(alpha, job).result["counts"]["new"] == 3
    electric = Certificate.objects.get(number="T1")
    assert (electric.staff.number, electric.review_on, electric.expires_on) == (
        "G1",
        date(2027, 5, 1),
        date(2030, 4, 30),
    )
    again = check(alpha, xlsx([HEADS, *rows[:3]]), "certificates")
    assert again.result["counts"]["unchanged"] == 3
    changed = check(alpha, xlsx([HEADS, ["G1", "", "电工证", "T1", "2024-05-01", "2030-04-01", ""]]), "certificates")
    assert changed.result["counts"]["updated"] == 1
    confirm(alpha, changed)
    electric.refresh_from_db()
    assert (electric.review_on, electric.expires_on) == (date(2030, 4, 1), date(2030, 4, 30))


def test_only_the_admin_imports(alpha: Tenant) -> None:
    from tenants.organisation.imports import flow

    by = school_actor(alpha, Role.SCHOOL_SUPERVISOR)
    with pytest.raises(NotAllowed):
        flow.template("certificates", by=by)


@pytest.mark.parametrize("issued", [date(1, 1, 1), date(9999, 12, 31)])
def test_a_mistyped_year_of_issue_is_named_not_a_crash(alpha: Tenant, issued: date) -> None:
    row = make_certificate(make_staff("甲"), kind="electrician", expires_on=date(2028, 1, 1))
    given: dict[str, Any] = {"kind": "electrician", "number": "T9", "issued_on": issued, "by": ADMIN, "tenant": alpha}
    with pytest.raises(Invalid) as added:
        operations.add_certificate(staff_id=row.staff_id, **given)
    with pytest.raises(Invalid) as changed:
        operations.change_certificate(certificate_id=row.pk, **given)
    assert [e.value.field for e in (added, changed)] == ["issued_on", "issued_on"]
