"""Photos and files: hashed, stamped by the server, stored once, referenced everywhere by id."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils import timezone

from kernel.ids import new_id
from tenants.evidence.choices import EvidenceKind


class Evidence(models.Model):
    """One upload. The bytes lie at `<schema>/evidence/<sha256[:2]>/<sha256>.<ext>`, once per content.

    A photo is stored re-encoded, without EXIF and GPS; `sha256` is of the stored bytes (they can be
    checked at any time), `source_sha256` of what was sent (the same photo sent twice is recognised).
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=8, choices=EvidenceKind.choices)
    name = models.CharField(max_length=200)
    mime = models.CharField(max_length=80)
    size = models.PositiveIntegerField()  # bytes, as stored
    sha256 = models.CharField(max_length=64, db_index=True)
    source_sha256 = models.CharField(max_length=64, db_index=True)
    phash = models.BigIntegerField(null=True)  # perceptual hash of a photo (dHash), 64 bits, signed
    look = ArrayField(models.IntegerField(), null=True)  # words (looks.py) of a photo that is searched for copies
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    path = models.CharField(max_length=200)  # in the default storage
    thumb_path = models.CharField(max_length=200, blank=True)
    taken_at = models.DateTimeField(null=True)  # what the phone claims
    received_at = models.DateTimeField(default=timezone.now)  # what the server knows
    place_id = models.UUIDField(null=True)
    account_id = models.UUIDField(null=True)
    client_key = models.CharField(max_length=80, blank=True)  # the sender's key: a resent upload is the same row

    class Meta:
        ordering = ["-received_at"]
        indexes = [GinIndex(fields=["look"], name="evidence_look", fastupdate=False)]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=EvidenceKind.values), name="evidence_kind_known"),
            models.UniqueConstraint(
                fields=["account_id", "client_key"], condition=~Q(client_key=""), name="evidence_client_key_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name
