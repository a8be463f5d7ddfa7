"""Appending to a school's timeline."""

from typing import Any
from uuid import UUID

from identity.contracts import Actor
from tenants.timeline.models import Event


def record(
    *,
    verb: str,
    sentence: str,
    subject: object,
    by: Actor,
    place_id: UUID | None = None,
    party_id: UUID | None = None,
    **payload: Any,
) -> Event:
    """Append one event about `subject` (a model instance). Call inside the operation's transaction."""
    return Event.objects.create(
        verb=verb,
        sentence=sentence,
        subject_type=subject._meta.label_lower,  # type: ignore[attr-defined]
        subject_id=str(subject.pk),  # type: ignore[attr-defined]
        account_id=by.account_id,
        actor_name=by.name,
        via=by.via,
        place_id=place_id,
        party_id=party_id,
        payload=payload,
    )
