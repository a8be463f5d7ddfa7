"""Shape of what people type about rosters; the rules are in the operations."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from tenants.rosters.choices import Grade, LeaveKind, RequestStatus, RuleScope, ShiftKind, SwapStatus
from tenants.rosters.operations import SegmentInput

Choices = list[tuple[str, str]]
DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
WEEKDAYS = [(str(1 << n), f"周{name}") for n, name in enumerate("一二三四五六日")]
RULE_FIELDS: dict[str, tuple[str, int, str]] = {
    "grace_minutes": ("迟到宽限（分）", 10, "晚到不超过这些分钟不算迟到"),
    "early_grace_minutes": ("早退宽限（分）", 0, "早走不超过这些分钟不算早退"),
    "serious_minutes": ("严重迟到起算（分）", 30, ""),
    "half_absent_minutes": ("旷工半日起算（分）", 120, "迟到或早退超过这些分钟按旷工半日"),
    "absent_minutes": ("旷工一日起算（分）", 240, ""),
    "in_before_minutes": ("上班卡最早提前（分）", 60, "更早的打卡不算这个班"),
    "out_after_minutes": ("下班卡最晚延后（分）", 120, "更晚的打卡不算这个班"),
    "report_hours": ("判定缺勤前等待（小时）", 12, "等设备和离线手机的记录传到"),
    "corrections_per_month": ("每人每月补卡次数", 3, ""),
    "correction_days": ("补卡期限（天）", 7, "超过这些天不能再申请补卡"),
}


class Chosen(forms.Form):
    """A form whose select fields get their choices from the school's data: `choices={"party": […]}`."""

    blank = "全部"

    def __init__(self, *args: Any, choices: dict[str, Choices] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, rows in (choices or {}).items():
            field: Any = self.fields[name]
            field.choices = rows if field.required else [("", self.blank), *rows]


class GridFilter(Chosen):
    party = forms.ChoiceField(label="单位", required=False)
    post = forms.ChoiceField(label="岗位", required=False)
    place = forms.ChoiceField(label="地点", required=False)
    search = forms.CharField(label="姓名或工号", required=False, max_length=40)
    view = forms.CharField(required=False, widget=forms.HiddenInput)
    day = forms.CharField(required=False, widget=forms.HiddenInput)


def minute_of(text: str) -> int:
    """08:00 → 480; 次日06:00, +06:00 or 30:00 → 1800. Raises ValueError."""
    found = re.fullmatch(r"\s*(次日|翌日|\+)?\s*(\d{1,2})\s*[:：]\s*(\d{2})\s*", text)
    if not found:
        raise ValueError(text)
    hours, minutes = int(found[2]), int(found[3])
    if minutes > 59 or hours > (24 if found[1] else 48):
        raise ValueError(text)
    return (1440 if found[1] else 0) + hours * 60 + minutes


class MinuteField(forms.CharField):
    """A time of day that may lie in the next: 08:00, 次日06:00."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=10, **kwargs)
        self.widget.attrs |= {"placeholder": "08:00", "autocomplete": "off", "data-half": ""}

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        try:
            return minute_of(text)
        except ValueError:
            raise ValidationError("时间写成 08:00；次日写成 次日06:00。") from None


PARTS = 4
PUNCHES = [
    ("each", "每个时段上班、下班都打卡"),
    ("no_out", "只打上班卡，下班免打卡"),
    ("ends", "只打第一段上班和最后一段下班"),
]


class ShiftForm(forms.Form):
    name = forms.CharField(label="名称", max_length=30)
    code = forms.CharField(label="简称", max_length=4, help_text="排班表格子里显示的字，例如“夜”")
    colour = forms.CharField(label="颜色", max_length=7, initial="#4263eb", widget=forms.TextInput({"type": "color"}))
    kind = forms.ChoiceField(label="时间", choices=ShiftKind.choices)
    flex_minutes = forms.IntegerField(
        label="弹性分钟",
        min_value=0,
        max_value=240,
        required=False,
        help_text="可晚到这些分钟，下班相应顺延；固定时间填 0",
    )
    start1 = MinuteField(label="时段一 开始")
    end1 = MinuteField(label="时段一 结束", help_text="跨过零点写“次日06:00”")
    start2 = MinuteField(label="时段二 开始", required=False)
    end2 = MinuteField(label="时段二 结束", required=False)
    start3 = MinuteField(label="时段三 开始", required=False)
    end3 = MinuteField(label="时段三 结束", required=False)
    start4 = MinuteField(label="时段四 开始", required=False)
    end4 = MinuteField(label="时段四 结束", required=False)
    punches = forms.ChoiceField(label="打卡", choices=PUNCHES)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for n in range(2, PARTS + 1):
            if (data.get(f"start{n}") is None) != (data.get(f"end{n}") is None):
                self.add_error(f"end{n}", "开始和结束要一起填写。")
        return data

    def segments(self) -> list[SegmentInput]:
        data = self.cleaned_data
        spans = [(data[f"start{n}"], data[f"end{n}"]) for n in range(1, PARTS + 1) if data.get(f"end{n}") is not None]
        spans.sort()
        made = []
        for n, (start, end) in enumerate(spans):
            ends = data["punches"] == "ends"
            made.append(
                SegmentInput(
                    start, end, needs_in=not ends or n == 0,
                    needs_out=data["punches"] == "each" or (ends and n == len(spans) - 1),
                )
            )  # fmt: skip
        return made


class RuleForm(Chosen):
    blank = "—"
    scope = forms.ChoiceField(label="适用于", choices=RuleScope.choices)
    party = forms.ChoiceField(label="单位", required=False, help_text="适用于“责任单位”时选择")
    post = forms.ChoiceField(
        label="岗位", required=False, help_text="适用于“岗位”时选择；岗位优先于单位，单位优先于全校"
    )
    valid_from = forms.DateField(
        label="生效日期", widget=DAY,
        help_text="从这天起的班次都按新规则，已经排好的也一样；之前的和已能打卡的班次按当时的规则",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, (label, initial, hint) in RULE_FIELDS.items():
            self.fields[name] = forms.IntegerField(
                label=label, initial=initial, min_value=0, max_value=2880, help_text=hint
            )


class TermsForm(forms.Form):
    grade = forms.ChoiceField(
        label="打卡佐证等级", choices=Grade.choices, help_text="从明天起的班次都按这个等级，已经排好的也一样"
    )
    hourly_rate = forms.DecimalField(
        label="每岗每小时费用（元）", required=False, min_value=0, max_value=9999, decimal_places=2,
        help_text="用于把缺岗小时折算成金额；没有约定可不填。改价从今天起算，之前的日子仍按原价",
    )  # fmt: skip


class CoverageForm(forms.Form):
    persons = forms.IntegerField(label="人数", min_value=1, max_value=999, initial=1)
    start = MinuteField(label="从", initial="00:00")
    end = MinuteField(label="到", initial="24:00", help_text="跨过零点写“次日06:00”")
    weekdays = forms.MultipleChoiceField(
        label="星期", choices=WEEKDAYS, widget=forms.CheckboxSelectMultiple, initial=[v for v, _ in WEEKDAYS]
    )
    holidays = forms.BooleanField(label="法定节假日也要在岗", required=False, initial=True)
    valid_from = forms.DateField(label="从哪天起", widget=DAY)
    valid_until = forms.DateField(label="到哪天为止（不含）", widget=DAY, required=False)


class PatternForm(forms.Form):
    name = forms.CharField(label="名称", max_length=40)
    cells = forms.CharField(
        label="循环", max_length=400, widget=forms.Textarea({"rows": 2}),
        help_text="按天写班次简称，空格隔开，休息写“休”，例如：早 早 中 中 夜 夜 休 休；最多 56 天（8 周）",
    )  # fmt: skip
    follows_calendar = forms.BooleanField(
        label="随校历：节假日休息，调休上班日照常上班", required=False, help_text="用于按周工作的岗位；轮班岗位不要勾选"
    )


class UseForm(Chosen):
    blank = "本人所属岗位"
    starts_on = forms.DateField(label="从哪天起", widget=DAY)
    ends_on = forms.DateField(label="到哪天为止（不含）", widget=DAY, required=False)
    post = forms.ChoiceField(label="在哪个岗位", required=False)
    offset = forms.IntegerField(label="第一人从循环的第几天开始", min_value=1, max_value=56, initial=1)
    stagger = forms.IntegerField(
        label="每人错开几天", min_value=0, max_value=56, initial=1, help_text="0 表示大家同一天上同样的班"
    )
    staff = forms.MultipleChoiceField(label="人员", widget=forms.CheckboxSelectMultiple)


class RequestFilter(Chosen):
    search = forms.CharField(label="姓名、拼音或工号", required=False, max_length=40)
    kind = forms.ChoiceField(label="类型", required=False, choices=[("", "全部"), *LeaveKind.choices])
    status = forms.ChoiceField(label="状态", required=False, choices=[("", "全部"), *RequestStatus.choices])
    party = forms.ChoiceField(label="单位", required=False)


class SwapFilter(Chosen):
    what = forms.CharField(widget=forms.HiddenInput, initial="swaps", required=False)
    search = forms.CharField(label="姓名、拼音或工号", required=False, max_length=40)
    status = forms.ChoiceField(label="状态", required=False, choices=[("", "全部"), *SwapStatus.choices])
    party = forms.ChoiceField(label="单位", required=False)


class LeaveForm(forms.Form):
    kind = forms.ChoiceField(label="类型", choices=LeaveKind.choices)
    first = forms.DateField(label="从", widget=DAY)
    first_part = forms.ChoiceField(label="从哪个时段", choices=[("am", "上午开始"), ("pm", "下午开始")])
    last = forms.DateField(label="到", widget=DAY)
    last_part = forms.ChoiceField(label="到哪个时段", choices=[("pm", "下午结束"), ("am", "上午结束")])
    reason = forms.CharField(label="事由", max_length=300, required=False, widget=forms.Textarea({"rows": 2}))


class UploadForm(forms.Form):
    file = forms.FileField(label="文件", help_text="Excel（.xlsx、.xls）或 CSV（UTF-8、GB18030），最大 10 MB")
