"""Moving between hosts without a second password.

The target host begins: it gives the browser a nonce and sends it to a host where the person is
signed in; that host issues a ticket bound to account, target host and nonce; the target redeems it.
So a ticket is worthless in another browser, on another host, a second time, or after 30 seconds.
"""

import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.signing import BadSignature, Signer
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from identity import secrets
from identity.contracts import Arrival
from identity.models import Account, Ticket
from kernel.errors import DomainError

VALID_FOR = timedelta(seconds=30)
_signer = Signer(salt="identity.handover")


class TicketRefused(DomainError):
    code = "ticket_refused"
    message = _("进入凭证已失效。请重新点击进入，或在本站直接登录。")


def safe_path(path: str) -> str:
    """A path on the same host, or "/": nothing that a browser could read as another site."""
    if not path.startswith("/") or path.startswith(("//", "/\\")) or any(ord(c) < 32 for c in path) or len(path) > 500:
        return "/"
    return path


@transaction.atomic
def issue_ticket(
    *,
    account_id: UUID,
    target_host: str,
    browser_hash: str,
    next_path: str,
    methods: Sequence[dict[str, Any]],
    now: datetime,
) -> str:
    """Make a ticket for `account_id` to enter `target_host`; returns the signed secret, kept as hash only.

    `browser_hash` is the digest of the nonce that the target host gave to this browser; `methods` is
    how the person signed in (password, second factor), carried over.
    """
    secret = secrets.new_secret()
    Ticket.objects.create(
        token_hash=secrets.digest(secret),
        account_id=account_id,
        target_host=target_host,
        browser_hash=browser_hash[:64],
        next_path=safe_path(next_path),
        methods=list(methods),
        expires_at=now + VALID_FOR,
    )
    return _signer.sign(secret)


@transaction.atomic
def redeem_ticket(*, ticket: str, host: str, nonce: str, now: datetime) -> Arrival:
    """Use a ticket, once. Locks it. Raises TicketRefused: forged, expired, used, another host or browser."""
    try:
        secret = _signer.unsign(ticket)
    except BadSignature as forged:
        raise TicketRefused from forged
    row = Ticket.objects.select_for_update().filter(token_hash=secrets.digest(secret)).first()
    if row is None or row.used_at is not None or row.expires_at <= now or row.target_host != host:
        raise TicketRefused
    if not nonce or not hmac.compare_digest(row.browser_hash, secrets.digest(nonce)):
        raise TicketRefused
    if not Account.objects.filter(pk=row.account_id, is_active=True).exists():
        raise TicketRefused
    row.used_at = now
    row.save(update_fields=["used_at"])
    return Arrival(row.account_id, row.next_path, tuple(row.methods))


@transaction.atomic
def sweep_tickets(*, now: datetime) -> int:
    """Delete tickets that expired over an hour ago; returns how many."""
    return Ticket.objects.filter(expires_at__lt=now - timedelta(hours=1)).delete()[0]
