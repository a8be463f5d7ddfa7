"""The institute's own append-only event table (a school's is `tenants.timeline`)."""

from django.db import models

from kernel.events import EventBase


class JournalEvent(EventBase):
    """One per public-side operation."""

    id = models.BigAutoField(primary_key=True)

    class Meta(EventBase.Meta):
        abstract = False
        indexes = [models.Index(fields=["subject_type", "subject_id", "-id"], name="journal_event_subject")]
