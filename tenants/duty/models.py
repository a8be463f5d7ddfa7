"""值班: duty posts, who is on, presence calls, the log and what is handed to the next shift."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kernel.ids import new_id
from tenants.duty.choices import (
    OPEN_CALLS,
    UNANSWERED,
    AbsenceKind,
    AnomalyKind,
    AnomalyStatus,
    CallKind,
    CallStatus,
    CameraKind,
    Channel,
    Doubt,
    EntryKind,
    FaceState,
    ItemStatus,
    Outcome,
    ReportStatus,
)
from tenants.findings.choices import Severity


def default_chain() -> list[list[object]]:
    """Minutes after the deadline of an unanswered call, and who is told then."""
    return [[0, "manager"], [0, "supervisor"], [15, "leader"]]


class DutyPost(models.Model):
    """值班岗: an organisation post with its rules of duty. Minutes unless said otherwise.

    Whom and how many the post needs stands in `rosters.Coverage`, which certificates in `organisation.Post`.
    `version` and the row's lock order everything that happens at one post.
    """

    post = models.OneToOneField("organisation.Post", primary_key=True, on_delete=models.CASCADE, related_name="+")
    active = models.BooleanField(_("启用"), default=True)
    answer_minutes = models.PositiveSmallIntegerField(_("应答时限"), default=5)
    persons_to_answer = models.PositiveSmallIntegerField(_("须应答人数"), default=1)  # 2: both must answer
    asks_photo = models.BooleanField(_("现场照片与动作"), default=True)
    asks_code = models.BooleanField(_("扫岗位码"), default=True)
    asks_face = models.BooleanField(_("人脸核验（本人同意的）"), default=False)
    calls_per_day = models.PositiveSmallIntegerField(_("每日随机查岗次数"), default=2)  # the budget
    quiet = models.JSONField(_("不查岗的时段"), default=list)  # [[from minute, until minute], …] of the local day
    night_from = models.PositiveSmallIntegerField(_("夜间开始"), default=1380)
    night_until = models.PositiveSmallIntegerField(_("夜间结束"), default=360)
    off_post_after = models.PositiveSmallIntegerField(_("连续几次未应答算脱岗"), default=2)
    break_minutes = models.PositiveSmallIntegerField(_("每次离岗最长"), default=15)
    break_cap_minutes = models.PositiveSmallIntegerField(_("每班离岗累计上限"), default=45)
    gap_minutes = models.PositiveSmallIntegerField(_("低于最低人数多久告警"), default=15, db_default=15)  # 0: never
    gap_finding_minutes = models.PositiveSmallIntegerField(  # 0: never
        _("低于最低人数多久转问题整改"), default=60, db_default=60
    )
    gap_told_at = models.DateTimeField(null=True)  # when the last gap was raised
    chain = models.JSONField(_("未应答逐级通知"), default=default_chain)
    last_seq = models.PositiveBigIntegerField(default=0)  # of the log
    log_head = models.CharField(max_length=64, blank=True, default="", db_default="")  # keyed hash of the last seal
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("值班岗")
        ordering = ["post_id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    answer_minutes__gte=1, answer_minutes__lte=60, persons_to_answer__gte=1, persons_to_answer__lte=2,
                    calls_per_day__lte=12, off_post_after__gte=1, off_post_after__lte=10,
                    night_from__lt=1440, night_until__lte=1440,
                ),
                name="duty_post_numbers",
            ),
            models.CheckConstraint(condition=Q(asks_photo=True) | Q(asks_code=True), name="duty_post_asks_something"),
        ]  # fmt: skip


class Stint(models.Model):
    """One person's time on duty at a post, from sign-on to sign-off; `instance` is the shift it fills."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    post = models.ForeignKey("organisation.Post", on_delete=models.PROTECT, related_name="+", db_index=False)
    staff = models.ForeignKey("organisation.Staff", on_delete=models.PROTECT, related_name="+", db_index=False)
    instance = models.ForeignKey(
        "rosters.ShiftInstance", null=True, on_delete=models.SET_NULL, related_name="+"
    )  # null: not rostered
    due_until = models.DateTimeField(null=True)  # end of the shift it fills
    signed_on_at = models.DateTimeField()
    signed_off_at = models.DateTimeField(null=True)
    lacking = models.JSONField(default=list)  # certificates the post wants and the person did not hold
    on_code = models.BooleanField(default=False)  # the code at the post was scanned at sign-on
    ended_by_name = models.CharField(max_length=60, blank=True)  # when a superior ended it
    overrun_told = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("当班")
        ordering = ["-signed_on_at"]
        indexes = [
            models.Index(fields=["post", "signed_on_at"], name="duty_stint_post"),
            models.Index(fields=["staff", "signed_on_at"], name="duty_stint_staff"),
            models.Index(fields=["post"], condition=Q(signed_off_at__isnull=True), name="duty_stint_open"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(signed_off_at__isnull=True) | Q(signed_off_at__gte=F("signed_on_at")),
                name="duty_stint_times",
            ),
            models.UniqueConstraint(
                fields=["staff"], condition=Q(signed_off_at__isnull=True), name="duty_stint_one_open"
            ),
        ]


