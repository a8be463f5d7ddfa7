"""What a changed punch sets going: days to derive again, and people told of a missing certificate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Min
from django.db.models.functions import TruncDate

from identity.choices import Role
from identity.contracts import Actor
from identity.people import people_of_school
from kernel.jobs import enqueue_on_commit
from kernel.tenancy import Tenant
from tenants.notices import operations as notices
from tenants.notices.choices import NoticeKind
from tenants.organisation.choices import CertificateKind
from tenants.punches.choices import PunchStatus
from tenants.punches.models import Dirty, Punch
from tenants.punches.operations.locks import lock
from tenants.timeline.operations import record

AT_ONCE = 500  # punches in one message and one transaction
ON_ITS_WAY = timedelta(minutes=10)  # a message may take so long
SWEPT = timedelta(days=7)  # received so long ago: later the sweep lets it rest


def mark_dirty(days: Iterable[tuple[UUID, date]], *, tenant: Tenant) -> None:
    """Note that these people's days must be derived again, and send the job. Inside the change's transaction."""
    rows = [Dirty(staff_id=staff_id, day=day) for staff_id, day in dict.fromkeys(days)]
    if rows:
        Dirty.objects.bulk_create(rows)
        enqueue_on_commit("punches.received", tenant=tenant)


def take_dirty(*, limit: int = 20_000) -> list[tuple[UUID, date]]:
    """Take waiting days away and return them, each once; derive them in the same transaction.

    Deleting comes before deriving: a change not yet committed has a row of its own that stays.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("take_dirty outside a transaction would lose days")
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH taken AS (DELETE FROM punches_dirty WHERE id IN"
            " (SELECT id FROM punches_dirty ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED) RETURNING staff_id, day)"
            " SELECT DISTINCT staff_id, day FROM taken ORDER BY day, staff_id",
            [limit],
        )
        return [(staff_id, day) for staff_id, day in cursor.fetchall()]


def ask_uncertified(punch_ids: Sequence[int], *, tenant: Tenant) -> None:
    """Send the alarms of these punches, however many: one message for each AT_ONCE. Inside the change's transaction."""
    for start in range(0, len(punch_ids), AT_ONCE):
        part = list(punch_ids[start : start + AT_ONCE])
        enqueue_on_commit("punches.raise_uncertified", tenant=tenant, punch_ids=part)


@transaction.atomic
def sweep_uncertified(*, tenant: Tenant, now: datetime) -> int:
    """Send again what no message raised: per person, post and day the earliest punch that counts without the certificate
    and stands on no timeline. Run by beat; returns how many were sent."""
    from tenants.timeline.models import Event

    rows = Punch.objects.filter(
        received_at__gt=now - SWEPT, received_at__lte=now - ON_ITS_WAY, status=PunchStatus.ACCEPTED
    ).exclude(lacking=[])
    found = {
        (staff_id, post_id, day.isoformat()): first
        for staff_id, post_id, day, first in rows.annotate(day=TruncDate("at", tzinfo=tenant.tz))
        .values_list("staff_id", "post_id", "day")
        .annotate(first=Min("pk"))
    }
    if not found:
        return 0
    people, days = {key[0] for key in found}, {key[2] for key in found}
    raised = Event.objects.filter(verb="punch.uncertified", staff_id__in=people, payload__day__in=days)
    known = {(staff, post, day) for staff, post, day in raised.values_list("staff_id", "post_id", "payload__day")}
    left = sorted(first for key, first in found.items() if key not in known)
    ask_uncertified(left, tenant=tenant)
    return len(left)


@transaction.atomic
def raise_uncertified(*, punch_ids: Sequence[int], tenant: Tenant, now: datetime) -> list[int]:
    """Tell the school and the company of people on post without the certificate; once per person, post and day.

    Returns the punches that were news. The presence itself counts: it is a fact. Two messages wait for each other.
    """
    lock("uncertified", tenant)
    by = Actor.system(tenant.school_id)
    today = now.astimezone(tenant.tz).date()
    rows = Punch.objects.filter(pk__in=list(punch_ids), status=PunchStatus.ACCEPTED).exclude(lacking=[])
    news: list[int] = []
    told: set[tuple[UUID, UUID | None, date]] = set()
    office = people_of_school(
        school_id=tenant.school_id, roles=[Role.SCHOOL_ADMIN, Role.SCHOOL_SUPERVISOR], today=today
    )
    for row in rows.select_related("staff__party", "post", "place").order_by("at", "pk"):
        day = row.at.astimezone(tenant.tz).date()
        key = (row.staff_id, row.post_id, day)
        if key in told or _told_before(row, day):
            continue
        told.add(key)
        news.append(row.pk)
        kinds = "、".join(str(CertificateKind(k).label) for k in row.lacking if k in CertificateKind.values)
        post = row.post.name if row.post else "岗位"
        sentence = f"{row.staff.name}在{post}上岗，缺：{kinds}"
        record(
            verb="punch.uncertified", sentence=sentence[:300], subject=row, by=by, staff_id=row.staff_id,
            post_id=row.post_id, party_id=row.staff.party_id, place_id=row.place_id, day=day.isoformat(),
        )  # fmt: skip
        to = [p.account_id for p in office]
        if row.staff.party.provider_id:
            company = people_of_school(
                school_id=tenant.school_id, roles=[Role.PROVIDER_MANAGER], today=today,
                provider_id=row.staff.party.provider_id,
            )  # fmt: skip
            to += [p.account_id for p in company]
        notices.notify(
            account_ids=to, kind=NoticeKind.LATE, title=f"无证上岗：{sentence}",
            text=f"{day:%m月%d日} · {row.staff.party.name}。请安排持证人员顶岗，或补录证书。",
            path=f"/punches/{row.pk}/", subject=row, now=now, mail=True,
            occasion=f"punch.uncertified:{row.staff_id}:{row.post_id}:{day}",
        )  # fmt: skip
    return news


def _told_before(row: Punch, day: date) -> bool:
    from tenants.timeline.models import Event

    events = Event.objects.filter(verb="punch.uncertified", staff_id=row.staff_id, payload__day=day.isoformat())
    return events.filter(post_id=row.post_id).exists()
