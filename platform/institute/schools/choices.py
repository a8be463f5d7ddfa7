"""What schools are, and the way one opens."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class SchoolKind(TextChoices):
    """Type and level (类型与层次); drives standard packs, consent rules and the peer group."""

    UNIVERSITY = "university", _("普通本科高校")
    VOCATIONAL_COLLEGE = "vocational_college", _("高职（专科）院校")
    SECONDARY_VOCATIONAL = "secondary_vocational", _("中等职业学校")
    SENIOR_HIGH = "senior_high", _("普通高中")
    JUNIOR_HIGH = "junior_high", _("初级中学")
    COMPLETE_SECONDARY = "complete_secondary", _("完全中学")
    NINE_YEAR = "nine_year", _("九年一贯制学校")
    PRIMARY = "primary", _("小学")
    KINDERGARTEN = "kindergarten", _("幼儿园")
    SPECIAL = "special", _("特殊教育学校")


class SizeBand(TextChoices):
    """By number of students, for peer groups."""

    SMALL = "small", _("2000 人以下")
    MEDIUM = "medium", _("2000—9999 人")
    LARGE = "large", _("10000—19999 人")
    HUGE = "huge", _("20000 人以上")


class SchoolStatus(TextChoices):
    """已批准 → 建库中 → 初始化 → 可用, or 失败; later 停用 and 归档."""

    APPROVED = "approved", _("已批准")
    CREATING = "creating", _("建库中")
    SEEDING = "seeding", _("初始化")
    READY = "ready", _("可用")
    FAILED = "failed", _("失败")
    SUSPENDED = "suspended", _("已停用")
    ARCHIVED = "archived", _("已归档")


MOVES: dict[SchoolStatus, frozenset[SchoolStatus]] = {
    SchoolStatus.APPROVED: frozenset({SchoolStatus.CREATING, SchoolStatus.FAILED}),
    SchoolStatus.CREATING: frozenset({SchoolStatus.SEEDING, SchoolStatus.FAILED}),
    SchoolStatus.SEEDING: frozenset({SchoolStatus.READY, SchoolStatus.FAILED}),
    SchoolStatus.READY: frozenset({SchoolStatus.SUSPENDED}),
    SchoolStatus.FAILED: frozenset({SchoolStatus.CREATING}),
    SchoolStatus.SUSPENDED: frozenset({SchoolStatus.READY, SchoolStatus.ARCHIVED}),
    SchoolStatus.ARCHIVED: frozenset(),
}
OPENING = (SchoolStatus.APPROVED, SchoolStatus.CREATING, SchoolStatus.SEEDING)  # the platform owes them the next step


class SchemaPurpose(TextChoices):
    """Whose schema a ledger row speaks of."""

    SCHOOL = "school", _("学校")
    SPARE = "spare", _("备用")


class SchemaState(TextChoices):
    """How a schema stands against the running code."""

    CURRENT = "current", _("已是最新")
    WAITING = "waiting", _("等待重试")
    FAILED = "failed", _("升级失败")
    DRIFTED = "drifted", _("结构不一致")
