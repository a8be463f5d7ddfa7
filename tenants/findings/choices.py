from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class FindingStatus(TextChoices):
    """待整改 → 整改中 → 待复查 → 已销号, or back to 整改中. 超期 is not a status but a deadline in the past."""

    OPEN = "open", _("待整改")
    FIXING = "fixing", _("整改中")
    VERIFYING = "verifying", _("待复查")
    CLOSED = "closed", _("已销号")
    VOID = "void", _("已作废")


MOVES: dict[FindingStatus, frozenset[FindingStatus]] = {
    FindingStatus.OPEN: frozenset({FindingStatus.FIXING, FindingStatus.VERIFYING, FindingStatus.VOID}),
    FindingStatus.FIXING: frozenset({FindingStatus.VERIFYING, FindingStatus.VOID}),
    FindingStatus.VERIFYING: frozenset({FindingStatus.CLOSED, FindingStatus.FIXING, FindingStatus.VOID}),
    FindingStatus.CLOSED: frozenset({FindingStatus.FIXING}),  # re-opened
    FindingStatus.VOID: frozenset(),  # opened by mistake: counts nowhere, stays readable
}
UNSOLVED = (FindingStatus.OPEN, FindingStatus.FIXING, FindingStatus.VERIFYING)
WITH_FIXER = (FindingStatus.OPEN, FindingStatus.FIXING)  # the responsible party's turn; only these can be overdue


class FindingSource(TextChoices):
    """Where a finding comes from. `source_id` is the row there, `source_key` the place within that row."""

    INSPECTION = "inspection", _("巡查检查")
    PATROL = "patrol", _("巡更")
    PRESENCE = "presence", _("查岗")
    DUTY = "duty", _("值班异常")
    PLAN = "plan", _("计划执行")
    ALARM = "alarm", _("设备告警")
    COMPLAINT = "complaint", _("投诉建议")
    EVALUATION = "evaluation", _("考核评分")
    ATTENDANCE = "attendance", _("在岗考勤")
    MANUAL = "manual", _("随手拍")


class Category(TextChoices):
    """问题类别, for findings without an item or clause: with the service line it tells whether it is the same again."""

    HYGIENE = "hygiene", _("卫生保洁")
    FACILITY = "facility", _("设施损坏")
    SAFETY = "safety", _("安全隐患")
    ABSENT = "absent", _("人员缺岗")
    SERVICE = "service", _("服务态度")
    RECORD = "record", _("台账记录")
    OTHER = "other", _("其他")  # says nothing about sameness


class Incident(TextChoices):
    """What happened, for findings that are an event in themselves: each is a new one, whatever became of the last."""

    OFF_POST = "off_post", _("脱岗")
    ASLEEP = "asleep", _("睡岗")
    AWAY = "away", _("离岗超时")
    SHORT = "short", _("在岗人数不足")
    UNCERTIFIED = "uncertified", _("无证上岗")
    MISSED = "missed", _("漏巡")


class Severity(TextChoices):
    MINOR = "minor", _("一般")
    MAJOR = "major", _("较重")
    CRITICAL = "critical", _("严重")


class StepKind(TextChoices):
    OPENED = "opened", _("发现问题")
    STARTED = "started", _("开始整改")
    SUBMITTED = "submitted", _("提交整改")
    PASSED = "passed", _("复查通过")
    REJECTED = "rejected", _("复查退回")
    REOPENED = "reopened", _("重新打开")
    SEEN_AGAIN = "seen_again", _("巡查时仍存在")
    SEEN_SOLVED = "seen_solved", _("巡查时已解决")
    ESCALATED = "escalated", _("超期升级")
    ASSIGNED = "assigned", _("指定复查人")
    DEADLINE = "deadline", _("调整期限")
    EXT_ASKED = "ext_asked", _("申请延期")
    EXT_GRANTED = "ext_granted", _("同意延期")
    EXT_REFUSED = "ext_refused", _("不同意延期")
    OWNER = "owner", _("指定整改负责人")
    REPEATED = "repeated", _("识别为复发")
    LESSON = "lesson", _("改进结论")
    VOIDED = "voided", _("作废")
    COMMENTED = "commented", _("补充说明")


BEFORE = (StepKind.OPENED, StepKind.REOPENED, StepKind.SEEN_AGAIN, StepKind.REJECTED)  # photos of the problem
AFTER = (StepKind.SUBMITTED, StepKind.PASSED, StepKind.SEEN_SOLVED)  # photos of the fix


class Consequence(TextChoices):
    """A of PDCA: what changes so that it does not come again, or that nothing does."""

    RUBRIC = "rubric", _("修改评分标准")
    PLAN = "plan", _("修改计划或制度")
    NOTHING = "nothing", _("不需修改")


class ExtensionStatus(TextChoices):
    """申请延期. The clock runs on until it is granted."""

    PENDING = "pending", _("待答复")
    GRANTED = "granted", _("已同意")
    REFUSED = "refused", _("未同意")
    LAPSED = "lapsed", _("已失效")  # the fix was handed in, or the finding ended, before an answer


class Whom(TextChoices):
    """Who is told on a step of the escalation ladder."""

    OWNER = "owner", _("整改负责人")
    PARTY = "party", _("责任单位")
    WATCHER = "watcher", _("发现人和复查人")
    SUPERVISOR = "supervisor", _("监管人员")
    ADMIN = "admin", _("学校管理员")
    LEADER = "leader", _("分管领导")


class Bucket(TextChoices):
    """The tabs of the list; each row is in exactly one of the first four or in 已销号."""

    MINE = "mine", _("待我处理")
    OVERDUE = "overdue", _("已超期")
    UNSOLVED = "unsolved", _("未销号")
    CLOSED = "closed", _("已销号")
    ALL = "all", _("全部")
