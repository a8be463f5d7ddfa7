"""Forms of inspections: shape only."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms

from identity.contracts import Actor
from standards_library.choices import ServiceLine
from tenants.inspections.choices import ChecklistKind, InspectionStatus
from tenants.organisation.choices import PlaceKind
from tenants.rubrics.contracts import RubricContract
from web.shared.filters import given
from web.tenant.findings.forms import ANY, party_choices, place_choices


class InspectionFilter(forms.Form):
    """The filter bar of the list."""

    text = forms.CharField(
        label="关键词", required=False, widget=forms.TextInput({"placeholder": "编号、检查表、地点、巡查人"})
    )
    place = forms.ChoiceField(label="地点（含下级）", required=False)
    party = forms.ChoiceField(label="责任单位", required=False)
    status = forms.ChoiceField(label="状态", required=False, choices=[*ANY, *InspectionStatus.choices])
    line = forms.ChoiceField(label="服务条线", required=False, choices=[*ANY, *ServiceLine.choices])
    kind = forms.ChoiceField(label="检查类型", required=False, choices=[*ANY, *ChecklistKind.choices])
    from_day = forms.DateField(label="日期从", required=False, widget=forms.DateInput({"type": "date"}))
    until_day = forms.DateField(label="到", required=False, widget=forms.DateInput({"type": "date"}))

    def __init__(self, *args: Any, by: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["place"].choices = [*ANY, *place_choices(by)]  # type: ignore[attr-defined]
        self.fields["party"].choices = [*ANY, *party_choices(by)]  # type: ignore[attr-defined]

    def chosen(self) -> dict[str, Any]:
        """What `queries.listing` takes."""
        data = given(self)
        place, party = data.pop("place"), data.pop("party")
        return {**data, "place_id": UUID(place) if place else None, "party_id": UUID(party) if party else None}


class CoverageFilter(forms.Form):
    """Period, line and subtree of the coverage page."""

    from_day = forms.DateField(label="日期从", widget=forms.DateInput({"type": "date"}))
    until_day = forms.DateField(label="到", widget=forms.DateInput({"type": "date"}))
    line = forms.ChoiceField(label="服务条线", required=False, choices=[*ANY, *ServiceLine.choices])
    place = forms.ChoiceField(label="地点（含下级）", required=False)

    def __init__(self, *args: Any, by: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["place"].choices = [*ANY, *place_choices(by)]  # type: ignore[attr-defined]


class StartForm(forms.Form):
    """Place, sheet and, where the sheet leaves it open, line and party."""

    place = forms.ChoiceField(label="巡查地点")
    sheet = forms.ChoiceField(label="按什么检查", widget=forms.RadioSelect)
    line = forms.ChoiceField(label="服务条线", required=False, choices=[("", "按检查表"), *ServiceLine.choices])
    party = forms.ChoiceField(label="责任单位", required=False)

    def __init__(
        self, *args: Any, by: Actor, places: list[tuple[str, str]], sheets: list[tuple[str, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["place"].choices = [("", "请选择"), *places]  # type: ignore[attr-defined]
        self.fields["sheet"].choices = sheets  # type: ignore[attr-defined]
        self.fields["party"].choices = [("", "按服务条线自动指定"), *party_choices(by)]  # type: ignore[attr-defined]


class ChecklistFilter(forms.Form):
    """The filter bar of the checklists; those on offer unless asked otherwise."""

    text = forms.CharField(label="关键词", required=False, widget=forms.TextInput({"placeholder": "检查表名称"}))
    kind = forms.ChoiceField(label="类型", required=False, choices=[*ANY, *ChecklistKind.choices])
    line = forms.ChoiceField(label="服务条线", required=False, choices=[*ANY, *ServiceLine.choices])
    state = forms.ChoiceField(label="状态", required=False, choices=[("", "启用"), ("off", "已停用"), ("all", "全部")])

    def chosen(self) -> dict[str, Any]:
        """What `queries.checklists` takes."""
        data = given(self)
        state = data.pop("state")
        return {**data, "active": {"": True, "off": False, "all": None}[state]}


class ChecklistForm(forms.Form):
    """Name, kind and items of a checklist, cut from one rubric; the items as they come are the order of the walk."""

    title = forms.CharField(label="检查表名称", max_length=60)
    kind = forms.ChoiceField(label="类型", choices=ChecklistKind.choices, initial=ChecklistKind.ROUTINE)
    line = forms.ChoiceField(label="服务条线", required=False)
    items = forms.MultipleChoiceField(label="检查项目", error_messages={"required": "请至少加入一个检查项目。"})
    digest = forms.CharField(required=False, widget=forms.HiddenInput, max_length=64)

    def __init__(self, *args: Any, rubric: RubricContract, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        labels = dict(ServiceLine.choices)
        lines = rubric.lines or tuple(ServiceLine.values)
        first = [] if len(rubric.lines) == 1 else [("", "请选择")]
        self.fields["line"].choices = [*first, *((code, labels[code]) for code in lines if code in labels)]  # type: ignore[attr-defined]
        self.fields["items"].choices = [(str(i.id), i.text) for i in rubric.items()]  # type: ignore[attr-defined]

    def wanted(self) -> list[UUID]:
        """The items as posted or begun with, known ones only, in order."""
        known = dict(self.fields["items"].choices)  # type: ignore[attr-defined]
        return [UUID(i) for i in dict.fromkeys(self["items"].value() or []) if i in known]


class ProgrammeForm(forms.Form):
    """How many inspector-hours the week has."""

    hours = forms.DecimalField(
        label="本周可用巡查工时（小时）", min_value=Decimal("0.5"), max_value=200, max_digits=5, decimal_places=1
    )


class StopForm(forms.Form):
    """A place put on the list by hand."""

    place = forms.ChoiceField(label="增加一处")
    why = forms.CharField(label="原因", required=False, max_length=200)

    def __init__(self, *args: Any, places: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["place"].choices = [("", "请选择"), *places]  # type: ignore[attr-defined]


class TargetForm(forms.Form):
    """覆盖目标."""

    kind = forms.ChoiceField(label="场所类别", choices=PlaceKind.choices, initial=PlaceKind.BUILDING)
    every_days = forms.IntegerField(
        label="每多少天至少巡查一次", required=False, min_value=1, max_value=730, help_text="留空表示不要求。"
    )
    minutes = forms.IntegerField(
        label="一次大约多少分钟", required=False, min_value=1, max_value=480, help_text="有巡查记录后按实际用时。"
    )


class CalibrationForm(forms.Form):
    """安排判分校准."""

    checklist = forms.ChoiceField(label="检查表")
    place = forms.ChoiceField(label="地点")
    scorers = forms.MultipleChoiceField(label="谁来判分", widget=forms.CheckboxSelectMultiple)
    expert = forms.ChoiceField(
        label="以谁为准（专家）", required=False, help_text="选了专家，其他人会得到与专家比对的校准分。"
    )
    closes_at = forms.DateTimeField(
        label="截止时间", widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )

    def __init__(
        self,
        *args: Any,
        sheets: list[tuple[str, str]],
        places: list[tuple[str, str]],
        people: list[tuple[str, str]],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        for name, choices in (
            ("checklist", [("", "请选择"), *sheets]),
            ("place", [("", "请选择"), *places]),
            ("scorers", people),
            ("expert", [("", "不设专家"), *people]),
        ):
            self.fields[name].choices = choices  # type: ignore[attr-defined]
