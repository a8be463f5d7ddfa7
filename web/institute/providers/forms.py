"""Filter and correction of property companies."""

from django import forms


class ProviderFilter(forms.Form):
    search = forms.CharField(
        label="物业企业", required=False, max_length=60, widget=forms.TextInput({"placeholder": "企业名称或信用代码"})
    )
    serving = forms.TypedChoiceField(
        label="在服务学校",
        required=False,
        choices=[("", "全部"), ("yes", "有"), ("no", "没有")],
        coerce=lambda value: value == "yes",
        empty_value=None,
    )


class CorrectionForm(forms.Form):
    name = forms.CharField(label="企业全称", max_length=120, help_text="与营业执照一致")
    credit_code = forms.CharField(label="统一社会信用代码", max_length=30, help_text="18 位，见营业执照；核对校验位")
