"""The pages of the checklists: list, sheet, editor, copy, off and on offer, workbook."""

from __future__ import annotations

import io
from typing import Any

import openpyxl
import pytest

from identity.choices import Role
from identity.contracts import Actor
from kernel.tenancy import Tenant
from tenants.inspections import operations
from tenants.inspections.models import Checklist
from tenants.rubrics.models import Item, Rubric
from tests.factories.findings import make_member
from tests.factories.inspections import make_inspection
from tests.factories.rubrics import make_rubric
from tests.tenants.inspections.test_checklists import ids_of
from tests.web.test_findings import signed

HERE = "/inspections/checklists/"


@pytest.fixture
def by(alpha: Tenant) -> Actor:
    return make_member(alpha)


@pytest.fixture
def rubric(alpha: Tenant) -> Rubric:
    return make_rubric()


@pytest.fixture
def sheet(alpha: Tenant, by: Actor, rubric: Rubric) -> Checklist:
    return operations.save_checklist(
        title="日检", rubric_id=rubric.pk, item_ids=ids_of(rubric)[:2], by=by, tenant=alpha
    )  # fmt: skip


def body(answer: Any) -> str:
    return str(answer.content.decode())


def test_the_list_says_kind_state_and_what_is_under_way(
    alpha: Tenant, by: Actor, rubric: Rubric, sheet: Checklist
) -> None:
    operations.save_checklist(
        title="食材验收", kind="food", rubric_id=rubric.pk, item_ids=ids_of(rubric), by=by, tenant=alpha
    )
    make_inspection(alpha, by=by, rubric=rubric)
    make_inspection(alpha, by=by, rubric=rubric, checklist_id=sheet.pk)
    page = body(signed(by).get(HERE))
    assert "日检" in page and "食材验收" in page and "1 次巡查进行中" in page
    assert "日检" not in body(signed(by).get(f"{HERE}?kind=food")) and "食材验收" in body(
        signed(by).get(f"{HERE}?kind=food")
    )
    assert "没有符合条件的检查表" in body(signed(by).get(f"{HERE}?line=canteen"))
    Rubric.objects.update(status="retired")
    assert "标准已停用，不能巡查" in body(signed(by).get(HERE))
    assert "日检" not in body(signed(by).get("/m/inspections/start/"))


def test_edited_in_the_order_posted(by: Actor, rubric: Rubric, sheet: Checklist) -> None:
    client, (a, b, c, _d) = signed(by), ids_of(rubric)
    url = f"{HERE}{sheet.pk}/edit/"
    page = body(client.get(url))
    assert page.index(f'value="{a}">') < page.index(f'value="{b}">') and f'value="{c}" disabled' in page
    given = {
        "title": "夜检",
        "kind": "safety",
        "line": "cleaning",
        "items": [str(c), str(b), str(a)],
        "digest": sheet.digest,
    }
    assert client.post(url, given).url == f"{HERE}{sheet.pk}/"
    sheet.refresh_from_db()
    assert (sheet.title, sheet.kind, sheet.item_ids) == ("夜检", "safety", [str(c), str(b), str(a)])
    page = body(client.get(url))
    assert page.index(f'value="{c}">') < page.index(f'value="{b}">') < page.index(f'value="{a}">')
    late = client.post(url, given | {"items": [str(a)]})  # the page was opened before the change
    assert late.status_code == 422 and "刚刚被别人改过" in body(late)
    sheet.refresh_from_db()
    assert len(sheet.item_ids) == 3


def test_a_refused_form_keeps_what_was_arranged(by: Actor, rubric: Rubric, sheet: Checklist) -> None:
    client, (a, b, c, d) = signed(by), ids_of(rubric)
    url = f"{HERE}new/{rubric.pk}/"
    taken = client.post(url, {"title": "日检", "kind": "air", "line": "cleaning", "items": [str(d), str(c), str(b)]})
    page = body(taken)
    assert taken.status_code == 422 and "已有同名的检查表" in page
    assert page.index(f'value="{d}">') < page.index(f'value="{c}">') < page.index(f'value="{b}">')
    assert f'value="{a}" disabled' in page
    empty = client.post(url, {"title": "空的", "kind": "air", "line": "cleaning"})
    assert empty.status_code == 422 and "请至少加入一个检查项目" in body(empty)
    assert Checklist.objects.count() == 1


