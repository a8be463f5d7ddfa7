"""How long a fix may take, and who is told when it takes longer, by severity. A school changes its own rows; these are what it starts with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tenants.findings.choices import Severity, Whom
from tenants.findings.errors import DeadlineFar, DeadlinePast
from tenants.findings.models import Finding, LadderStep, SeverityRule

MAX_STEPS = 6
FARTHEST = timedelta(days=730)


@dataclass(frozen=True, slots=True)
class Rule:
    """`hours` from finding to deadline; `leader_after_hours` past the deadline the leader is told.

    `verify_hours` from handing in to the verdict. At most `extensions` are granted, and not beyond
    `extension_days` after the first deadline.
    """

    hours: int
    leader_after_hours: int
    verify_hours: int
    extensions: int
    extension_days: int


DEFAULT_RULES: dict[str, Rule] = {
    Severity.CRITICAL: Rule(24, leader_after_hours=4, verify_hours=24, extensions=1, extension_days=3),
    Severity.MAJOR: Rule(72, leader_after_hours=24, verify_hours=48, extensions=2, extension_days=14),
    Severity.MINOR: Rule(168, leader_after_hours=48, verify_hours=72, extensions=2, extension_days=30),
}


def rules() -> dict[str, Rule]:
    """The school's rule for each severity; one query."""
    return {**DEFAULT_RULES, **{row.severity: of_row(row) for row in SeverityRule.objects.all()}}


def of_row(row: SeverityRule) -> Rule:
    """A school's own row; columns it has not set are the default's."""
    usual = DEFAULT_RULES[row.severity]
    return Rule(
        row.hours,
        row.leader_after_hours,
        verify_hours=usual.verify_hours if row.verify_hours is None else row.verify_hours,
        extensions=usual.extensions if row.extensions is None else row.extensions,
        extension_days=usual.extension_days if row.extension_days is None else row.extension_days,
    )


def checked(deadline: datetime, *, now: datetime) -> datetime:
    """A deadline somebody named. Raises DeadlinePast, DeadlineFar."""
    if deadline <= now:
        raise DeadlinePast(field="deadline")
    if deadline > now + FARTHEST:
        raise DeadlineFar(field="deadline")
    return deadline


def latest(finding: Finding) -> datetime:
    """Until when extensions may move its deadline."""
    return (finding.first_deadline or finding.deadline) + timedelta(days=rules()[finding.severity].extension_days)


def move(finding: Finding, to: datetime) -> None:
    """Another deadline, unsaved: the first one is kept (numbers judge by it), and escalation starts over."""
    finding.first_deadline = finding.first_deadline or finding.deadline
    finding.deadline, finding.escalation = to, 0


def default_deadline(*, severity: str, found_at: datetime) -> datetime:
    """Deadline of a finding of `severity` found at `found_at`, by the school's own rule."""
    return found_at + timedelta(hours=rules()[severity].hours)


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the ladder: `after_hours` past the deadline, `whom` are codes of `Whom`."""

    after_hours: int
    whom: tuple[str, ...]


def verify_ladder(rule: Rule) -> tuple[Rung, ...]:
    """Who is told of a fix that waits for its verdict: hours since it was handed in, by the severity's rule."""
    return (
        Rung(rule.verify_hours, (Whom.WATCHER.value, Whom.SUPERVISOR.value)),
        Rung(rule.verify_hours + max(1, rule.leader_after_hours), (Whom.LEADER.value, Whom.ADMIN.value)),
    )


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
