from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Mark(TextChoices):
    """What a shift instance came to (结果)."""

    PENDING = "pending", _("待判定")
    NORMAL = "normal", _("正常")
    LATE = "late", _("迟到")
    SERIOUS_LATE = "serious_late", _("严重迟到")
    EARLY = "early", _("早退")
    ABSENT_HALF = "absent_half", _("旷工半日")
    ABSENT = "absent", _("旷工")
    MISSING_IN = "missing_in", _("缺上班卡")
    MISSING_OUT = "missing_out", _("缺下班卡")
    FIELD = "field", _("外勤")
    LEAVE = "leave", _("请假")
    REST = "rest", _("休息")  # nothing was expected: not yet joined, or left


# What costs the person something, and is therefore held while a sentinel case is open.
PENALTIES = (
    Mark.LATE,
    Mark.SERIOUS_LATE,
    Mark.EARLY,
    Mark.ABSENT_HALF,
    Mark.ABSENT,
    Mark.MISSING_IN,
    Mark.MISSING_OUT,
)
# A person was expected at the post and the judgement is final.
JUDGED = (Mark.NORMAL, *PENALTIES)


class Wait(TextChoices):
    """What a judgement waits for."""

    NONE = "", _("无")
    RUNNING = "running", _("班次未结束")
    VERIFY = "verify", _("打卡核验中")
    REPORT = "report", _("等待离线手机上报")
    DEVICE = "device", _("等待设备上报")


class CorrectionSide(TextChoices):
    IN = "in", _("上班卡")
    OUT = "out", _("下班卡")


class CorrectionStatus(TextChoices):
    PENDING = "pending", _("待审批")
    APPROVED = "approved", _("已批准")
    REFUSED = "refused", _("未批准")
    WITHDRAWN = "withdrawn", _("已撤回")


class SuspectKind(TextChoices):
    """What the sentinel suspects of refusing people who were there (误伤)."""

    POST = "post", _("岗位")
    FENCE = "fence", _("打卡范围")
    PHONE = "phone", _("手机")
    DEVICE = "device", _("考勤机")


# Refusals that a wrong fence, a bad phone or a bad camera would give; the others say what is so (left, wrong place).
WRONGFUL = ("outside", "stale_fix", "face_mismatch", "not_live", "too_weak")


class SuspectStatus(TextChoices):
    OPEN = "open", _("待处理")
    ACCEPTED = "accepted", _("已采纳")
    REJECTED = "rejected", _("不采纳")
