"""The rules of scoring, on published figures and on properties that hold for any sheet."""

from __future__ import annotations

import random
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenants.evaluations.scoring import (
    AreaInput,
    Fault,
    Grade,
    ItemRule,
    NothingToScore,
    RoundInput,
    SectionRule,
    Sheet,
    SourceInput,
    exact,
    grade_of,
    mean,
    rounded,
    score_round,
    score_sheet,
    weigh,
)

D = Decimal
GRADES = (Grade("优秀", D("90")), Grade("良好", D("80")), Grade("合格", D("60")), Grade("不合格", D("0")))


def sheet(*sections: tuple[int, list[tuple[str, str]]], cap: str = "59.99") -> Sheet:
    """A sheet from (weight, [(points, per fault)]); items are called s0i0, s0i1, s1i0, …"""
    return Sheet(
        tuple(
            SectionRule(f"s{n}", D(weight), tuple(ItemRule(f"s{n}i{k}", D(p), D(f)) for k, (p, f) in enumerate(items)))
            for n, (weight, items) in enumerate(sections)
        ),
        GRADES,
        D(cap),
    )


SIMPLE = sheet((60, [("20", "1"), ("40", "5")]), (40, [("30", "0.5"), ("10", "2.5")]))


# --- Published figures -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("weight", "raw", "weighted"),
    [
        ("50", ("96.9", "98.1", "95.6"), ("48.45", "49.05", "47.80")),  # 使用单位
        ("15", ("94", "95", "95"), ("14.10", "14.25", "14.25")),  # 保卫处
        ("10", ("94", "90.7", "91.7"), ("9.40", "9.07", "9.17")),  # 资产管理处
    ],
)
def test_the_published_weighted_points(weight: str, raw: tuple[str, ...], weighted: tuple[str, ...]) -> None:
    """华南农业大学, property providers, first quarter of 2020."""
    rest = D(100) - D(weight)
    for given_points, wanted in zip(raw, weighted, strict=True):
        _, parts = weigh([("office", exact(D(given_points)), D(weight)), ("others", Fraction(90), rest)])
        assert rounded(parts[0].weighted) == D(wanted)
        assert str(rounded(parts[0].weighted)) == wanted


def test_a_round_of_five_departments_adds_up() -> None:
    weights = {"使用单位": "50", "保卫处": "15", "资产管理处": "10", "教务处": "5", "环境管理科": "5", "其他": "15"}
    raw = {
        "使用单位": "96.9",
        "保卫处": "94",
        "资产管理处": "94",
        "教务处": "90",
        "环境管理科": "96.4",
        "其他": "91.23",
    }
    answer = score_round(
        RoundInput(
            SIMPLE,
            tuple(SourceInput(name, D(w)) for name, w in weights.items()),
            (AreaInput("all", D(1)),),
            False,
            {(name, "all"): D(points) for name, points in raw.items()},
            {},
            {},
        )
    )
    parts = {p.key: rounded(p.weighted) for p in answer.areas[0].sources}
    assert parts["使用单位"] == D("48.45") and parts["保卫处"] == D("14.10") and parts["资产管理处"] == D("9.40")
    # 48.45 + 14.10 + 9.40 + 4.50 + 4.82 + 13.6845 = 94.9545: rounded once, at the end
    assert answer.score == D("94.95") and answer.grade == "优秀"


# --- Single rules ------------------------------------------------------------------------------------


def test_an_item_never_loses_more_than_its_points() -> None:
    answer = score_sheet(SIMPLE, [Fault("a", "s0i0", 50)])
    assert rounded(answer.total) == D("80.00")
    assert rounded(answer.faults["a"]) == D("20.00")


def test_the_cap_is_shared_in_order() -> None:
    answer = score_sheet(SIMPLE, [Fault("b", "s1i1", 3), Fault("a", "s1i1", 2)])
    assert (answer.faults["a"], answer.faults["b"]) == (5, 5)


def test_not_applicable_leaves_the_denominator() -> None:
    # Section 1 keeps its 60 points, judged by the 40 that are left: 5 of 40 lost = 7.5 of 60.
    answer = score_sheet(SIMPLE, [Fault("a", "s0i1", 1)], ["s0i0"])
    assert rounded(answer.total) == D("92.50")
    assert answer.sections[0].score == Fraction(105, 2)


