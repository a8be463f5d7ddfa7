from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class PunchSource(TextChoices):
    """Through which door a punch came."""

    PHONE = "phone", _("手机")
    DEVICE = "device", _("考勤机")
    SYSTEM = "system", _("其他系统")
    VOUCHER = "voucher", _("主管见证")
    IMPORT = "import", _("导入")
    DUTY = "duty", _("值班查岗")  # an answered presence call: here at that moment; when the person came is not said
    CORRECTION = "correction", _("补卡")  # an approved correction; keeps its own history


class Direction(TextChoices):
    IN = "in", _("上班")
    OUT = "out", _("下班")
    UNKNOWN = "unknown", _("未标明")


class PunchStatus(TextChoices):
    """Only an accepted punch counts; a refused one is kept with its reason and can be appealed."""

    PENDING = "pending", _("核验中")
    ACCEPTED = "accepted", _("有效")
    REFUSED = "refused", _("未通过")


class Refusal(TextChoices):
    """Why a punch did not count."""

    NONE = "", _("无")
    OUTSIDE = "outside", _("不在打卡范围")
    STALE_FIX = "stale_fix", _("定位不是当前的")
    FACE_MISMATCH = "face_mismatch", _("人脸核验未通过")
    NOT_LIVE = "not_live", _("活体核验未通过")
    TOO_WEAK = "too_weak", _("佐证等级不够")
    WRONG_PLACE = "wrong_place", _("扫的不是本岗位的码")
    CLOCK = "clock", _("手机时间无法确认")
    LEFT = "left", _("已离职")


class FenceShape(TextChoices):
    CIRCLE = "circle", _("圆形")
    POLYGON = "polygon", _("多边形")


class DeviceKind(TextChoices):
    TERMINAL = "terminal", _("考勤机")
    SYSTEM = "system", _("其他系统")


class ClockBasis(TextChoices):
    """How the time of a punch is known."""

    SERVER = "server", _("服务器时间")
    ANCHORED = "anchored", _("手机时间，已按服务器校正")
    WALL = "wall", _("手机时间，重开页面后推算")
    DEVICE = "device", _("设备时间，已按偏差校正")
    CLAIMED = "claimed", _("对方时间，未能核对")


class PhotoState(TextChoices):
    """What became of the question whether a punch's photo was used before."""

    WAITING = "waiting", _("待比对")
    FRESH = "fresh", _("未见重复")
    ALIKE = "alike", _("照片待核对")
    SAME = "same", _("是旧照片，未计入")
    CLEARED = "cleared", _("不是旧照片")


class AppealStatus(TextChoices):
    OPEN = "open", _("待处理")
    GRANTED = "granted", _("申诉成立")
    DENIED = "denied", _("维持原结果")
