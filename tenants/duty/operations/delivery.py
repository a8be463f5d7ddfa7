"""送达: whether a summons has reached its person, by the phone's page or by the school's own service.

The school may name one service (a voice-call gateway, a robot) that is told of every summons at once: a signed POST
(Standard Webhooks, as camera systems send to us) with who is to answer, where and until when, and the address of the
call. It answers 200 (or another 2xx) when the message is with the person, 202 when it has only taken it; anything else,
or no answer, is tried again until the time to answer is over. A message that was lost with its worker is found by
`hook_at` in the next round.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import transaction

from identity.contracts import Actor
from kernel.addresses import school_url
from kernel.crypto import seal, unseal
from kernel.errors import Invalid, NotAllowed, NotFound
from kernel.outbound import AddressRefused, checked
from kernel.tenancy import Tenant
from tenants.duty import policies, webhooks
from tenants.duty.choices import CallStatus, Channel
from tenants.duty.models import DeliveryHook, Summons
from tenants.timeline.operations import record

SEALED_AS = "duty_deliveryhook.secret"
WAITS = (5, 10, 20, 30, 60)  # seconds before the next try; the last one for all further ones
LEASE = timedelta(seconds=30)  # how long a try may take before another worker takes it over
ACCEPTED = 202
MOST_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class NewHook:
    """The hook and its secret, told once; empty when the secret stays as it was."""

    hook: DeliveryHook
    secret: str


@dataclass(frozen=True, slots=True)
class Message:
    """What is to be sent for one summons."""

    url: str
    body: bytes
    headers: dict[str, str]


def hook_is_on() -> bool:
    """Whether the school has a delivery hook that is switched on."""
    return DeliveryHook.objects.filter(pk=1, active=True).exists()


@transaction.atomic
def set_hook(*, url: str, active: bool, by: Actor, tenant: Tenant, now: datetime, new_secret: bool = False) -> NewHook:
    """Name the school's delivery service; the first time, and when asked, with a fresh secret. Raises NotAllowed, Invalid."""
    if not policies.can_manage_hook(by):
        raise NotAllowed
    url = url.strip()
    if len(url) > 400:
        raise Invalid("地址太长，最多 400 个字符。", field="url")
    try:
        checked(url)
    except AddressRefused as refused:
        raise Invalid(str(refused), field="url") from refused
    row = DeliveryHook.objects.select_for_update().filter(pk=1).first()
    secret = webhooks.new_secret() if row is None or new_secret else ""
    row = row or DeliveryHook(pk=1)
    row.url, row.active, row.changed_at, row.changed_by_name = url, active, now, by.name
    if secret:
        row.secret_sealed = seal(secret, schema=tenant.schema, context=SEALED_AS)
    row.save()
    words = f"{'启用' if active else '停用'}查岗送达接口" + ("，更换密钥" if secret else "")
    record(verb="duty.hook_set", sentence=words, subject=row, by=by)
    return NewHook(row, secret)


@transaction.atomic
def acknowledge_call(*, call_id: UUID, by: Actor, tenant: Tenant, now: datetime) -> Summons:
    """The page of the person's phone shows the call: 送达. The first time counts. Raises NotAllowed, NotFound."""
    if not policies.is_staff(by):
        raise NotAllowed
    mine = Summons.objects.filter(call_id=call_id, staff_id__in=by.staff_ids)
    mine.filter(delivered_at__isnull=True).update(delivered_at=now, delivered_by=Channel.PHONE, hook_at=None)
    row = mine.first()
    if row is None:
        raise NotFound
    return row


def due_deliveries(*, tenant: Tenant, now: datetime) -> list[UUID]:
    """The summons the hook is to be told of now, the most urgent first."""
    rows = Summons.objects.filter(hook_at__lte=now).order_by("call__deadline", "hook_at")
    return list(rows.values_list("pk", flat=True)[:MOST_AT_ONCE])


@transaction.atomic
def prepare_delivery(*, summons_id: UUID, tenant: Tenant, now: datetime) -> Message | None:
    """Take one summons for this try and return what is to be sent; None when it is not due any more.

    The message carries no telephone number: the school's service knows its people by 工号. Each try has the same
    `webhook-id`, so a receiver can tell a repetition. Locks the summons.
    """
    row = (
        Summons.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("call__post__place", "staff")
        .filter(pk=summons_id, hook_at__lte=now)
        .first()
    )
    if row is None:
        return None
    hook = DeliveryHook.objects.filter(pk=1, active=True).first()
    call = row.call
    over = call.status != CallStatus.RINGING or call.deadline is None or call.deadline <= now
    row.hook_at = None if over or hook is None or row.delivered_at is not None else now + LEASE
    row.save(update_fields=["hook_at"])
    if row.hook_at is None or hook is None or call.deadline is None:
        return None
    said = {
        "type": "duty.call",
        "timestamp": now.astimezone(UTC).isoformat(),
        "data": {
            "summons": str(row.pk), "call": str(call.pk), "school": tenant.name, "post": call.post.name,
            "place": call.post.place.full_name if call.post.place else "",
            "person": {"number": row.staff.number, "name": row.staff.name},
            "answer_before": call.deadline.astimezone(UTC).isoformat(),
            "url": school_url(tenant.slug, f"/m/duty/calls/{call.pk}/"),
        },
    }  # fmt: skip
    body = json.dumps(said, ensure_ascii=False).encode()
    secret = unseal(hook.secret_sealed, schema=tenant.schema, context=SEALED_AS)
    stamp = int(now.timestamp())
    headers = {
        "Content-Type": "application/json; charset=utf-8", "User-Agent": "CiELM-duty/1",
        "webhook-id": str(row.pk), "webhook-timestamp": str(stamp),
        "webhook-signature": webhooks.sign(secret=secret, message_id=str(row.pk), timestamp=stamp, body=body),
    }  # fmt: skip
    return Message(hook.url, body, headers)


@transaction.atomic
def note_delivery(*, summons_id: UUID, status: int | None, tenant: Tenant, now: datetime, said: str = "") -> bool:
    """What came of a try: delivered, taken, or to be tried again while the call rings. Returns whether the hook took it.

    `status` is the HTTP status, None when nobody answered (`said`: why). Locks the summons.
    """
    row = Summons.objects.select_for_update(of=("self",)).select_related("call").filter(pk=summons_id).first()
    if row is None:
        raise NotFound
    taken = status is not None and 200 <= status < 300
    note = f"HTTP {status}" if status is not None else said or "没有回应"
    row.hook_tries += 1
    row.hook_at, row.hook_note = None, note[:120]
    if taken and status != ACCEPTED and row.delivered_at is None:
        row.delivered_at, row.delivered_by = now, Channel.HOOK
    if not taken:
        next_at = now + timedelta(seconds=WAITS[min(row.hook_tries, len(WAITS)) - 1])
        if row.delivered_at is None and row.call.deadline is not None and next_at < row.call.deadline:
            row.hook_at = next_at
    row.save(update_fields=["hook_tries", "hook_at", "hook_note", "delivered_at", "delivered_by"])
    when = {"last_ok_at": now} if taken else {"last_failed_at": now}
    DeliveryHook.objects.filter(pk=1).update(last_note=note[:120], **when)
    return taken
