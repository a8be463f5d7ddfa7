"""Long work as a row: owner, progress, file in, file out. Pages show it as a progress bar."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from kernel.ids import new_id
from tenants.jobs.choices import JobState


class Job(models.Model):
    """One import, export or batch. `kind` names the worker that knows it ("organisation.import_staff")."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=60)
    title = models.CharField(max_length=120)
    state = models.CharField(max_length=8, choices=JobState.choices, default=JobState.QUEUED)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    sentence = models.CharField(max_length=300, blank=True)
    input_path = models.CharField(max_length=200, blank=True)  # default storage
    output_path = models.CharField(max_length=200, blank=True)
    result = models.JSONField(default=dict)
    account_id = models.UUIDField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    beat_at = models.DateTimeField(null=True)  # last sign of life; a running job silent for long is taken up again
    finished_at = models.DateTimeField(null=True)
    files_until = models.DateTimeField(null=True)  # files hold personal data: removed after this moment

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["account_id", "-created_at"], name="jobs_job_mine"),
            models.Index(
                fields=["beat_at"], name="jobs_job_open", condition=Q(state__in=[JobState.QUEUED, JobState.RUNNING])
            ),
        ]
        constraints = [models.CheckConstraint(condition=Q(state__in=JobState.values), name="jobs_job_state_known")]

    def __str__(self) -> str:
        return self.title

    @property
    def percent(self) -> int:
        return min(100, self.done * 100 // self.total) if self.total else (100 if self.state == JobState.DONE else 0)
