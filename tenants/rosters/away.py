"""Who is on approved leave while they are rostered: then nobody is at the post, whatever the cell says.

Leave cancels no shift (a refused or withdrawn one would have to bring it back), so everybody who counts on a rostered
person asks here, or joins `rosters_leave` as `manning.py` and `forecast.py` do. Field work counts as away: who works
elsewhere is not at the post.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from uuid import UUID

from kernel.tenancy import Tenant
from tenants.rosters.choices import RequestStatus
from tenants.rosters.contracts import Warned
from tenants.rosters.models import Leave
from tenants.rosters.people import day_text

MIDNIGHT, NOON = time(0), time(12)
Span = tuple[UUID, date, datetime, datetime]  # person, roster day, from, to


def when_text(starts_at: datetime, ends_at: datetime, tenant: Tenant) -> str:
    """6月15日 08:00—11:30; in days and half days where it begins and ends with them: 6月15日下午—6月17日."""
    a, b = starts_at.astimezone(tenant.tz), ends_at.astimezone(tenant.tz)
    if {a.time(), b.time()} <= {MIDNIGHT, NOON} and b > a:
        last = (b - timedelta(days=1)).date() if b.time() == MIDNIGHT else b.date()
        late, early = a.time() == NOON, b.time() == NOON  # begins in the afternoon, ends with the morning
        if last == a.date():
            return day_text(last) + ("下午" if late else "上午" if early else "全天")
        tail = f"{day_text(last)}{'上午' if early else '' if late else '全天'}"
        return f"{day_text(a.date())}{'下午' if late else ''}—{tail}"
    tail = f"{b:%H:%M}" if b.date() == a.date() else f"{day_text(b.date())} {b:%H:%M}"
    return f"{day_text(a.date())} {a:%H:%M}—{tail}"


def leaves_over(spans: Sequence[Span]) -> dict[tuple[UUID, date], Leave]:
    """By person and roster day: the first approved leave that touches one of these times. One query."""
    if not spans:
        return {}
    found: dict[tuple[UUID, date], Leave] = {}
    leaves: dict[UUID, list[Leave]] = defaultdict(list)
    rows = Leave.objects.filter(
        staff_id__in={s[0] for s in spans}, status=RequestStatus.APPROVED, starts_at__lt=max(s[3] for s in spans),
        ends_at__gt=min(s[2] for s in spans),
    )  # fmt: skip
    for row in rows.select_related("staff").order_by("starts_at"):
        leaves[row.staff_id].append(row)
    for staff_id, day, starts_at, ends_at in spans:
        for row in leaves.get(staff_id, ()):
            if row.starts_at < ends_at and row.ends_at > starts_at:
                found.setdefault((staff_id, day), row)
    return found


def warnings(spans: Iterable[Span], *, tenant: Tenant) -> list[Warned]:
    """What to tell who rostered people for these times although they are on leave."""
    return [
        Warned(
            staff_id, day, "on_leave",
            f"{row.staff.name} {day_text(day)}已批准{row.get_kind_display()}（{when_text(row.starts_at, row.ends_at, tenant)}），"
            "这一班到时没有人，请换人",
            row.pk,
        )
        for (staff_id, day), row in sorted(leaves_over(list(spans)).items(), key=lambda found: found[0][1])
    ]  # fmt: skip
