"""Words that the library, the institute and every school share."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class OperatingMode(TextChoices):
    OUTSOURCED = "outsourced", _("外包物业")
    SELF_RUN = "self_run", _("自管后勤")
    MIXED = "mixed", _("混合模式")


class ServiceLine(TextChoices):
    """Service lines (服务条线) as schools buy or run them."""

    CLEANING = "cleaning", _("保洁")
    DORMITORY = "dormitory", _("公寓")
    CANTEEN = "canteen", _("餐饮")
    SECURITY = "security", _("安保")
    FIRE = "fire", _("消防")
    EQUIPMENT = "equipment", _("设备设施")
    REPAIR = "repair", _("维修")
    GREENING = "greening", _("绿化")
