from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Grade(TextChoices):
    """How well a presence is proved (佐证等级). A post asks for a grade, never for a method."""

    A = "A", _("A 级：本人与在场都有核验")
    B = "B", _("B 级：两种佐证相互印证")
    C = "C", _("C 级：只有一种佐证")
    D = "D", _("D 级：仅有声明")


class ShiftKind(TextChoices):
    FIXED = "fixed", _("固定时间")
    FLEXIBLE = "flexible", _("弹性时间")


class AssignmentSource(TextChoices):
    """How a cell of the roster came to be."""

    PATTERN = "pattern", _("按循环生成")
    MANUAL = "manual", _("手工排班")
    IMPORT = "import", _("导入")
    SWAP = "swap", _("换班")
    COVER = "cover", _("替班")


class LeaveKind(TextChoices):
    PERSONAL = "personal", _("事假")
    SICK = "sick", _("病假")
    ANNUAL = "annual", _("年休假")
    COMPENSATORY = "compensatory", _("调休")
    MARRIAGE = "marriage", _("婚假")
    MATERNITY = "maternity", _("产假与陪产假")
    BEREAVEMENT = "bereavement", _("丧假")
    INJURY = "injury", _("工伤假")
    FIELD = "field", _("外勤")  # at work elsewhere: counts as present


class RequestStatus(TextChoices):
    """A request for leave, and the end of one for a swap."""

    PENDING = "pending", _("待审批")
    APPROVED = "approved", _("已批准")
    REFUSED = "refused", _("未批准")
    WITHDRAWN = "withdrawn", _("已撤回")


class SwapKind(TextChoices):
    SWAP = "swap", _("换班")
    COVER = "cover", _("替班")


class SwapStatus(TextChoices):
    """The colleague answers first, then whoever leads decides."""

    ASKED = "asked", _("待同事确认")
    ACCEPTED = "accepted", _("待审批")
    APPROVED = "approved", _("已批准")
    DECLINED = "declined", _("同事未同意")
    REFUSED = "refused", _("未批准")
    WITHDRAWN = "withdrawn", _("已撤回")


class RuleScope(TextChoices):
    """Whose rule; the most specific wins: post, then party, then school."""

    SCHOOL = "school", _("全校")
    PARTY = "party", _("责任单位")
    POST = "post", _("岗位")
