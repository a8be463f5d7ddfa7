"""How long a fix may take, and who is told when it takes longer, by severity. A school changes its own rows; these are what it starts with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tenants.findings.choices import Severity, Whom
from tenants.findings.models import LadderStep, SeverityRule

MAX_STEPS = 6


@dataclass(frozen=True, slots=True)
class Rule:
    """`hours` from finding to deadline; `leader_after_hours` past the deadline the leader is told."""

    hours: int
    leader_after_hours: int


DEFAULT_RULES: dict[str, Rule] = {
    Severity.CRITICAL: Rule(hours=24, leader_after_hours=4),
    Severity.MAJOR: Rule(hours=72, leader_after_hours=24),
    Severity.MINOR: Rule(hours=168, leader_after_hours=48),
}


def rules() -> dict[str, Rule]:
    """The school's rule for each severity; one query."""
    own = {r.severity: Rule(r.hours, r.leader_after_hours) for r in SeverityRule.objects.all()}
    return {**DEFAULT_RULES, **own}


def default_deadline(*, severity: str, found_at: datetime) -> datetime:
    """Deadline of a finding of `severity` found at `found_at`, by the school's own rule."""
    return found_at + timedelta(hours=rules()[severity].hours)


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the ladder: `after_hours` past the deadline, `whom` are codes of `Whom`."""

    after_hours: int
    whom: tuple[str, ...]


FIRST = (Whom.WATCHER.value, Whom.SUPERVISOR.value, Whom.PARTY.value)


def ladders() -> dict[str, tuple[Rung, ...]]:
    """The ladder of each severity: the school's own, or two steps by its rule. Two queries."""
    own: dict[str, list[Rung]] = {}
    for row in LadderStep.objects.order_by("severity", "level"):
        own.setdefault(row.severity, []).append(Rung(row.after_hours, tuple(row.whom)))
    return {
        severity: tuple(own[severity])
        if severity in own
        else (Rung(0, FIRST), Rung(rule.leader_after_hours, (Whom.LEADER.value,)))
        for severity, rule in rules().items()
    }
