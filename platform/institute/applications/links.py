"""The applicant's key: a signed, expiring address. There is no account behind it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.core import signing
from django.utils.translation import gettext_lazy as _

from kernel.errors import DomainError

SALT: Final = "institute.applications.link"
LIVES: Final = timedelta(days=30)


class LinkInvalid(DomainError):
    code = "link_invalid"
    message = _("这个链接不完整或已被新的链接取代。请使用最近一封邮件中的链接，或重新发送。")


class LinkExpired(DomainError):
    code = "link_expired"
    message = _("这个链接已过期（有效期 30 天）。请重新发送一封带新链接的邮件。")


@dataclass(frozen=True, slots=True)
class Key:
    """What a link says: which application, which version of its links, and to which mailbox it was sent."""

    application_id: UUID
    version: int
    mailed: str  # blind index of the address, empty for a link that was never mailed


def make(*, application_id: UUID, version: int, now: datetime, mailed: str = "") -> str:
    """A token for one application. `mailed` names the mailbox it goes to: whoever opens it reads that mailbox."""
    payload = [str(application_id), version, mailed[:32], int(now.timestamp())]
    return signing.dumps(payload, salt=SALT)


def read(token: str, *, now: datetime) -> Key:
    """Check signature and age. Raises LinkInvalid, LinkExpired."""
    try:
        application_id, version, mailed, made_at = signing.loads(token, salt=SALT)
        key = Key(UUID(application_id), int(version), str(mailed))
        age = now.timestamp() - int(made_at)
    except (signing.BadSignature, ValueError, TypeError) as damaged:
        raise LinkInvalid from damaged
    if age > LIVES.total_seconds():
        raise LinkExpired
    return key


def path_of(token: str) -> str:
    """Where the applicant's page is; web.public.urls holds the same address (tested)."""
    return f"/apply/{token}/"
