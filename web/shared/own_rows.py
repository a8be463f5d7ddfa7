"""Who works for several parties of one school says on the phone as which of them: `as`, in the address or the form."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

from identity.contracts import Actor
from tenants.organisation import queries as organisation
from web.http import SchoolRequest


def said(request: SchoolRequest) -> UUID | None:
    """The staff row that the form or the address names."""
    with suppress(ValueError):
        return UUID(request.POST.get("as") or request.GET.get("as", ""))
    return None


def acting(request: SchoolRequest, default: UUID | None = None) -> Actor:
    """The actor as the staff row asked for, else as `default`; a row that is not theirs changes nothing."""
    wanted = said(request) or default
    return request.actor if wanted is None else request.actor.as_staff(wanted)


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
