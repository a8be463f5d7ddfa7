"""Reads of the institute's journal."""

from collections.abc import Iterable

from django.db.models import QuerySet

from institute.journal.models import JournalEvent


def events_of(subject: object) -> "QuerySet[JournalEvent]":
    """Events about one row, newest first."""
    return JournalEvent.objects.filter(
        subject_type=subject._meta.label_lower,  # type: ignore[attr-defined]
        subject_id=str(subject.pk),  # type: ignore[attr-defined]
    )


def events_of_many(subject_type: str, subject_ids: Iterable[object]) -> "QuerySet[JournalEvent]":
    """Events about several rows of one kind ("applications.application"), newest first."""
    return JournalEvent.objects.filter(subject_type=subject_type, subject_id__in=[str(pk) for pk in subject_ids])
