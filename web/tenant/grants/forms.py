"""Forms of grants: shape only."""

from django import forms

from identity.choices import GrantScope

_DATE = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class GrantForm(forms.Form):
    """What, from when to when, and why."""

    scopes = forms.MultipleChoiceField(
        label="授权范围",
        choices=GrantScope.choices,
        widget=forms.CheckboxSelectMultiple,
        help_text="研究院只能查看，不能修改。",
    )
    starts_on = forms.DateField(label="开始日期", widget=_DATE)
    ends_on = forms.DateField(label="结束日期", widget=_DATE, help_text="当天有效，最长一年；随时可以提前收回。")
    reason = forms.CharField(
        label="授权事由",
        max_length=200,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="例如：2026 年阶段评估资料核查。",
    )
