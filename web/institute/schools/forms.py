"""Filters and the two confirmed acts."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from institute.schools.choices import SchemaState, SchoolKind, SchoolStatus
from standards_library.choices import OperatingMode
from standards_library.regions import CHOICES as REGIONS

ALL = [("", "全部")]


class SchoolFilter(forms.Form):
    search = forms.CharField(
        label="学校", required=False, max_length=60, widget=forms.TextInput({"placeholder": "名称、拼音、访问名或代码"})
    )
    status = forms.ChoiceField(label="状态", required=False, choices=[*ALL, *SchoolStatus.choices])
    kind = forms.ChoiceField(label="类型", required=False, choices=[*ALL, *SchoolKind.choices])
    region = forms.ChoiceField(label="省份", required=False, choices=[*ALL, *REGIONS])
    mode = forms.ChoiceField(label="运营方式", required=False, choices=[*ALL, *OperatingMode.choices])


class LedgerFilter(forms.Form):
    search = forms.CharField(
        label="学校", required=False, max_length=60, widget=forms.TextInput({"placeholder": "名称或拼音"})
    )
    state = forms.ChoiceField(label="状态", required=False, choices=[*ALL, *SchemaState.choices])


class Confirmed(forms.Form):
    """The access name must be typed, so that the wrong school is not hit by a slip."""

    typed = forms.CharField(label="确认", max_length=40)

    def __init__(self, *args: Any, slug: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.slug = slug
        self.fields["typed"].label = f"请输入访问名 {slug} 以确认"
        self.fields["typed"].widget.attrs["autocomplete"] = "off"

    def clean_typed(self) -> str:
        if self.cleaned_data["typed"].strip() != self.slug:
            raise ValidationError("与访问名不一致，请核对是否选对了学校。")
        return self.slug


class Suspension(Confirmed):
    reason = forms.CharField(
        label="停用原因",
        max_length=200,
        widget=forms.Textarea({"rows": 3}),
        help_text="学校师生会在停用页面看到这句话。",
    )
    field_order = ("reason", "typed")
