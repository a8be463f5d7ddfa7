"""What the frame of every page shows: where I am, who I am, where I can go."""

from typing import Any

from django.http import HttpRequest

from identity.contracts import Actor
from kernel import clock
from web.navigation import console_sections, phone_items


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
            "account": {"name": actor.name, "role_label": "、".join(sorted(str(r.label) for r in actor.roles))}
            if actor.signed_in
            else None,
            "schools": [],
            "today": clock.now().astimezone(clock.SHANGHAI).date(),
        },
        "actor": actor,
    }