class Absence(models.Model):
    """A declared absence during a stint; over the time allowed it becomes an anomaly."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    stint = models.ForeignKey(Stint, on_delete=models.CASCADE, related_name="absences", db_index=False)
    kind = models.CharField(max_length=8, choices=AbsenceKind.choices)
    reason = models.CharField(max_length=200, blank=True)
    relief = models.ForeignKey("organisation.Staff", null=True, on_delete=models.SET_NULL, related_name="+")
    starts_at = models.DateTimeField()
    until = models.DateTimeField()  # declared end
    ends_at = models.DateTimeField(null=True)
    over_told = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("申报离岗")
        ordering = ["-starts_at"]
        indexes = [models.Index(fields=["stint", "starts_at"], name="duty_absence_stint")]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=AbsenceKind.values), name="duty_absence_kind_known"),
            models.CheckConstraint(
                condition=Q(until__gt=F("starts_at")) & (Q(ends_at__isnull=True) | Q(ends_at__gte=F("starts_at"))),
                name="duty_absence_times",
            ),
            models.UniqueConstraint(fields=["stint"], condition=Q(ends_at__isnull=True), name="duty_absence_one_open"),
        ]


class Call(models.Model):
    """查岗令: asked for at `due_at`, gone out at `sent_at`, to be answered before `deadline`.

    A random one exists only from the moment it is due; its place in the day's budget (`day`, `slot`)
    makes it unique. The post's rules are frozen here when it goes out.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    post = models.ForeignKey("organisation.Post", on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=8, choices=CallKind.choices)
    status = models.CharField(max_length=8, choices=CallStatus.choices, default=CallStatus.WAITING)
    outcome = models.CharField(max_length=12, choices=Outcome.choices, default=Outcome.NONE, blank=True)
    day = models.DateField(null=True)
    slot = models.PositiveSmallIntegerField(null=True)
    reason = models.CharField(max_length=200, blank=True)
    callers = ArrayField(models.UUIDField(), default=list)  # accounts of those who asked; several may have at once
    caller_names = models.CharField(max_length=200, blank=True)
    due_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    deadline = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)  # when the last needed answer was given
    needed = models.PositiveSmallIntegerField(default=1)
    asks_photo = models.BooleanField(default=True)
    asks_code = models.BooleanField(default=True)
    asks_face = models.BooleanField(default=False)
    night = models.BooleanField(default=False)
    excused = models.BooleanField(default=False)  # everybody was on patrol or relieved when it went out: no 脱岗
    told_level = models.PositiveSmallIntegerField(default=0)  # how far the chain was climbed
    chain_done = models.BooleanField(default=False, db_default=False)  # nobody is left to be told
    off_post = models.BooleanField(default=False)  # the k-th unanswered in a row: 脱岗
    finding_id = models.UUIDField(null=True)
    finding_refused = models.CharField(max_length=200, blank=True, default="", db_default="")  # why there is none
    finding_retry_at = models.DateTimeField(null=True)  # when opening it is tried again; null: not any more
    asleep = models.BooleanField(default=False)  # confirmed by a human, on a night call only
    judged_at = models.DateTimeField(null=True)
    judged_by = models.UUIDField(null=True)
    judged_by_name = models.CharField(max_length=60, blank=True)
    judged_note = models.CharField(max_length=300, blank=True)
    outcome_before = models.CharField(max_length=12, choices=Outcome.choices, blank=True)

    class Meta:
        verbose_name = _("查岗令")
        ordering = ["-due_at"]
        indexes = [
            models.Index(fields=["post", "-due_at"], name="duty_call_post"),
            models.Index(fields=["due_at"], name="duty_call_due"),
            models.Index(fields=["deadline"], condition=~Q(status=CallStatus.DONE), name="duty_call_open"),
            models.Index(
                fields=["decided_at"],
                condition=Q(chain_done=False, status=CallStatus.DONE, outcome__in=UNANSWERED),
                name="duty_call_to_climb",
            ),
            models.Index(
                fields=["finding_retry_at"], condition=Q(finding_retry_at__isnull=False), name="duty_call_unfound"
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=CallKind.values), name="duty_call_kind_known"),
            models.CheckConstraint(condition=Q(status__in=CallStatus.values), name="duty_call_status_known"),
            models.CheckConstraint(
                condition=Q(outcome__in=Outcome.values, outcome_before__in=Outcome.values),
                name="duty_call_outcome_known",
            ),
            models.CheckConstraint(
                condition=Q(status=CallStatus.WAITING) | Q(sent_at__isnull=False, deadline__isnull=False),
                name="duty_call_sent_dated",
            ),
            models.CheckConstraint(
                condition=(Q(status=CallStatus.DONE) & ~Q(outcome="") & Q(decided_at__isnull=False))
                | (~Q(status=CallStatus.DONE) & Q(outcome="")),
                name="duty_call_done_with_an_outcome",
            ),
            models.CheckConstraint(
                condition=Q(asleep=False) | Q(night=True, judged_by__isnull=False),
                name="duty_call_asleep_by_night_and_confirmed",
            ),
            models.UniqueConstraint(fields=["post"], condition=Q(status__in=OPEN_CALLS), name="duty_call_one_open"),
            models.UniqueConstraint(
                fields=["post", "day", "slot"], condition=Q(slot__isnull=False), name="duty_call_slot_once"
            ),
        ]


