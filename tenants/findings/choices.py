from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class FindingStatus(TextChoices):
    """待整改 → 整改中 → 待复查 → 已销号, or back to 整改中. 超期 is not a status but a deadline in the past."""

    OPEN = "open", _("待整改")
    FIXING = "fixing", _("整改中")
    VERIFYING = "verifying", _("待复查")
    CLOSED = "closed", _("已销号")


MOVES: dict[FindingStatus, frozenset[FindingStatus]] = {
    FindingStatus.OPEN: frozenset({FindingStatus.FIXING, FindingStatus.VERIFYING}),
    FindingStatus.FIXING: frozenset({FindingStatus.VERIFYING}),
    FindingStatus.VERIFYING: frozenset({FindingStatus.CLOSED, FindingStatus.FIXING}),
    FindingStatus.CLOSED: frozenset({FindingStatus.FIXING}),  # re-opened
}


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
    ESCALATED = "escalated", _("超期升级")
    COMMENTED = "commented", _("补充说明")
