"""Forms of the face service: shape only; rules are in the operations."""

from __future__ import annotations

from typing import Any

from django import forms

from tenants.face.choices import Decision, Guardian, Standing

DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class PeopleFilter(forms.Form):
    """The filter bar of the list."""

    text = forms.CharField(label="员工", required=False, widget=forms.TextInput({"placeholder": "姓名、工号、拼音"}))
    standing = forms.ChoiceField(label="状态", required=False, choices=[("", "全部"), *Standing.choices])
    party = forms.ChoiceField(label="责任单位", required=False)

    def __init__(self, *args: Any, parties: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["party"]
        field.choices = [("", "全部"), *parties]


class SettingForm(forms.Form):
    enabled = forms.BooleanField(
        label="开启人脸服务", required=False, help_text="关闭后，本校全部人脸特征会立即删除，打卡改用其他方式。"
    )
    assessed_on = forms.DateField(
        label="个人信息保护影响评估完成日期", required=False, widget=DAY,
        help_text="开启前必须完成（个人信息保护法第五十五条），评估报告保存三年。",
    )  # fmt: skip
    photo_days = forms.IntegerField(
        label="录入照片保留天数", min_value=0, max_value=180, initial=0,
        help_text="0 表示不保留（推荐）。保留的照片加密存放，到期自动删除；缩短天数对已存照片同样生效。",
    )  # fmt: skip


class PaperForm(forms.Form):
    """What a person, or the guardian of one under 14, signed on paper."""

    decision = forms.ChoiceField(label="选择", choices=Decision.choices, widget=forms.RadioSelect)
    guardian = forms.ChoiceField(
        label="监护人", required=False, choices=Guardian.choices, help_text="不满十四周岁时填写"
    )
    guardian_name = forms.CharField(label="监护人姓名", required=False, max_length=40)
    is_14 = forms.BooleanField(
        label="本人已满十四周岁", required=False, help_text="系统里没有身份证号时，核对证件后勾选"
    )


class ManyFilesInput(forms.ClearableFileInput):
    """A file field for an archive or several pictures."""

    allow_multiple_selected = True
