"""打卡: what was seen of a person at a time, with how well it is proved."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kernel.ids import new_id
from tenants.punches.choices import (
    AppealStatus,
    ClockBasis,
    DeviceKind,
    Direction,
    FenceShape,
    PhotoState,
    PunchSource,
    PunchStatus,
    Refusal,
)
from tenants.rosters.choices import Grade


class Fence(models.Model):
    """Where a post's people may punch: a circle (metres) or a polygon (WGS-84 degrees); a post may have many."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    post = models.ForeignKey("organisation.Post", on_delete=models.CASCADE, related_name="+", db_index=False)
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
    name = models.CharField(_("名称"), max_length=60)
    kind = models.CharField(max_length=8, choices=DeviceKind.choices)
    place = models.ForeignKey("organisation.Place", null=True, on_delete=models.SET_NULL, related_name="+")
    verifies_person = models.BooleanField(default=False)  # checks face or fingerprint itself, on site
    token_hash = models.CharField(max_length=64)
    token_hint = models.CharField(max_length=8)
    active = models.BooleanField(default=True)
    last_seen_at = models.DateTimeField(null=True)
    reported_until = models.DateTimeField(null=True)  # everything up to here was sent
    drift_seconds = models.IntegerField(null=True)  # device clock minus ours, at the last batch
    seq_base = models.BigIntegerField(default=0)  # added to the device's numbers: raised when it starts again from 1
    created_at = models.DateTimeField(default=timezone.now)
    created_by_name = models.CharField(max_length=60, blank=True)

    class Meta:
        verbose_name = _("考勤设备")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=DeviceKind.values), name="punches_device_kind_known"),
            models.UniqueConstraint(fields=["name"], name="punches_device_name_once"),
            models.UniqueConstraint(fields=["token_hash"], name="punches_device_token_once"),
        ]


class Punch(models.Model):
    """One punch with its evidence vector. Never changed by hand and never deleted; `at` is the time that counts.

    `at` is the sender's clock put right by the known offset (server anchor of the phone, drift of the
    device); `recorded_at` is what the sender's clock said. Device, post and place are checked by the statements
    that write them, not by a trigger per row: three of them cost a third of a batch. The person is checked by
    the database, but once per statement (migration 0002).
    """

    id = models.BigAutoField(primary_key=True)
    staff = models.ForeignKey(
        "organisation.Staff", on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    received_at = models.DateTimeField(default=timezone.now)
    clock = models.CharField(max_length=8, choices=ClockBasis.choices, default=ClockBasis.SERVER)
    source = models.CharField(max_length=10, choices=PunchSource.choices)
    direction = models.CharField(max_length=7, choices=Direction.choices, default=Direction.UNKNOWN)
    device = models.ForeignKey(
        Device, null=True, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    seq = models.BigIntegerField(null=True)  # the device's own number of it
    client_id = models.UUIDField(null=True)  # made by the phone: the same punch sent twice is one row
    phone_id = models.CharField(max_length=40, blank=True)  # which installation of the page it came from
    post = models.ForeignKey(
        "organisation.Post", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False, db_constraint=False
    )
    place = models.ForeignKey(
        "organisation.Place",
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
        db_constraint=False,
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
    vouched_on_site = models.BooleanField(default=False)  # the supervisor proved to be there too
    grade = models.CharField(max_length=1, choices=Grade.choices, default=Grade.D)
    asked = models.CharField(max_length=1, choices=Grade.choices, default=Grade.D)  # what the post asked for then
    lacking = models.JSONField(default=list)  # CertificateKind codes the post requires and the person had not
    status = models.CharField(max_length=8, choices=PunchStatus.choices, default=PunchStatus.ACCEPTED)
    refusal = models.CharField(max_length=14, choices=Refusal.choices, default=Refusal.NONE, blank=True)
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name = _("打卡记录")
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["staff", "at", "id"], name="punches_punch_staff"),
            models.Index(fields=["post", "at"], condition=Q(post__isnull=False), name="punches_punch_post"),
            BrinIndex(fields=["received_at"], name="punches_punch_received"),  # rises with the table
            models.Index(fields=["phone_id"], condition=Q(phone_id__gt=""), name="punches_punch_phone"),
            models.Index(fields=["id"], condition=Q(status=PunchStatus.PENDING), name="punches_punch_pending"),
            models.Index(fields=["photo_id"], condition=Q(photo_id__isnull=False), name="punches_punch_photo"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(source__in=PunchSource.values), name="punches_punch_source_known"),
            models.CheckConstraint(condition=Q(direction__in=Direction.values), name="punches_punch_direction_known"),
            models.CheckConstraint(condition=Q(status__in=PunchStatus.values), name="punches_punch_status_known"),
            models.CheckConstraint(
                condition=Q(grade__in=Grade.values, asked__in=Grade.values), name="punches_punch_grade_known"
            ),
            models.CheckConstraint(condition=Q(clock__in=ClockBasis.values), name="punches_punch_clock_known"),
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


POSITION_DAYS, LEAST_POSITION_DAYS, MOST_POSITION_DAYS = 180, 30, 730  # the sentinel looks two weeks back


class Setting(models.Model):
    """How long coordinates are kept: one row, missing while the school has neither changed nor erased anything."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    position_days = models.PositiveSmallIntegerField(_("位置坐标保存天数"), default=POSITION_DAYS)
    erased_until = models.DateTimeField(null=True)  # everything received before has no coordinates any more
    erased_count = models.PositiveBigIntegerField(default=0)
    changed_at = models.DateTimeField(null=True)
    changed_by_name = models.CharField(max_length=60, blank=True)

    class Meta:
        verbose_name = _("打卡设置")
        constraints = [
            models.CheckConstraint(condition=Q(pk=1), name="punches_setting_one"),
            models.CheckConstraint(
                condition=Q(position_days__gte=LEAST_POSITION_DAYS, position_days__lte=MOST_POSITION_DAYS),
                name="punches_setting_position_days",
            ),
        ]


class Appeal(models.Model):
    """A worker says that a refused punch was right; somebody else who leads decides. One open at a time."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    punch = models.ForeignKey(Punch, on_delete=models.CASCADE, related_name="appeals")
    text = models.CharField(_("情况说明"), max_length=300)
    photo_id = models.UUIDField(null=True)  # evidence
    status = models.CharField(max_length=8, choices=AppealStatus.choices, default=AppealStatus.OPEN)
    asked_at = models.DateTimeField(default=timezone.now)
    asked_by = models.UUIDField(null=True)
    asked_by_name = models.CharField(max_length=60)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.UUIDField(null=True)
    decided_by_name = models.CharField(max_length=60, blank=True)
    decision_note = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name = _("打卡申诉")
        ordering = ["-asked_at"]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=AppealStatus.values), name="punches_appeal_status_known"),
            models.UniqueConstraint(
                fields=["punch"], condition=Q(status=AppealStatus.OPEN), name="punches_appeal_one_open"
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | Q(asked_by__isnull=True) | ~Q(decided_by=models.F("asked_by")),
                name="punches_appeal_never_decided_by_the_asker",
            ),
        ]


