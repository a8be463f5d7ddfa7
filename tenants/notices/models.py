"""In-app inbox: one row per account and occasion."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from tenants.notices.choices import NoticeKind


class Notice(models.Model):
    """A sentence for one person, where it leads, and whether it was read or mailed."""

    id = models.BigAutoField(primary_key=True)
    account_id = models.UUIDField()
    kind = models.CharField(max_length=8, choices=NoticeKind.choices)
    title = models.CharField(max_length=160)
    text = models.CharField(max_length=400, blank=True)
    path = models.CharField(max_length=200)  # where it leads on this school's host, "/findings/…/"
    subject_type = models.CharField(max_length=40)
    subject_id = models.CharField(max_length=64)
    occasion = models.CharField(max_length=120)  # "finding.escalated:2:<id>"; the same occasion is told once
    mail = models.BooleanField(default=False)  # goes into the next mail digest
    created_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True)
    mailed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["account_id", "-id"], name="notices_notice_inbox"),
            models.Index(fields=["account_id"], condition=Q(read_at__isnull=True), name="notices_notice_unread"),
            models.Index(
                fields=["created_at"], condition=Q(mail=True, mailed_at__isnull=True), name="notices_notice_to_mail"
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=NoticeKind.values), name="notices_notice_kind_known"),
            models.UniqueConstraint(fields=["account_id", "occasion"], name="notices_notice_once"),
        ]

    def __str__(self) -> str:
        return self.title
