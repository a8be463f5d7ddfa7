"""Seasons: rules that turn a year into windows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import MAXYEAR, MINYEAR, date

from django.utils.translation import gettext_lazy as _

from kernel.errors import Invalid
from tenants.calendar import solar_terms
from tenants.calendar.choices import SeasonGroup, SolarTerm
from tenants.calendar.contracts import Season, SeasonWindow

DEFAULTS: dict[str, Season] = {
    s.code: s
    for s in (
        Season("spring", "春季", SeasonGroup.QUARTER, "lichun", "lixia"),
        Season("summer", "夏季", SeasonGroup.QUARTER, "lixia", "liqiu"),
        Season("autumn", "秋季", SeasonGroup.QUARTER, "liqiu", "lidong"),
        Season("winter", "冬季", SeasonGroup.QUARTER, "lidong", "lichun"),
        Season("mosquito", "蚊虫消杀期", SeasonGroup.WORK, "lixia", "shuangjiang"),
        Season("flood", "汛期", SeasonGroup.WORK, "06-01", "10-01"),
        Season("heat", "高温期", SeasonGroup.WORK, "xiaoshu", "chushu"),
        Season("heating", "供暖期", SeasonGroup.WORK, "11-15", "03-16"),
        Season("frost", "防冻期", SeasonGroup.WORK, "xiaoxue", "jingzhe"),
    )
}
_FIXED = re.compile(r"(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")


class SeasonDateWrong(Invalid):
    code = "season_date_wrong"
    message = _("季节的起止请选择节气，或写成「月-日」，例如 06-01。")


def clean(text: str, field: str) -> str:
    """A checked rule. Raises SeasonDateWrong; 29 February is no date of every year."""
    text = text.strip()
    if text in SolarTerm.values:
        return text
    if _FIXED.fullmatch(text):
        try:
            date(2025, int(text[:2]), int(text[3:]))  # noqa: DTZ  # an ordinary year
        except ValueError as wrong:
            raise SeasonDateWrong(field=field) from wrong
        return text
    raise SeasonDateWrong(field=field)


def on(rule: str, year: int) -> date:
    """The day a rule means in a year."""
    if rule in SolarTerm.values:
        return solar_terms.days_of(year)[SolarTerm(rule)]
    return date(year, int(rule[:2]), int(rule[3:]))


def say(rule: str) -> str:
    """lixia → 立夏, 06-01 → 6月1日."""
    if rule in SolarTerm.values:
        return str(SolarTerm(rule).label)
    return f"{int(rule[:2])}月{int(rule[3:])}日"


def windows(rules: Iterable[Season], first: date, last: date) -> list[SeasonWindow]:
    """The occurrences that touch first … last (both included), by start."""
    found: list[SeasonWindow] = []
    for rule in rules:
        if not rule.active:
            continue
        for year in range(max(first.year - 1, MINYEAR + 1), min(last.year, MAXYEAR - 1) + 1):
            starts = on(rule.starts, year)
            ends = on(rule.ends, year)
            if ends <= starts:
                ends = on(rule.ends, year + 1)
            if starts <= last and ends > first:
                found.append(SeasonWindow(rule.code, rule.name, rule.group, starts, ends))
    return sorted(found, key=lambda w: (w.starts_on, w.code))
