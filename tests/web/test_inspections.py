"""Inspections to take away: the list and the coverage page as .xlsx."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
from django.test import Client

from identity.choices import Role
from kernel import clock
from kernel.tenancy import Tenant
from tests.factories.findings import make_member
from tests.factories.inspections import make_done, make_inspection
from tests.factories.organisation import make_party, make_place
from tests.web.test_findings import signed


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


def rows_of(client: Client, url: str) -> list[dict[str, Any]]:
    answer = client.get(url)
    assert answer.status_code == 200 and answer["Cache-Control"] == "no-store"
    heads, *rows = openpyxl.load_workbook(io.BytesIO(answer.content)).active.values
    return [dict(zip(heads, row, strict=True)) for row in rows]


def test_the_list_as_a_workbook_follows_its_filters(alpha: Tenant) -> None:
    by = make_member(alpha)
    done, running = make_done(alpha, by=by), make_inspection(alpha, by=by)
    client = signed(by)
    assert "/inspections/export.xlsx?status=done" in client.get("/inspections/?status=done").content.decode()
    assert {r["编号"] for r in rows_of(client, "/inspections/export.xlsx")} == {done.number, running.number}
    (row,) = rows_of(client, "/inspections/export.xlsx?status=done")
    assert (row["编号"], row["状态"], row["合格"], row["不合格"]) == (done.number, "已完成", 1, 0)
    assert row["类型"] == "日常巡查"
    assert rows_of(client, "/inspections/export.xlsx?kind=food") == []
    assert (row["地点"], row["责任单位"]) == (done.place.full_name, done.party.name)


def test_a_company_takes_away_only_the_walks_of_its_contract(alpha: Tenant) -> None:
    party = make_party("contract")
    own = make_done(alpha, party=party)
    make_done(alpha)
    client = signed(make_member(alpha, Role.PROVIDER_MANAGER, provider_id=party.provider_id))
    assert [r["编号"] for r in rows_of(client, "/inspections/export.xlsx")] == [own.number]
    assert client.get("/inspections/coverage/export.xlsx").status_code == 403
    assert signed(make_member(alpha, Role.FRONTLINE)).get("/inspections/coverage/export.xlsx").status_code == 403


def test_coverage_as_a_workbook_is_the_page(alpha: Tenant) -> None:
    by, campus = make_member(alpha), make_place(kind="campus")
    seen, unseen = (make_place(name, kind="building", parent=campus) for name in ("一号楼", "二号楼"))
    make_done(alpha, by=by, place=seen)
    client = signed(by)
    assert "/inspections/coverage/export.xlsx" in client.get("/inspections/coverage/").content.decode()
    rows = rows_of(client, "/inspections/coverage/export.xlsx")
    assert [(r["场所"], r["巡查次数"], r["状态"]) for r in rows] == [
        (unseen.full_name, 0, "没有查过"),
        (seen.full_name, 1, "查过"),
    ]
    after = clock.now().astimezone(alpha.tz).date() + timedelta(days=3)
    later = rows_of(client, f"/inspections/coverage/export.xlsx?from_day={after}&until_day={after}")
    assert [r["巡查次数"] for r in later] == [0, 0]
