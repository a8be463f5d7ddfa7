"""A rubric is edited, put to use and retired; pictures of its items."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from identity.contracts import Actor
from kernel.errors import Conflict, NotFound
from kernel.tenancy import Tenant
from tenants.evidence import queries as evidence
from tenants.rubrics import queries
from tenants.rubrics.choices import MOVES, RubricStatus
from tenants.rubrics.drafts import SheetDraft, sheet_draft
from tenants.rubrics.errors import UnknownPhoto, WrongState
from tenants.rubrics.models import Item, Rubric, RubricRevision
from tenants.rubrics.operations.common import checked, keep_revision, locked, need_editor, need_title, save_sheet
from tenants.timeline import operations as timeline


@transaction.atomic
def edit(*, rubric_id: UUID, sheet: SheetDraft, digest: str = "", by: Actor, tenant: Tenant, now: datetime) -> Rubric:
    """Make the rubric say what `sheet` says; items and sections left out are dropped.

    Locks the rubric. An active rubric gets a new revision, kept whole; rounds and inspections that froze
    an earlier one are not touched. `digest` is what the person saw: if the rubric says something else by
    now, Conflict. Raises NotAllowed, NotFound, WrongState (retired), TitleTaken, Unbalanced, Invalid,
    UnknownRequirement, UnknownPhoto.
    """
    need_editor(by)
    rubric = locked(rubric_id)
    if rubric.status == RubricStatus.RETIRED:
        raise WrongState(status=rubric.get_status_display())
    before = queries.frozen(rubric.pk)
    if digest and digest != before.digest:
        raise Conflict
    ready = checked(sheet.from_outside(), by, before=before)
    need_title(ready.title, tenant=tenant, but=rubric.pk)
    return save_sheet(rubric, ready, before, by=by, now=now, verb="rubric.edited", what="修改")


def _move(rubric: Rubric, to: RubricStatus) -> None:
    if to not in MOVES[RubricStatus(rubric.status)]:
        raise WrongState(status=rubric.get_status_display())
    rubric.status = to


@transaction.atomic
def activate(*, rubric_id: UUID, by: Actor, tenant: Tenant, now: datetime) -> Rubric:
    """Put a draft, or a retired rubric, in force. Locks it. Raises NotAllowed, NotFound, WrongState, TitleTaken,
    Unbalanced, Invalid."""
    need_editor(by)
    rubric = locked(rubric_id)
    _move(rubric, RubricStatus.ACTIVE)
    need_title(rubric.title, tenant=tenant, but=rubric.pk)
    contract = queries.frozen(rubric.pk)
    checked(sheet_draft(contract), by, before=contract)
    rubric.updated_at = now
    rubric.save(update_fields=["status", "updated_at"])
    if not RubricRevision.objects.filter(rubric=rubric, revision=rubric.revision).exists():
        keep_revision(rubric, "启用", by=by, now=now)
    timeline.record(
        verb="rubric.activated", sentence=f"启用评分标准“{rubric.title}”", subject=rubric, by=by,
        revision=rubric.revision,
    )  # fmt: skip
    return rubric


@transaction.atomic
def retire(*, rubric_id: UUID, by: Actor, tenant: Tenant, now: datetime) -> Rubric:
    """Take a rubric out of use; rounds that froze it keep their copy. Locks it. Raises NotAllowed, NotFound,
    WrongState."""
    need_editor(by)
    rubric = locked(rubric_id)
    _move(rubric, RubricStatus.RETIRED)
    rubric.updated_at = now
    rubric.save(update_fields=["status", "updated_at"])
    timeline.record(verb="rubric.retired", sentence=f"停用评分标准“{rubric.title}”", subject=rubric, by=by)
    return rubric


@transaction.atomic
def set_photos(
    *,
    item_id: UUID,
    good_photo_id: UUID | None,
    bad_photo_id: UUID | None,
    by: Actor,
    tenant: Tenant,
    now: datetime,
) -> Item:
    """Show what "pass" and "fail" look like. Pictures are guidance, not scoring: no new revision.

    Raises NotAllowed, NotFound, UnknownPhoto.
    """
    need_editor(by)
    item = Item.objects.select_for_update().filter(pk=item_id, removed_in=None).first()
    if item is None:
        raise NotFound
    wanted = {p for p in (good_photo_id, bad_photo_id) if p} - {item.good_photo_id, item.bad_photo_id}
    if wanted and set(evidence.existing(wanted, by=by)) != wanted:
        raise UnknownPhoto
    if (item.good_photo_id, item.bad_photo_id) != (good_photo_id, bad_photo_id):
        item.good_photo_id, item.bad_photo_id = good_photo_id, bad_photo_id
        item.save(update_fields=["good_photo_id", "bad_photo_id"])
        rubric = Rubric.objects.get(sections__items=item)
        timeline.record(verb="rubric.pictured", sentence=f"更换“{item.text}”的示例照片"[:300], subject=rubric, by=by)
    return item
