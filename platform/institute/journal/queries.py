"""Reads of the institute's journal."""

from django.db.models import QuerySet

from institute.journal.models import JournalEvent


def events_of(subject: object) -> "QuerySet[JournalEvent]":
    """Events about one row, newest first."""
    return JournalEvent.objects.filter(
        subject_type=subject._meta.label_lower,  # type: ignore[attr-defined]
        subject_id=str(subject.pk),  # type: ignore[attr-defined]
    )
