"""How long a fix may take, by severity. A school changes its own rows; these are what it starts with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tenants.findings.choices import Severity
from tenants.findings.models import SeverityRule


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