class Summons(models.Model):
    """One person under a call: what they were asked to show and what they answered. One answer per person."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="summons", db_index=False)
    staff = models.ForeignKey("organisation.Staff", on_delete=models.PROTECT, related_name="+", db_index=False)
    on_duty = models.BooleanField(default=True)  # False: somebody else answered
    away = models.BooleanField(
        default=False
    )  # on patrol with an open tour, or relieved by a named person, when the call went out
    awaited = models.BooleanField(default=False, db_default=False)  # the shift had only begun: 未到 is no 脱岗
    challenge = models.CharField(max_length=60, blank=True)  # the gesture
    phrase = models.CharField(
        max_length=40, blank=True, default="", db_default=""
    )  # or these digits and word, said or held up
    nonce = models.CharField(max_length=32, blank=True)
    challenged_at = models.DateTimeField(null=True)
    draws = models.PositiveSmallIntegerField(default=0)
    answered_at = models.DateTimeField(null=True)  # server's receipt, less the time of a slow upload
    received_at = models.DateTimeField(null=True)
    reaction_s = models.PositiveIntegerField(null=True)  # from the call going out to the answer
    photo_id = models.UUIDField(null=True)
    voice_id = models.UUIDField(null=True)  # the phrase, spoken
    place = models.ForeignKey("organisation.Place", null=True, on_delete=models.SET_NULL, related_name="+")
    place_ok = models.BooleanField(null=True)
    face = models.CharField(max_length=8, choices=FaceState.choices, default=FaceState.NONE, blank=True)
    face_check_id = models.UUIDField(null=True)
    late = models.BooleanField(default=False)
    doubt = models.CharField(max_length=8, choices=Doubt.choices, default=Doubt.NONE, db_default="", blank=True)
    delivered_at = models.DateTimeField(null=True)  # null: 未送达, and then no 脱岗 without a human
    delivered_by = models.CharField(
        max_length=8, choices=Channel.choices, default=Channel.NONE, db_default="", blank=True
    )
    hook_at = models.DateTimeField(null=True)  # when the delivery hook is to be tried next; null: not any more
    hook_tries = models.PositiveSmallIntegerField(default=0, db_default=0)
    hook_note = models.CharField(max_length=120, db_default="", blank=True)  # what the hook said last

    class Meta:
        verbose_name = _("被查人")
        ordering = ["id"]
        indexes = [
            models.Index(fields=["staff", "-id"], name="duty_summons_staff"),
            models.Index(fields=["hook_at"], condition=Q(hook_at__isnull=False), name="duty_summons_hook_due"),
            models.Index(fields=["id"], condition=Q(face=FaceState.PENDING), name="duty_summons_face_waiting"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(doubt__in=Doubt.values), name="duty_summons_doubt_known"),
            models.CheckConstraint(
                condition=Q(delivered_by__in=Channel.values)
                & (
                    Q(delivered_by="", delivered_at__isnull=True)
                    | (~Q(delivered_by="") & Q(delivered_at__isnull=False))
                ),
                name="duty_summons_delivery_dated",
            ),
            models.CheckConstraint(condition=Q(face__in=FaceState.values), name="duty_summons_face_known"),
            models.UniqueConstraint(fields=["call", "staff"], name="duty_summons_once"),
            models.UniqueConstraint(
                fields=["photo_id"], condition=Q(photo_id__isnull=False), name="duty_summons_photo_once"
            ),
            models.UniqueConstraint(
                fields=["voice_id"], condition=Q(voice_id__isnull=False), name="duty_summons_voice_once"
            ),
        ]


class Attempt(models.Model):
    """An answer that did not hold (another face, another place, a doubtful picture), kept when the person answers again."""

    id = models.BigAutoField(primary_key=True)
    summons = models.ForeignKey(Summons, on_delete=models.CASCADE, related_name="attempts")
    challenge = models.CharField(max_length=60, blank=True)
    phrase = models.CharField(max_length=40, blank=True)
    answered_at = models.DateTimeField()
    photo_id = models.UUIDField(null=True, db_index=True)
    voice_id = models.UUIDField(null=True, db_index=True)
    place = models.ForeignKey("organisation.Place", null=True, on_delete=models.SET_NULL, related_name="+")
    place_ok = models.BooleanField(null=True)
    face = models.CharField(max_length=8, choices=FaceState.choices, default=FaceState.NONE, blank=True)
    face_check_id = models.UUIDField(null=True)
    late = models.BooleanField(default=False)
    doubt = models.CharField(max_length=8, choices=Doubt.choices, default=Doubt.NONE, blank=True)

    class Meta:
        verbose_name = _("未采信的应答")
        ordering = ["id"]
        indexes = [models.Index(fields=["id"], condition=Q(face=FaceState.PENDING), name="duty_attempt_face_waiting")]
        constraints = [
            models.CheckConstraint(
                condition=Q(face__in=FaceState.values, doubt__in=Doubt.values), name="duty_attempt_states_known"
            ),
        ]


class DeliveryHook(models.Model):
    """查岗送达: the school's own service (voice call, robot) that is told of every summons; its secret is sealed."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    url = models.CharField(_("地址"), max_length=400)
    secret_sealed = models.BinaryField()
    active = models.BooleanField(_("启用"), default=True)
    changed_at = models.DateTimeField(default=timezone.now)
    changed_by_name = models.CharField(max_length=60, blank=True)
    last_ok_at = models.DateTimeField(null=True)
    last_failed_at = models.DateTimeField(null=True)
    last_note = models.CharField(max_length=120, blank=True)

    class Meta:
        verbose_name = _("查岗送达接口")
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="duty_delivery_hook_one")]


