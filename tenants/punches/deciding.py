"""Whether a punch counts: a pure function of its evidence and of what the post asks for."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tenants.punches.choices import PunchStatus, Refusal
from tenants.punches.fences import Verdict
from tenants.punches.grading import Vector, grade_of, meets
from tenants.rosters.choices import Grade


@dataclass(frozen=True, slots=True)
class Case:
    """All that the decision looks at. `vector.position` is set here, from the verdict."""

    vector: Vector
    asked: str
    verdict: Verdict = Verdict.NONE
    stale: bool = False  # the position is too old: it proves nothing and reproaches nothing
    wrong_place: bool = False  # the code of another place
    believable: bool = True  # the time
    unchecked: bool = False  # the time is the sender's word alone, long before it arrived: nothing proves *then*
    left: bool = False
    mismatch: bool = False  # the picture showed somebody else
    not_live: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    grade: str
    status: PunchStatus
    refusal: Refusal


def decide(case: Case) -> Decision:
    """The grade, and whether the punch counts.

    What contradicts the presence refuses it whatever else was brought (only a supervisor on site
    outweighs a position); what merely proves nothing is left out, and the rest must reach the grade.
    Evidence without a time that anybody could check proves nothing of that time: D.
    """
    position = case.verdict == Verdict.INSIDE and not case.stale
    vector = replace(case.vector, position=position)
    grade = Grade.D if case.unchecked else grade_of(vector)
    witness = vector.vouched and vector.on_site

    def refused(reason: Refusal) -> Decision:
        return Decision(grade, PunchStatus.REFUSED, reason)

    if case.left:
        return refused(Refusal.LEFT)
    if not case.believable:
        return refused(Refusal.CLOCK)
    if case.mismatch or case.not_live:
        return refused(Refusal.FACE_MISMATCH if case.mismatch else Refusal.NOT_LIVE)
    if case.wrong_place:
        return refused(Refusal.WRONG_PLACE)
    if case.verdict == Verdict.OUTSIDE and not case.stale and not witness:
        return refused(Refusal.OUTSIDE)
    if not meets(grade, case.asked):
        return refused(Refusal.CLOCK if case.unchecked else Refusal.STALE_FIX if case.stale else Refusal.TOO_WEAK)
    return Decision(grade, PunchStatus.ACCEPTED, Refusal.NONE)
