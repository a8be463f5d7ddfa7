"""Appending to the institute's journal."""

from typing import Any

from identity.contracts import Actor
from institute.journal.models import JournalEvent


def record(*, verb: str, sentence: str, subject: object, by: Actor, **payload: Any) -> JournalEvent:
    """Append one event about `subject` (a model instance). Call inside the operation's transaction."""
    return JournalEvent.objects.create(
        verb=verb,
        sentence=sentence,
        subject_type=subject._meta.label_lower,  # type: ignore[attr-defined]
        subject_id=str(subject.pk),  # type: ignore[attr-defined]
        account_id=by.account_id,
        actor_name=by.name,
        via=by.via,
        payload=payload,
    )
