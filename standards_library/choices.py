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


class DocumentKind(TextChoices):
    """How binding a document is. Administrative regulations of the State Council count as law."""

    LAW = "law", _("法律法规")
    ORDER = "order", _("部门规章与规范性文件")
    NATIONAL = "national_standard", _("国家标准")
    INDUSTRY = "industry_standard", _("行业标准")
    GROUP = "group_standard", _("团体标准")
    CONTRACT = "contract_practice", _("合同惯例")


class Verification(TextChoices):
    """How far a citation was checked."""

    CONFIRMED = "confirmed", _("已核对")
    KNOWN = "known", _("通行引用")
    UNCERTAIN = "uncertain", _("待核实")


class ConfirmedBasis(TextChoices):
    """Against what a confirmed citation was checked."""

    STATUTE = "statute_text", _("法规原文")
    SECONDARY = "secondary_page", _("公开转载页面")


class ValueOrigin(TextChoices):
    """Who sets the number of a requirement."""

    DOCUMENT = "document", _("文件规定")
    DERIVED = "derived", _("由义务推定")
    SUGGESTED = "suggested", _("建议口径")
    CONTRACT = "contract_practice", _("合同约定")


class MeasureType(TextChoices):
    THRESHOLD = "threshold", _("限值")
    FREQUENCY = "frequency", _("频次")
    RECORD = "record", _("记录")
    RATIO = "ratio", _("比率")
    RESPONSE = "response_time", _("响应时限")
    CERTIFICATE = "certificate", _("证照")


class Op(TextChoices):
    AT_LEAST = ">=", _("不低于")
    AT_MOST = "<=", _("不超过")
    BELOW = "<", _("小于")
    EQUAL = "=", _("等于")
    MAX_INTERVAL = "max_interval", _("每…至少一次")
    MIN_COUNT = "min_count", _("每周期至少")
    RANGE = "range", _("须在区间内")
    IN = "in", _("须为其中之一")
    VALID_MAX = "valid_max", _("有效期或复审周期")


class Tier(TextChoices):
    CORE = "core", _("核心")
    EXTENDED = "extended", _("扩展")


class ItemKind(TextChoices):
    BY_REFERENCE = "by_reference", _("依据条款")
    CONTRACT = "contract_practice", _("合同惯例")
