"""Shape of what people type; the rules are in the operations."""

from __future__ import annotations

import calendar
import re
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms

from tenants.evaluations.choices import Combine, RoundKind, RoundStatus, SourceMode
from tenants.evaluations.contracts import AreaSpec, SourceSpec

SOURCE_ROWS, AREA_ROWS = 8, 6  # shown at first; the page adds more (frontend/src/evaluations.ts)
MOST_ROWS = 60  # of one form


class RoundFilter(forms.Form):
    """The list's filter bar."""

    search = forms.CharField(label="名称", required=False, max_length=60)
    kind = forms.ChoiceField(label="类型", required=False, choices=[("", "全部"), *RoundKind.choices])
    status = forms.ChoiceField(label="状态", required=False, choices=[("", "全部"), *RoundStatus.choices])
    party_id = forms.ChoiceField(label="被考核方", required=False)
    since = forms.DateField(label="周期自", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label="周期至", required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, parties: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["party_id"].choices = [("", "全部"), *parties]  # type: ignore[attr-defined]


class PeriodForm(forms.Form):
    """Step 1: what kind of round, over which days."""

    kind = forms.ChoiceField(
        label="考核类型", choices=RoundKind.choices, initial=RoundKind.MONTHLY, widget=forms.RadioSelect
    )
    month = forms.RegexField(
        r"^\d{4}-(0[1-9]|1[0-2])$",
        label="月份",
        required=False,
        widget=forms.DateInput(attrs={"type": "month"}),
        help_text="月度考核填所属月份；季度考核填季度内任一月份。",
        error_messages={"invalid": "请按 年-月 填写，如 2026-11。"},
    )
    starts_on = forms.DateField(label="开始日期", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    ends_on = forms.DateField(
        label="结束日期",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="仅专项考核需要填写起止日期。",
    )

    def clean(self) -> dict[str, Any]:
        """Work out the days: a whole month, a whole quarter, or the two dates."""
        data = super().clean() or {}
        kind, month = data.get("kind"), data.get("month")
        if kind == RoundKind.SPECIAL:
            for name in ("starts_on", "ends_on"):
                if not data.get(name) and name not in self.errors:
                    self.add_error(name, "专项考核请填写起止日期。")
            return data
        if not month:
            if "month" not in self.errors:
                self.add_error("month", "请选择月份。")
            return data
        year, number = (int(part) for part in month.split("-"))
        first = number if kind == RoundKind.MONTHLY else (number - 1) // 3 * 3 + 1
        last = number if kind == RoundKind.MONTHLY else first + 2
        data["starts_on"] = date(year, first, 1)
        data["ends_on"] = date(year, last, calendar.monthrange(year, last)[1])
        return data


class SourceRow(forms.Form):
    """One scoring source; a row without a name is left out."""

    name = forms.CharField(label="评分单位", required=False, max_length=60)
    weight = forms.DecimalField(
        label="权重（%）",
        required=False,
        max_digits=5,
        decimal_places=2,
        min_value=Decimal("0.01"),
        max_value=Decimal(100),
    )
    mode = forms.ChoiceField(label="打分方式", choices=SourceMode.choices, required=False, initial=SourceMode.RAW)
    scorer = forms.ChoiceField(label="打分人", required=False)

    def __init__(self, *args: Any, people: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["scorer"].choices = [("", "所有监管人员"), *people]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("name") and data.get("weight") is None and "weight" not in self.errors:
            self.add_error("weight", "请填写权重。")
        if data.get("weight") is not None and not data.get("name"):
            self.add_error("name", "请填写评分单位。")
        return data


class AreaRow(forms.Form):
    """One area; a row without a name is left out."""

    name = forms.CharField(label="片区", required=False, max_length=60)
    place = forms.ChoiceField(label="对应校区", required=False)
    weight = forms.DecimalField(
        label="权重", required=False, max_digits=5, decimal_places=2, min_value=Decimal("0.01"), max_value=Decimal(100)
    )

    def __init__(self, *args: Any, places: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["place"].choices = [("", "其余场所"), *places]  # type: ignore[attr-defined]


def _rows(prefix: str, data: Any, known: list[dict[str, Any]], least: int) -> list[dict[str, Any]]:
    """As many rows as were sent, or as there are and one to write in; the first ones filled with what is known."""
    sent = [int(found[1]) + 1 for key in data or () if (found := re.fullmatch(rf"{prefix}(\d{{1,3}})-name", key))]
    count = max(least, *sent) if sent else max(least, len(known) + 1)
    return [*known, *([{}] * count)][: min(count, MOST_ROWS)]


class LayoutForm:
    """Step 4: sources and areas, with two choices about the whole."""

    class Whole(forms.Form):
        takes_findings = forms.ChoiceField(label="问题整改的扣分计入", required=False)
        combine = forms.ChoiceField(
            label="多个片区时，总分", choices=Combine.choices, initial=Combine.MEAN, widget=forms.RadioSelect
        )

    def __init__(
        self,
        data: Any = None,
        *,
        people: list[tuple[str, str]],
        places: list[tuple[str, str]],
        sources: list[dict[str, Any]] | None = None,
        areas: list[dict[str, Any]] | None = None,
        whole: dict[str, Any] | None = None,
    ) -> None:
        self.people = dict(people)
        given = _rows("s", data, sources or [], SOURCE_ROWS)
        self.sources = [SourceRow(data, prefix=f"s{n}", people=people, initial=row) for n, row in enumerate(given)]
        given = _rows("a", data, areas or [], AREA_ROWS)
        self.areas = [AreaRow(data, prefix=f"a{n}", places=places, initial=row) for n, row in enumerate(given)]
        self.whole = self.Whole(data, initial=whole or {"takes_findings": "0"})
        self.whole.fields["takes_findings"].choices = [  # type: ignore[attr-defined]
            ("", "不计入"),
            *((str(n), f"第 {n + 1} 个评分单位") for n in range(len(self.sources))),
        ]

    def is_valid(self) -> bool:
        return self.errors == 0  # asks every form, so that every fault is shown at once

    @property
    def errors(self) -> int:
        """How many fields are at fault."""
        return sum(len(f.errors) for f in (*self.sources, *self.areas, self.whole))

    def source_specs(self) -> list[SourceSpec]:
        takes = self.whole.cleaned_data["takes_findings"]
        specs = []
        for n, form in enumerate(self.sources):
            row = form.cleaned_data
            if not row.get("name"):
                continue
            scorer = row.get("scorer")
            specs.append(
                SourceSpec(
                    row["name"],
                    row["weight"],
                    SourceMode(row.get("mode") or SourceMode.RAW),
                    takes_findings=takes == str(n),
                    scorers=((UUID(scorer), self.people[scorer]),) if scorer else (),
                )
            )
        return specs

    def area_specs(self) -> list[AreaSpec]:
        return [
            AreaSpec(
                form.cleaned_data["name"],
                form.cleaned_data.get("weight") or Decimal(1),
                UUID(form.cleaned_data["place"]) if form.cleaned_data.get("place") else None,
            )
            for form in self.areas
            if form.cleaned_data.get("name")
        ]

    @property
    def combine(self) -> Combine:
        return Combine(self.whole.cleaned_data["combine"])


class RawForm(forms.Form):
    raw = forms.DecimalField(
        label="得分（满分 100）",
        max_digits=5,
        decimal_places=2,
        widget=forms.NumberInput(attrs={"step": "0.01", "min": "0", "max": "100", "inputmode": "decimal"}),
    )
    comment = forms.CharField(label="说明", required=False, max_length=300, widget=forms.Textarea(attrs={"rows": 2}))


class DeductForm(forms.Form):
    """A deduction by hand. `key` makes a second submit of the same form the same deduction."""

    key = forms.UUIDField(widget=forms.HiddenInput)
    occurrences = forms.IntegerField(
        label="次数", min_value=1, max_value=999, initial=1, widget=forms.NumberInput(attrs={"inputmode": "numeric"})
    )
    reason = forms.CharField(label="扣分事由", max_length=300)
    place = forms.ChoiceField(label="地点", required=False)
    veto = forms.BooleanField(label="属于一票否决情形", required=False)

    def __init__(self, *args: Any, places: list[tuple[str, str]], veto: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["place"].choices = [("", "不指明"), *places]  # type: ignore[attr-defined]
        if not veto:
            del self.fields["veto"]


class ReasonForm(forms.Form):
    reason = forms.CharField(label="原因", required=False, max_length=200)
