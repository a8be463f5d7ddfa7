"""Templates go: on revoking at once, on leaving within the hour, when the school stops, when a photo's term is over.

Each deletion leaves a row that says what, whose (work number) and why, and nothing biometric.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from identity.contracts import Actor
from kernel.errors import NotAllowed, NotFound
from kernel.tenancy import Tenant
from tenants.face import policies, vault
from tenants.face.choices import CheckState, Ended, Gone, Kept
from tenants.face.errors import NothingStored
from tenants.face.models import Check, Consent, Deletion, Setting, Template
from tenants.organisation.choices import StaffStatus
from tenants.timeline import operations as timeline


def lock_person(staff_id: UUID, tenant: Tenant) -> None:
    """One decision, enrolment or deletion of a person at a time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"face|{tenant.schema}|{staff_id}"])


def remove(*, template: Template, reason: Gone, by: Actor, now: datetime) -> None:
    """Delete one template with its photo and keep the record. For operations, which tell the timeline."""
    record = {
        "staff_id": template.staff_id,
        "staff_number": template.staff.number,
        "reason": reason,
        "template_id": template.pk,
        "model_hash": template.model_hash,
        "enrolled_at": template.enrolled_at,
        "deleted_at": now,
        "by_name": by.name[:60],
    }
    if template.photo_sealed is not None:
        Deletion.objects.create(kept=Kept.PHOTO, **record)
    Deletion.objects.create(kept=Kept.TEMPLATE, **record)
    template.delete()


def remove_of(*, staff_id: UUID, reason: Gone, by: Actor, now: datetime) -> bool:
    """Delete a person's template, and the pictures that wait for a check. Call under the person's lock."""
    Check.objects.filter(staff_id=staff_id, state=CheckState.PENDING).update(picture_sealed=None)
    template = Template.objects.select_related("staff").filter(staff_id=staff_id).first()
    if template is not None:
        remove(template=template, reason=reason, by=by, now=now)
    return template is not None


@transaction.atomic
def delete_template(*, staff_id: UUID, by: Actor, tenant: Tenant, now: datetime) -> None:
    """Delete what is stored of a person; their consent stands, so they may enrol again.

    Locks the person. Raises NotAllowed, NothingStored.
    """
    if not (policies.can_decide(by, staff_id) or policies.can_configure(by)):
        raise NotAllowed
    lock_person(staff_id, tenant)
    template = Template.objects.select_related("staff").filter(staff_id=staff_id).first()
    if template is None:
        raise NothingStored
    remove_of(staff_id=staff_id, reason=Gone.ASKED, by=by, now=now)
    timeline.record(
        verb="face.deleted",
        sentence=f"删除员工（工号 {template.staff.number}）的人脸特征：本人要求" if policies.is_self(by, staff_id)
        else f"删除员工（工号 {template.staff.number}）的人脸特征",
        subject=template.staff,
        by=by,
        reason=Gone.ASKED.value,
    )  # fmt: skip


@transaction.atomic
def reveal_photo(*, staff_id: UUID, by: Actor, tenant: Tenant) -> bytes:
    """The kept original photo of a person as JPEG; who looked stands on the timeline.

    For the person and the admin. Raises NotAllowed, NotFound (none is kept).
    """
    if not (policies.is_self(by, staff_id) or policies.can_configure(by)) or not by.may(policies.READ):
        raise NotAllowed
    template = Template.objects.select_related("staff").filter(staff_id=staff_id, photo_sealed__isnull=False).first()
    if template is None or template.photo_sealed is None:
        raise NotFound
    timeline.record(
        verb="face.photo_read",
        sentence=f"查看了员工（工号 {template.staff.number}）的录入照片",
        subject=template.staff,
        by=by,
    )
    return vault.open_picture(template.photo_sealed, schema=tenant.schema, owner_id=template.pk)


@transaction.atomic
def _let_go(*, staff_id: UUID, reason: Gone, tenant: Tenant, now: datetime) -> bool:
    """One person's deletion by the platform, in a transaction of its own."""
    system = Actor.system(tenant.school_id)
    lock_person(staff_id, tenant)
    template = Template.objects.select_related("staff").filter(staff_id=staff_id).first()
    if reason == Gone.LEFT:
        Consent.objects.filter(staff_id=staff_id, ended_at__isnull=True).update(
            ended_at=now, ended=Ended.LEFT, ended_by_name=system.name
        )
    if template is None:
        return False
    remove_of(staff_id=staff_id, reason=reason, by=system, now=now)
    timeline.record(
        verb="face.deleted",
        sentence=f"删除员工（工号 {template.staff.number}）的人脸特征：{reason.label}",
        subject=template.staff,
        by=system,
        reason=reason.value,
    )
    return True


