"""The timeline to take away, people by name, and what a property company reads of its own contract."""

from __future__ import annotations

from typing import Any

import pytest

from identity.choices import Role
from kernel.tenancy import Tenant
from tenants.timeline.operations import record
from tests.factories.findings import make_closed, make_finding, make_member
from tests.factories.inspections import make_done, make_inspection
from tests.factories.organisation import make_party, make_post, make_staff
from tests.factories.rubrics import make_rubric
from tests.web.test_findings import signed
from tests.web.test_inspections import rows_of


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


def test_the_timeline_as_a_workbook_follows_its_filters(alpha: Tenant) -> None:
    by, post, person = make_member(alpha, name="周监管"), make_post(), make_staff(name="张小兰")
    found = make_finding(alpha, by=by)
    record(verb="patrol_route.saved", sentence="新建路线", subject=found, by=by, post_id=post.pk, staff_id=person.pk)
    client = signed(by)
    assert "/timeline/export.xlsx?verb=finding" in client.get("/timeline/?verb=finding").content.decode()
    (row,) = rows_of(client, "/timeline/export.xlsx?verb=finding")
    assert (row["操作人"], row["类别"], row["地点"]) == ("周监管", "问题整改", found.place.full_name)
    assert found.number in row["事件"] and row["责任单位/合同"] == found.party.name
    first, _second = rows_of(client, "/timeline/export.xlsx")
    assert (first["类别"], first["岗位"], first["涉及人员"]) == ("巡更路线", post.name, "张小兰")


def test_a_person_is_found_by_name(alpha: Tenant) -> None:
    by = make_member(alpha)
    for name in ("张小兰", "李建国"):
        person = make_staff(name=name)
        record(verb="staff.changed", sentence=f"动了{name}的资料", subject=person, by=by)
    page = signed(by).get("/timeline/?about=小兰").content.decode()
    assert "动了张小兰的资料" in page and "动了李建国的资料" not in page
    assert "没有符合条件的记录" in signed(by).get("/timeline/?about=没有这个人").content.decode()


def test_a_company_reads_the_timeline_of_its_own_contract_only(alpha: Tenant) -> None:
    mine, theirs = make_party("contract"), make_party("contract")
    own, other = make_finding(alpha, party=mine), make_finding(alpha, party=theirs)
    rival, post = make_staff(party=theirs, name="别家员工"), make_post(party=theirs, name="别家岗位")
    record(verb="staff.changed", sentence="改了别家员工", subject=rival, by=make_member(alpha), party_id=theirs.pk)
    client = signed(make_member(alpha, Role.PROVIDER_MANAGER, provider_id=mine.provider_id))
    for query in (
        "", f"party={theirs.pk}", f"place={other.place_id}", f"staff={rival.pk}", f"post={post.pk}", "about=别家", "verb=staff",
    ):  # fmt: skip
        page = client.get(f"/timeline/?{query}").content.decode()
        assert other.number not in page and "别家" not in page.replace("about=别家", "").replace('value="别家"', ""), (
            query
        )
        rows = rows_of(client, f"/timeline/export.xlsx?{query}")
        assert all(own.number in r["事件"] for r in rows), query
    assert own.number in client.get("/timeline/").content.decode()
    assert "事件时间线" in client.get("/findings/").content.decode()


def test_a_company_is_not_told_what_is_still_inside_the_school(alpha: Tenant) -> None:
    party = make_party("contract")
    by, person = make_member(alpha), make_staff(party=party)
    running, done = make_inspection(alpha, party=party), make_done(alpha, party=party)
    about = {"by": by, "party_id": party.pk, "subject": person}
    record(verb="round.scored", sentence="某人打分 88.00", **about)
    record(verb="staff.revealed", sentence="查看了完整证件号", **about)
    record(verb="face.refused", sentence="选择不使用人脸", **about)
    client = signed(make_member(alpha, Role.PROVIDER_MANAGER, provider_id=party.provider_id))
    page = client.get("/timeline/").content.decode()
    assert f"{done.number} " in page and running.number not in page
    assert not any(words in page for words in ("打分 88.00", "查看了完整证件号", "选择不使用人脸"))
    assert "开始巡查" not in page


def test_a_conclusion_links_to_the_changed_plan(alpha: Tenant) -> None:
    by, found = make_member(alpha), make_closed(alpha)
    client, rubric = signed(by), make_rubric()
    event = record(verb="rubric.edited", sentence="卫生间改为每日三扫", subject=rubric, by=by)
    page = client.get(f"/findings/{found.pk}/").content.decode()
    assert f'<option value="{event.pk}">' in page
    sent = {"consequence": "plan", "plan_event": str(event.pk), "lesson": "", "next": f"/findings/{found.pk}/"}
    assert client.post(f"/findings/{found.pk}/conclude/", sent).status_code == 302
    page = client.get(f"/findings/{found.pk}/").content.decode()
    assert f'<a href="/rubrics/{rubric.pk}/">卫生间改为每日三扫</a>' in page


def test_frontline_read_nothing_and_a_company_without_a_contract_an_empty_page(alpha: Tenant) -> None:
    found, person = make_finding(alpha), make_staff()
    for url in ("/timeline/", "/timeline/export.xlsx"):
        assert signed(make_member(alpha, Role.FRONTLINE, staff_id=person.pk)).get(url).status_code == 403
    client = signed(make_member(alpha, Role.PROVIDER_MANAGER, provider_id=person.pk))
    assert found.number not in client.get("/timeline/").content.decode()
    assert rows_of(client, "/timeline/export.xlsx") == []
