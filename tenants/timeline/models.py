"""One append-only event per operation: audit, activity feed, webhooks and metric refresh all read it."""

from django.db import models

from kernel.events import EventBase


class Event(EventBase):
    """What happened in this school. `place_id` and `party_id` let one place or party be followed."""

    id = models.BigAutoField(primary_key=True)
    place_id = models.UUIDField(null=True)
    party_id = models.UUIDField(null=True)

    class Meta(EventBase.Meta):
        abstract = False
        indexes = [
            models.Index(fields=["subject_type", "subject_id", "-id"], name="timeline_event_subject"),
            models.Index(fields=["place_id", "-id"], name="timeline_event_place"),
            models.Index(fields=["verb", "-id"], name="timeline_event_verb"),
        ]
