"""Rules of certificates: how long each kind is valid, when it is reviewed, whether one counts on a day.

Intervals come from the standards library; `requirement` is the key of the clause that sets them. The dates on
the card itself always win: a rule only proposes what was left empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import MAXYEAR, date, timedelta
from typing import Protocol

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tenants.organisation.choices import CertificateKind, CertificateState

SOON = timedelta(days=90)  # the first of the four notices: from then on a certificate is 即将到期
STAGES = (90, 60, 30, 7)  # days before the end on which people are told, once each


@dataclass(frozen=True, slots=True)
class Rule:
    """Years from the day of issue; None: the rules set none."""

    requirement: str
    valid_years: int | None = None
    review_years: int | None = None


RULES: dict[CertificateKind, Rule] = {
    CertificateKind.HEALTH: Rule("food-handler-health-cert", valid_years=1),
    CertificateKind.SECURITY_GUARD: Rule("sc-guard-cert"),
    CertificateKind.FIRE_CONTROL: Rule("ps-fire-control-cert"),
    CertificateKind.ELECTRICIAN: Rule("ps-special-work-review", valid_years=6, review_years=3),
    CertificateKind.WORK_AT_HEIGHT: Rule("ps-special-work-review", valid_years=6, review_years=3),
    CertificateKind.WELDING: Rule("ps-special-work-review", valid_years=6, review_years=3),
    CertificateKind.REFRIGERATION: Rule("ps-special-work-review", valid_years=6, review_years=3),
    CertificateKind.ELEVATOR: Rule("ps-se-cert-4y", review_years=4),
    CertificateKind.BOILER: Rule("ps-se-cert-4y", review_years=4),
    CertificateKind.FOOD_SAFETY: Rule("food-manager-assessed"),
}
# What people mean by one word: 特种作业证, 特种设备证.
GROUPS: dict[str, tuple[CertificateKind, ...]] = {
    "special_work": (
        CertificateKind.ELECTRICIAN,
        CertificateKind.WORK_AT_HEIGHT,
        CertificateKind.WELDING,
        CertificateKind.REFRIGERATION,
    ),
    "special_equipment": (CertificateKind.ELEVATOR, CertificateKind.BOILER),
}
GROUP_LABELS = {"special_work": _("特种作业操作证（全部）"), "special_equipment": _("特种设备作业人员证（全部）")}


class Dated(Protocol):
    @property
    def issued_on(self) -> date: ...
    @property
    def review_on(self) -> date | None: ...
    @property
    def expires_on(self) -> date | None: ...


def kinds_of(word: str) -> tuple[str, ...]:
    """A kind, or the kinds of a group; () for nothing or an unknown word."""
    if word in GROUPS:
        return tuple(k.value for k in GROUPS[word])
    return (word,) if word in CertificateKind.values else ()


def proposed(kind: str, issued_on: date) -> tuple[date | None, date | None]:
    """(next review, last day of validity) by the rule of the kind; None where it sets none.

    The last day of six years is the day before the anniversary.
    """
    rule = RULES[CertificateKind(kind)]
    review = _anniversary(issued_on, rule.review_years) if rule.review_years else None
    end = _anniversary(issued_on, rule.valid_years) - timedelta(days=1) if rule.valid_years else None
    return review, end


def completed(
    kind: str, issued_on: date, review_on: date | None, expires_on: date | None
) -> tuple[date | None, date | None]:
    """(next review, end) of a new certificate: what is on the card, and for each date left empty what its rule proposes.

    A proposal that the other date on the card contradicts is none: no review from its end on, and no end before
    a review that is still to come.
    """
    review, end = proposed(kind, issued_on)
    if review_on is None and not (expires_on and review and review >= expires_on):
        review_on = review
    if expires_on is None and not (review_on and end and end < review_on):
        expires_on = end
    return review_on, expires_on


def _anniversary(day: date, years: int) -> date:
    year = min(day.year + years, MAXYEAR)
    try:
        return day.replace(year=year)
    except ValueError:  # 29 February in an ordinary year
        return day.replace(year=year, day=28)


def last_day(row: Dated) -> date | None:
    """The last day on which it counts: its end or its review, whichever comes first; None: no end."""
    return min((d for d in (row.expires_on, row.review_on) if d), default=None)


def valid_on(row: Dated, day: date) -> bool:
    """Whether a certificate counts on a day: issued, not past its end, and not past its review.

    A review that was missed ends it (特种作业人员安全技术培训考核管理规定: 未按期复审的失效).
    """
    last = last_day(row)
    return row.issued_on <= day and (last is None or day <= last)


def state_on(row: Dated, day: date) -> CertificateState:
    """Where a certificate stands on a day; what ends first is named."""
    if row.expires_on and row.expires_on < day:
        return CertificateState.EXPIRED
    if row.review_on and row.review_on < day:
        return CertificateState.REVIEW_LATE
    soon = day + SOON
    if row.expires_on and row.expires_on <= soon:
        return CertificateState.SOON
    if row.review_on and row.review_on <= soon:
        return CertificateState.REVIEW
    return CertificateState.VALID


def stage_of(last: date, day: date) -> int | None:
    """The notice due now: the nearest of 90, 60, 30 and 7 days before the end; 0 after it; None before all."""
    left = (last - day).days
    if left < 0:
        return 0
    return min((s for s in STAGES if left <= s), default=None)


def in_force(day: date) -> Q:
    """`valid_on` as a condition on Certificate rows."""
    return (
        Q(issued_on__lte=day)
        & (Q(expires_on__isnull=True) | Q(expires_on__gte=day))
        & (Q(review_on__isnull=True) | Q(review_on__gte=day))
    )