def test_copied_under_a_free_name(by: Actor, rubric: Rubric, sheet: Checklist) -> None:
    client = signed(by)
    url = f"{HERE}{sheet.pk}/copy/"
    assert "日检（2）" in body(client.get(url))
    items = [str(i) for i in ids_of(rubric)[1:3]]
    assert (
        client.post(url, {"title": "日检（2）", "kind": "routine", "line": "cleaning", "items": items}).status_code
        == 302
    )
    assert set(Checklist.objects.values_list("title", flat=True)) == {"日检", "日检（2）"}
    sheet.refresh_from_db()
    assert sheet.item_ids == [str(i) for i in ids_of(rubric)[:2]]
    assert "日检（3）" in body(client.get(url))


def test_off_offer_is_seen_and_comes_back(by: Actor, sheet: Checklist) -> None:
    client = signed(by)
    assert client.post(f"{HERE}{sheet.pk}/drop/").status_code == 302
    assert "日检（2 项）" not in body(client.get("/m/inspections/start/"))
    assert f"{HERE}{sheet.pk}/" not in body(client.get(HERE))
    assert "恢复启用" in body(client.get(f"{HERE}?state=off"))
    assert client.get(f"{HERE}{sheet.pk}/edit/").status_code == 302
    assert client.post(f"{HERE}{sheet.pk}/restore/").url == f"{HERE}{sheet.pk}/"
    assert "日检（2 项）" in body(client.get("/m/inspections/start/"))
    client.post(f"{HERE}{sheet.pk}/drop/")
    Rubric.objects.update(status="retired")
    refused = client.post(f"{HERE}{sheet.pk}/restore/")
    assert refused.status_code == 422 and "不能恢复" in body(refused)


def test_the_sheet_says_what_it_asks_for_and_what_is_gone(
    alpha: Tenant, by: Actor, rubric: Rubric, sheet: Checklist
) -> None:
    make_inspection(alpha, by=by, rubric=rubric, checklist_id=sheet.pk)
    Item.objects.filter(pk=ids_of(rubric)[0]).update(removed_in=2)
    page = body(signed(by).get(f"{HERE}{sheet.pk}/"))
    assert "检查内容 1.2" in page and "检查内容 1.1" not in page and "1 项已从评分标准删除" in page
    assert "1 次巡查正在按开始时的内容进行" in page and "新建日常巡查检查表" in page
    Rubric.objects.update(status="retired")
    page = body(signed(by).get(f"{HERE}{sheet.pk}/"))
    assert "没有启用，不能按它巡查" in page and f"{HERE}{sheet.pk}/edit/" not in page


def test_a_leader_reads_and_changes_nothing(alpha: Tenant, rubric: Rubric, sheet: Checklist) -> None:
    leader, worker = signed(make_member(alpha, Role.SCHOOL_LEADER)), signed(make_member(alpha, Role.FRONTLINE))
    page = body(leader.get(HERE)) + body(leader.get(f"{HERE}{sheet.pk}/"))
    assert "日检" in page and "编辑" not in page and "停用检查表" not in page and "新建检查表" not in page
    for path in (f"new/{rubric.pk}/", f"{sheet.pk}/edit/", f"{sheet.pk}/copy/"):
        assert leader.get(f"{HERE}{path}").status_code == 403
    for path in (f"{sheet.pk}/drop/", f"{sheet.pk}/restore/"):
        assert leader.post(f"{HERE}{path}").status_code == 403
    assert worker.get(HERE).status_code == 403 and worker.get(f"{HERE}{sheet.pk}/").status_code == 403
    assert Checklist.objects.get().active


def test_the_workbook_holds_the_items_in_their_order(
    alpha: Tenant, by: Actor, rubric: Rubric, sheet: Checklist
) -> None:
    a, b, *_rest = ids_of(rubric)
    operations.save_checklist(
        checklist_id=sheet.pk, title="日检", rubric_id=rubric.pk, item_ids=[b, a], by=by, tenant=alpha
    )
    operations.save_checklist(title="别的", kind="air", rubric_id=rubric.pk, item_ids=[a], by=by, tenant=alpha)
    book = openpyxl.load_workbook(io.BytesIO(signed(by).get(f"{HERE}export.xlsx?kind=routine").content))
    assert [[c.value for c in row[:6]] for row in book["检查表"].iter_rows(min_row=2)] == [
        ["日检", "日常巡查", "保洁", "保洁考核表", 2, "启用"]
    ]
    assert [[c.value for c in row[:4]] for row in book["检查项目"].iter_rows(min_row=2)] == [
        ["日检", 1, "维度1", "检查内容 1.2"], ["日检", 2, "维度1", "检查内容 1.1"],
    ]  # fmt: skip
