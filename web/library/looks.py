"""How the library looks: an icon and a frame for who set a number and how far a citation was checked.

Nothing rests on colour: each has its own word, icon and border style.
"""

from __future__ import annotations

from typing import NamedTuple

from standards_library.models import Requirement
from standards_library.wording import ORIGIN, Saying, measure_words, verification_saying


class Look(NamedTuple):
    saying: Saying
    icon: str


ORIGIN_ICON = {
    "document": {"icon": "gavel"},
    "derived": {"icon": "git-branch"},
    "suggested": {"icon": "bulb"},
    "contract_practice": {"icon": "file-text"},
}
VERIFICATION_ICON = {
    "statute": {"icon": "rosette-discount-check"},
    "secondary": {"icon": "circle-check"},
    "confirmed": {"icon": "circle-check"},
    "known": {"icon": "circle-dashed"},
    "uncertain": {"icon": "help-circle"},
}


def origin_of(row: Requirement) -> Look:
    saying = ORIGIN[row.value_origin]
    return Look(saying, ORIGIN_ICON[saying.code]["icon"])


def verification_of(verification: str, basis: str = "") -> Look:
    saying = verification_saying(verification, basis)
    return Look(saying, VERIFICATION_ICON[saying.code]["icon"])


def measure_of(row: Requirement) -> str:
    return measure_words(row.op, row.value, row.unit)
