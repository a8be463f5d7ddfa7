"""A photo used again, re-saved or cropped: found by the look, shown to a human, who alone decides that it does not count.

Selfies of one person at one post look alike by nature, and a phone in a holder takes nearly the same picture every day.
`evidence.alike` asks for the very shot, and still it only hints (提示): the grade changes by a supervisor's word alone.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from identity.contracts import Actor
from kernel.errors import NotAllowed, NotFound
from kernel.jobs import enqueue_on_commit
from kernel.tenancy import Tenant
from tenants.evidence import queries as evidence
from tenants.evidence.alike import is_copy
from tenants.notices import operations as notices
from tenants.notices.choices import NoticeKind
from tenants.punches import policies, queries, sentences
from tenants.punches.choices import PhotoState, PunchStatus
from tenants.punches.errors import PhotoSettled
from tenants.punches.models import PhotoCheck, Punch
from tenants.punches.operations.dirty import mark_dirty
from tenants.punches.operations.punching import settle_without_photo
from tenants.timeline.operations import record

LIKELY = 5  # pictures that are looked at closely, the nearest by perceptual hash
LOST = timedelta(minutes=2)  # then the sweep sends the message again
GIVEN_UP = timedelta(days=2)
MOST_TRIES = 3


def compare_photo(*, punch_id: int, tenant: Tenant, now: datetime) -> PhotoCheck | None:
    """Look whether the photo is a copy of one behind an earlier punch of the same person, or of a colleague at the post.

    None when it was compared already, is being compared, or was tried too often. Each try is counted before it begins,
    in a transaction of its own: a picture that kills whoever looks at it must not do so for two days.
    """
    return _compare(punch_id=punch_id, now=now) if _begun(punch_id=punch_id) else None


@transaction.atomic
def _begun(*, punch_id: int) -> bool:
    waiting = PhotoCheck.objects.select_for_update(of=("self",), skip_locked=True)
    check = waiting.filter(punch_id=punch_id, state=PhotoState.WAITING, tries__lt=MOST_TRIES).first()
    if check is None:
        return False
    check.tries += 1
    check.save(update_fields=["tries"])
    return True


@transaction.atomic
def _compare(*, punch_id: int, now: datetime) -> PhotoCheck | None:
    """Locks the check; pictures are read under it alone."""
    check = (
        PhotoCheck.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("punch__staff")
        .filter(punch_id=punch_id, state=PhotoState.WAITING)
        .first()
    )
    if check is None:
        return None
    earlier = queries.earlier_photos(check.punch, photo_id=check.photo_id)
    likely = evidence.nearest_among(photo_id=check.photo_id, among=earlier, most=LIKELY)
    pictures = evidence.small_pictures([check.photo_id, *likely]) if likely else {}
    mine = pictures.get(check.photo_id)
    same = next((one for one in likely if mine and one in pictures and is_copy(mine, pictures[one])), None)
    check.earlier_id = earlier[same] if same else None
    check.state, check.compared_at = (PhotoState.ALIKE if same else PhotoState.FRESH), now
    check.save(update_fields=["earlier_id", "state", "compared_at"])
    return check


def compare_waiting(*, tenant: Tenant, now: datetime, limit: int = 200) -> int:
    """Send again what lost messages or killed workers would have compared, each as a message of its own: a picture that
    cannot be compared holds up nothing else of the sweep. Returns how many."""
    rows = PhotoCheck.objects.filter(
        state=PhotoState.WAITING, tries__lt=MOST_TRIES, asked_at__lt=now - LOST, asked_at__gt=now - GIVEN_UP
    ).order_by("id")
    ids = list(rows.values_list("punch_id", flat=True)[:limit])
    with transaction.atomic():
        for punch_id in ids:
            enqueue_on_commit("punches.compare_photo", tenant=tenant, punch_id=punch_id)
    return len(ids)


@transaction.atomic
def judge_photo(*, punch_id: int, same: bool, by: Actor, tenant: Tenant, now: datetime, note: str = "") -> Punch:
    """A supervisor has looked at both pictures. `same`: the photo does not count, as one sent twice would not, and the
    rest of the evidence decides; the person is told and may appeal. Else the hint is gone. Never about oneself.

    Locks the punch. Raises NotFound, NotAllowed, PhotoSettled.
    """
    row = Punch.objects.select_for_update(of=("self",)).select_related("staff").filter(pk=punch_id).first()
    if row is None or not queries.visible(by).filter(pk=punch_id).exists():
        raise NotFound
    check = PhotoCheck.objects.select_for_update(of=("self",)).filter(punch=row).first()
    if not policies.can_decide(by, staff_id=row.staff_id, asked_by=None):
        raise NotAllowed
    if check is None or check.state != PhotoState.ALIKE:
        raise PhotoSettled
    check.state = PhotoState.SAME if same else PhotoState.CLEARED
    check.decided_at, check.decided_by, check.decided_by_name = now, by.account_id, by.name[:60]
    check.note = " ".join(note.split())[:200]
    check.save()
    if same:
        counted = row.status == PunchStatus.ACCEPTED
        settle_without_photo(
            row, words=f"这张照片与 {_when(check, tenant)}打卡的是同一张（{by.name}核对），没有计入佐证。"
        )
        if counted:
            mark_dirty([(row.staff_id, row.at.astimezone(tenant.tz).date())], tenant=tenant)
    words = "与更早打卡的是同一张，没有计入佐证" if same else "不是旧照片"
    record(
        verb="punch.photo_judged", sentence=f"核对{row.staff.name}的打卡照片：{words}", subject=row, by=by,
        staff_id=row.staff_id, post_id=row.post_id, party_id=row.staff.party_id, place_id=row.place_id, same=same,
    )  # fmt: skip
    if same and row.staff.account_id is not None:
        notices.notify(
            account_ids=[row.staff.account_id], kind=NoticeKind.INFO,
            title=f"{row.at.astimezone(tenant.tz):%m月%d日 %H:%M} 的打卡照片没有计入",
            text=f"{sentences.why(row) or row.note}如有误，请点“申诉”说明。"[:300], path="/m/punch/mine/", subject=row,
            occasion=f"punch.photo:{row.pk}", now=now, besides=by.account_id,
        )  # fmt: skip
    return row


def _when(check: PhotoCheck, tenant: Tenant) -> str:
    earlier = Punch.objects.filter(pk=check.earlier_id or 0).values_list("at", flat=True).first()
    return f"{earlier.astimezone(tenant.tz):%m月%d日 %H:%M} " if earlier else "更早一次"
