"""Shapes of what is sent; the rules are in tenants.calendar."""

from __future__ import annotations

from django import forms

from tenants.calendar.choices import DayKind, PeriodKind, SolarTerm
from tenants.calendar.operations import FIRST_YEAR, LAST_YEAR

DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class DayForm(forms.Form):
    kind = forms.ChoiceField(label="这一天是", choices=DayKind.choices)
    name = forms.CharField(label="名称", max_length=40, required=False, help_text="例如：校庆、运动会、国庆节调休上班")
    last = forms.DateField(label="连续到", required=False, widget=DAY, help_text="只改这一天的留空；最多连续 31 天")


class PeriodForm(forms.Form):
    kind = forms.ChoiceField(label="类型", choices=PeriodKind.choices)
    name = forms.CharField(label="名称", max_length=40, help_text="例如：2026—2027学年第一学期、2027年寒假")
    starts_on = forms.DateField(label="开始日期", widget=DAY, help_text="学期从这一天所在的周（周一起）算第 1 周")
    ends_on = forms.DateField(label="结束日期", widget=DAY, help_text="这一天也算在内")


class SeasonForm(forms.Form):
    """`starts` and `ends` name a 节气, or a day of the year in the field beside."""

    name = forms.CharField(label="名称", max_length=20)
    starts = forms.CharField(label="开始", max_length=12, widget=forms.TextInput(attrs={"list": "solar-terms"}))
    ends = forms.CharField(label="结束（不含）", max_length=12, widget=forms.TextInput(attrs={"list": "solar-terms"}))
    active = forms.BooleanField(label="启用", required=False)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        for name in ("starts", "ends"):
            self.fields[name].help_text = "节气名（如 立夏）或 月-日（如 06-01）"

    def clean_starts(self) -> str:
        return self._code("starts")

    def clean_ends(self) -> str:
        return self._code("ends")

    def _code(self, field: str) -> str:
        """立夏 → lixia; anything else goes on as it is and is judged by the domain."""
        said = str(self.cleaned_data[field]).strip()
        return next((t.value for t in SolarTerm if str(t.label) == said), said)


class NewSeasonForm(SeasonForm):
    code = forms.CharField(label="代码", max_length=24, help_text="英文字母、数字或下划线，供接口使用，例如 graduation")
    field_order = ("name", "code", "starts", "ends", "active")


class UploadForm(forms.Form):
    file = forms.FileField(
        label="选择文件",
        help_text=".xlsx、.xls 或 .csv，不超过 600 行",
        widget=forms.FileInput(attrs={"accept": ".xlsx,.xls,.csv"}),
    )


class YearForm(forms.Form):
    year = forms.IntegerField(min_value=FIRST_YEAR, max_value=LAST_YEAR)
