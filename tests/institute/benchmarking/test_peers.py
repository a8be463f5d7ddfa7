"""Who may be told what: the rules, and the attacks they are there for."""

from __future__ import annotations

import itertools
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from institute.benchmarking.choices import Dimension, Silence
from institute.benchmarking.peers import MIN_PEERS, Traits, band_of, groups_of, quarters, spread, told

ALL = ("all", "")


def schools(*counts: tuple[int, Traits]) -> dict[int, Traits]:
    rows: dict[int, Traits] = {}
    for count, traits in counts:
        for _ in range(count):
            rows[len(rows)] = traits
    return rows


UNI = Traits("university", "large", "44", "mixed")


def answers(rows: dict[int, Traits]) -> dict:
    return told(groups_of(rows))


def test_five_peers_are_enough_and_four_are_not() -> None:
    assert answers(schools((6, UNI)))[ALL] is None
    assert set(answers(schools((5, UNI))).values()) == {Silence.FEW_PEERS}


def test_equal_groups_are_both_told() -> None:
    assert set(answers(schools((9, UNI))).values()) == {None}


def test_a_group_that_leaves_a_few_out_is_not_told() -> None:
    """Twenty schools, eighteen of them universities: both together would speak about the two."""
    rows = schools((18, UNI), (2, Traits("primary", "large", "44", "mixed")))
    answer = answers(rows)
    assert answer[ALL] is None
    assert answer["kind", "university"] == Silence.OVERLAP
    assert answer["kind", "primary"] == Silence.FEW_PEERS


def test_five_left_out_are_fine() -> None:
    rows = schools((15, UNI), (6, Traits("primary", "large", "44", "mixed")))
    answer = answers(rows)
    assert answer["kind", "university"] is None and answer["kind", "primary"] is None


def test_the_leftover_of_a_dimension_is_covered() -> None:
    """20 = 10 + 7 + 3: all minus the first two would be the three."""
    rows = schools(
        (10, UNI), (7, Traits("vocational_college", "large", "44", "mixed")),
        (3, Traits("primary", "large", "44", "mixed")),
    )  # fmt: skip
    answer = answers(rows)
    assert answer[ALL] is None and answer["kind", "university"] is None
    assert answer["kind", "primary"] == Silence.FEW_PEERS
    assert answer["kind", "vocational_college"] == Silence.OVERLAP


def test_two_dimensions_that_nearly_agree() -> None:
    """Region 44 and kind university differ by one school each way."""
    rows = schools(
        (10, UNI), (1, Traits("university", "large", "11", "mixed")), (1, Traits("primary", "large", "44", "mixed")),
        (8, Traits("primary", "large", "11", "mixed")),
    )  # fmt: skip
    answer = answers(rows)
    assert (answer["kind", "university"] is None) != (answer["region", "44"] is None)


def attack(rows: dict[int, Traits]) -> list[str]:
    """Every set of one to four schools that can be worked out from the groups that are told."""
    groups = groups_of(rows)
    answer = told(groups)
    open_groups = {g: m for g, m in groups.items() if answer[g] is None}
    found = [f"{g} is small" for g, m in open_groups.items() if len(m) <= MIN_PEERS]
    for (g, a), (h, b) in itertools.permutations(open_groups.items(), 2):
        if 0 < len(a - b) < MIN_PEERS:
            found.append(f"{g} minus {h}")
    if ALL in open_groups:
        for dimension in Dimension.values[1:]:
            shown = [m for (d, _), m in open_groups.items() if d == dimension]
            if shown and 0 < len(open_groups[ALL] - frozenset().union(*shown)) < MIN_PEERS:
                found.append(f"all minus the told values of {dimension}")
    return found


traits = st.builds(
    Traits,
    st.sampled_from(["university", "primary", "vocational_college"]),
    st.sampled_from(["small", "large"]),
    st.sampled_from(["11", "44", "31"]),
    st.sampled_from(["mixed", "outsourced"]),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(traits, max_size=60))
def test_no_attack_succeeds_on_any_population(rows: list[Traits]) -> None:
    assert attack(dict(enumerate(rows))) == []


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 100), min_size=1, max_size=40), st.booleans())
def test_quarters(values: list[int], up: bool) -> None:
    rows = {n: Decimal(v) for n, v in enumerate(values)}
    answer = quarters(rows, higher_is_better=up)
    assert set(answer.values()) <= {1, 2, 3, 4}
    best = max(rows.values()) if up else min(rows.values())
    for n, value in rows.items():
        better = sum(1 for v in rows.values() if (v > value if up else v < value))
        assert answer[n] == better * 4 // len(rows) + 1
        assert value != best or answer[n] == 1


def test_bands_and_spread() -> None:
    assert [band_of(n) for n in (0, 1999, 2000, 9999, 10_000, 19_999, 20_000)] == [
        "small", "small", "medium", "medium", "large", "large", "huge",
    ]  # fmt: skip
    assert spread([]) is None
    assert spread([Decimal(n) for n in (4, 1, 3, 2)]) == (1, 1, 2, 3, 4)
