"""API tokens: a key for a program, in a person's name, for one space, with named permissions."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from identity import events, policies, secrets
from identity.choices import TOKEN_SCOPES
from identity.contracts import Actor
from identity.models import ApiToken
from kernel.errors import DomainError, Invalid, NotAllowed, NotFound

MARK = "cielm_"
LONGEST_DAYS = 366


class ScopeUnknown(DomainError):
    code = "scope_unknown"
    message = _("请从列表中选择至少一项权限。")


class TokenRefused(DomainError):
    """The caller showed a token that opens nothing here."""

    code = "token_invalid"
    message = _("接口令牌无效、已过期、已撤销，或不属于当前站点。请在“接口令牌”页面重新创建。")


@transaction.atomic
def create_token(*, name: str, scopes: Collection[str], days: int, by: Actor, now: datetime) -> tuple[ApiToken, str]:
    """Make a token for `by` in their present space; returns the row and the key, which is told this once.

    `days` is how long it lives, 1 to 366. Raises NotAllowed, Invalid, ScopeUnknown.
    """
    if not policies.can_have_tokens(by) or by.account_id is None:
        raise NotAllowed
    name = " ".join(name.split())
    if not name or len(name) > 60:
        raise Invalid(_("请给令牌起个名字（60 字以内），写明用在哪个系统。"), field="name")
    wanted = sorted(set(scopes))
    if not wanted or any(scope not in TOKEN_SCOPES for scope in wanted):
        raise ScopeUnknown(field="scopes")
    if not 1 <= days <= LONGEST_DAYS:
        raise Invalid(_("有效期为 1 到 366 天。"), field="days")
    secret = MARK + secrets.new_secret()
    token = ApiToken.objects.create(
        account_id=by.account_id,
        school_id=by.school_id,
        name=name,
        prefix=secret[: len(MARK) + 6],
        token_hash=secrets.digest(secret),
        scopes=wanted,
        created_at=now,
        expires_at=now + timedelta(days=days),
    )
    events.record(
        verb="token.created",
        sentence=f"创建接口令牌“{name}”",
        subject=token,
        by=by,
        school_id=by.school_id,
        scopes=wanted,
    )
    return token, secret


@transaction.atomic
def revoke_token(*, token_id: UUID, by: Actor, now: datetime) -> ApiToken:
    """End a token at once: one's own, or anybody's for the admin of the space. Raises NotAllowed, NotFound."""
    token = ApiToken.objects.select_for_update().filter(pk=token_id, school_id=by.school_id).first()
    if token is None or by.account_id is None:
        raise NotFound
    if token.account_id != by.account_id and not policies.can_manage_members(by, by.school_id):
        raise NotAllowed
    if token.revoked_at is None:
        token.revoked_at = now
        token.save(update_fields=["revoked_at"])
        events.record(
            verb="token.revoked",
            sentence=f"撤销接口令牌“{token.name}”",
            subject=token,
            by=by,
            school_id=by.school_id,
        )
    return token


def mark_used(*, token_id: UUID, now: datetime) -> None:
    """Note the time of use, at most once a minute."""
    ApiToken.objects.filter(
        Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - timedelta(minutes=1)), pk=token_id
    ).update(last_used_at=now)
