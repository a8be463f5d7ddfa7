"""Pages of evaluations, through the door: sign-in, host, form, refusal."""

from __future__ import annotations

import io
from decimal import Decimal
from uuid import uuid4

import openpyxl
import pytest
from django.test import Client

from identity.choices import Role
from identity.models import Account
from kernel.tenancy import Tenant, school_context
from tenants.evaluations.models import Deduction, Round
from tests.factories.evaluations import any_rubric, closed_round, hand_in_all, make_round
from tests.factories.findings import make_member, picture
from tests.factories.organisation import make_contract, make_place


class Browser(Client):
    """A signed-in browser at a school's host."""

    def __init__(self, tenant: Tenant, role: Role, **member: object) -> None:
        super().__init__(headers={"host": f"{tenant.slug}.localhost"})
        self.actor = make_member(tenant, role, **member)
        self.force_login(Account.objects.get(pk=self.actor.account_id))


@pytest.fixture
def boss(alpha: Tenant) -> Browser:
    return Browser(alpha, Role.SCHOOL_ADMIN)


def office(row: Round) -> str:
    return f"/evaluations/{row.pk}/score/{row.sources.get(mode='sheet').pk}/{row.areas.first().pk}/"


def test_an_empty_list_says_what_to_do(boss: Browser) -> None:
    page = boss.get("/evaluations/").content.decode()
    assert "还没有考核" in page and "/evaluations/new/" in page


def test_visitors_are_sent_to_sign_in_and_workers_away(alpha: Tenant) -> None:
    assert Client(headers={"host": "alpha.localhost"}).get("/evaluations/").status_code == 302
    assert Browser(alpha, Role.FRONTLINE).get("/evaluations/").status_code == 403


def test_the_wizard_makes_a_round(boss: Browser, alpha: Tenant) -> None:
    party, rubric = make_contract("清源物业"), any_rubric()
    assert "请选择月份" in boss.get("/evaluations/new/?kind=monthly").content.decode()
    step2 = boss.get("/evaluations/new/?kind=monthly&month=2026-10").content.decode()
    assert "清源物业" in step2
    url = f"/evaluations/new/?kind=monthly&month=2026-10&party={party.pk}&rubric={rubric.pk}"
    assert "后勤管理处" in boss.get(url).content.decode()
    rows = {"s0-name": "后勤处", "s0-weight": "70", "s0-mode": "sheet", "s1-name": "使用单位", "s1-mode": "raw"}
    both = {"takes_findings": "0", "combine": "mean"}
    wrong = boss.post(url, {**rows, "s1-weight": "20", **both})
    assert wrong.status_code == 422 and "合计应为 100%，现在是 90%" in wrong.content.decode()
    assert not Round.objects.exists()
    done = boss.post(url, {**rows, "s1-weight": "30", **both})
    row = Round.objects.get()
    assert done.status_code == 302 and done["Location"] == f"/evaluations/{row.pk}/"
    assert row.title == "2026年10月月度考核 · 清源物业" and row.sources.get(takes_findings=True).name == "后勤处"


def test_more_rows_than_the_page_shows_at_first(boss: Browser, alpha: Tenant) -> None:
    """The page adds rows; as many as are sent are read, and a draft with many shows all of them and one to write in."""
    url = f"/evaluations/new/?kind=monthly&month=2026-10&party={make_contract().pk}&rubric={any_rubric().pk}"
    rows = {}
    for n in range(10):
        rows |= {f"s{n}-name": f"部门{n}", f"s{n}-weight": "10", f"s{n}-mode": "sheet" if n == 9 else "raw"}
    for n in range(8):
        rows |= {f"a{n}-name": f"片区{n}", f"a{n}-weight": "12.5", f"a{n}-place": str(make_place(f"校区{n}").pk)}
    assert boss.post(url, {**rows, "takes_findings": "9", "combine": "mean"}).status_code == 302
    row = Round.objects.get()
    assert (row.sources.count(), row.areas.count()) == (10, 8)
    assert row.sources.get(takes_findings=True).name == "部门9"
    page = boss.get(f"/evaluations/{row.pk}/layout/").content.decode()
    assert 'name="s10-name"' in page and 'name="s11-name"' not in page and 'value="部门9"' in page
    assert 'name="a8-name"' in page and "第 11 个评分单位" in page
    assert (
        boss.post(url, {"s9999-name": "x", "s999-name": "x", "combine": "mean"}).status_code == 422
    )  # no flood of rows


