"""Forms of punches: shape only; rules are in the operations."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms

from identity.contracts import Actor
from tenants.organisation import queries as organisation
from tenants.punches.choices import DeviceKind, FenceShape, PunchSource, PunchStatus
from tenants.punches.models import LEAST_POSITION_DAYS, MOST_POSITION_DAYS, Device
from tenants.rosters.choices import Grade
from web.shared.filters import given

ANY = [("", "全部")]
MARKS = [
    ("lacking", "无证上岗"),
    ("appeal", "申诉待处理"),
    ("photo", "照片待核对"),
    ("late", "补传（晚一小时以上）"),
    ("claimed", "时间未能核对"),
]


def post_choices(by: Actor) -> list[tuple[str, str]]:
    return [(str(p.pk), f"{p.name}（{p.party.name}）") for p in organisation.posts(by=by)]


class PunchFilter(forms.Form):
    """The filter bar of the list."""

    text = forms.CharField(label="人员", required=False, widget=forms.TextInput({"placeholder": "姓名、拼音或工号"}))
    from_day = forms.DateField(label="日期从", required=False, widget=forms.DateInput({"type": "date"}))
    until_day = forms.DateField(label="到", required=False, widget=forms.DateInput({"type": "date"}))
    status = forms.ChoiceField(label="状态", required=False, choices=[*ANY, *PunchStatus.choices])
    post = forms.ChoiceField(label="岗位", required=False)
    party = forms.ChoiceField(label="所属单位", required=False)
    grade = forms.ChoiceField(label="佐证等级", required=False, choices=[*ANY, *Grade.choices])
    source = forms.ChoiceField(label="来源", required=False, choices=[*ANY, *PunchSource.choices])
    mark = forms.ChoiceField(label="需要留意", required=False, choices=[*ANY, *MARKS])

    def __init__(self, *args: Any, by: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["post"].choices = [*ANY, *post_choices(by)]  # type: ignore[attr-defined]
        parties = [(str(p.pk), p.name) for p in organisation.parties(by=by, active=None)]
        self.fields["party"].choices = [*ANY, *parties]  # type: ignore[attr-defined]

    def chosen(self) -> dict[str, Any]:
        """What `queries.listing` takes."""
        data = given(self)
        post, party = data.pop("post"), data.pop("party")
        return {**data, "post_id": UUID(post) if post else None, "party_id": UUID(party) if party else None}


class DeviceForm(forms.Form):
    """登记或修改考勤设备."""

    name = forms.CharField(
        label="设备名称", max_length=60, widget=forms.TextInput({"placeholder": "如：图书馆门口考勤机"})
    )
    kind = forms.ChoiceField(label="种类", choices=DeviceKind.choices)
    place = forms.ChoiceField(label="安装地点", required=False)
    verifies_person = forms.BooleanField(
        label="设备自己核验本人（人脸、指纹、掌静脉）", required=False,
        help_text="核验本人的设备，打卡算 A 级；只刷卡的算 C 级，因为卡可以转交。",
    )  # fmt: skip

    def __init__(self, *args: Any, by: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = organisation.places(by=by).order_by("full_name")[:3000]
        self.fields["place"].choices = [("", "未指定"), *((str(p.pk), p.full_name) for p in rows)]  # type: ignore[attr-defined]


WGS = "要手机定位用的坐标（WGS-84），在现场点“用当前位置”最准。高德、腾讯、百度地图上抄来的会偏几百米。"


class FenceForm(forms.Form):
    """画打卡范围; the page's script keeps the drawing and these numbers the same."""

    post = forms.ChoiceField(label="岗位")
    name = forms.CharField(label="范围名称", max_length=40, widget=forms.TextInput({"placeholder": "如：东门"}))
    shape = forms.ChoiceField(label="形状", choices=FenceShape.choices, initial=FenceShape.CIRCLE)
    latitude = forms.FloatField(
        label="中心纬度", required=False, widget=forms.NumberInput({"step": "any"}), help_text=WGS
    )
    longitude = forms.FloatField(label="中心经度", required=False, widget=forms.NumberInput({"step": "any"}))
    radius_m = forms.IntegerField(label="半径（米）", required=False, initial=100)
    corners = forms.CharField(
        label="各角的纬度,经度（每行一个）", required=False, help_text=WGS,
        widget=forms.Textarea({"rows": 5, "placeholder": "23.129100,113.264400"}),
    )  # fmt: skip
    active = forms.BooleanField(label="启用", required=False, initial=True)

    def __init__(self, *args: Any, by: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["post"].choices = [("", "请选择"), *post_choices(by)]  # type: ignore[attr-defined]

    def clean_corners(self) -> list[list[float]]:
        """Lines "latitude,longitude" → [[longitude, latitude], …]."""
        ring = []
        for number, line in enumerate(self.cleaned_data["corners"].split("\n"), start=1):
            if not line.strip():
                continue
            try:
                latitude, longitude = (float(part) for part in line.replace("，", ",").split(","))
            except ValueError as wrong:
                raise forms.ValidationError(f"第 {number} 行应是“纬度,经度”，如 23.129100,113.264400。") from wrong
            ring.append([longitude, latitude])
        return ring


class ImportForm(forms.Form):
    """导入打卡."""

    device = forms.ChoiceField(label="这些打卡来自")
    file = forms.FileField(
        label="文件（.xlsx、.xls、.csv）", widget=forms.ClearableFileInput({"accept": ".xlsx,.xls,.csv"})
    )

    def __init__(self, *args: Any, devices: list[Device], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["device"].choices = [("", "请选择设备"), *((str(d.pk), d.name) for d in devices)]  # type: ignore[attr-defined]


class RetentionForm(forms.Form):
    """How long coordinates are kept."""

    days = forms.IntegerField(
        label="位置坐标保存天数", min_value=LEAST_POSITION_DAYS, max_value=MOST_POSITION_DAYS,
        help_text="自收到打卡之日起。到期后抹去经纬度；佐证等级、是否在范围内、误差和距离保留。",
    )  # fmt: skip


class NumberForm(forms.Form):
    """Whose a device's number is."""

    number = forms.CharField(max_length=30, widget=forms.HiddenInput)
    staff_number = forms.CharField(label="对应员工的工号", max_length=30)
