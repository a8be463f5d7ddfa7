"""复发指纹: the same place × category × party again, closed not long ago or still not put right, is the same problem.

The same is: the same rubric item; or the same clause; or the same line + category (「其他」 says nothing) where not both
rows have an item, nor both a clause – those say it better. What happens at a post is the same only at the same post,
and only as the same kind of incident: 脱岗 at one post is neither 脱岗 at another nor 缺员 at this one.
The rows a place has with a party are few, so one index (place, party, closed_at) answers for all of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Q

from tenants.findings.choices import UNSOLVED, WITH_FIXER, Category, FindingSource, FindingStatus
from tenants.findings.models import Finding, RepeatRule


@dataclass(frozen=True, slots=True)
class Rule:
    """`days` after closing within which the same counts as again; `factor` is what it costs more in new rounds."""

    days: int
    factor: Decimal


DEFAULT = Rule(days=90, factor=Decimal("1.50"))
ONE_ABSENCE = timedelta(minutes=30)  # several calls see one absence: so soon after the last it is not happening again


def rule() -> Rule:
    """The school's own rule; one query."""
    row = RepeatRule.objects.filter(pk=1).first()
    return Rule(row.days, row.factor) if row else DEFAULT


def earlier(finding: Finding, *, now: datetime) -> Finding | None:
    """The finding this (unsaved) one repeats, the last found if several, locked. One query beside the rule.

    It was closed within the school's days. Or it is unsolved: an incident happens anew each time, half an hour apart;
    a condition is there again where its deadline is past or a fix was handed in – until then it is the same case,
    seen twice. What one call, tour or walk has found is never repeated by what else it finds.
    """
    same = _same(finding)
    if same is None:
        return None
    closed = Q(status=FindingStatus.CLOSED, closed_at__gte=now - timedelta(days=rule().days))
    if finding.incident:
        unsolved = Q(status__in=UNSOLVED, found_at__lte=now - ONE_ABSENCE)
    else:
        unsolved = Q(status=FindingStatus.VERIFYING) | Q(status__in=WITH_FIXER, deadline__lt=now)
    rows = Finding.objects.select_for_update(of=("self",)).filter(
        same, closed | unsolved, place_id=finding.place_id, party_id=finding.party_id
    )
    if finding.source_id is not None and finding.source != FindingSource.ATTENDANCE:  # whose source is the post
        rows = rows.exclude(source=finding.source, source_id=finding.source_id)
    return rows.order_by("-found_at", "-pk").first()


def _same(finding: Finding) -> Q | None:
    """What has the same fingerprint, place and party aside; None for what says too little."""
    keys = Q()
    if finding.rubric_item_id:
        keys |= Q(rubric_item_id=finding.rubric_item_id)
    if finding.requirement_key:
        keys |= Q(requirement_key=finding.requirement_key)
    if finding.category and finding.category != Category.OTHER:
        kind = Q(line=finding.line, category=finding.category, post_id=finding.post_id, incident=finding.incident)
        if finding.rubric_item_id:
            kind &= Q(rubric_item_id__isnull=True)
        if finding.requirement_key:
            kind &= Q(requirement_key="")
        keys |= kind
    return keys or None