def test_the_whole_way_by_clicking(boss: Browser, alpha: Tenant) -> None:
    row = make_round(alpha, opened=False)
    assert boss.post(f"/evaluations/{row.pk}/open/").status_code == 302
    item = row.sheet["sections"][0]["items"][0]["id"]
    card = boss.get(f"{office(row)}{item}/deduct/").content.decode()
    key, prefix = uuid4(), f"d{item[-8:]}"
    assert f'name="{prefix}-reason"' in card
    values = {f"{prefix}-key": key, f"{prefix}-occurrences": 4, f"{prefix}-reason": "楼梯间有烟头"}
    for _twice in range(2):
        photo = io.BytesIO(picture(5))
        photo.name = "a.jpg"
        answer = boss.post(f"{office(row)}{item}/deduct/", {**values, "photos": [photo]})
        assert answer.status_code == 200, answer.content.decode()
        assert "96.00" in answer.content.decode()
    taken = Deduction.objects.get()
    assert taken.pk == key and len(taken.evidence) == 1
    assert boss.post(f"{office(row)}hand-in/").status_code == 302
    raw = row.sources.get(mode="raw")
    there = f"/evaluations/{row.pk}/score/{raw.pk}/{row.areas.get().pk}/"
    assert boss.post(f"{there}raw/", {"raw": "120"}).status_code == 422
    refused = boss.post(f"/evaluations/{row.pk}/compute/")
    assert refused.status_code == 422 and "使用单位" in refused.content.decode()
    assert boss.post(f"{there}raw/", {"raw": "92.5"}).status_code == 302
    assert boss.post(f"/evaluations/{row.pk}/compute/").status_code == 302
    page = boss.get(f"/evaluations/{row.pk}/").content.decode()
    assert "94.95" in page and "楼梯间有烟头" in page and f"/files/{taken.evidence[0]}/thumb" in page
    row.refresh_from_db()
    assert boss.post(f"/evaluations/{row.pk}/close/", {"digest": row.digest}).status_code == 302
    row.refresh_from_db()
    assert row.score == Decimal("94.95") and row.status == "closed"
    assert "已定稿" in boss.post(f"/evaluations/{row.pk}/compute/").content.decode()
    for page in ("", "print/"):
        assert boss.get(f"/evaluations/{row.pk}/{page}").status_code == 200
    book = openpyxl.load_workbook(io.BytesIO(boss.get(f"/evaluations/{row.pk}/export.xlsx").content))
    assert book["总分"]["B6"].value is not None and book["扣分明细"]["E2"].value == "楼梯间有烟头"


def test_not_applicable_and_back(boss: Browser, alpha: Tenant) -> None:
    row = make_round(alpha)
    item = row.sheet["sections"][0]["items"][0]["id"]
    assert "不适用 1 项" in boss.post(f"{office(row)}{item}/mark/", {"reason": "未启用"}).content.decode()
    assert "不适用 1 项" not in boss.post(f"{office(row)}{item}/mark/", {"reason": ""}).content.decode()


def test_a_wrong_deduction_comes_back_with_its_reason(boss: Browser, alpha: Tenant) -> None:
    row = make_round(alpha)
    item = row.sheet["sections"][0]["items"][0]["id"]
    prefix = f"d{item[-8:]}"
    answer = boss.post(
        f"{office(row)}{item}/deduct/", {f"{prefix}-key": uuid4(), f"{prefix}-occurrences": 0, f"{prefix}-reason": ""}
    )
    assert answer.status_code == 422 and "invalid-feedback" in answer.content.decode()
    assert not Deduction.objects.exists()