class PhotoCheck(models.Model):
    """Whether the photo of a phone's punch is a re-saved or cropped copy of an earlier one: a hint, until a human decides."""

    id = models.BigAutoField(primary_key=True)
    punch = models.OneToOneField(Punch, on_delete=models.CASCADE, related_name="photo_check")
    photo_id = models.UUIDField()  # evidence; the punch no longer names it once it does not count
    earlier_id = models.BigIntegerField(null=True)  # the punch whose photo it repeats
    state = models.CharField(max_length=8, choices=PhotoState.choices, default=PhotoState.WAITING)
    asked_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0, db_default=0)  # begun, also those that killed their worker
    compared_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.UUIDField(null=True)
    decided_by_name = models.CharField(max_length=60, blank=True)
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name = _("照片比对")
        indexes = [
            models.Index(fields=["id"], condition=Q(state=PhotoState.WAITING), name="punches_photo_waiting"),
            models.Index(fields=["id"], condition=Q(state=PhotoState.ALIKE), name="punches_photo_alike"),
            models.Index(fields=["photo_id"], condition=Q(state=PhotoState.SAME), name="punches_photo_same"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=PhotoState.values), name="punches_photo_state_known"),
            models.CheckConstraint(
                condition=~Q(state__in=(PhotoState.ALIKE, PhotoState.SAME)) | Q(earlier_id__isnull=False),
                name="punches_photo_alike_to_what",
            ),
        ]


class StaffCode(models.Model):
    """Under which number a device knows a person, where it is not their staff number (考勤号)."""

    id = models.BigAutoField(primary_key=True)
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="staff_codes", db_index=False)
    number = models.CharField(_("考勤号"), max_length=30)
    staff = models.ForeignKey("organisation.Staff", on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["device", "number"], name="punches_staff_code_once")]


class Unmatched(models.Model):
    """A device's punch whose number nobody here has: kept until somebody says whose it is, then it becomes a punch."""

    id = models.BigAutoField(primary_key=True)
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="unmatched", db_index=False)
    seq = models.BigIntegerField()
    number = models.CharField(max_length=30)
    at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    received_at = models.DateTimeField(default=timezone.now)
    direction = models.CharField(max_length=7, choices=Direction.choices, default=Direction.UNKNOWN)
    clock = models.CharField(max_length=8, choices=ClockBasis.choices, default=ClockBasis.CLAIMED)

    class Meta:
        verbose_name = _("认不出人的打卡")
        constraints = [
            models.UniqueConstraint(fields=["device", "seq"], name="punches_unmatched_once"),
            models.CheckConstraint(
                condition=Q(direction__in=Direction.values, clock__in=ClockBasis.values),
                name="punches_unmatched_codes_known",
            ),
        ]
        indexes = [models.Index(fields=["device", "number"], name="punches_unmatched_number")]


class Dirty(models.Model):
    """Days whose results have to be derived again. Only appended, in the transaction that changed the punch.

    Whoever derives deletes rows first and derives in the same transaction: a punch that is not yet
    committed brings a row of its own, so no change is missed.
    """

    id = models.BigAutoField(primary_key=True)
    staff_id = models.UUIDField()
    day = models.DateField()  # local day of the punch; a night shift's result may stand on the day before
