"""交接: what is open passes from hand to hand; it is always somebody's, and a refusal goes up, never back into nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from identity.contracts import Actor
from kernel.errors import Invalid, NotFound
from kernel.tenancy import Tenant
from tenants.duty import policies, queries, staffing
from tenants.duty.choices import AnomalyStatus, EntryKind, ItemStatus
from tenants.duty.errors import AlreadyAnswered, NothingToHand, ReasonMissing, ReceiverUnfit
from tenants.duty.models import Anomaly, DutyPost, Handover, HandoverItem, Stint
from tenants.duty.operations.common import (
    accounts_of,
    check_staff,
    clean,
    lock_post,
    open_stint,
    own_staff,
    path_of,
    superiors,
    tell,
    write,
)
from tenants.notices import operations as notices
from tenants.notices.choices import NoticeKind
from tenants.organisation import queries as organisation
from tenants.organisation.models import Staff
from tenants.timeline import once

OPEN_ITEMS = (ItemStatus.OFFERED, ItemStatus.REFUSED)


@transaction.atomic
def offer_handover(
    *,
    receiver_id: UUID,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    anomaly_ids: Sequence[UUID] | None = None,
    note: str = "",
    client_key: str = "",
) -> Handover:
    """Hand what is open in one's hands (all of it, or what is named) to a named receiver, who must accept.

    What was offered to somebody else before is offered anew; what was refused stays up. Locks the post.
    Raises NotAllowed, NotOn, ReceiverUnfit, NothingToHand.
    """
    check_staff(by)
    claim = once.claim(key=client_key, operation="duty.handover", by=by)
    if claim.result_id:
        return Handover.objects.get(pk=claim.result_id)
    stint = open_stint(by)
    person, by = stint.staff, by.as_staff(stint.staff_id)
    duty = lock_post(stint.post_id)
    receiver = _receiver(receiver_id, giver=person, duty=duty, now=now)
    held = Anomaly.objects.filter(post_id=duty.pk, holder=person, status=AnomalyStatus.OPEN)
    held = held.exclude(handings__status=ItemStatus.REFUSED)
    if anomaly_ids is not None:
        held = held.filter(pk__in=list(anomaly_ids))
    rows = list(held.order_by("reported_at"))
    if not rows:
        raise NothingToHand
    earlier = HandoverItem.objects.filter(anomaly__in=rows, status=ItemStatus.OFFERED).select_related("handover")
    for item in earlier:
        item.status, item.answered_at, item.answered_by_name = ItemStatus.WITHDRAWN, now, by.name
        item.save(update_fields=["status", "answered_at", "answered_by_name"])
        finish(item.handover, now=now)
    handover = Handover.objects.create(
        post_id=duty.pk, stint=stint, receiver=receiver, note=clean(note, 500), opened_at=now
    )
    HandoverItem.objects.bulk_create([HandoverItem(handover=handover, anomaly=row) for row in rows])
    numbers = "、".join(row.number for row in rows)
    words = f"{person.name}向{receiver.name}交接 {len(rows)} 件：{numbers}" + (
        f"；{handover.note}" if handover.note else ""
    )
    write(duty, EntryKind.HANDOVER, words, by=by, now=now, stint_id=stint.pk, subject_id=handover.pk)
    tell(duty, "handover_offered", words, subject=handover, by=by, tenant=tenant, staff_id=person.pk)
    notices.notify(
        account_ids=accounts_of([receiver.pk]), kind=NoticeKind.TODO, title=f"请接收交接：{duty.post.name}",
        text=f"{person.name}交接 {len(rows)} 件未了事项", path="/m/duty/", subject=handover,
        occasion=f"duty.handover:{handover.pk}", now=now,
    )  # fmt: skip
    claim.keep(handover.pk)
    return handover


def _receiver(receiver_id: UUID, *, giver: Staff, duty: DutyPost, now: datetime) -> Staff:
    """Somebody else who is on duty there, or rostered there next. Raises ReceiverUnfit."""
    person = organisation.staff_by_id([receiver_id]).get(receiver_id)
    if person is None or person.pk == giver.pk or person.pk not in staffing.receivers(post_id=duty.pk, now=now):
        raise ReceiverUnfit(field="receiver_id")
    return person


def finish(handover: Handover, *, now: datetime) -> None:
    """Ended when no item waits for an answer any more."""
    if handover.done_at is None and not handover.items.filter(status__in=OPEN_ITEMS).exists():
        handover.done_at = now
        handover.save(update_fields=["done_at"])
        notices.settle(subject=handover, now=now)


def _locked_item(item_id: UUID, by: Actor) -> tuple[DutyPost, HandoverItem]:
    found = HandoverItem.objects.filter(pk=item_id, handover__in=queries.visible_handovers(by))
    post_id = found.values_list("handover__post_id", flat=True).first()
    if post_id is None:
        raise NotFound
    duty = lock_post(post_id)
    return duty, HandoverItem.objects.select_related("handover__receiver", "handover__stint", "anomaly").get(pk=item_id)


@transaction.atomic
def answer_item(
    *,
    item_id: UUID,
    accept: bool,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    reason: str = "",
    client_key: str = "",
) -> HandoverItem:
    """The named receiver accepts one item, and it is theirs; or refuses with a reason, and it goes up.

    Locks the post: of two answers at once the second is told. The same answer again changes nothing.
    Raises NotAllowed, NotFound, AlreadyAnswered, ReasonMissing.
    """
    check_staff(by)
    duty, item = _locked_item(item_id, by)
    if not by.is_own(item.handover.receiver_id):
        raise NotFound
    by = by.as_staff(item.handover.receiver_id)
    person = own_staff(by)
    if once.claim_for(key=client_key, operation="duty.handover_item", by=by, result_id=item_id):
        return item
    if item.status != ItemStatus.OFFERED:
        if item.status == (ItemStatus.ACCEPTED if accept else ItemStatus.REFUSED):
            return item
        raise AlreadyAnswered(who=item.answered_by_name)
    _answer(duty, item, person, accept=accept, reason=reason, by=by, tenant=tenant, now=now)
    finish(item.handover, now=now)
    return item


def _answer(
    duty: DutyPost,
    item: HandoverItem,
    person: Staff,
    *,
    accept: bool,
    reason: str,
    by: Actor,
    tenant: Tenant,
    now: datetime,
) -> None:
    row = item.anomaly
    item.answered_at, item.answered_by_name = now, by.name
    if accept:
        item.status = ItemStatus.ACCEPTED
        row.holder, row.raised_at = person, None
        row.save(update_fields=["holder", "raised_at"])
        words = f"{person.name}接收 {row.number}"
    else:
        item.reason = clean(reason, 300)
        if len(item.reason) < 2:
            raise ReasonMissing("请写明不接收的原因，它会连同事项一起上交。", field="reason")
        item.status = ItemStatus.REFUSED
        row.raised_at = now  # still in the giver's hands until a superior takes it
        row.save(update_fields=["raised_at"])
        words = f"{person.name}不接收 {row.number}：{item.reason}，上交"
        notices.notify(
            account_ids=superiors(duty, tenant=tenant, now=now), kind=NoticeKind.TODO,
            title=f"交接被拒，请处理：{duty.post.name}", text=f"{row.number} {row.text}（{item.reason}）",
            path=path_of("anomalies", row.pk), subject=row, occasion=f"duty.refused:{item.pk}", now=now,
        )  # fmt: skip
    item.save(update_fields=["status", "answered_at", "answered_by_name", "reason"])
    stint = Stint.objects.filter(staff=person, post_id=duty.pk, signed_off_at__isnull=True).first()
    write(
        duty,
        EntryKind.HANDOVER,
        words,
        by=by,
        now=now,
        stint_id=stint.pk if stint else None,
        subject_id=item.handover_id,
    )
    tell(duty, "handover_answered", words, subject=item.handover, by=by, tenant=tenant, staff_id=person.pk)


@transaction.atomic
def accept_handover(*, handover_id: UUID, by: Actor, tenant: Tenant, now: datetime, client_key: str = "") -> Handover:
    """Accept every item that is still offered, in one step. Locks the post. Raises NotAllowed, NotFound, Invalid."""
    check_staff(by)
    found = Handover.objects.filter(pk=handover_id, receiver_id__in=by.staff_ids).values_list("post_id", flat=True)
    if not found:
        raise NotFound
    duty = lock_post(found[0])
    handover = Handover.objects.select_related("receiver").get(pk=handover_id)
    person, by = handover.receiver, by.as_staff(handover.receiver_id)
    if once.claim_for(key=client_key, operation="duty.handover_accept", by=by, result_id=handover_id):
        return handover
    items = list(handover.items.select_related("anomaly", "handover").filter(status=ItemStatus.OFFERED))
    if not items and handover.done_at is None:
        raise Invalid("没有等您接收的事项，请刷新后查看。")
    for item in items:
        _answer(duty, item, person, accept=True, reason="", by=by, tenant=tenant, now=now)
    finish(handover, now=now)
    return handover


def may_answer(handover: Handover, by: Actor) -> bool:
    """Only the named receiver."""
    return policies.is_staff(by) and by.is_own(handover.receiver_id) and handover.done_at is None
