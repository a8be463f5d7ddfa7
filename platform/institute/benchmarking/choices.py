from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Dimension(TextChoices):
    """The fixed peer groups. A school is compared in each by itself, never in a combination of its own choosing."""

    ALL = "all", _("全部学校")
    KIND = "kind", _("同类型学校")
    SIZE = "size", _("同规模学校")
    REGION = "region", _("同省份学校")
    MODE = "mode", _("同运营方式学校")


class Grain(TextChoices):
    """What one fact covers."""

    MONTH = "month", _("月")
    DAY = "day", _("日")


class Silence(TextChoices):
    """Why a position is not shown."""

    NO_FACT = "no_fact", _("本月没有可比的数据")
    TRIAL = "trial", _("试运行期间不参与对标")
    COVERAGE = "coverage", _("数据完整率不足，不参与对标")
    FEW_CASES = "few_cases", _("样本太少，不参与对标")
    FEW_PEERS = "few_peers", _("可比学校不足 5 所，不显示")
    OVERLAP = "overlap", _("与另一个分组过于接近，为防止推算出个别学校，不显示")
    NEUTRAL = "neutral", _("该指标不分优劣，只作参考")
