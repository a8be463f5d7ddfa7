"""Who is compared with whom, and which groups may be told: pure rules.

What a school may learn is its quarter in a fixed group and how many peers the group has. Three rules
keep single schools from being worked out of it:

1. *Fewer than five peers*: a group is told only if every member has at least five others in it.
2. *No near twins*: two groups are not both told when either holds one to four schools that the other
   does not; else switching from one to the other would speak about those few. The larger one is told.
3. *No leftovers*: where all schools together are told, the values of a dimension that are not told must
   leave nobody or at least five; else the leftover is all minus the told ones. More values are held
   back, the smallest first, until that is so.

Positions are worked out once per month when they are published, not when somebody looks, so trying
values of one's own to find the border of a quarter takes a month per try.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from institute.benchmarking.choices import Dimension, Silence
from institute.schools.choices import SizeBand

MIN_PEERS = 5
Group = tuple[str, str]  # dimension, value
Key = TypeVar("Key", bound=object)

_BANDS = ((2_000, SizeBand.SMALL), (10_000, SizeBand.MEDIUM), (20_000, SizeBand.LARGE))


def band_of(students: int) -> SizeBand:
    """The size band of a school with so many students."""
    return next((band for limit, band in _BANDS if students < limit), SizeBand.HUGE)


@dataclass(frozen=True, slots=True)
class Traits:
    """What puts a school into its groups."""

    kind: str
    size: str
    region: str
    mode: str

    def group(self, dimension: str) -> str:
        return "" if dimension == Dimension.ALL else str(getattr(self, dimension))


def groups_of(traits: Mapping[Key, Traits]) -> dict[Group, frozenset[Key]]:
    """Every fixed group with its members."""
    groups: dict[Group, set[Key]] = {}
    for key, row in traits.items():
        for dimension in Dimension.values:
            groups.setdefault((dimension, row.group(dimension)), set()).add(key)
    return {name: frozenset(members) for name, members in groups.items()}


def _few(members: int) -> bool:
    return 0 < members < MIN_PEERS


def told(groups: Mapping[Group, frozenset[Key]]) -> dict[Group, Silence | None]:
    """Which groups may be told (None), and why the others may not."""
    answer: dict[Group, Silence | None] = {}
    order = list(Dimension.values)
    kept: list[Group] = []
    for name in sorted(groups, key=lambda g: (-len(groups[g]), order.index(g[0]), g[1])):
        members = groups[name]
        if len(members) <= MIN_PEERS:
            answer[name] = Silence.FEW_PEERS
        elif any(_few(len(members - groups[k])) or _few(len(groups[k] - members)) for k in kept):
            answer[name] = Silence.OVERLAP
        else:
            kept.append(name)
            answer[name] = None
    everybody = (Dimension.ALL.value, "")
    if answer.get(everybody, Silence.FEW_PEERS) is None:
        for dimension in order[1:]:
            _hold_back_leftovers(dimension, groups, answer)
    return answer


def _hold_back_leftovers(
    dimension: str, groups: Mapping[Group, frozenset[Key]], answer: dict[Group, Silence | None]
) -> None:
    while True:
        values = [g for g in groups if g[0] == dimension]
        left = sum(len(groups[g]) for g in values if answer[g] is not None)
        shown = [g for g in values if answer[g] is None]
        if not _few(left) or not shown:
            return
        answer[min(shown, key=lambda g: (len(groups[g]), g[1]))] = Silence.OVERLAP


def quarters(values: Mapping[Key, Decimal], *, higher_is_better: bool) -> dict[Key, int]:
    """1 for the best quarter … 4. Equal values share the better place, so no tie is broken by chance."""
    order = sorted(values.values(), reverse=higher_is_better)
    better: dict[Decimal, int] = {}
    for place, value in enumerate(order):
        better.setdefault(value, place)
    return {key: better[value] * 4 // len(order) + 1 for key, value in values.items()}


def spread(values: Sequence[Decimal]) -> tuple[Decimal, Decimal, Decimal, Decimal, Decimal] | None:
    """Minimum, quartiles by the nearest rank, maximum; None without values. For the institute's box chart."""
    if not values:
        return None
    row = sorted(values)

    def at(part: int) -> Decimal:
        return row[max(0, -(-len(row) * part // 4) - 1)]

    return row[0], at(1), at(2), at(3), row[-1]
