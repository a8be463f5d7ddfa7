"""Search, filters, citations, coverage."""

from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries

from kernel.errors import NotFound
from kernel.tenancy import Tenant
from standards_library import queries
from standards_library.choices import ServiceLine, Verification
from standards_library.domains import DOMAINS
from standards_library.wording import measure_words, verification_saying

pytestmark = pytest.mark.django_db


def keys(**filters: object) -> set[str]:
    return set(queries.requirements(**filters).values_list("key", flat=True))  # type: ignore[arg-type]


def test_chinese_words_are_all_demanded_whatever_their_order() -> None:
    both = keys(search="食品 许可证")
    assert "food-operator-license" in both
    assert both == keys(search="许可证  食品") == keys(search="食品") & keys(search="许可证")
    assert keys(search="食品 不存在的词语") == set()


def test_a_number_is_found_with_and_without_blanks_in_both_widths_and_cases() -> None:
    found = keys(search="GB 5749-2022")
    assert found
    assert found == keys(search="gb5749")
    assert found == keys(search="ＧＢ５７４９")


def test_pinyin_initials_find_titles() -> None:
    assert keys(search="spaqf") >= keys(document="FSL")


def test_wild_cards_are_letters() -> None:
    assert keys(search="_____") == set()
    assert keys(search="%%%") == set()


def test_filters() -> None:
    assert len(keys()) == 452
    assert len(keys(domain="canteen")) == 54
    assert len(keys(kind="contract_practice")) == 91
    assert len(keys(verification=Verification.UNCERTAIN)) == 2
    assert len(keys(tier="core")) == 288
    assert len(keys(veto=True)) == 54
    assert len(keys(origin="suggested")) == 6
    assert keys(line="canteen") == keys(domain="canteen")
    assert keys(line="general") == keys(domain="personnel") | keys(domain="complaint") | keys(domain="privacy")


def test_every_domain_is_known_and_every_line_has_requirements() -> None:
    assert set(queries.requirements().values_list("domain", flat=True)) == set(DOMAINS)
    assert all(keys(line=line) for line in ServiceLine.values)


def test_details_of_a_list_cost_two_queries(alpha: Tenant, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    some = list(queries.requirements()[:100])
    with django_assert_num_queries(2):
        found = queries.requirement_details([(r.key, "") for r in some[:50]] + [(r.key, "2026.11") for r in some[50:]])
    assert len(found) == 100
    one = found[some[0].key, ""]
    assert one.citation == "《中华人民共和国食品安全法实施条例》第二十八条"
    assert one.set_by_document and one.verification_label == "已核对原文"
    assert queries.requirement_details([("no-such", "")]) == {}


def test_documents_and_what_replaced_them() -> None:
    assert queries.documents().count() == 105
    assert queries.supersessions().count() == 18
    by, of = queries.supersessions_of("MFS15")
    assert [s.new for s in by] == ["消防〔2025〕33号(指导性)"] and of == []
    by, of = queries.supersessions_of("GB5749")
    assert by == [] and len(of) == 1
    assert {d.cited for d in queries.documents().filter(key="FSL")} == {11}
    assert queries.documents(search="消防 高等学校").get().key == "MO28"
    with pytest.raises(NotFound):
        queries.document("NONE")


def test_a_template_is_whole_and_balanced(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    queries.current_edition()  # the search path is set with the first query
    with django_assert_num_queries(4):  # edition, template, dimensions, items
        made = queries.template("rubric-canteen")
    assert sum(d.weight for d in made.dimensions) == 100
    assert all(sum(i.points for i in d.items) == d.weight for d in made.dimensions)
    assert made.lines == ("canteen",)
    assert {t.key for t in queries.templates(line="fire")} == {"rubric-dorm", "rubric-facility"}


def test_where_a_requirement_is_used(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    queries.current_edition()
    with django_assert_num_queries(2):
        found = queries.uses_of(["cl-road-twice", "no-such"])
    assert [u.item_key for u in found["cl-road-twice"]] == ["rubric-cleaning-1-1"]
    assert found["no-such"] == []


def test_what_no_item_covers() -> None:
    everything = queries.uncovered(covered=[], lines=["canteen"])
    assert everything.count() == 54 + 24 + 17 + 20
    assert everything[0].veto
    first = everything[0].key
    assert first not in set(queries.uncovered(covered=[first], lines=["canteen"]).values_list("key", flat=True))


def test_before_the_first_import_there_is_nothing_and_no_error() -> None:
    queries.editions().delete()
    assert queries.current_edition() is None
    assert keys() == set() and not queries.documents() and not queries.templates()
    with pytest.raises(NotFound):
        queries.requirement("food-operator-license")


@pytest.mark.parametrize(
    ("op", "value", "unit", "said"),
    [
        ("max_interval", "1", "天", "每天至少 1 次"),
        ("max_interval", "1", "个月", "每 1 个月至少 1 次"),
        ("max_interval", "3", "个月", "每 3 个月至少 1 次"),
        (">=", "100", "%(持证率)", "不低于 100 %(持证率)"),
        ("min_count", "2", "次/日", "每日至少 2 次"),
        ("range", "0~8", "℃", "应在 0~8 ℃ 之间"),
        ("valid_max", "5", "年", "有效期或复审周期不超过 5 年"),
    ],
)
def test_measures_are_said_in_words(op: str, value: str, unit: str, said: str) -> None:
    assert measure_words(op, value, unit) == said


def test_how_far_a_citation_was_checked_is_said_apart() -> None:
    said = {
        verification_saying(v, b).label
        for v, b in [("confirmed", "statute_text"), ("confirmed", "secondary_page"), ("known", ""), ("uncertain", "")]
    }
    assert len(said) == 4
