from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class PlaceKind(TextChoices):
    CAMPUS = "campus", _("校区")
    BUILDING = "building", _("楼栋")
    FLOOR = "floor", _("楼层")
    AREA = "area", _("区域")
    POINT = "point", _("点位")


# Which kinds may stand directly under which; None is the top of the tree.
INSIDE: dict[str | None, frozenset[str]] = {
    None: frozenset({PlaceKind.CAMPUS}),
    PlaceKind.CAMPUS: frozenset({PlaceKind.BUILDING, PlaceKind.AREA}),
    PlaceKind.BUILDING: frozenset({PlaceKind.FLOOR, PlaceKind.AREA, PlaceKind.POINT}),
    PlaceKind.FLOOR: frozenset({PlaceKind.AREA, PlaceKind.POINT}),
    PlaceKind.AREA: frozenset({PlaceKind.AREA, PlaceKind.POINT}),
    PlaceKind.POINT: frozenset(),
}


class PartyKind(TextChoices):
    """The assessed party (被考核方)."""

    CONTRACT = "contract", _("外包合同")
    DEPARTMENT = "department", _("自管部门")


class StaffStatus(TextChoices):
    ACTIVE = "active", _("在职")
    LEFT = "left", _("离职")


class CertificateKind(TextChoices):
    """Certificates a post may require; intervals are in the standards library (personnel)."""

    HEALTH = "health", _("健康证明")
    SECURITY_GUARD = "security_guard", _("保安员证")
    FIRE_CONTROL = "fire_control", _("消防设施操作员证")
    ELECTRICIAN = "electrician", _("特种作业操作证（电工）")
    WORK_AT_HEIGHT = "work_at_height", _("特种作业操作证（高处作业）")
    WELDING = "welding", _("特种作业操作证（焊接与热切割）")
    REFRIGERATION = "refrigeration", _("特种作业操作证（制冷与空调）")
    ELEVATOR = "elevator", _("特种设备作业人员证（电梯）")
    BOILER = "boiler", _("特种设备作业人员证（锅炉）")
    FOOD_SAFETY = "food_safety", _("食品安全管理人员证明")


class CertificateState(TextChoices):
    """Where a certificate stands on a day, or that one the post requires is not there."""

    VALID = "valid", _("有效")
    SOON = "soon", _("即将到期")
    REVIEW = "review", _("需复审")
    REVIEW_LATE = "review_late", _("复审逾期")
    EXPIRED = "expired", _("已过期")
    MISSING = "missing", _("缺证")
