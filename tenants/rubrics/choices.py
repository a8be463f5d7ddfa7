"""The life of a rubric."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class RubricStatus(TextChoices):
    DRAFT = "draft", _("编辑中")
    ACTIVE = "active", _("启用")
    RETIRED = "retired", _("停用")


MOVES: dict[RubricStatus, frozenset[RubricStatus]] = {
    RubricStatus.DRAFT: frozenset({RubricStatus.ACTIVE, RubricStatus.RETIRED}),
    RubricStatus.ACTIVE: frozenset({RubricStatus.RETIRED}),
    RubricStatus.RETIRED: frozenset({RubricStatus.ACTIVE}),
}


class Period(TextChoices):
    """How often a rubric is scored; a round may still choose another span."""

    MONTHLY = "monthly", _("月度")
    QUARTERLY = "quarterly", _("季度")
    TERM = "term", _("学期")
    YEARLY = "yearly", _("年度")
    SPECIAL = "special", _("专项")
