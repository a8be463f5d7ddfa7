"""The shape of an event row. Concrete tables: `timeline` in each school, `institute.journal` in public."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class EventBase(models.Model):
    """What happened, to what, by whom: written in the transaction of the operation, never changed."""

    at = models.DateTimeField(default=timezone.now)
    verb = models.CharField(max_length=64)  # "finding.closed": feature noun, past participle
    sentence = models.CharField(max_length=300)  # Chinese, for people: "复查通过，问题销号"
    subject_type = models.CharField(max_length=40)
    subject_id = models.CharField(max_length=64)
    account_id = models.UUIDField(null=True)
    actor_name = models.CharField(max_length=60)
    via = models.CharField(max_length=12)
    payload = models.JSONField(default=dict)

    class Meta:
        abstract = True
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.verb} {self.subject_type}:{self.subject_id}"
