from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class TourStatus(TextChoices):
    """待巡 → 巡更中 → 已完成 / 有漏点; 漏巡 when nobody walked it in its window."""

    DUE = "due", _("待巡")
    WALKING = "walking", _("巡更中")
    DONE = "done", _("已完成")
    PARTIAL = "partial", _("有漏点")
    MISSED = "missed", _("漏巡")


CLOSED = (TourStatus.DONE, TourStatus.PARTIAL, TourStatus.MISSED)


class StopStatus(TextChoices):
    """One point of one tour. A missed point stays missed; it is explained or made up for, never erased.

    What the party says is no more than that until who plans accepts or refuses it.
    """

    DUE = "due", _("待巡")
    SEEN = "seen", _("已到点")
    MISSED = "missed", _("漏点")
    EXPLAINED = "explained", _("漏点（说明待审核）")
    ACCEPTED = "accepted", _("漏点（说明已认可）")
    REFUSED = "refused", _("漏点（说明未认可）")
    RESCHEDULED = "rescheduled", _("漏点（已补巡）")


UNEXPLAINED = (StopStatus.MISSED,)


class ScanMethod(TextChoices):
    """How being at the point was shown, the strongest first: a tag must be touched, a code can be photographed."""

    NFC = "nfc", _("NFC 感应")
    QR = "qr", _("扫码")
    NUMBER = "number", _("手输编码")


class QuestionKind(TextChoices):
    YES_NO = "yes_no", _("是否正常")
    NUMBER = "number", _("读数")
    TEXT = "text", _("文字")


class Doubt(TextChoices):
    """Why a tour is less credible (巡更可信度)."""

    TOO_FAST = "too_fast", _("行走时间不可能")
    OUT_OF_ORDER = "out_of_order", _("没有按路线顺序走")
    SAME_RHYTHM = "same_rhythm", _("每次间隔一模一样")
    REUSED_PHOTO = "reused_photo", _("照片不是这个点这一次拍的")
    FROZEN_POSITION = "frozen_position", _("定位一动不动")
    BURST = "burst", _("扫完全部点位比走路还快")
    WEAK_SCANS = "weak_scans", _("到点方式较弱")
    LATE_REPORT = "late_report", _("长时间后才上传")
    CLOCK = "clock", _("手机时间无法确认")
