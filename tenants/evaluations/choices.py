from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class RoundKind(TextChoices):
    MONTHLY = "monthly", _("月度考核")
    QUARTERLY = "quarterly", _("季度考核")
    SPECIAL = "special", _("专项考核")


class RoundStatus(TextChoices):
    """草稿 → 打分中 → 已计算 → 已定稿. A computed round may be scored further; a closed one never changes."""

    DRAFT = "draft", _("草稿")
    COLLECTING = "collecting", _("打分中")
    COMPUTED = "computed", _("已计算")
    CLOSED = "closed", _("已定稿")


MOVES: dict[RoundStatus, frozenset[RoundStatus]] = {
    RoundStatus.DRAFT: frozenset({RoundStatus.COLLECTING}),
    RoundStatus.COLLECTING: frozenset({RoundStatus.COMPUTED}),
    RoundStatus.COMPUTED: frozenset({RoundStatus.COLLECTING, RoundStatus.CLOSED}),
    RoundStatus.CLOSED: frozenset(),
}


class SourceMode(TextChoices):
    """How a source scores: filling in the sheet item by item, or one score out of 100."""

    SHEET = "sheet", _("按评分表逐项扣分")
    RAW = "raw", _("直接给总分")


class Combine(TextChoices):
    MEAN = "mean", _("各片区取平均")
    WEIGHTS = "weights", _("各片区按权重")


class Origin(TextChoices):
    FINDING = "finding", _("问题整改")
    MANUAL = "manual", _("现场扣分")