def test_waive_and_excuse_in_the_drawer(boss: Browser, alpha: Tenant) -> None:
    row = make_round(alpha)
    item = row.sheet["sections"][0]["items"][0]["id"]
    prefix = f"d{item[-8:]}"
    boss.post(
        f"{office(row)}{item}/deduct/",
        {f"{prefix}-key": uuid4(), f"{prefix}-occurrences": 1, f"{prefix}-reason": "积水"},
    )
    taken = Deduction.objects.get()
    assert "积水" in boss.get(f"/evaluations/deductions/{taken.pk}/waive/").content.decode()
    assert boss.post(f"/evaluations/deductions/{taken.pk}/waive/", {"reason": "暴雨"}).status_code == 302
    taken.refresh_from_db()
    assert taken.waived and taken.waived_reason == "暴雨"
    users = row.sources.get(mode="raw")
    assert boss.post(f"/evaluations/sources/{users.pk}/excuse/", {"reason": "放假"}).status_code == 302
    users.refresh_from_db()
    assert users.excused == "放假"


def test_a_supervisor_scores_and_an_admin_closes(alpha: Tenant) -> None:
    row = make_round(alpha)
    hand_in_all(row, alpha)
    walker = Browser(alpha, Role.SCHOOL_SUPERVISOR)
    assert walker.post(f"/evaluations/{row.pk}/compute/").status_code == 302
    page = walker.get(f"/evaluations/{row.pk}/").content.decode()
    assert f"/evaluations/{row.pk}/close/" not in page
    row.refresh_from_db()
    assert walker.post(f"/evaluations/{row.pk}/close/", {"digest": row.digest}).status_code == 422
    row.refresh_from_db()
    assert row.status == "computed"


def test_a_company_reads_its_own_and_nothing_else(alpha: Tenant) -> None:
    ours = make_contract()
    row, other = closed_round(alpha, party=ours), closed_round(alpha, party=make_contract())
    company = Browser(alpha, Role.PROVIDER_MANAGER, provider_id=ours.provider_id)
    page = company.get("/evaluations/").content.decode()
    assert str(row.pk) in page and str(other.pk) not in page
    assert company.get(f"/evaluations/{row.pk}/").status_code == 200
    assert company.get(f"{office(row)}").status_code == 200
    for hidden in (f"/evaluations/{other.pk}/", f"/evaluations/{other.pk}/print/", office(other)):
        assert company.get(hidden).status_code == 404
    assert company.get("/evaluations/new/").status_code == 403


def test_another_school_finds_nothing(alpha: Tenant, beta: Tenant) -> None:
    with school_context(beta):
        theirs = closed_round(beta)
        score = office(theirs)
        source = theirs.sources.get(mode="raw").pk
    boss = Browser(alpha, Role.SCHOOL_ADMIN)
    for url in (
        f"/evaluations/{theirs.pk}/",
        f"/evaluations/{theirs.pk}/print/",
        f"/evaluations/{theirs.pk}/export.xlsx",
        f"/evaluations/{theirs.pk}/layout/",
        score,
        f"/evaluations/sources/{source}/excuse/",
    ):
        assert boss.get(url).status_code == 404, url
    assert boss.post(f"/evaluations/{theirs.pk}/compute/").status_code in (404, 422)


def test_the_list_exports_and_filters(boss: Browser, alpha: Tenant) -> None:
    party = make_contract("=cmd()物业")
    for month in (8, 9, 10):
        closed_round(alpha, party=party, month=month)
    make_place("东校区")
    book = openpyxl.load_workbook(io.BytesIO(boss.get("/evaluations/export.xlsx?status=closed").content))
    sheet = book.active
    assert sheet is not None and sheet.max_row == 4 and sheet["G2"].value == 97
    assert sheet["E2"].value == "'=cmd()物业"
    assert "没有符合条件" in boss.get("/evaluations/?status=draft").content.decode()
    assert "历期得分" in boss.get(f"/evaluations/{Round.objects.order_by('-starts_on')[0].pk}/").content.decode()


def test_a_trial_round_says_so(boss: Browser, alpha: Tenant) -> None:
    from dataclasses import replace

    row = closed_round(replace(alpha, trial=True))
    assert "试行" in boss.get(f"/evaluations/{row.pk}/").content.decode()
    assert "试行" in boss.get("/evaluations/").content.decode()
