"""Appending to a school's timeline."""

from typing import Any
from uuid import UUID

from identity.contracts import Actor
from tenants.timeline.models import Event

# An event about one of these stands on its own timeline without being told so.
FOLLOWED = {
    "organisation.place": "place_id",
    "organisation.party": "party_id",
    "organisation.post": "post_id",
    "organisation.staff": "staff_id",
}


def record(
    *,
    verb: str,
    sentence: str,
    subject: object,
    by: Actor,
    place_id: UUID | None = None,
    party_id: UUID | None = None,
    post_id: UUID | None = None,
    staff_id: UUID | None = None,
    **payload: Any,
) -> Event:
    """Append one event about `subject` (a model instance). Call inside the operation's transaction.

    `place_id`, `party_id` (also of a contract), `post_id` and `staff_id` put it on the timelines of these too.
    Without `staff_id` it stands on the timeline of the member of staff who did it.
    """
    label = subject._meta.label_lower  # type: ignore[attr-defined]
    follows = {"place_id": place_id, "party_id": party_id, "post_id": post_id, "staff_id": staff_id}
    own = FOLLOWED.get(label)
    if own and follows[own] is None:
        follows[own] = subject.pk  # type: ignore[attr-defined]
    follows["staff_id"] = follows["staff_id"] or by.staff_id
    return Event.objects.create(
        verb=verb,
        sentence=sentence,
        subject_type=label,
        subject_id=str(subject.pk),  # type: ignore[attr-defined]
        account_id=by.account_id,
        actor_name=by.name,
        via=by.via,
        payload=payload,
        **follows,
    )
