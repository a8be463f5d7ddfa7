"""Forms of findings: shape only; rules are in the operations."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms

from identity.contracts import Actor
from standards_library.choices import ServiceLine
from tenants.findings.choices import Category, FindingSource, FindingStatus, Severity, Whom
from tenants.organisation import queries as organisation
from tenants.organisation.choices import PlaceKind
from web.shared.filters import given

ANY = [("", "全部")]


class ManyPhotosInput(forms.ClearableFileInput):
    """A file field for several pictures."""

    allow_multiple_selected = True


class PhotosField(forms.FileField):
    """Any number of pictures; the view keeps them one by one, the domain judges their content."""

    widget = ManyPhotosInput

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        sent = data if isinstance(data, list | tuple) else [data] if data else []
        one = super().clean
        return [one(upload, initial) for upload in sent]


def place_choices(by: Actor, *, deep: bool = False) -> list[tuple[str, str]]:
    """Campuses, buildings and outdoor areas; with `deep` everything, cut at 500 names."""
    rows = organisation.places(by=by)
    if not deep:
        rows = rows.filter(kind__in=[PlaceKind.CAMPUS, PlaceKind.BUILDING, PlaceKind.AREA])
    return [(str(p.pk), p.full_name) for p in rows.order_by("full_name")[:500]]


def party_choices(by: Actor) -> list[tuple[str, str]]:
    """The parties the person may see."""
    return [(str(p.pk), p.name) for p in organisation.parties(by=by)]


class FindingFilter(forms.Form):
    """The filter bar of the list."""

    text = forms.CharField(label="关键词", required=False, widget=forms.TextInput({"placeholder": "编号、问题、地点"}))
    status = forms.ChoiceField(label="状态", required=False, choices=[*ANY, *FindingStatus.choices])
    severity = forms.ChoiceField(label="严重程度", required=False, choices=[*ANY, *Severity.choices])
    line = forms.ChoiceField(label="服务条线", required=False, choices=[*ANY, *ServiceLine.choices])
    place = forms.ChoiceField(label="地点（含下级）", required=False)
    party = forms.ChoiceField(label="责任单位", required=False)
    source = forms.ChoiceField(label="来源", required=False, choices=[*ANY, *FindingSource.choices])
    found_from = forms.DateField(label="发现日期从", required=False, widget=forms.DateInput({"type": "date"}))
    found_until = forms.DateField(label="到", required=False, widget=forms.DateInput({"type": "date"}))
    category = forms.ChoiceField(label="问题类别", required=False, choices=[*ANY, *Category.choices])
    repeated = forms.BooleanField(label="只看复发", required=False)
    unconcluded = forms.BooleanField(label="只看待写改进结论", required=False)
    bucket = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, by: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["place"].choices = [*ANY, *place_choices(by)]  # type: ignore[attr-defined]
        self.fields["party"].choices = [*ANY, *party_choices(by)]  # type: ignore[attr-defined]

    def chosen(self) -> dict[str, Any]:
        """What `queries.listing` takes."""
        data = given(self)
        place, party = data.pop("place"), data.pop("party")
        data.pop("bucket")
        return {**data, "place_id": UUID(place) if place else None, "party_id": UUID(party) if party else None}


class FindingForm(forms.Form):
    """随手拍 and the console's 登记问题."""

    photos = PhotosField(
        label="现场照片", required=False, widget=ManyPhotosInput({"accept": "image/*", "multiple": True})
    )
    title = forms.CharField(
        label="发现了什么", max_length=120, widget=forms.TextInput({"placeholder": "如：3 楼楼道有积水"})
    )
    place = forms.ChoiceField(label="在哪里")
    line = forms.ChoiceField(label="服务条线", choices=[("", "请选择"), *ServiceLine.choices])
    party = forms.ChoiceField(label="责任单位", required=False)
    category = forms.ChoiceField(label="问题类别", required=False, choices=[("", "不分类"), *Category.choices])
    severity = forms.ChoiceField(label="严重程度", choices=Severity.choices, initial=Severity.MINOR)
    detail = forms.CharField(label="补充说明", required=False, max_length=1000, widget=forms.Textarea({"rows": 3}))

    def __init__(self, *args: Any, by: Actor, place: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        places = place_choices(by, deep=True)
        if place and place not in {value for value, _name in places}:
            found = organisation.places_by_id([UUID(place)])
            places = [(str(p.pk), p.full_name) for p in found.values()] + places
        self.fields["place"].choices = [("", "请选择"), *places]  # type: ignore[attr-defined]
        self.fields["place"].initial = place
        self.fields["party"].choices = [("", "按服务条线自动指定"), *party_choices(by)]  # type: ignore[attr-defined]

    def chosen(self) -> dict[str, Any]:
        """What `operations.open_finding` takes, without photos."""
        data = dict(self.cleaned_data)
        data.pop("photos")
        place, party = data.pop("place"), data.pop("party")
        return {**data, "place_id": UUID(place), "party_id": UUID(party) if party else None}


class DeadlineForm(forms.Form):
    """调整期限."""

    deadline = forms.DateTimeField(
        label="新的期限", widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    reason = forms.CharField(label="原因", max_length=300, widget=forms.Textarea({"rows": 2}))


class ExtensionForm(forms.Form):
    """申请延期."""

    wanted = forms.DateTimeField(
        label="申请延到", widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    reason = forms.CharField(label="为什么需要更多时间", max_length=300, widget=forms.Textarea({"rows": 2}))


class VerifierForm(forms.Form):
    """指定复查人."""

    verifier = forms.ChoiceField(label="复查人", required=False)

    def __init__(self, *args: Any, people: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["verifier"].choices = [("", "不指定（发现人或监管人员）"), *people]  # type: ignore[attr-defined]


LADDER_ROWS = 4


class RungForm(forms.Form):
    """One step of 升级阶梯; a row without hours is left out."""

    after_hours = forms.IntegerField(label="超期多少小时", required=False, min_value=0, max_value=2160)
    whom = forms.MultipleChoiceField(
        label="提醒谁", required=False, choices=Whom.choices, widget=forms.CheckboxSelectMultiple
    )


class RepeatForm(forms.Form):
    """复发判定."""

    days = forms.IntegerField(
        label="多少天内再次出现算复发",
        min_value=1,
        max_value=730,
        help_text="从上次销号起算；同一地点、同一检查内容（或条款、条线加类别）、同一责任单位。",
    )
    factor = forms.DecimalField(
        label="考核时扣分倍数",
        min_value=1,
        max_value=5,
        max_digits=3,
        decimal_places=2,
        help_text="新建的考核按此倍数扣复发问题的分，单次考核可另行设定；1 表示不加重。",
    )


class RuleForm(forms.Form):
    """整改时限."""

    hours = forms.IntegerField(label="整改时限（小时）", min_value=1, max_value=2160)
    leader_after_hours = forms.IntegerField(label="超期多久升级到分管领导（小时）", min_value=0, max_value=2160)
    verify_hours = forms.IntegerField(
        label="复查时限（小时）",
        min_value=1,
        max_value=2160,
        help_text="从提交整改起算；到时提醒复查人和监管人员，再过上面的升级时间提醒分管领导和管理员。",
    )
    extensions = forms.IntegerField(
        label="最多同意几次延期", min_value=0, max_value=10, help_text="0 表示不能延期。只能在期限前申请。"
    )
    extension_days = forms.IntegerField(
        label="最多延到最初期限后几天",
        min_value=1,
        max_value=365,
        help_text="“按期整改率”始终按最初期限统计。",
    )
