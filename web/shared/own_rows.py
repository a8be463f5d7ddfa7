"""Who works for several parties of one school says on the phone as which of them: `as`, in the address or the form."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

from identity.contracts import Actor
from kernel.errors import NotAllowed
from tenants.organisation import queries as organisation
from web.http import SchoolRequest


def said(request: SchoolRequest) -> UUID | None:
    """The staff row that the form or the address names."""
    with suppress(ValueError):
        return UUID(request.POST.get("as") or request.GET.get("as", ""))
    return None


def acting(request: SchoolRequest, default: UUID | None = None) -> Actor:
    """The actor as the staff row asked for, else as `default`. A row that is not theirs changes nothing in an address;
    in a form it is refused: nothing is written for another row than the one that was meant. Raises NotAllowed.
    """
    wanted = said(request) or default
    if wanted is None:
        return request.actor
    if request.method == "POST" and not request.actor.is_own(wanted):
        raise NotAllowed
    return request.actor.as_staff(wanted)


def as_said(by: Actor, *, first: str = "?") -> str:
    """What an address says of as whom one looks, after `first`; nothing where there is no choice."""
    return f"{first}as={by.staff_id}" if by.other_staff_ids else ""


def choice(by: Actor) -> dict[str, Any]:
    """What a page needs for the switch (components/own_rows.html) and its forms (components/as_whom.html)."""
    return {"own_rows": own_rows(by), "acting_as": by.staff_id}


def own_rows(by: Actor) -> list[dict[str, Any]]:
    """The rows to choose from, by party; empty for whoever has one. Two queries, none where there is no choice."""
    if not by.other_staff_ids:
        return []
    people = organisation.staff_by_id(by.staff_ids)
    parties = organisation.parties_by_id({p.party_id for p in people.values()})
    posts = organisation.posts_by_id({p.post_id for p in people.values() if p.post_id})
    rows = [
        {
            "id": p.pk, "party": parties[p.party_id].name, "post": posts[p.post_id].name if p.post_id in posts else "",
            "number": p.number, "chosen": p.pk == by.staff_id,
        }
        for p in people.values()
    ]  # fmt: skip
    return sorted(rows, key=lambda row: (row["party"], row["number"]))
