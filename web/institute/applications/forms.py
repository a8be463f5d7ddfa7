"""Forms of the procedure: shape only."""

from typing import Any

from django import forms

from institute.applications.choices import ApplicationStatus, EnquiryStatus, EnquiryTopic, Verdict
from institute.schools.choices import SchoolKind
from standards_library.regions import CHOICES

_SHOWN = [(s.value, s.label) for s in ApplicationStatus if s != ApplicationStatus.DRAFT]


class ApplicationFilter(forms.Form):
    q = forms.CharField(label="学校、编号或代码", required=False, max_length=60)
    status = forms.ChoiceField(label="状态", choices=[("", "全部"), *_SHOWN], required=False)
    kind = forms.ChoiceField(label="类型", choices=[("", "全部"), *SchoolKind.choices], required=False)
    region = forms.ChoiceField(label="省份", choices=[("", "全部"), *CHOICES], required=False)
    needs_me = forms.BooleanField(label="只看待我办理", required=False)


class ReturnForm(forms.Form):
    items = forms.CharField(
        label="补正清单", help_text="一行一项，学校会原样看到。", widget=forms.Textarea(attrs={"rows": 4})
    )
    fix_due_on = forms.DateField(label="补正期限", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))

    def clean_items(self) -> list[str]:
        return [line.strip() for line in self.cleaned_data["items"].splitlines() if line.strip()]


class ExtendForm(forms.Form):
    fix_due_on = forms.DateField(
        label="新的补正期限",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="学校会收到邮件。",
    )


class DecideForm(forms.Form):
    verdict = forms.ChoiceField(label="决定", choices=Verdict.choices, widget=forms.RadioSelect)
    reason = forms.CharField(
        label="理由", max_length=2000, help_text="学校会看到这段文字。", widget=forms.Textarea(attrs={"rows": 4})
    )
    slug = forms.CharField(
        label="访问名",
        max_length=40,
        required=False,
        help_text="入选时使用，开通后不能更改：学校从 访问名.平台域名 登录。",
    )

    def __init__(self, *args: Any, verdicts: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["verdict"].choices = [(v, label) for v, label in Verdict.choices if v in verdicts]  # type: ignore[attr-defined]
        if len(verdicts) == 1:
            self.fields["verdict"].initial = verdicts[0]
        if Verdict.APPROVE not in verdicts:
            del self.fields["slug"]


class ConflictForm(forms.Form):
    reason = forms.CharField(label="回避理由", max_length=300, widget=forms.Textarea(attrs={"rows": 2}))


class ProfileForm(forms.Form):
    employer = forms.CharField(
        label="工作单位", max_length=100, help_text="全称。与申报学校或其服务企业相同的自动回避。"
    )
    past_schools = forms.CharField(
        label="应回避的学校", required=False, help_text="曾任职、就读或有其他关系的学校，一行一个，校名或学校代码。",
        widget=forms.Textarea(attrs={"rows": 4}),
    )  # fmt: skip
    expertise = forms.CharField(label="专业领域", max_length=200, required=False)

    def clean_past_schools(self) -> list[str]:
        return [line.strip() for line in self.cleaned_data["past_schools"].splitlines() if line.strip()]


class CriterionForm(forms.Form):
    code = forms.CharField(required=False, max_length=32, widget=forms.HiddenInput)
    label = forms.CharField(label="指标", max_length=60, required=False)
    guidance = forms.CharField(label="评分要点", max_length=400, required=False)
    weight = forms.DecimalField(label="权重", max_digits=5, decimal_places=2, required=False)


CriteriaFormSet = forms.formset_factory(CriterionForm, extra=2, max_num=20)


class EnquiryFilter(forms.Form):
    q = forms.CharField(label="内容、称呼或单位", required=False, max_length=60)
    status = forms.ChoiceField(label="状态", choices=[("", "全部"), *EnquiryStatus.choices], required=False)
    topic = forms.ChoiceField(label="事项", choices=[("", "全部"), *EnquiryTopic.choices], required=False)
    mine = forms.BooleanField(label="只看我负责的", required=False)


class GiveForm(forms.Form):
    owner_id = forms.ChoiceField(label="负责人")
    due_at = forms.DateTimeField(
        label="回复期限", required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )  # fmt: skip

    def __init__(self, *args: Any, staff: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner_id"].choices = [("", "请选择"), *staff]  # type: ignore[attr-defined]


class ReplyForm(forms.Form):
    reply = forms.CharField(label="回复", max_length=5000, widget=forms.Textarea(attrs={"rows": 6}))


class CloseForm(forms.Form):
    why = forms.CharField(label="关闭原因", max_length=200)
