"""What a call has come to: pure rules over the answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tenants.duty.choices import UNANSWERED, FaceState, Outcome

NOBODY: frozenset[UUID | None] = frozenset()


@dataclass(frozen=True, slots=True)
class Answer:
    """One person's answer; `place_ok` None where no code was asked for.

    `late`: given after the deadline, or with a proof that is worth no more (an old gesture, an earlier picture).
    `doubted`: an earlier answer of this person to this call showed another face.
    """

    at: datetime
    on_duty: bool
    place_ok: bool | None
    face: str = FaceState.NONE
    late: bool = False
    doubted: bool = False

    @property
    def good(self) -> bool:
        """By somebody on duty, at the place, and not known to be another face.

        Whoever has shown another face once is believed only when the next one is found to be theirs: hiding the face
        at the second try is no way round.
        """
        if not self.on_duty or self.place_ok is False:
            return False
        return self.face == FaceState.MATCH if self.doubted else self.face != FaceState.OTHER


def outcome_of(
    answers: Iterable[Answer], *, needed: int, closes: datetime, now: datetime
) -> tuple[Outcome, datetime | None]:
    """The outcome and when the last needed answer came; `Outcome.NONE` while the call may still be answered.

    Good answers in time of as many people as needed: 在岗, at once. Nothing else is settled before `closes`, the last
    moment at which an answer given in time may still be on its way up. From then on: good answers of enough people
    with a late one among them: 迟应答; otherwise what stood in the way: another place, another person, or nobody. A slow
    answer is never more than 迟应答.
    """
    rows = sorted(answers, key=lambda a: a.at)
    good = [a for a in rows if a.good]
    timely = [a for a in good if not a.late]
    if len(timely) >= needed:
        return Outcome.ON_POST, timely[needed - 1].at
    if now < closes:
        return Outcome.NONE, None
    if len(good) >= needed:
        return Outcome.LATE, good[needed - 1].at
    bad = [a for a in rows if not a.good]
    if any(a.on_duty and a.place_ok is False for a in bad):
        return Outcome.WRONG_PLACE, None
    if bad:
        return Outcome.OTHER, None
    return Outcome.TIMEOUT, None


def persons_needed(*, rule: int, present: int, away: int) -> int:
    """How many must answer: the post's rule, less those who are away on patrol, while somebody is left.

    Somebody on a declared patrol is excluded from the call (M4a); whoever is present answers for the post. Somebody
    relieved by name or on leave lowers nothing: another answers in their place. Nobody declared: the rule stands, also
    where fewer people signed on than it wants.
    """
    return min(rule, present) if away and present else rule


@dataclass(frozen=True, slots=True)
class Past:
    """One decided call of a post, for the rule on calls in a row.

    `missed`: who had to answer, was reached, and did not; {None} where nobody was expected at the post at all; empty
    where nobody who did not answer is known to have been reached (未送达).
    """

    outcome: str
    excused: bool
    off_post: bool
    missed: frozenset[UUID | None]


def off_post_by(past: Sequence[Past], *, after: int) -> frozenset[UUID | None]:
    """Who makes the newest call 脱岗: those who missed it and the `after` - 1 before it, since the last case. Newest first.

    Empty: it is none. The row is one of the same people: nobody answers for a call that somebody else missed. Calls
    while everybody was excused, and calls that reached nobody who missed them, neither count nor break the row.
    """
    who, row = NOBODY, 0
    for number, call in enumerate(past):
        unanswered = call.outcome in UNANSWERED
        if call.excused or (unanswered and not call.missed):
            if number == 0:
                return NOBODY
            continue
        if not unanswered or (call.off_post and number > 0):
            break
        who = who & call.missed if row else call.missed
        if not who:
            break
        row += 1
        if row >= after:
            return who
    return NOBODY
