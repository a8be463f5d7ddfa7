"""Which photo proves something of a punch: one's own, taken for it, and counted for no other."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from identity.contracts import Actor
from kernel.errors import Invalid
from kernel.jobs import enqueue_on_commit
from kernel.tenancy import Tenant
from tenants.evidence import queries as evidence
from tenants.evidence.contracts import EvidenceContract
from tenants.punches.choices import PunchStatus
from tenants.punches.models import PhotoCheck, Punch
from tenants.punches.operations.locks import lock

NEAR = timedelta(minutes=15)  # between the photo and the punch


def proving(
    photo_id: UUID | None, *, staff_id: UUID, at: datetime, said: datetime | None, by: Actor, tenant: Tenant
) -> tuple[UUID | None, str]:
    """(the photo if it proves something of this punch, why it does not). Locks the picture, so that of two punches
    with the same one the second sees the first. `said` is the phone's own clock, which the photo's time is of, too.

    A photo that proves nothing is left out like an old position: the rest of the evidence decides, and no punch is
    lost. Raises Invalid for a photo that is not here or not the sender's to see.
    """
    if photo_id is None:
        return None, ""
    photo = evidence.contracts_of(evidence.existing([photo_id], by=by)).get(photo_id)
    if photo is None or not photo.is_photo:
        raise Invalid("照片没有找到，请重新拍照。", field="photo")
    if photo.account_id is None or photo.account_id != by.account_id:
        return None, "照片不是本人上传的，没有计入佐证。"
    if photo.received_at < at - NEAR or (photo.taken_at is not None and abs(photo.taken_at - (said or at)) > NEAR):
        return None, "照片不是这次打卡时拍的，没有计入佐证，请当场重拍。"
    lock(f"photo:{photo.sha256}", tenant)
    if _counted(photo, staff_id):
        return None, "这张照片已用于另一次打卡，没有计入佐证，请当场重拍。"
    return photo_id, ""


def _counted(photo: EvidenceContract, staff_id: UUID) -> bool:
    """Whether the picture, or another upload of it, stands behind another punch. One's own refused ones do not count:
    who is told what was missing may bring the same photo again."""
    others = Punch.objects.filter(photo_id__in=evidence.same_pictures(photo))
    return others.exclude(status=PunchStatus.REFUSED, staff_id=staff_id).exists()


def ask_comparison(row: Punch, *, tenant: Tenant, now: datetime) -> None:
    """Note that the photo of a punch is to be compared with earlier ones, and have it done by a worker
    (`likeness.compare_photo`). The caller has stored the punch."""
    if row.photo_id is None:
        return
    PhotoCheck.objects.create(punch=row, photo_id=row.photo_id, asked_at=now)
    enqueue_on_commit("punches.compare_photo", tenant=tenant, punch_id=row.pk)
