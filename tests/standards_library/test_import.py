"""The data file: read whole or refused whole, and a second run changes nothing."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import DjangoAssertNumQueries

from kernel import clock
from standards_library.management.commands.import_standards import default_file
from standards_library.models import (
    Document,
    Edition,
    Requirement,
    RubricTemplate,
    Supersession,
    TemplateDimension,
    TemplateItem,
)
from standards_library.operations import import_edition
from standards_library.reading import Rejected, read

FILE = default_file()


@pytest.fixture(scope="module")
def raw() -> dict[str, Any]:
    return json.loads(FILE.read_text())


def broken(raw: dict[str, Any], change: Callable[[dict[str, Any]], object]) -> list[str]:
    """Paths of the problems after `change`."""
    mine = copy.deepcopy(raw)
    change(mine)
    with pytest.raises(Rejected) as refused:
        read(json.dumps(mine))
    return [p.path for p in refused.value.problems]


def test_the_real_file_is_whole() -> None:
    content = read(FILE.read_text())
    assert content.edition == "2026.11"
    assert [len(t) for t in (content.documents, content.supersessions, content.requirements, content.templates)] == [
        105, 18, 452, 8,
    ]  # fmt: skip
    assert (len(content.dimensions), len(content.items)) == (42, 139)
    caps = {key: t["veto_cap"] for key, t in content.templates.items()}
    assert caps["rubric-cleaning"] == Decimal("69.99") and caps["rubric-canteen"] == Decimal("59.99")
    assert content.requirements["cl-road-before-0730"]["value"] == "07:30"
    assert content.requirements["cl-road-before-0730"]["number"] is None


def test_superseded_documents_point_at_their_successors() -> None:
    content = read(FILE.read_text())
    by_old = {old[:12]: s["document_keys"] for old, s in content.supersessions.items()}
    assert by_old["GB 5749-2006"] == ["GB5749"]
    assert by_old["WS 394-2012 "] == ["WS10013", "WST10005"]
    assert by_old["食品安全法(2021年修"] == ["FSL"]
    assert by_old["公共场所卫生管理条例(2"] == []  # its implementing rules are another document
    assert by_old["公消〔2015〕301号"[:12]] == []
    kept = next(s for old, s in content.supersessions.items() if old.startswith("公消"))
    assert kept["old_document_keys"] == ["MFS15"]


@pytest.mark.django_db
def test_the_real_file_loads_and_a_second_run_changes_nothing(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    Edition.objects.all().delete()
    content = read(FILE.read_text())
    first = import_edition(content=content, now=clock.now())
    assert first.new_edition and [len(t.added) for t in first.tables] == [105, 18, 452, 8, 42, 139]
    counts = [m.objects.count() for m in (Document, Supersession, Requirement, RubricTemplate)]
    assert counts == [105, 18, 452, 8]
    assert (TemplateDimension.objects.count(), TemplateItem.objects.count()) == (42, 139)
    with django_assert_num_queries(10):  # savepoint, two for the edition, one read per table, release
        second = import_edition(content=content, now=clock.now())
    assert not second.touched


@pytest.mark.django_db
def test_what_changed_is_told_and_only_that_is_written(raw: dict[str, Any]) -> None:
    import_edition(content=read(FILE.read_text()), now=clock.now())
    before = {r.key: r.pk for r in Requirement.objects.all()}
    mine = copy.deepcopy(raw)
    gone = mine["requirements"].pop()
    for row in mine["documents"]:
        if row["key"] == gone["document_key"]:
            row["requirement_count"] -= 1
    for rubric in mine["rubrics"]:
        for dimension in rubric["dimensions"]:
            for item in dimension["items"]:
                for field in ("requirement_ids", "veto_requirement_ids"):
                    if gone["id"] in item[field]:
                        item[field].remove(gone["id"])
    mine["requirements"][0]["default_deduction"] = 9
    mine["requirements"][0]["clause"] = "第二十九条"
    report = import_edition(content=read(json.dumps(mine)), now=clock.now())
    told = {t.name: t for t in report.tables}["要求"]
    key = mine["requirements"][0]["id"]
    assert told.added == [] and told.retired == [gone["id"]]
    assert told.changed == {
        key: {"default_deduction": (Decimal("10.00"), Decimal(9)), "clause": ("第二十八条", "第二十九条")}
    }
    row = Requirement.objects.get(key=key)
    assert (row.default_deduction, row.clause, row.pk) == (Decimal(9), "第二十九条", before[key])
    assert Requirement.objects.get(key=gone["id"]).retired
    again = import_edition(content=read(json.dumps(mine)), now=clock.now())
    assert not again.touched
    back = import_edition(content=read(FILE.read_text()), now=clock.now())
    assert {t.name: t for t in back.tables}["要求"].restored == [gone["id"]]
    assert not Requirement.objects.filter(retired=True).exists()


@pytest.mark.django_db
def test_a_dry_run_tells_and_writes_nothing() -> None:
    Edition.objects.all().delete()
    report = import_edition(content=read(FILE.read_text()), now=clock.now(), dry_run=True)
    assert len(report.tables[2].added) == 452
    assert not Edition.objects.exists() and not Requirement.objects.exists()


def first_item(d: dict[str, Any]) -> dict[str, Any]:
    item: dict[str, Any] = d["rubrics"][0]["dimensions"][0]["items"][0]
    return item


def veto_item(d: dict[str, Any]) -> dict[str, Any]:
    item: dict[str, Any] = d["rubrics"][0]["dimensions"][3]["items"][2]
    assert item["veto"]
    return item


ITEM = "rubrics[0].dimensions[0].items[0]"
WRONG: list[tuple[str, Callable[[dict[str, Any]], object], str]] = [
    ("missing part", lambda d: d.pop("rubrics"), "rubrics"),
    ("unknown part", lambda d: d.update(extra=1), "extra"),
    ("no date", lambda d: d["meta"].update(as_of="2026-13-01"), "meta.as_of"),
    ("missing field", lambda d: d["documents"][2].pop("issuer"), "documents[2].issuer"),
    ("duplicate document", lambda d: d["documents"][1].update(key=d["documents"][0]["key"]), "documents[1].key"),
    ("count", lambda d: d["documents"][0].update(requirement_count=99), "documents[0].requirement_count"),
    ("bad day", lambda d: d["documents"][0].update(effective_date="2026/1/1"), "documents[0].effective_date"),
    ("duplicate old", lambda d: d["superseded"][1].update(old=d["superseded"][0]["old"]), "superseded[1].old"),
    ("verification", lambda d: d["superseded"][0].update(verification="sure"), "superseded[0].verification"),
    ("duplicate id", lambda d: d["requirements"][1].update(id=d["requirements"][0]["id"]), "requirements[1].id"),
    ("domain", lambda d: d["requirements"][0].update(domain_key="moon"), "requirements[0].domain_key"),
    ("domain name", lambda d: d["requirements"][0].update(domain="月球"), "requirements[0].domain"),
    ("document", lambda d: d["requirements"][0].update(document_key="NONE"), "requirements[0].document_key"),
    ("other title", lambda d: d["requirements"][0].update(document_title="x"), "requirements[0].document_title"),
    ("kind", lambda d: d["requirements"][0].update(kind="gossip"), "requirements[0].kind"),
    ("op", lambda d: d["requirements"][0]["measure"].update(op="~"), "requirements[0].measure.op"),
    ("value", lambda d: d["requirements"][0]["measure"].update(value=None), "requirements[0].measure.value"),
    ("origin", lambda d: d["requirements"][0]["measure"].update(value_origin="contract_practice"),
     "requirements[0].measure.value_origin"),
    ("deduction", lambda d: d["requirements"][0].update(default_deduction=-1), "requirements[0].default_deduction"),
    ("decimals", lambda d: d["requirements"][0].update(default_deduction=0.125), "requirements[0].default_deduction"),
    ("basis", lambda d: d["requirements"][0].update(confirmed_basis=None), "requirements[0].confirmed_basis"),
    ("flag", lambda d: d["requirements"][0].update(veto="yes"), "requirements[0].veto"),
    ("weights", lambda d: d["rubrics"][0]["dimensions"][0].update(weight=21), "rubrics[0].dimensions"),
    ("points", lambda d: first_item(d).update(max_deduction=5), "rubrics[0].dimensions[0].items"),
    ("each", lambda d: first_item(d).update(deduct_per_occurrence=7), f"{ITEM}.deduct_per_occurrence"),
    ("reference", lambda d: first_item(d).update(requirement_ids=["no-such"]), f"{ITEM}.requirement_ids[0]"),
    ("no reference", lambda d: first_item(d).update(requirement_ids=[]), f"{ITEM}.requirement_ids"),
    ("veto", lambda d: veto_item(d).update(veto_requirement_ids=[]), "rubrics[0].dimensions[3].items[2].veto"),
    ("total", lambda d: d["rubrics"][0].update(total_score=120), "rubrics[0].total_score"),
    ("period", lambda d: d["rubrics"][0].update(period="世纪"), "rubrics[0].period"),
    ("rubric domain", lambda d: d["rubrics"][0].update(domains=["月球"]), "rubrics[0].domains[0]"),
    ("grades", lambda d: d["rubrics"][0]["grades"][1].update(max=88), "rubrics[0].grades[1].max"),
    ("cap", lambda d: d["rubrics"][0]["scoring"].update(veto_rule="直接判为不合格"), "rubrics[0].scoring.veto_rule"),
    ("high cap", lambda d: d["rubrics"][0]["scoring"].update(veto_rule="不高于75分"), "rubrics[0].scoring.veto_rule"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "path"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG])
def test_each_error_is_told_with_its_path(
    raw: dict[str, Any], change: Callable[[dict[str, Any]], object], path: str
) -> None:
    assert path in broken(raw, change)


def test_all_errors_are_told_at_once(raw: dict[str, Any]) -> None:
    def change(d: dict[str, Any]) -> None:
        d["documents"][0]["kind"] = "x"
        d["requirements"][5]["tier"] = "x"
        d["rubrics"][7]["total_score"] = 1

    assert {"documents[0].kind", "requirements[5].tier", "rubrics[7].total_score"} <= set(broken(raw, change))


def test_a_field_written_twice_and_broken_json_are_told() -> None:
    with pytest.raises(Rejected, match="出现了两次"):
        read('{"meta": {}, "meta": {}}')
    with pytest.raises(Rejected, match="第 1 行第 10 列"):
        read('{"meta": ,}')


@pytest.mark.django_db
def test_the_command_writes_nothing_when_anything_is_wrong(tmp_path: Path, raw: dict[str, Any]) -> None:
    Edition.objects.all().delete()
    mine = copy.deepcopy(raw)
    mine["requirements"][451]["tier"] = "x"
    path = tmp_path / "broken.json"
    path.write_text(json.dumps(mine))
    with pytest.raises(CommandError, match=r"requirements\[451\]\.tier"):
        call_command("import_standards", str(path))
    assert not Edition.objects.exists()
    out = StringIO()
    call_command("import_standards", stdout=out)
    assert "要求 452：新增 452" in out.getvalue()
    out = StringIO()
    call_command("import_standards", stdout=out)
    assert "没有变化" in out.getvalue()
