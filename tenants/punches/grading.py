"""The evidence grade of a punch: a pure table. A post asks for a grade, never for a method (docs/punches.md).

Evidence is of two kinds. *Who*: a live face that matched, a supervisor's voucher on site or a terminal
that verified the person is strong; a photo, a face whose liveness nobody could measure, or a voucher
given from elsewhere is weak. *Where*: the code at the place, a position inside a fence; a voucher on
site and a verifying terminal bring their own.

| | no place | one of code, position | both |
|---|---|---|---|
| strong who | B with a photo as well, else C | A | A |
| weak who | C (B when two) | B | A |
| nobody | D | C | B |

So code + photo + position reach the same A as face + position, and so does a supervisor on site.
"""

from __future__ import annotations

from dataclasses import dataclass

from tenants.rosters.choices import Grade


@dataclass(frozen=True, slots=True)
class Vector:
    """What a punch brings. `live` is None where the model pack measures no liveness."""

    face: bool = False  # matched the person's own template
    live: bool | None = None
    photo: bool = False
    code: bool = False  # the code at the right place was scanned
    position: bool = False  # inside a fence, fresh and precise enough to prove it
    vouched: bool = False
    on_site: bool = False  # the voucher's own code or position puts them there
    terminal: bool = False  # a terminal at the place, which verified the person
    card: bool = False  # a terminal at the place, which read a card


def grade_of(vector: Vector) -> Grade:
    """The grade the evidence reaches; see the table above."""
    if (vector.vouched and vector.on_site) or vector.terminal:
        return Grade.A
    strong = vector.face and vector.live is True
    weak = int(vector.photo) + int(vector.face and not strong) + int(vector.vouched)
    where = int(vector.code) + int(vector.position)
    if (strong and where) or (weak and where == 2):
        return Grade.A
    pieces = int(strong) + weak + where + int(vector.card)
    if pieces >= 2:
        return Grade.B
    return Grade.C if pieces else Grade.D


def meets(grade: str, asked: str) -> bool:
    """Whether `grade` is at least what a post asks for; A is the best."""
    return grade <= asked


WAYS: dict[str, tuple[str, ...]] = {
    Grade.A: ("人脸 + 定位（或扫码）", "扫码 + 拍照 + 定位", "请在场主管见证"),
    Grade.B: ("扫码 + 拍照", "定位 + 拍照", "扫码 + 定位", "请在场主管见证"),
    Grade.C: ("扫岗位码", "拍照", "定位", "请在场主管见证"),
    Grade.D: ("直接打卡",),
}


def way_out(asked: str) -> str:
    """What a person may do to reach the grade, with or without a face: "扫码 + 拍照，或…"."""
    return "，或".join(WAYS[asked])
