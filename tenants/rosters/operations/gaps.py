"""Telling of days on which a post will have nobody qualified."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from uuid import UUID

from django.db import transaction

from identity.choices import Role
from identity.people import people_of_school
from kernel.tenancy import Tenant
from tenants.notices import operations as notices
from tenants.notices.choices import NoticeKind
from tenants.organisation import queries as organisation
from tenants.rosters import forecast
from tenants.rosters.contracts import Gap


@transaction.atomic
def tell_gaps(*, tenant: Tenant, now: datetime) -> int:
    """Put each gap of the next 90 days into the inboxes of the admins and the company; a gap is told once.

    Told by post and cause: no daily nagging. Returns how many posts have gaps.
    """
    today = now.astimezone(tenant.tz).date()
    by_post: dict[UUID, list[Gap]] = defaultdict(list)
    for gap in forecast.gaps(today=today, tz=tenant.tz):
        by_post[gap.post_id].append(gap)
    if not by_post:
        return 0
    office = people_of_school(
        school_id=tenant.school_id, roles=[Role.SCHOOL_ADMIN, Role.SCHOOL_SUPERVISOR], today=today
    )
    posts = organisation.posts_by_id(by_post)
    parties = organisation.parties_by_id({p.party_id for p in posts.values()})
    for post_id, gaps in by_post.items():
        provider_id = parties[posts[post_id].party_id].provider_id
        people = list(office)
        if provider_id:
            people += people_of_school(
                school_id=tenant.school_id, roles=[Role.PROVIDER_MANAGER], today=today, provider_id=provider_id
            )
        for same in _by_cause(gaps):
            first = same[0]
            more = f"，共 {len(same)} 段" if len(same) > 1 else ""
            known = f"{first.cause}。" if first.on_leave or first.holder else ""
            todo = "请安排有证的人顶班，或改请假时间。" if first.on_leave else "请安排复审、取证或换人。"
            notices.notify(
                account_ids=[p.account_id for p in people], kind=NoticeKind.TODO, title=f"{first.sentence}{more}",
                text=known + todo, path="/rosters/forecast/", subject=posts[post_id],
                occasion=f"roster.gap:{post_id}:{_cause(first)}:{first.shift_name}", now=now,
            )  # fmt: skip
    return len(by_post)


def _cause(gap: Gap) -> str:
    """What a gap is told under: the day on which a leave begins, a certificate ends or its holder leaves."""
    return str(gap.leave_on or gap.ends_on or "")


def _by_cause(gaps: list[Gap]) -> list[list[Gap]]:
    """Gaps of a post by their cause, soonest first: a second one is told though the first still stands."""
    found: dict[str, list[Gap]] = defaultdict(list)
    for gap in gaps:
        found[_cause(gap)].append(gap)
    return list(found.values())