class Anomaly(models.Model):
    """Something that happened on duty; open until dealt with, held by somebody or by the superiors (`raised_at`)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    number = models.CharField(max_length=20, unique=True)  # "YC20261125-0003"
    post = models.ForeignKey("organisation.Post", on_delete=models.PROTECT, related_name="+", db_index=False)
    stint = models.ForeignKey(Stint, null=True, on_delete=models.SET_NULL, related_name="+")
    kind = models.CharField(max_length=12, choices=AnomalyKind.choices)
    severity = models.CharField(max_length=8, choices=Severity.choices, default=Severity.MINOR)
    text = models.CharField(max_length=500)
    status = models.CharField(max_length=8, choices=AnomalyStatus.choices, default=AnomalyStatus.OPEN)
    holder = models.ForeignKey(
        "organisation.Staff", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    raised_at = models.DateTimeField(null=True)  # went up: refused, or raised by the platform
    taken_by = models.UUIDField(null=True)  # the superior who deals with it
    taken_by_name = models.CharField(max_length=60, blank=True)
    begun_at = models.DateTimeField(null=True)  # of a gap below the minimum, and when it was over
    ended_at = models.DateTimeField(null=True)
    reported_at = models.DateTimeField()
    reported_by = models.UUIDField(null=True)
    reported_by_name = models.CharField(max_length=60)
    closed_at = models.DateTimeField(null=True)
    closed_by_name = models.CharField(max_length=60, blank=True)
    result = models.CharField(max_length=500, blank=True)
    finding_id = models.UUIDField(null=True)

    class Meta:
        verbose_name = _("值班异常")
        ordering = ["-reported_at"]
        indexes = [
            models.Index(fields=["post", "-reported_at"], name="duty_anomaly_post"),
            models.Index(fields=["holder"], condition=Q(status=AnomalyStatus.OPEN), name="duty_anomaly_held"),
            models.Index(fields=["reported_at"], name="duty_anomaly_reported"),
            models.Index(
                fields=["post"], condition=Q(begun_at__isnull=False, ended_at__isnull=True), name="duty_anomaly_gap"
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=AnomalyKind.values), name="duty_anomaly_kind_known"),
            models.CheckConstraint(condition=Q(severity__in=Severity.values), name="duty_anomaly_severity_known"),
            models.CheckConstraint(condition=Q(status__in=AnomalyStatus.values), name="duty_anomaly_status_known"),
            models.CheckConstraint(
                condition=Q(status=AnomalyStatus.CLOSED) | Q(holder__isnull=False) | Q(raised_at__isnull=False),
                name="duty_anomaly_never_nobodys",
            ),
            models.CheckConstraint(
                condition=Q(status=AnomalyStatus.OPEN) | Q(closed_at__isnull=False), name="duty_anomaly_closed_dated"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(begun_at__isnull=False, ended_at__gte=F("begun_at")),
                name="duty_anomaly_gap_times",
            ),
        ]


class AnomalyFile(models.Model):
    """A photo or a voice message of an anomaly."""

    anomaly = models.ForeignKey(Anomaly, on_delete=models.CASCADE, related_name="files", db_index=False)
    evidence_id = models.UUIDField(db_index=True)
    position = models.PositiveSmallIntegerField(default=0)
    voice = models.BooleanField(default=False, db_default=False)  # a recording: it serves this one anomaly

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["anomaly", "evidence_id"], name="duty_anomaly_file_once"),
            models.UniqueConstraint(fields=["evidence_id"], condition=Q(voice=True), name="duty_anomaly_voice_once"),
        ]


class Handover(models.Model):
    """交接: one person on duty hands what is open to named receivers; ended when every item found one."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    post = models.ForeignKey("organisation.Post", on_delete=models.PROTECT, related_name="+", db_index=False)
    stint = models.ForeignKey(Stint, on_delete=models.CASCADE, related_name="handovers")
    receiver = models.ForeignKey("organisation.Staff", on_delete=models.PROTECT, related_name="+")
    note = models.CharField(max_length=500, blank=True)
    opened_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("交接")
        ordering = ["-opened_at"]
        indexes = [
            models.Index(fields=["post", "-opened_at"], name="duty_handover_post"),
            models.Index(fields=["receiver"], condition=Q(done_at__isnull=True), name="duty_handover_waiting"),
        ]


