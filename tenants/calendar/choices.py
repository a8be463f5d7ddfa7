from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class DayKind(TextChoices):
    """What a day is. 法定假 (pay by law) and 调休 (days moved about by the yearly notice) are kept apart."""

    WORKDAY = "workday", _("工作日")
    WEEKEND = "weekend", _("周末")
    STATUTORY = "statutory", _("法定节假日")
    ADJUSTED_REST = "adjusted_rest", _("调休放假")
    MAKE_UP_WORKDAY = "make_up_workday", _("调休上班")
    SCHOOL_REST = "school_rest", _("学校放假")


WORKING = frozenset({DayKind.WORKDAY, DayKind.MAKE_UP_WORKDAY})


class PeriodKind(TextChoices):
    TERM = "term", _("学期")
    VACATION = "vacation", _("假期")


class SeasonGroup(TextChoices):
    """The four quarters of the year, of which a day has one, and seasons of work, of which it may have several."""

    QUARTER = "quarter", _("四季")
    WORK = "work", _("工作季节")


class SolarTerm(TextChoices):
    """The twenty-four 节气 in the order of the year, from 小寒 (the sun at 285°), 15° each."""

    XIAOHAN = "xiaohan", _("小寒")
    DAHAN = "dahan", _("大寒")
    LICHUN = "lichun", _("立春")
    YUSHUI = "yushui", _("雨水")
    JINGZHE = "jingzhe", _("惊蛰")
    CHUNFEN = "chunfen", _("春分")
    QINGMING = "qingming", _("清明")
    GUYU = "guyu", _("谷雨")
    LIXIA = "lixia", _("立夏")
    XIAOMAN = "xiaoman", _("小满")
    MANGZHONG = "mangzhong", _("芒种")
    XIAZHI = "xiazhi", _("夏至")
    XIAOSHU = "xiaoshu", _("小暑")
    DASHU = "dashu", _("大暑")
    LIQIU = "liqiu", _("立秋")
    CHUSHU = "chushu", _("处暑")
    BAILU = "bailu", _("白露")
    QIUFEN = "qiufen", _("秋分")
    HANLU = "hanlu", _("寒露")
    SHUANGJIANG = "shuangjiang", _("霜降")
    LIDONG = "lidong", _("立冬")
    XIAOXUE = "xiaoxue", _("小雪")
    DAXUE = "daxue", _("大雪")
    DONGZHI = "dongzhi", _("冬至")
