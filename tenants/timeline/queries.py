"""Reads of a school's timeline."""

from django.db.models import QuerySet



def events_of(subject: object) -> "QuerySet[Event]":
    """Events about one row, newest first."""
    return Event.objects.filter(
        subject_type=subject._meta.label_lower,  # type: ignore[attr-defined]
        subject_id=str(subject.pk),  # type: ignore[attr-defined]
    )
