"""Forms of the public pages: shape only; the rules live in institute.applications."""

from typing import Any

from django import forms
from django.core import signing
from django.urls import reverse

from institute.applications import answers
from institute.applications.choices import DocumentKind, EnquiryTopic, LineMode
from institute.applications.models import Application
from institute.schools.choices import SchoolKind
from kernel import clock
from standards_library.choices import ServiceLine
from standards_library.regions import CHOICES

FORM_LIVES = 24 * 3600  # seconds


class Trapped(forms.Form):
    """Two traps for programs: a field people do not see, and the signed moment the form was shown."""

    website = forms.CharField(required=False)
    shown = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["shown"].initial = signing.dumps(clock.now().timestamp(), salt="public.form")

    @property
    def by_program(self) -> bool:
        """Whether the hidden field was filled, or the form never shown, or shown more than a day ago."""
        if self.data.get("website"):
            return True
        try:
            signing.loads(self.data.get("shown", ""), salt="public.form", max_age=FORM_LIVES)
        except signing.BadSignature:
            return True
        return False


class StartForm(Trapped):
    name = forms.CharField(
        label="学校名称", max_length=100, widget=forms.TextInput(attrs={"autocomplete": "organization"}),
        help_text="填写全称，与公章一致。",
    )  # fmt: skip
    contact_email = forms.EmailField(
        label="联系邮箱", help_text="申报链接和每一步通知都会发到这个邮箱。",
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )  # fmt: skip


class ResumeForm(Trapped):
    number = forms.CharField(label="申报编号", max_length=20, help_text="以 SB 开头，邮件标题里有。")
    email = forms.EmailField(label="联系邮箱", widget=forms.EmailInput(attrs={"autocomplete": "email"}))


class EnquiryForm(Trapped):
    topic = forms.ChoiceField(label="咨询事项", choices=EnquiryTopic.choices, widget=forms.RadioSelect)
    name = forms.CharField(label="称呼", max_length=60, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    organisation = forms.CharField(
        label="单位", max_length=100, required=False, widget=forms.TextInput(attrs={"autocomplete": "organization"})
    )
    email = forms.EmailField(
        label="邮箱", required=False, help_text="邮箱和电话至少填一项。",
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )  # fmt: skip
    phone = forms.CharField(
        label="电话", max_length=30, required=False, widget=forms.TextInput(attrs={"autocomplete": "tel"})
    )
    message = forms.CharField(label="内容", max_length=2000, widget=forms.Textarea(attrs={"rows": 5}))


class DocumentForm(forms.Form):
    kind = forms.ChoiceField(label="材料类别", choices=DocumentKind.choices)
    file = forms.FileField(
        label="文件", allow_empty_file=True, max_length=None,
        error_messages={"required": "请选择要上传的文件。", "missing": "请选择要上传的文件。", "invalid": "请选择要上传的文件。"}, help_text="PDF、JPG、PNG 或 WebP，单个不超过 10 MB。",
        widget=forms.FileInput(attrs={"accept": ".pdf,.jpg,.jpeg,.png,.webp"}),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "document_%s", **kwargs})  # the page has another field named `kind`


class WithdrawForm(forms.Form):
    confirm = forms.CharField(label="申报编号", max_length=20, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    reason = forms.CharField(label="撤回原因", max_length=200, required=False, help_text="选填，便于我们改进。")


HELP = {
    "name": "全称，与公章一致。",
    "school_code": "高校填 5 位院校代码；中小学、幼儿园填 10 位学校（机构）标识码。",
    "credit_code": "18 位。与学校代码至少填一项，校验位会自动核对。",
    "students": "全日制在校生，单位：人。",
    "staff_count": "单位：人。",
    "campuses": "实际使用中的校区。",
    "provider_names": "有外包条线时填写企业全称，多家用顿号分开；用于评审专家回避。",
    "statement": "为什么申报、现在怎样监管后勤服务、最想解决什么。50 至 3000 字。",
    "contact_phone": "手机，或带区号的座机。只用于办理申报，加密保存。",
    "contact_email": "更换后需要在新邮箱中重新确认。",
}


class AnswersForm(forms.Form):
    """All answers of a draft; each control saves itself (hx-post) into its note below."""

    name = forms.CharField(max_length=200)
    school_code = forms.CharField(max_length=30)
    credit_code = forms.CharField(max_length=40)
    kind = forms.ChoiceField(choices=[("", "请选择"), *SchoolKind.choices])
    region = forms.ChoiceField(choices=[("", "请选择"), *CHOICES])
    city = forms.CharField(max_length=80)
    students = forms.CharField(max_length=20)
    staff_count = forms.CharField(max_length=20)
    campuses = forms.CharField(max_length=20)
    provider_names = forms.CharField(max_length=600)
    statement = forms.CharField(widget=forms.Textarea(attrs={"rows": 8}))
    contact_name = forms.CharField(max_length=80, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    contact_duty = forms.CharField(max_length=80, widget=forms.TextInput(attrs={"autocomplete": "organization-title"}))
    contact_phone = forms.CharField(max_length=40, widget=forms.TextInput(attrs={"autocomplete": "tel"}))
    contact_email = forms.CharField(max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"}))

    SECTIONS = (
        ("school", "学校信息", "与公章、证书一致", ("name", "kind", "school_code", "credit_code", "region", "city")),
        ("size", "规模", "用于同类学校对标", ("students", "staff_count", "campuses")),
        ("contact", "联系人", "只用于办理申报", ("contact_name", "contact_duty", "contact_phone", "contact_email")),
        ("statement", "申报说明", "", ("statement",)),
    )

    def __init__(self, *, application: Application, token: str) -> None:
        initial = {f: getattr(application, f) for f in answers.PARSERS if not f.startswith("line_")}
        super().__init__(initial=initial)
        for line in ServiceLine:
            self.fields[f"line_{line.value}"] = forms.ChoiceField(
                choices=LineMode.choices, widget=forms.RadioSelect, initial=application.line_modes.get(line.value, "")
            )
        for field, control in self.fields.items():
            control.required = False
            control.label = answers.LABELS[field]
            control.help_text = HELP.get(field, "")
            control.widget.attrs.update(
                {
                    "hx-post": reverse("public_application_save", args=[token, field]),
                    "hx-trigger": "change" if field.startswith("line_") else "input changed delay:600ms, change",
                    "hx-target": f"#note_{field}",
                    "hx-swap": "innerHTML",
                    "hx-sync": "this:replace",
                }
            )
        for field in ("students", "staff_count", "campuses"):
            self.fields[field].widget.attrs["inputmode"] = "numeric"

    @property
    def sections(self) -> list[dict[str, Any]]:
        return [
            {"id": id_, "title": title, "hint": hint, "fields": [self[f] for f in names]}
            for id_, title, hint, names in self.SECTIONS
        ]

    @property
    def lines(self) -> list[Any]:
        return [(line.label, self[f"line_{line.value}"]) for line in ServiceLine]
