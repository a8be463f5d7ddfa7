from datetime import date
from typing import Any

from django import forms

from institute.schools.choices import SchoolKind, SizeBand
from standards_library.choices import OperatingMode, ServiceLine
from standards_library.regions import CHOICES as REGIONS


class BenchmarkFilter(forms.Form):
    """Which number, which month, which schools."""

    metric = forms.ChoiceField(label="指标", required=False)
    month = forms.ChoiceField(label="月份", required=False)
    kind = forms.ChoiceField(label="学校类型", required=False, choices=[("", "全部"), *SchoolKind.choices])
    size = forms.ChoiceField(label="规模", required=False, choices=[("", "全部"), *SizeBand.choices])
    region = forms.ChoiceField(label="省份", required=False, choices=[("", "全部"), *REGIONS])
    mode = forms.ChoiceField(label="运营方式", required=False, choices=[("", "全部"), *OperatingMode.choices])
    line = forms.ChoiceField(label="服务条线", required=False, choices=[("", "全校"), *ServiceLine.choices])

    def __init__(self, *args: Any, metrics: list[tuple[str, str]], months: list[date], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["metric"].choices = metrics  # type: ignore[attr-defined]
        self.fields["month"].choices = [  # type: ignore[attr-defined]
            (m.isoformat(), f"{m.year}年{m.month}月") for m in months
        ]


class PublishForm(forms.Form):
    month = forms.ChoiceField(label="月份", help_text="发布后，各校能看到自己所处的四分位区间；看不到其他学校的数据。")
    reason = forms.CharField(
        label="更正原因", required=False, max_length=200, help_text="只有重新发布已发布过的月份时才需要填写。"
    )

    def __init__(self, *args: Any, months: list[date], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["month"].choices = [  # type: ignore[attr-defined]
            (m.isoformat(), f"{m.year}年{m.month}月") for m in months
        ]
