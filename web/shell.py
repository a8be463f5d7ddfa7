"""What the frame of every page shows: where I am, who I am, where I can go."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from identity.contracts import Actor
from kernel import clock
from web.accounts.spaces import spaces_of
from web.navigation import console_sections, phone_items


def _account(actor: Actor) -> dict[str, Any] | None:
    if not actor.signed_in:
        return None
    return {
        "id": actor.account_id,
        "name": actor.name,
        "role_label": "、".join(sorted(str(role.label) for role in actor.roles)),
        "menu": [
            {"label": "我的空间", "icon": "building-community", "url": reverse("account_spaces")},
            {"label": "账号与安全", "icon": "shield-lock", "url": reverse("account_security")},
        ],
    }


def _spaces(request: HttpRequest, actor: Actor) -> Any:
    """The person's other spaces; asked for (one query) only by pages that show them."""
    if not actor.signed_in:
        return []
    return SimpleLazyObject(
        lambda: [space for space in spaces_of(request, actor) if not space["current"] and space["open"]]
    )


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context processor `shell` (docs/web.md)."""
    school = getattr(request, "school", None)
    actor: Actor = getattr(request, "actor", None) or Actor.anonymous()
    return {
        "shell": {
            "host_kind": "school" if school else "public",
            "title": school.name if school else "中教后勤研究院",
            "nav": console_sections(request, actor, in_school=school is not None),
            "phone_nav": phone_items(request, actor),
            "account": _account(actor),
            "grant": actor.grant_id is not None,
            "schools": _spaces(request, actor),
            "today": clock.now().astimezone(clock.SHANGHAI).date(),
        },
        "actor": actor,
    }