@transaction.atomic
def _drop_photo(*, template_id: UUID, now: datetime, tenant: Tenant) -> None:
    template = Template.objects.select_for_update(of=("self",)).select_related("staff").filter(pk=template_id).first()
    if template is None or template.photo_sealed is None:
        return
    system = Actor.system(tenant.school_id)
    Deletion.objects.create(
        staff_id=template.staff_id, staff_number=template.staff.number, kept=Kept.PHOTO, reason=Gone.TERM,
        template_id=template.pk, model_hash=template.model_hash, enrolled_at=template.enrolled_at, deleted_at=now,
        by_name=system.name,
    )  # fmt: skip
    Template.objects.filter(pk=template_id).update(photo_sealed=None, photo_until=None)
    timeline.record(
        verb="face.photo_deleted",
        sentence=f"删除员工（工号 {template.staff.number}）的录入照片：保留期满",
        subject=template.staff,
        by=system,
    )


def upkeep(*, tenant: Tenant, now: datetime, limit: int = 2_000) -> int:
    """What must be gone by now is deleted: of leavers, of a school that stopped, photos past their term.

    Safe to run twice and at any time; the sweep asks for it each half hour. Returns how many deletions.
    """
    gone = 0
    setting = Setting.objects.filter(pk=1).first()
    left = Template.objects.filter(staff__status=StaffStatus.LEFT).values_list("staff_id", flat=True)
    open_consents = Consent.objects.filter(staff__status=StaffStatus.LEFT, ended_at__isnull=True)
    leavers = {*left[:limit], *open_consents.values_list("staff_id", flat=True)[:limit]}
    for staff_id in leavers:
        gone += _let_go(staff_id=staff_id, reason=Gone.LEFT, tenant=tenant, now=now)
    if setting is None or not setting.enabled:
        for staff_id in list(Template.objects.values_list("staff_id", flat=True)[:limit]):
            gone += _let_go(staff_id=staff_id, reason=Gone.OFF, tenant=tenant, now=now)
    due = Template.objects.filter(photo_until__lte=now)
    if setting is not None and setting.photo_days:
        # The term was shortened: what is older than the new one is due, too.
        oldest = now - timedelta(days=setting.photo_days)
        due = due | Template.objects.filter(photo_until__isnull=False, enrolled_at__lte=oldest)
    elif setting is not None:
        due = Template.objects.filter(photo_until__isnull=False)
    for template_id in list(due.values_list("pk", flat=True)[:limit]):
        _drop_photo(template_id=template_id, now=now, tenant=tenant)
        gone += 1
    return gone


def rotate(*, tenant: Tenant, limit: int = 500) -> int:
    """Seal everything of this school again under the newest key of DATA_KEYS; returns how many rows changed.

    A batch is one transaction; killed at any point, the rest is done by running it again.
    """
    newest, changed = vault.newest_key(), 0
    while batch := _rotate_batch(tenant=tenant, newest=newest, limit=limit):
        changed += batch
    return changed


@transaction.atomic
def _rotate_batch(*, tenant: Tenant, newest: int, limit: int) -> int:
    schema = tenant.schema
    stale = Template.objects.extra(
        where=["get_byte(vector_sealed, 0) <> %s OR (photo_sealed IS NOT NULL AND get_byte(photo_sealed, 0) <> %s)"],
        params=[newest, newest],
    )
    rows = list(stale.select_for_update()[:limit])
    for row in rows:
        of = {"schema": schema, "staff_id": row.staff_id, "model_hash": row.model_hash}
        row.vector_sealed = vault.seal_vector(vault.open_vector(row.vector_sealed, **of), **of)
        if row.photo_sealed is not None:
            picture = vault.open_picture(row.photo_sealed, schema=schema, owner_id=row.pk)
            row.photo_sealed = vault.seal_picture(picture, schema=schema, owner_id=row.pk)
    Template.objects.bulk_update(rows, ["vector_sealed", "photo_sealed"], batch_size=200)
    names = Consent.objects.filter(guardian_sealed__isnull=False).extra(
        where=["get_byte(guardian_sealed, 0) <> %s"], params=[newest]
    )
    guardians = list(names.select_for_update()[:limit])
    for consent in guardians:
        assert consent.guardian_sealed is not None
        name = vault.open_name(consent.guardian_sealed, schema=schema)
        consent.guardian_sealed = vault.seal_name(name, schema=schema)
    Consent.objects.bulk_update(guardians, ["guardian_sealed"], batch_size=200)
    return len(rows) + len(guardians)
