"""One append-only event per operation: audit, activity feed, webhooks and metric refresh all read it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from kernel.events import EventBase


class Event(EventBase):
    """What happened in this school. One place, party, post or person can be followed by its column."""

    id = models.BigAutoField(primary_key=True)
    place_id = models.UUIDField(null=True)
    party_id = models.UUIDField(null=True)  # a contract is its party
    post_id = models.UUIDField(null=True)
    staff_id = models.UUIDField(null=True)  # whom it is about, otherwise who of the staff did it

    class Meta(EventBase.Meta):
        abstract = False
        indexes = [
            models.Index(fields=["subject_type", "subject_id", "-id"], name="timeline_event_subject"),
            models.Index(fields=["place_id", "-id"], name="timeline_event_place"),
            models.Index(fields=["party_id", "-id"], name="timeline_event_party"),
            models.Index(fields=["verb", "-id"], name="timeline_event_verb"),
            models.Index(fields=["post_id", "-id"], name="timeline_event_post", condition=Q(post_id__isnull=False)),
            models.Index(fields=["staff_id", "-id"], name="timeline_event_staff", condition=Q(staff_id__isnull=False)),
        ]


class ClientKey(models.Model):
    """A key the sender made for one operation (an outbox entry, an Idempotency-Key), and what came of it.

    Written in the operation's own transaction: a key without its effect, or the reverse, cannot be.
    """

    id = models.BigAutoField(primary_key=True)
    account_id = models.UUIDField()
    operation = models.CharField(max_length=60)
    key = models.CharField(max_length=80)
    result_id = models.UUIDField(null=True)
    at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account_id", "key"], name="timeline_client_key_once")]


class DayNumber(models.Model):
    """The last serial number given on one local day to one kind of record ("WT", "XC")."""

    id = models.BigAutoField(primary_key=True)
    prefix = models.CharField(max_length=4)
    day = models.DateField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["prefix", "day"], name="timeline_day_number_once")]
