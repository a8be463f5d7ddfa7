from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class ChecklistKind(TextChoices):
    """What a sheet is there to look at; a walk by a whole rubric is a routine one."""

    ROUTINE = "routine", _("日常巡查")
    MATERIAL = "material", _("物料检查")
    FOOD = "food", _("食材检查")
    AIR = "air", _("空气质量")
    SAFETY = "safety", _("专项安全")


class InspectionStatus(TextChoices):
    RUNNING = "running", _("进行中")
    DONE = "done", _("已完成")
    CANCELLED = "cancelled", _("已取消")


MOVES: dict[InspectionStatus, frozenset[InspectionStatus]] = {
    InspectionStatus.RUNNING: frozenset({InspectionStatus.DONE, InspectionStatus.CANCELLED}),
    InspectionStatus.DONE: frozenset(),
    InspectionStatus.CANCELLED: frozenset(),
}


class ProgrammeStatus(TextChoices):
    DRAFT = "draft", _("待确认")
    ACCEPTED = "accepted", _("已确认")


class CalibrationStatus(TextChoices):
    OPEN = "open", _("打分中")
    REVEALED = "revealed", _("已揭晓")
    VOID = "void", _("已作废")


class Verdict(TextChoices):
    """未查 is no answer: it counts neither as passed nor as not applicable."""

    NONE = "", _("未查")
    PASS = "pass", _("合格")
    FAIL = "fail", _("不合格")
    NA = "na", _("不适用")
