from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class AbsenceKind(TextChoices):
    """Why a person on duty declares to be away from the post."""

    PATROL = "patrol", _("巡逻")
    RELIEF = "relief", _("顶岗替换")
    BREAK = "break", _("短时离开")


class CallKind(TextChoices):
    """How a presence call came about."""

    MANUAL = "manual", _("人工查岗")
    RANDOM = "random", _("随机查岗")


class CallStatus(TextChoices):
    WAITING = "waiting", _("待发出")
    RINGING = "ringing", _("等待应答")
    DONE = "done", _("已结束")


OPEN_CALLS = (CallStatus.WAITING, CallStatus.RINGING)


class Outcome(TextChoices):
    """What came of a call. 睡岗 is none of these: it needs a human's confirmation on a night call."""

    NONE = "", _("未结束")
    ON_POST = "on_post", _("在岗")
    LATE = "late", _("迟应答")
    TIMEOUT = "timeout", _("超时")
    OTHER = "other", _("他人应答")
    WRONG_PLACE = "wrong_place", _("地点不符")


UNANSWERED = (Outcome.TIMEOUT, Outcome.OTHER, Outcome.WRONG_PLACE)  # what may add up to 脱岗


class FaceState(TextChoices):
    """What is known of the face on an answer."""

    NONE = "", _("未核验")
    PENDING = "pending", _("核验中")
    MATCH = "match", _("本人")
    OTHER = "other", _("不是本人")
    UNSURE = "unsure", _("无法判断")


class Doubt(TextChoices):
    """Why an answer given in time proves too little for 在岗: it is 迟应答 at best until a human says otherwise."""

    NONE = "", _("无")
    STALE = "stale", _("照片晚于动作提示的有效时间")
    COPY = "copy", _("与以前的应答照片几乎相同")


class Channel(TextChoices):
    """By what a summons is known to have reached its person."""

    NONE = "", _("未送达")
    PHONE = "phone", _("手机页面")
    HOOK = "hook", _("通知接口")


class AnomalyKind(TextChoices):
    """What goes wrong during a duty; those after 其他 are raised by the platform itself."""

    FAULT = "fault", _("设备故障")
    SUDDEN = "sudden", _("突发事件")
    VISITOR = "visitor", _("来访登记")
    ALARM = "alarm", _("报警")
    ELSE = "else", _("其他")
    ABSENCE = "absence", _("离岗超时")
    CERTIFICATE = "certificate", _("无证上岗")
    OVERRUN = "overrun", _("超时未交班")
    CAMERA = "camera", _("视频告警")
    SHORT = "short", _("在岗人数不足")
    UNREACHED = "unreached", _("查岗多次未送达")


REPORTABLE = (AnomalyKind.FAULT, AnomalyKind.SUDDEN, AnomalyKind.VISITOR, AnomalyKind.ALARM, AnomalyKind.ELSE)


class AnomalyStatus(TextChoices):
    OPEN = "open", _("处理中")
    CLOSED = "closed", _("已处理")


class ItemStatus(TextChoices):
    """One open item on its way to the next shift; a refused one goes up until a superior takes it."""

    OFFERED = "offered", _("待接收")
    ACCEPTED = "accepted", _("已接收")
    REFUSED = "refused", _("已上交，待上级处理")
    TAKEN = "taken", _("上级已接手")
    WITHDRAWN = "withdrawn", _("已撤回")


class EntryKind(TextChoices):
    """Lines of the duty log."""

    ON = "on", _("上岗")
    OFF = "off", _("下岗")
    AWAY = "away", _("申报离岗")
    BACK = "back", _("返岗")
    CALL = "call", _("查岗")
    ANOMALY = "anomaly", _("异常")
    HANDOVER = "handover", _("交接")
    NOTE = "note", _("记事")
    CORRECTION = "correction", _("更正")


class CameraKind(TextChoices):
    """What a camera system claims to have seen."""

    OFF_POST = "off_post", _("疑似离岗")
    SLEEPING = "sleeping", _("疑似睡岗")
    OTHER = "other", _("其他")


class ReportStatus(TextChoices):
    """A camera's report counts only when a human has confirmed it."""

    NEW = "new", _("待确认")
    CONFIRMED = "confirmed", _("属实")
    REJECTED = "rejected", _("误报")


class Rung(TextChoices):
    """Whom an unanswered call reaches, step by step."""

    MANAGER = "manager", _("物业项目负责人")
    SUPERVISOR = "supervisor", _("监管人员")
    LEADER = "leader", _("分管领导")
