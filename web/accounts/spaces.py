"""Where a person can go: the institute, their schools, and schools that granted the institute a look."""

from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from identity import queries as identity
from identity.choices import GrantScope, Role
from identity.contracts import Actor
from institute.schools import spaces as schools
from institute.schools.choices import SchoolStatus
from kernel import clock

INSTITUTE_NAME = "中教后勤研究院"
CONSOLE = "/institute/"  # on the public host


def host_of(request: HttpRequest) -> str:
    """This host without its port."""
    return request.get_host().rsplit(":", 1)[0].lower()


def public_host(request: HttpRequest) -> str:
    """The public host to hand over from and to: this one if it is public, else PUBLIC_URL's."""
    here = host_of(request)
    return here if here in settings.PUBLIC_HOSTS else str(urlsplit(settings.PUBLIC_URL).hostname)


def is_our_host(host: str) -> bool:
    """Whether `host` is a public host or a school's: nobody is sent anywhere else."""
    return host in settings.PUBLIC_HOSTS or schools.is_our_host(host)


def address(request: HttpRequest, host: str, path: str) -> str:
    """`path` on another of our hosts, reached as this one was (scheme and port)."""
    _name, colon, port = request.get_host().partition(":")
    return f"{request.scheme}://{host}{colon}{port}{path}"


def enter_url(request: HttpRequest, host: str, next_path: str = "/") -> str:
    """The link that brings the signed-in person to `host` without a second password."""
    query = urlencode({"from": host_of(request), "next": next_path})
    return address(request, host, f"{reverse('account_enter')}?{query}")


def spaces_of(request: HttpRequest, actor: Actor) -> list[dict[str, Any]]:
    """Every space of the account, the institute first, in one query; the present one is marked."""
    if actor.account_id is None:
        return []
    here = getattr(request, "school", None)
    found = schools.spaces_of(actor.account_id, today=clock.now().astimezone(clock.SHANGHAI).date())
    rows: list[dict[str, Any]] = []
    for space in sorted(found, key=lambda row: row.school_id is not None):
        roles = [Role(role).label for role in space.roles]
        if space.school_id is None:
            url = CONSOLE if here is None else enter_url(request, public_host(request), CONSOLE)
            rows.append(
                {
                    "name": INSTITUTE_NAME,
                    "roles": roles,
                    "url": url,
                    "current": here is None,
                    "open": True,
                    "status": "",
                }
            )
            continue
        current = here is not None and here.school_id == space.school_id
        is_open = space.status == SchoolStatus.READY
        rows.append(
            {
                "name": space.name,
                "roles": roles,
                "url": "/" if current else enter_url(request, space.host),
                "current": current,
                "open": is_open,
                "status": "" if is_open else SchoolStatus(space.status).label,
            }
        )
    return rows


def granted_schools(request: HttpRequest, actor: Actor) -> list[dict[str, Any]]:
    """Schools that let the institute read their detail today, for its staff on the public host; three queries."""
    today = clock.now().astimezone(clock.SHANGHAI).date()
    grants = list(identity.schools_granting(actor=actor, today=today))
    if not grants or actor.account_id is None:
        return []
    mine = {space.school_id for space in schools.spaces_of(actor.account_id, today=today)}
    hosts = schools.hosts_of({grant.school_id for grant in grants} - mine)  # members enter as members
    return [
        {
            "name": hosts[grant.school_id][0],
            "scopes": [GrantScope(scope).label for scope in grant.scopes],
            "ends_on": grant.ends_on,
            "reason": grant.reason,
            "url": enter_url(request, hosts[grant.school_id][1], reverse("account_spaces")),
        }
        for grant in grants
        if grant.school_id in hosts
    ]
