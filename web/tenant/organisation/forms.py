"""Shape of what people type; the rules are in the operations."""

from __future__ import annotations

from typing import Any

from django import forms

from standards_library.choices import OperatingMode, ServiceLine
from tenants.organisation.certificates import GROUP_LABELS
from tenants.organisation.choices import CertificateKind, CertificateState, PlaceKind

Choices = list[tuple[str, str]]
DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")  # fields copy it


class _Chosen(forms.Form):
    """A form whose select fields get their choices from the school's data: `choices={"party_id": […]}`."""

    blank = "—"

    def __init__(self, *args: Any, choices: dict[str, Choices] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, rows in (choices or {}).items():
            field: Any = self.fields[name]
            field.choices = rows if field.required else [("", self.blank), *rows]


# --- Places --------------------------------------------------------------------------------------


class PlaceForm(_Chosen):
    kind = forms.ChoiceField(label="类别")
    name = forms.CharField(
        label="名称", max_length=60, help_text="同一上级下不能重名，例如：1号公寓、公共卫生间（东侧）"
    )
    code = forms.CharField(
        label="编码", max_length=24, required=False, help_text="印在二维码上，全校唯一；留空由系统生成"
    )


class FloorsForm(forms.Form):
    first = forms.IntegerField(label="从", initial=1, min_value=-5, max_value=60, help_text="地下一层填 -1")
    last = forms.IntegerField(label="到", initial=6, min_value=-5, max_value=60, help_text="已有的楼层会跳过")


class RenameForm(forms.Form):
    name = forms.CharField(label="名称", max_length=60)
    code = forms.CharField(label="编码", max_length=24, help_text="修改编码后，已贴出的旧二维码将失效")


class MoveForm(_Chosen):
    parent_id = forms.ChoiceField(label="移到", help_text="下级一起移动，编码和已贴出的二维码不变")


class LabelForm(_Chosen):
    blank = "全校"
    within = forms.ChoiceField(label="范围", required=False)
    kind = forms.ChoiceField(label="类别", required=False, choices=[("", "全部"), *PlaceKind.choices])
    size = forms.ChoiceField(
        label="大小",
        choices=[("medium", "中：每页 12 张"), ("large", "大：每页 6 张"), ("small", "小：每页 20 张")],
        initial="medium",
    )


# --- Parties, lines, posts -------------------------------------------------------------------------


class PartyFilter(forms.Form):
    search = forms.CharField(label="名称或编号", required=False, max_length=60)
    line = forms.ChoiceField(label="服务条线", required=False, choices=[("", "全部"), *ServiceLine.choices])
    active = forms.ChoiceField(
        label="状态", required=False, choices=[("", "启用中"), ("no", "已停用"), ("all", "全部")]
    )


class DepartmentForm(forms.Form):
    name = forms.CharField(label="部门名称", max_length=120)
    head = forms.CharField(label="负责人", max_length=40, required=False)
    phone = forms.CharField(label="办公电话", max_length=30, required=False, help_text="填办公电话，不填个人手机")


class ContractForm(forms.Form):
    """Changing a contract; the company stays."""

    name = forms.CharField(
        label="简称", max_length=120, help_text="本校怎样称呼这个合同，例如：明净物业（东校区）；考核单上显示这个名称"
    )
    number = forms.CharField(label="合同编号", max_length=60)
    lines = forms.MultipleChoiceField(
        label="服务条线", choices=ServiceLine.choices, widget=forms.CheckboxSelectMultiple
    )
    starts_on = forms.DateField(label="开始日期", widget=DAY)
    ends_on = forms.DateField(label="结束日期", widget=DAY)
    monthly_fee = forms.DecimalField(
        label="月服务费（元）", required=False, min_value=0, max_digits=12, decimal_places=2
    )
    manager = forms.CharField(label="项目负责人", max_length=40, required=False)


class NewContractForm(ContractForm):
    credit_code = forms.CharField(
        label="统一社会信用代码", max_length=30, help_text="18 位，见营业执照；平台上已有这家企业时自动关联"
    )
    provider_name = forms.CharField(label="企业全称", max_length=120, help_text="与营业执照一致")
    field_order = ("credit_code", "provider_name")


class LineForm(_Chosen):
    mode = forms.ChoiceField(label="运营方式", choices=OperatingMode.choices)
    party_id = forms.ChoiceField(label="责任单位", required=False)


class PostFilter(_Chosen):
    blank = "全部"
    search = forms.CharField(label="岗位名称", required=False, max_length=60)
    party_id = forms.ChoiceField(label="所属单位", required=False)
    line = forms.ChoiceField(label="服务条线", required=False, choices=[("", "全部"), *ServiceLine.choices])


class PostForm(_Chosen):
    party_id = forms.ChoiceField(label="所属单位")
    name = forms.CharField(label="岗位名称", max_length=60)
    line = forms.ChoiceField(label="服务条线", choices=ServiceLine.choices)
    headcount = forms.IntegerField(label="合同编制人数", min_value=0, max_value=9999, initial=1)
    place_id = forms.ChoiceField(label="工作地点", required=False)
    certificates = forms.MultipleChoiceField(
        label="所需证书",
        choices=CertificateKind.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="在岗人员缺证或证书过期时会提醒",
    )


# --- People ----------------------------------------------------------------------------------------


class StaffFilter(_Chosen):
    blank = "全部"
    search = forms.CharField(label="姓名、拼音或工号", required=False, max_length=40)
    party_id = forms.ChoiceField(label="所属单位", required=False)
    post_id = forms.ChoiceField(label="岗位", required=False)
    status = forms.ChoiceField(label="状态", required=False, choices=[("", "在职"), ("left", "离职"), ("all", "全部")])
    certificate = forms.ChoiceField(
        label="证书",
        required=False,
        choices=[
            ("", "全部"),
            ("missing", "缺少岗位所需证书"),
            ("expired", "有过期证书"),
            ("soon", "90 天内到期或复审"),
        ],
    )


class StaffForm(_Chosen):
    number = forms.CharField(label="工号", max_length=30)
    name = forms.CharField(label="姓名", max_length=40)
    party_id = forms.ChoiceField(label="所属单位")
    post_id = forms.ChoiceField(label="岗位", required=False)
    phone = forms.CharField(label="手机号", max_length=30, required=False, help_text="加密保存，页面只显示前 3 后 4 位")
    id_card = forms.CharField(
        label="身份证号", max_length=30, required=False, help_text="18 位，核对校验位；加密保存，页面只显示首尾"
    )
    hired_on = forms.DateField(label="入职日期", required=False, widget=DAY)


class LeaveForm(forms.Form):
    left_on = forms.DateField(label="最后一个工作日", widget=DAY)


class BackForm(_Chosen):
    party_id = forms.ChoiceField(label="所属单位")
    post_id = forms.ChoiceField(label="岗位", required=False)


class CertificateFilter(_Chosen):
    blank = "全部"
    search = forms.CharField(label="姓名、拼音或工号", required=False, max_length=40)
    party_id = forms.ChoiceField(label="部门或公司", required=False)
    kind = forms.ChoiceField(
        label="证书", required=False, choices=[("", "全部"), *GROUP_LABELS.items(), *CertificateKind.choices]
    )
    state = forms.ChoiceField(
        label="状态",
        required=False,
        choices=[("", "全部"), ("bad", "已失效或缺证"), ("near", "90 天内到期或复审"), *CertificateState.choices],
    )
    post_id = forms.ChoiceField(label="岗位", required=False)


class CertificateForm(forms.Form):
    kind = forms.ChoiceField(label="证书类别", choices=CertificateKind.choices)
    number = forms.CharField(label="证书编号", max_length=60)
    issued_on = forms.DateField(label="发证日期", widget=DAY)
    review_on = forms.DateField(label="下次复审日期", required=False, widget=DAY)
    expires_on = forms.DateField(label="有效期至", required=False, help_text="长期有效的留空", widget=DAY)
    scan = forms.FileField(
        label="扫描件",
        required=False,
        help_text="照片或 PDF，不超过 12 MB；只有本人、所属公司和学校管理人员看得到",
        widget=forms.FileInput(attrs={"accept": "image/*,.pdf"}),
    )


class CertificateChangeForm(CertificateForm):
    """A date left empty stays; dropping one is said, with its reason."""

    without_review = forms.BooleanField(label="不需要复审（取消原来的复审日期）", required=False)
    without_end = forms.BooleanField(label="长期有效（取消原来的有效期）", required=False)
    reason = forms.CharField(
        label="取消的原因", required=False, max_length=100, help_text="取消复审日期或有效期时必填，会记入时间线"
    )
    field_order = ("kind", "number", "issued_on", "review_on", "without_review", "expires_on", "without_end", "reason")


class UploadForm(forms.Form):
    file = forms.FileField(
        label="选择文件",
        help_text=".xlsx、.xls 或 .csv，不超过 10 MB、20,000 行",
        widget=forms.FileInput(attrs={"accept": ".xlsx,.xls,.csv"}),
    )
