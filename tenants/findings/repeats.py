"""复发指纹: the same place × category × party, closed not long ago, is the same problem again.

Category is the rubric item; without one the clause; without one service line + category (「其他」 says nothing).
The rows a place has with a party are few, so one index (place, party, closed_at) answers for all three.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from tenants.findings.choices import Category, FindingStatus
from tenants.findings.models import Finding, RepeatRule


@dataclass(frozen=True, slots=True)
class Rule:
    """`days` after closing within which the same counts as again; `factor` is what it costs more in new rounds."""

    days: int
    factor: Decimal


DEFAULT = Rule(days=90, factor=Decimal("1.50"))


def rule() -> Rule:
    """The school's own rule; one query."""
    row = RepeatRule.objects.filter(pk=1).first()
    return Rule(row.days, row.factor) if row else DEFAULT


def earlier(finding: Finding, *, now: datetime) -> Finding | None:
    """The closed finding this (unsaved) one repeats, the newest if several. One query beside the rule."""
    same = Finding.objects.filter(
        place_id=finding.place_id,
        party_id=finding.party_id,
        status=FindingStatus.CLOSED,
        closed_at__gte=now - timedelta(days=rule().days),
    )
    if finding.rubric_item_id:
        same = same.filter(rubric_item_id=finding.rubric_item_id)
    elif finding.requirement_key:
        same = same.filter(requirement_key=finding.requirement_key)
    elif finding.category and finding.category != Category.OTHER:
        same = same.filter(line=finding.line, category=finding.category)
    else:
        return None
    return same.order_by("-closed_at").first()