def test_a_section_of_which_nothing_applies_leaves_the_sheet() -> None:
    answer = score_sheet(SIMPLE, [Fault("a", "s1i1", 4)], ["s0i0", "s0i1"])
    assert answer.sections[0].score is None
    assert rounded(answer.total) == D("75.00")  # 30 of 40 points


def test_a_fault_of_an_item_that_does_not_apply_costs_nothing() -> None:
    answer = score_sheet(SIMPLE, [Fault("a", "s0i0", 9, veto=True)], ["s0i0"])
    assert answer.total == 100 and answer.faults["a"] == 0 and not answer.veto


def test_nothing_applicable_is_no_score() -> None:
    with pytest.raises(NothingToScore):
        score_sheet(SIMPLE, [], ["s0i0", "s0i1", "s1i0", "s1i1"])
    with pytest.raises(NothingToScore):
        weigh([])


def test_unknown_items_and_floats_are_refused() -> None:
    with pytest.raises(KeyError):
        score_sheet(SIMPLE, [Fault("a", "nowhere", 1)])
    with pytest.raises(KeyError):
        score_sheet(SIMPLE, [], ["nowhere"])
    with pytest.raises(TypeError):
        exact(96.9)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        exact(D("NaN"))


def test_half_up_at_the_end() -> None:
    assert rounded(Fraction(5, 1000)) == D("0.01")
    assert rounded(Fraction(90_125, 1000)) == D("90.13")
    assert rounded(Fraction(90_1249, 10_000)) == D("90.12")
    assert str(rounded(Fraction(90))) == "90.00"


def test_thirds_do_not_lose_a_cent() -> None:
    total, _ = mean([(str(n), Fraction(2, 3) if n else Fraction(299, 3)) for n in range(3)])
    assert total == Fraction(303, 9)
    whole, parts = weigh(
        [("a", Fraction(100), D("33.33")), ("b", Fraction(100), D("33.33")), ("c", Fraction(100), D("33.34"))]
    )
    assert whole == 100 and sum(p.weighted for p in parts) == 100


def test_grade_bands() -> None:
    assert grade_of(D("90.00"), GRADES) == "优秀"
    assert grade_of(D("89.99"), GRADES) == "良好"
    assert grade_of(D("59.99"), GRADES) == "不合格"
    assert grade_of(D("99.00"), GRADES, veto=True) == "不合格"
    assert grade_of(D("99.00"), ()) == ""
    assert grade_of(D("85"), tuple(reversed(GRADES))) == "良好"  # order does not matter


def one_source(faults: tuple[Fault, ...] = (), *, areas: tuple[tuple[str, str], ...] = (("all", "1"),), **more: object):
    return RoundInput(
        sheet=SIMPLE,
        sources=(SourceInput("office", D(70), by_sheet=True), SourceInput("users", D(30))),
        areas=tuple(AreaInput(k, D(w)) for k, w in areas),
        by_weight=bool(more.get("by_weight")),
        raw={("users", k): D("90") for k, _ in areas},
        faults={("office", areas[0][0]): faults},
        not_applicable={},
    )


def test_a_veto_caps_the_whole_and_forces_the_worst_grade() -> None:
    free = score_round(one_source())
    vetoed = score_round(one_source((Fault("a", "s0i0", 1, veto=True),)))
    assert free.score == D("97.00") and free.grade == "优秀"
    assert vetoed.score == D("59.99") and vetoed.grade == "不合格" and rounded(vetoed.before_veto) == D("96.30")


def test_a_veto_never_lifts_a_score() -> None:
    faults = (Fault("a", "s0i0", 99, veto=True), Fault("b", "s0i1", 99), Fault("c", "s1i0", 99))
    answer = score_round(one_source(faults))
    assert answer.score == D("34.00")


def test_areas_by_mean_and_by_weight() -> None:
    areas = (("east", "75"), ("west", "25"))
    faults = (Fault("a", "s0i1", 4),)  # east: 20 points of the sheet = 14 of the area
    assert score_round(one_source(faults, areas=areas)).score == D("90.00")  # (83 + 97) / 2
    assert score_round(one_source(faults, areas=areas, by_weight=True)).score == D("86.50")  # 83 × .75 + 97 × .25