class HandoverItem(models.Model):
    """One open anomaly within a handover."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    handover = models.ForeignKey(Handover, on_delete=models.CASCADE, related_name="items", db_index=False)
    anomaly = models.ForeignKey(Anomaly, on_delete=models.CASCADE, related_name="handings", db_index=False)
    status = models.CharField(max_length=10, choices=ItemStatus.choices, default=ItemStatus.OFFERED)
    answered_at = models.DateTimeField(null=True)
    answered_by_name = models.CharField(max_length=60, blank=True)
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=ItemStatus.values), name="duty_item_status_known"),
            models.UniqueConstraint(fields=["handover", "anomaly"], name="duty_item_once"),
            models.UniqueConstraint(
                fields=["anomaly"],
                condition=Q(status__in=[ItemStatus.OFFERED, ItemStatus.REFUSED]),
                name="duty_item_one_open",
            ),
        ]


class LogEntry(models.Model):
    """One line of a post's log, in the order of `seq`; the database refuses to change it, a correction is a line of its own."""

    id = models.BigAutoField(primary_key=True)
    post = models.ForeignKey("organisation.Post", on_delete=models.PROTECT, related_name="+", db_index=False)
    seq = models.PositiveBigIntegerField()
    at = models.DateTimeField()
    kind = models.CharField(max_length=12, choices=EntryKind.choices)
    text = models.CharField(max_length=600)
    stint_id = models.UUIDField(null=True)
    subject_id = models.UUIDField(null=True)  # the call, anomaly, handover … it tells of
    corrects = models.PositiveBigIntegerField(null=True)  # seq of the line it corrects
    account_id = models.UUIDField(null=True)
    actor_name = models.CharField(max_length=60)

    class Meta:
        verbose_name = _("值班日志")
        ordering = ["post", "-seq"]
        indexes = [models.Index(fields=["post", "at"], name="duty_log_entry_post_at")]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=EntryKind.values), name="duty_log_entry_kind_known"),
            models.UniqueConstraint(fields=["post", "seq"], name="duty_log_entry_seq_once"),
        ]


