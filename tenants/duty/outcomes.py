"""What a call has come to: pure rules over the answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tenants.duty.choices import UNANSWERED, FaceState, Outcome


@dataclass(frozen=True, slots=True)
class Answer:
    """One person's answer; `place_ok` None where no code was asked for."""

    at: datetime
    on_duty: bool
    place_ok: bool | None
    face: str = FaceState.NONE

    @property
    def good(self) -> bool:
        """By somebody on duty, at the place, and not known to be another face."""
        return self.on_duty and self.place_ok is not False and self.face != FaceState.OTHER


def outcome_of(
    answers: Iterable[Answer], *, needed: int, deadline: datetime, now: datetime
) -> tuple[Outcome, datetime | None]:
    """The outcome and when the last needed answer came; `Outcome.NONE` while the call may still be answered.

    Good answers of as many people as needed before the deadline: 在岗; with one of them after it: 迟应答. Otherwise,
    once the deadline has passed, what stood in the way: another place, another person, or nobody. A slow answer is
    never more than 迟应答.
    """
    rows = sorted(answers, key=lambda a: a.at)
    good = [a for a in rows if a.good]
    if len(good) >= needed:
        last = good[needed - 1].at
        return (Outcome.ON_POST if last < deadline else Outcome.LATE), last
    if now < deadline:
        return Outcome.NONE, None
    bad = [a for a in rows if not a.good]
    if any(a.on_duty and a.place_ok is False for a in bad):
        return Outcome.WRONG_PLACE, None
    if bad:
        return Outcome.OTHER, None
    return Outcome.TIMEOUT, None


@dataclass(frozen=True, slots=True)
class Past:
    """One decided call of a post, for the rule on calls in a row."""

    outcome: str
    excused: bool
    off_post: bool


def is_off_post(past: Sequence[Past], *, after: int) -> bool:
    """Whether the newest call makes 脱岗: the `after`-th unanswered in a row since the last case. Newest first.

    Calls while everybody had declared to be away neither count nor break the row.
    """
    row = 0
    for number, call in enumerate(past):
        if call.excused:
            if number == 0:
                return False
            continue
        if call.outcome not in UNANSWERED or (call.off_post and number > 0):
            break
        row += 1
        if row >= after:
            return True
    return False