def test_a_veto_in_one_area_caps_the_overall_score() -> None:
    answer = score_round(one_source((Fault("a", "s0i0", 1, veto=True),), areas=(("east", "1"), ("west", "1"))))
    assert [rounded(a.total) for a in answer.areas] == [D("59.99"), D("97.00")]
    assert answer.score == D("59.99") and answer.grade == "不合格"


def test_an_excused_source_leaves_the_denominator() -> None:
    given_ = one_source()
    excused = RoundInput(
        given_.sheet,
        (SourceInput("office", D(70), by_sheet=True), SourceInput("users", D(30), excused=True)),
        given_.areas, False, {}, {}, {},
    )  # fmt: skip
    assert score_round(excused).score == D("100.00")


# --- Properties ----------------------------------------------------------------------------------------

cents = st.integers(1, 4000).map(lambda n: D(n).scaleb(-2))


@st.composite
def sheets(draw: st.DrawFn) -> Sheet:
    weights = draw(st.lists(st.integers(1, 60), min_size=1, max_size=4))
    return Sheet(
        tuple(
            SectionRule(
                f"s{n}",
                D(w),
                tuple(ItemRule(f"s{n}i{k}", draw(cents), draw(cents)) for k in range(draw(st.integers(1, 4)))),
            )
            for n, w in enumerate(weights)
        ),
        GRADES,
        D("59.99"),
    )


@st.composite
def filled(draw: st.DrawFn) -> tuple[Sheet, list[Fault], set[str]]:
    paper = draw(sheets())
    keys = [i.key for s in paper.sections for i in s.items]
    faults = [
        Fault(f"f{n}", draw(st.sampled_from(keys)), draw(st.integers(0, 12)), draw(st.booleans()))
        for n in range(draw(st.integers(0, 8)))
    ]
    left_out = draw(st.sets(st.sampled_from(keys), max_size=len(keys) - 1))
    return paper, faults, left_out


@settings(max_examples=150, deadline=None)
@given(filled())
def test_bounds_and_parts_make_the_whole(case: tuple[Sheet, list[Fault], set[str]]) -> None:
    paper, faults, left_out = case
    answer = score_sheet(paper, faults, left_out)
    assert 0 <= answer.total <= 100
    items = [i for s in answer.sections for i in s.items]
    assert answer.total == 100 - sum(i.cost for i in items)
    assert answer.total == 100 - sum(answer.faults.values())
    scored = [s for s in answer.sections if s.score is not None]
    whole = sum(exact(s.weight) for s in scored)
    assert answer.total == sum((s.score for s in scored), Fraction(0)) * 100 / whole
    assert all(0 <= s.score <= exact(s.weight) for s in scored)
    assert all(0 <= i.lost <= exact(i.points) for i in items)


@settings(max_examples=100, deadline=None)
@given(filled(), st.randoms(use_true_random=False))
def test_order_does_not_matter(case: tuple[Sheet, list[Fault], set[str]], dice: random.Random) -> None:
    paper, faults, left_out = case
    shuffled = list(faults)
    dice.shuffle(shuffled)
    one, two = score_sheet(paper, faults, left_out), score_sheet(paper, shuffled, sorted(left_out, reverse=True))
    assert one == two


@settings(max_examples=100, deadline=None)
@given(filled(), st.integers(1, 5))
def test_another_fault_never_helps(case: tuple[Sheet, list[Fault], set[str]], occurrences: int) -> None:
    paper, faults, left_out = case
    for key in [i.key for s in paper.sections for i in s.items]:
        worse = score_sheet(paper, [*faults, Fault("~more", key, occurrences)], left_out)
        assert worse.total <= score_sheet(paper, faults, left_out).total


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(1, 100)), min_size=1, max_size=8), st.randoms())
def test_weighing_stays_between_the_best_and_the_worst(rows: list[tuple[int, int]], dice: random.Random) -> None:
    parts = [(str(n), Fraction(raw, 100), D(w)) for n, (raw, w) in enumerate(rows)]
    total, weighed = weigh(parts)
    assert min(p[1] for p in parts) <= total <= max(p[1] for p in parts)
    assert sum(p.weighted for p in weighed) == total
    dice.shuffle(parts)
    assert weigh(parts)[0] == total
    raised = [(k, min(r + 1, Fraction(100)), w) for k, r, w in parts]
    assert weigh(raised)[0] >= total
