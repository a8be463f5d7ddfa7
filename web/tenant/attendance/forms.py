"""Forms of attendance: shape only; rules are in the operations."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django import forms

from identity.contracts import Actor
from standards_library.choices import ServiceLine
from tenants.attendance.choices import CorrectionSide, Mark
from tenants.organisation import queries as organisation

ANY = [("", "全部")]


def _uuid(text: str) -> UUID | None:
    return UUID(text) if text else None


class MonthField(forms.CharField):
    """ "2026-11" as the month's first day."""

    widget = forms.TextInput({"type": "month"})

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        try:
            return date.fromisoformat(f"{text}-01")
        except ValueError as wrong:
            raise forms.ValidationError("请按“2026-11”填写月份。") from wrong


class PeopleFilter(forms.Form):
    """Which people and posts."""

    party = forms.ChoiceField(label="单位", required=False)
    post = forms.ChoiceField(label="岗位", required=False)
    search = forms.CharField(label="姓名", required=False, widget=forms.TextInput({"placeholder": "姓名、拼音、工号"}))

    def __init__(self, *args: Any, by: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        parties = [(str(p.pk), p.name) for p in organisation.parties(by=by)]
        posts = [(str(p.pk), f"{p.name}（{p.party.name}）") for p in organisation.posts(by=by)[:300]]
        for name, choices in (("party", parties), ("post", posts)):
            if name in self.fields:
                self.fields[name].choices = [*ANY, *choices]  # type: ignore[attr-defined]

    def value(self, name: str) -> Any:
        """The value of a field, "" where the form is wrong or empty."""
        self.is_valid()
        return self.cleaned_data.get(name) or ""

    def party_id(self) -> UUID | None:
        return _uuid(self.value("party"))

    def post_id(self) -> UUID | None:
        return _uuid(self.value("post"))


class SheetFilter(PeopleFilter):
    month = MonthField(label="月份", required=False)
    field_order = ["month", "party", "post", "search"]


class ResultsFilter(PeopleFilter):
    first = forms.DateField(label="日期从", required=False, widget=forms.DateInput({"type": "date"}))
    last = forms.DateField(label="到", required=False, widget=forms.DateInput({"type": "date"}))
    mark = forms.ChoiceField(
        label="结果", required=False, choices=[("", "全部异常"), ("all", "全部结果"), ("held", "待定"), *Mark.choices]
    )
    search = None  # type: ignore[assignment]
    field_order = ["first", "last", "mark", "party", "post"]

    def days(self, today: date) -> tuple[date, date]:
        """The stretch asked for; a week up to today by default, 62 days at most."""
        last = self.value("last") or today
        first = self.value("first") or last - timedelta(days=6)
        first, last = min(first, last), max(first, last)
        return max(first, last - timedelta(days=61)), last


class CoverageFilter(PeopleFilter):
    first = forms.DateField(label="日期从", required=False, widget=forms.DateInput({"type": "date"}))
    last = forms.DateField(label="到", required=False, widget=forms.DateInput({"type": "date"}))
    line = forms.ChoiceField(label="服务条线", required=False, choices=[*ANY, *ServiceLine.choices])
    search = None  # type: ignore[assignment]
    field_order = ["first", "last", "party", "post", "line"]

    def days(self, today: date) -> tuple[date, date]:
        """A fortnight up to today by default, 31 days at most."""
        last = self.value("last") or today
        first = self.value("first") or last - timedelta(days=13)
        first, last = min(first, last), max(first, last)
        return max(first, last - timedelta(days=30)), last


class CorrectionForm(forms.Form):
    """补卡."""

    side = forms.ChoiceField(label="补哪张卡", choices=CorrectionSide.choices, widget=forms.RadioSelect)
    at = forms.DateTimeField(
        label="实际时间", widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    reason = forms.CharField(
        label="原因",
        max_length=300,
        widget=forms.Textarea({"rows": 3, "placeholder": "例如：手机没电，同事张三可以作证"}),
    )
