"""Which version of the attendance rules holds for a post on a day: the most specific wins, then the latest."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from uuid import UUID

from tenants.rosters.choices import RuleScope
from tenants.rosters.models import Rule

BEGINNING = date(2000, 1, 1)  # the school's first rule, where nobody has set one


class RuleBook:
    """All versions, read once and asked often."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._by_owner: dict[UUID | None, list[Rule]] = defaultdict(list)
        for rule in sorted(rules, key=lambda r: (r.valid_from, r.created_at)):
            self._by_owner[rule.post_id or rule.party_id].append(rule)

    def rule_of(self, *, post_id: UUID, party_id: UUID, day: date) -> Rule | None:
        """The version that holds: of the post, else of the party, else of the school; None where there is none yet."""
        for owner in (post_id, party_id, None):
            versions = self._by_owner.get(owner, [])
            at = bisect_right(versions, day, key=lambda r: r.valid_from)
            if at:
                return versions[at - 1]
        return None


def rule_book() -> RuleBook:
    """The school's rules; makes the school's first one (platform defaults) where none reaches back to the beginning."""
    rules = list(Rule.objects.all())
    if not any(r.scope == RuleScope.SCHOOL and r.valid_from <= BEGINNING for r in rules):
        first, _made = Rule.objects.get_or_create(
            scope=RuleScope.SCHOOL, party=None, post=None, valid_from=BEGINNING,
            defaults={"created_by_name": "平台默认"},
        )  # fmt: skip
        rules.append(first)
    return RuleBook(rules)