class Seal(models.Model):
    """封存: the lines `first_seq`…`last_seq` of a post's log as they were, chained to the seal before. Never changed."""

    id = models.BigAutoField(primary_key=True)
    post = models.ForeignKey("organisation.Post", on_delete=models.PROTECT, related_name="+", db_index=False)
    number = models.PositiveIntegerField()  # 1, 2, 3 … per post
    first_seq = models.PositiveBigIntegerField()
    last_seq = models.PositiveBigIntegerField()
    body = models.BinaryField()  # the canonical lines that were sealed
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)
    stint_id = models.UUIDField(null=True)  # whose sign-off sealed it
    at = models.DateTimeField()
    version = models.PositiveSmallIntegerField(default=1, db_default=1)  # of the body (chain.VERSION)
    mark = models.CharField(max_length=64, blank=True, default="", db_default="")  # keyed hash of the digest

    class Meta:
        verbose_name = _("日志封存")
        ordering = ["post", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["post", "number"], name="duty_seal_number_once"),
            models.UniqueConstraint(fields=["post", "first_seq"], name="duty_seal_first_once"),
            models.CheckConstraint(condition=Q(first_seq__lte=F("last_seq")), name="duty_seal_range"),
        ]


class CameraSystem(models.Model):
    """A video system that may report through the signed webhook; its secret is sealed and shown once."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(_("名称"), max_length=60, unique=True)
    secret_sealed = models.BinaryField()
    active = models.BooleanField(default=True)
    last_seen_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by_name = models.CharField(max_length=60, blank=True)

    class Meta:
        verbose_name = _("视频系统")
        ordering = ["name"]


class CameraReport(models.Model):
    """What a camera system claims; counts for nothing until a human confirms it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    system = models.ForeignKey(CameraSystem, on_delete=models.CASCADE, related_name="+", db_index=False)
    message_id = models.CharField(max_length=80)  # the sender's: the same message twice is one report
    post = models.ForeignKey("organisation.Post", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8, choices=CameraKind.choices)
    at = models.DateTimeField()
    text = models.CharField(max_length=300, blank=True)
    received_at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=ReportStatus.choices, default=ReportStatus.NEW)
    judged_at = models.DateTimeField(null=True)
    judged_by = models.UUIDField(null=True)
    judged_by_name = models.CharField(max_length=60, blank=True)
    judged_note = models.CharField(max_length=300, blank=True)
    finding_id = models.UUIDField(null=True)
    anomaly_id = models.UUIDField(null=True)  # raised because nobody judged it, or no finding could be opened

    class Meta:
        verbose_name = _("视频告警")
        ordering = ["-received_at"]
        indexes = [models.Index(fields=["status", "-received_at"], name="duty_camera_report_status")]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=CameraKind.values), name="duty_camera_report_kind_known"),
            models.CheckConstraint(condition=Q(status__in=ReportStatus.values), name="duty_camera_report_status_known"),
            models.CheckConstraint(
                condition=Q(status=ReportStatus.NEW) | Q(judged_by__isnull=False),
                name="duty_camera_report_judged_by_a_human",
            ),
            models.UniqueConstraint(fields=["system", "message_id"], name="duty_camera_report_once"),
        ]
