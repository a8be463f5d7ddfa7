"""人脸服务: decisions of people, sealed templates, checks, and the record of what was deleted.

A template is an encrypted vector (`tenants.face.vault`); no column holds a face, a vector or a name in clear.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from kernel.ids import new_id
from tenants.face.choices import Age, CheckState, Decision, Ended, Gone, Guardian, How, Kept, Outcome, Purpose, Source


class Setting(models.Model):
    """Whether and how this school uses faces: one row, missing while it does not."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    enabled = models.BooleanField(default=False)
    assessed_on = models.DateField(null=True)  # 个人信息保护影响评估 (PIPL art. 55): no service before it
    photo_days = models.PositiveSmallIntegerField(default=0)  # 0: originals are not kept
    changed_at = models.DateTimeField(default=timezone.now)
    changed_by_name = models.CharField(max_length=60, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(pk=1), name="face_setting_one"),
            models.CheckConstraint(condition=Q(photo_days__lte=180), name="face_setting_photo_days"),
            models.CheckConstraint(
                condition=Q(enabled=False) | Q(assessed_on__isnull=False), name="face_setting_assessed"
            ),
        ]


class Consent(models.Model):
    """One decision of one person about one text, agreed or refused; it stands until it is ended."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    staff = models.ForeignKey("organisation.Staff", on_delete=models.PROTECT, related_name="+", db_index=False)
    decision = models.CharField(max_length=8, choices=Decision.choices)
    text_version = models.CharField(max_length=20)
    text_sha256 = models.CharField(max_length=64)
    how = models.CharField(max_length=8, choices=How.choices)
    guardian = models.CharField(max_length=8, choices=Guardian.choices, blank=True)
    guardian_sealed = models.BinaryField(null=True)  # the guardian's name
    age = models.CharField(max_length=8, choices=Age.choices, blank=True, default="", db_default="")
    decided_at = models.DateTimeField()
    by_account_id = models.UUIDField(null=True)
    by_name = models.CharField(max_length=60)
    ended_at = models.DateTimeField(null=True)
    ended = models.CharField(max_length=8, choices=Ended.choices, blank=True)
    ended_by_name = models.CharField(max_length=60, blank=True)

    class Meta:
        ordering = ["-decided_at"]
        indexes = [models.Index(fields=["staff", "-decided_at"], name="face_consent_staff")]
        constraints = [
            models.UniqueConstraint(fields=["staff"], condition=Q(ended_at__isnull=True), name="face_consent_one"),
            models.CheckConstraint(condition=Q(decision__in=Decision.values), name="face_consent_decision_known"),
            models.CheckConstraint(condition=Q(how__in=How.values), name="face_consent_how_known"),
            models.CheckConstraint(condition=Q(guardian__in=Guardian.values), name="face_consent_guardian_known"),
            models.CheckConstraint(condition=Q(age__in=Age.values), name="face_consent_age_known"),
            models.CheckConstraint(
                condition=(Q(ended_at__isnull=True) & Q(ended=""))
                | (Q(ended_at__isnull=False) & Q(ended__in=Ended.values)),
                name="face_consent_ended_told",
            ),
        ]


class Template(models.Model):
    """One person's sealed vector for one model. Associated data: school | person | model hash."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    staff = models.OneToOneField("organisation.Staff", on_delete=models.PROTECT, related_name="+")
    consent = models.ForeignKey(Consent, on_delete=models.PROTECT, related_name="+")
    vector_sealed = models.BinaryField()
    model_hash = models.CharField(max_length=64)
    quality = models.FloatField()  # the detector's score of the enrolled picture
    liveness = models.FloatField(null=True)
    source = models.CharField(max_length=8, choices=Source.choices)
    batch_id = models.UUIDField(null=True)  # the job that enrolled it
    photo_sealed = models.BinaryField(null=True)  # only where the school keeps originals
    photo_until = models.DateTimeField(null=True)
    enrolled_at = models.DateTimeField()
    by_account_id = models.UUIDField(null=True)
    by_name = models.CharField(max_length=60)

    class Meta:
        indexes = [
            models.Index(fields=["photo_until"], name="face_template_photo", condition=Q(photo_until__isnull=False))
        ]
        constraints = [
            models.CheckConstraint(condition=Q(source__in=Source.values), name="face_template_source_known"),
            models.CheckConstraint(
                condition=Q(photo_sealed__isnull=True) | Q(photo_until__isnull=False), name="face_template_photo_ends"
            ),
        ]


class Check(models.Model):
    """One picture held against one person's template (or enrolled as it). The picture goes when the answer is there."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    staff = models.ForeignKey("organisation.Staff", on_delete=models.PROTECT, related_name="+", db_index=False)
    purpose = models.CharField(max_length=8, choices=Purpose.choices)
    subject_id = models.CharField(max_length=40, blank=True)  # the punch, call, … in its own table
    state = models.CharField(max_length=8, choices=CheckState.choices, default=CheckState.PENDING)
    outcome = models.CharField(max_length=12, choices=Outcome.choices, blank=True)
    score = models.FloatField(null=True)  # cosine, -1..1
    threshold = models.FloatField(null=True)
    liveness = models.FloatField(null=True)  # 0..1; None where the pack has no liveness model
    liveness_threshold = models.FloatField(null=True)
    model_hash = models.CharField(max_length=64, blank=True)
    picture_sealed = models.BinaryField(null=True)
    evidence_id = models.UUIDField(null=True)
    on_done = models.CharField(max_length=60, blank=True)  # the job that is told
    attempts = models.PositiveSmallIntegerField(default=0)
    requested_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    by_account_id = models.UUIDField(null=True)
    by_name = models.CharField(max_length=60)

    class Meta:
        ordering = ["-requested_at"]
        indexes = [
            models.Index(fields=["staff", "-requested_at"], name="face_check_staff"),
            models.Index(fields=["requested_at"], name="face_check_pending", condition=Q(state=CheckState.PENDING)),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(purpose__in=Purpose.values), name="face_check_purpose_known"),
            models.CheckConstraint(condition=Q(state__in=CheckState.values), name="face_check_state_known"),
            models.CheckConstraint(
                condition=(Q(state=CheckState.PENDING) & Q(outcome=""))
                | (Q(state=CheckState.DONE) & Q(outcome__in=Outcome.values) & Q(picture_sealed__isnull=True)),
                name="face_check_outcome_known",
            ),
        ]


class Deletion(models.Model):
    """That something biometric is gone: when, why, whose. Nothing biometric is in it."""

    id = models.BigAutoField(primary_key=True)
    staff_id = models.UUIDField()
    staff_number = models.CharField(max_length=30)
    kept = models.CharField(max_length=8, choices=Kept.choices)
    reason = models.CharField(max_length=8, choices=Gone.choices)
    template_id = models.UUIDField()
    model_hash = models.CharField(max_length=64)
    enrolled_at = models.DateTimeField()
    deleted_at = models.DateTimeField()
    by_name = models.CharField(max_length=60)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["staff_id", "-id"], name="face_deletion_staff")]
        constraints = [
            models.CheckConstraint(condition=Q(kept__in=Kept.values), name="face_deletion_kept_known"),
            models.CheckConstraint(condition=Q(reason__in=Gone.values), name="face_deletion_reason_known"),
        ]
