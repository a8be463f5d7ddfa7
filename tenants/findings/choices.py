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
    INSPECTION = "inspection", _("巡查检查")
    MANUAL = "manual", _("随手拍")


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
    VOIDED = "voided", _("作废")
    COMMENTED = "commented", _("补充说明")


BEFORE = (StepKind.OPENED, StepKind.REOPENED, StepKind.SEEN_AGAIN, StepKind.REJECTED)  # photos of the problem
AFTER = (StepKind.SUBMITTED, StepKind.PASSED, StepKind.SEEN_SOLVED)  # photos of the fix


class Bucket(TextChoices):
    """The tabs of the list; each row is in exactly one of the first four or in 已销号."""

    MINE = "mine", _("待我处理")
    OVERDUE = "overdue", _("已超期")
    UNSOLVED = "unsolved", _("未销号")
    CLOSED = "closed", _("已销号")
    ALL = "all", _("全部")
