"""打卡: what was seen of a person at a time, with how well it is proved."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kernel.ids import new_id
from tenants.punches.choices import DeviceKind, Direction, FenceShape, PunchSource, PunchStatus, Refusal
from tenants.rosters.choices import Grade


class Fence(models.Model):
    """Where a post's people may punch: a circle (metres) or a polygon (WGS-84 degrees); a post may have many."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    post = models.ForeignKey("organisation.Post", on_delete=models.CASCADE, related_name="+")
    name = models.CharField(_("名称"), max_length=40)
    shape = models.CharField(max_length=8, choices=FenceShape.choices)
    latitude = models.FloatField(null=True)  # centre of the circle
    longitude = models.FloatField(null=True)
    radius_m = models.PositiveIntegerField(null=True)
    polygon = models.JSONField(default=list)  # [[longitude, latitude], …], at least three
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("打卡范围")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=(
                    Q(shape=FenceShape.CIRCLE)
                    & Q(latitude__isnull=False, longitude__isnull=False, radius_m__isnull=False)
                )
                | (Q(shape=FenceShape.POLYGON) & Q(latitude__isnull=True, longitude__isnull=True)),
                name="punches_fence_shape_fits",
            ),
            models.UniqueConstraint(fields=["post", "name"], name="punches_fence_name_once"),
        ]


class Device(models.Model):
    """An attendance terminal or another system that sends punches in batches with its own token (hashed)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(_("名称"), max_length=60, unique=True)
    kind = models.CharField(max_length=8, choices=DeviceKind.choices)
    place = models.ForeignKey("organisation.Place", null=True, on_delete=models.SET_NULL, related_name="+")
    verifies_person = models.BooleanField(default=False)  # checks face or fingerprint itself, on site
    token_hash = models.CharField(max_length=64, unique=True)
    token_hint = models.CharField(max_length=8)
    active = models.BooleanField(default=True)
    last_seen_at = models.DateTimeField(null=True)
    reported_until = models.DateTimeField(null=True)  # everything up to here was sent
    drift_seconds = models.IntegerField(null=True)  # device clock minus ours, at the last batch
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("考勤设备")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=DeviceKind.values), name="punches_device_kind_known")
        ]


class Punch(models.Model):
    """One punch with its evidence vector. Never changed by hand and never deleted; `at` is the time that counts.

    `at` is the sender's clock put right by the known offset (server anchor of the phone, drift of the
    device); `recorded_at` is what the sender's clock said.
    """

    id = models.BigAutoField(primary_key=True)
    staff = models.ForeignKey("organisation.Staff", on_delete=models.CASCADE, related_name="+", db_index=False)
    at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    received_at = models.DateTimeField(default=timezone.now)
    source = models.CharField(max_length=10, choices=PunchSource.choices)
    direction = models.CharField(max_length=7, choices=Direction.choices, default=Direction.UNKNOWN)
    device = models.ForeignKey(Device, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    seq = models.BigIntegerField(null=True)  # the device's own number of it
    client_id = models.UUIDField(null=True)  # made by the phone: the same punch sent twice is one row
    phone_id = models.CharField(max_length=40, blank=True)  # which installation of the page it came from
    post = models.ForeignKey(
        "organisation.Post", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    place = models.ForeignKey(
        "organisation.Place", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    place_code = models.BooleanField(default=False)  # the code at the place was scanned
    latitude = models.FloatField(null=True)
    longitude = models.FloatField(null=True)
    accuracy_m = models.FloatField(null=True)
    fix_age_s = models.IntegerField(null=True)  # how old the position was when punched
    outside_m = models.FloatField(null=True)  # distance to the nearest fence; 0 inside
    photo_id = models.UUIDField(null=True)  # evidence
    face_check_id = models.UUIDField(null=True)
    face_score = models.FloatField(null=True)
    liveness = models.FloatField(null=True)
    vouched_by = models.UUIDField(null=True)
    vouched_by_name = models.CharField(max_length=60, blank=True)
    grade = models.CharField(max_length=1, choices=Grade.choices, default=Grade.D)
    status = models.CharField(max_length=8, choices=PunchStatus.choices, default=PunchStatus.ACCEPTED)
    refusal = models.CharField(max_length=14, choices=Refusal.choices, default=Refusal.NONE, blank=True)
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name = _("打卡记录")
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["staff", "at"], name="punches_punch_staff"),
            models.Index(fields=["post", "at"], condition=Q(post__isnull=False), name="punches_punch_post"),
            models.Index(fields=["received_at"], name="punches_punch_received"),
            models.Index(fields=["id"], condition=Q(status=PunchStatus.PENDING), name="punches_punch_pending"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(source__in=PunchSource.values), name="punches_punch_source_known"),
            models.CheckConstraint(condition=Q(direction__in=Direction.values), name="punches_punch_direction_known"),
            models.CheckConstraint(condition=Q(status__in=PunchStatus.values), name="punches_punch_status_known"),
            models.CheckConstraint(condition=Q(grade__in=Grade.values), name="punches_punch_grade_known"),
            models.CheckConstraint(condition=Q(refusal__in=Refusal.values), name="punches_punch_refusal_known"),
            models.CheckConstraint(
                condition=Q(status=PunchStatus.REFUSED, refusal__gt="")
                | (~Q(status=PunchStatus.REFUSED) & Q(refusal="")),
                name="punches_punch_refused_with_a_reason",
            ),
            models.UniqueConstraint(
                fields=["device", "seq"], condition=Q(device__isnull=False), name="punches_punch_device_seq"
            ),
            models.UniqueConstraint(
                fields=["staff", "client_id"], condition=Q(client_id__isnull=False), name="punches_punch_client_once"
            ),
        ]
