"""Forms of patrols: shape only. A point's questions are written one per line, as people note them on paper."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from identity.contracts import Actor
from kernel import clock
from kernel.errors import Invalid
from standards_library.choices import ServiceLine
from tenants.findings.choices import Category
from tenants.patrols.choices import QuestionKind, TourStatus
from tenants.patrols.models import Question
from tenants.patrols.operations import PointDraft, QuestionDraft, WindowDraft
from web.shared.filters import given
from web.tenant.findings.forms import ANY, party_choices

DAYS = [
    (127, "每天"), (31, "周一至周五"), (96, "周六和周日"),
    *((1 << n, f"周{name}") for n, name in enumerate("一二三四五六日")),
]  # fmt: skip
READING = re.compile(
    r"^(?P<text>.+?)\s*[\[［【]\s*(?P<low>-?[\d.]*)\s*[~～—-]\s*(?P<high>-?[\d.]*)\s*(?P<unit>[^\]］】]*)[\]］】]$"
)
FREE = re.compile(r"^(?P<text>.+?)\s*[\[［【]\s*文字\s*[\]］】]$")


class TourFilter(forms.Form):
    """The filter bar of the list of tours."""

    text = forms.CharField(
        label="关键词", required=False, widget=forms.TextInput({"placeholder": "编号、路线、巡更人"})
    )
    status = forms.ChoiceField(label="状态", required=False, choices=[*ANY, *TourStatus.choices])
    party = forms.ChoiceField(label="责任单位", required=False)
    show = forms.ChoiceField(
        label="只看",
        required=False,
        choices=[*ANY, ("doubtful", "可信度低于 60"), ("unexplained", "漏点未说明"), ("waiting", "说明待审核")],
    )
    from_day = forms.DateField(label="日期从", required=False, widget=forms.DateInput({"type": "date"}))
    until_day = forms.DateField(label="到", required=False, widget=forms.DateInput({"type": "date"}))

    def __init__(self, *args: Any, by: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["party"].choices = [*ANY, *party_choices(by)]  # type: ignore[attr-defined]

    def chosen(self) -> dict[str, Any]:
        """What `queries.tours` takes."""
        data = given(self)
        party, show = data.pop("party"), data.pop("show")
        return {
            **data,
            "party_id": UUID(party) if party else None,
            "doubtful": show == "doubtful",
            "unexplained": show == "unexplained",
            "waiting": show == "waiting",
        }


class RouteForm(forms.Form):
    """Name, party and line of a route; points and windows are rows of their own (`points_of`, `windows_of`)."""

    name = forms.CharField(label="路线名称", max_length=60)
    party = forms.ChoiceField(label="责任单位")
    line = forms.ChoiceField(label="服务条线", choices=ServiceLine.choices, initial=ServiceLine.SECURITY)
    ordered = forms.BooleanField(label="按顺序走", required=False, initial=True)

    def __init__(self, *args: Any, by: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["party"].choices = [("", "请选择"), *party_choices(by)]  # type: ignore[attr-defined]


LOCAL = forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class RescheduleForm(forms.Form):
    """From when until when the missed points are walked again."""

    starts_at = forms.DateTimeField(label="补巡开始", widget=LOCAL)
    ends_at = forms.DateTimeField(label="补巡截止", widget=LOCAL)


class RuleForm(forms.Form):
    """The school's own rule of patrols."""

    make_ups = forms.IntegerField(
        label="同一漏点最多连续补巡几次", min_value=0, max_value=10,
        help_text="达到次数后不能再往后排，必须说明漏巡原因，由管理员或监管人员审核。填 0 表示不安排补巡。",
    )  # fmt: skip


def _minute(text: str) -> int:
    hour, minute = text.split(":")[:2]
    found = int(hour) * 60 + int(minute)
    if not 0 <= found <= 1440:
        raise ValueError
    return found


def windows_of(post: QueryDict) -> list[WindowDraft]:
    """The windows of a posted route; an end at or before the start is on the next day. Raises Invalid."""
    found = []
    rows = zip(post.getlist("window_start"), post.getlist("window_end"), post.getlist("window_days"), strict=False)
    for start, end, days in rows:
        if not (start or end):
            continue
        try:
            begins, ends = _minute(start), _minute(end)
            found.append(WindowDraft(begins, ends if ends > begins else ends + 1440, int(days)))
        except ValueError:
            raise Invalid(_("时段请按 22:00 这样填写开始和结束时间。"), field="windows") from None
    return found


def points_of(post: QueryDict) -> list[PointDraft]:
    """The points of a posted route, in order; rows without a place are left out. Raises Invalid."""
    names = ("point_place", "point_instruction", "point_photo", "point_walk", "point_nfc", "point_questions")
    found = []
    for place, instruction, photo, walk, nfc, asked in zip(*(post.getlist(n) for n in names), strict=False):
        if not place:
            continue
        try:
            found.append(
                PointDraft(
                    place_id=UUID(place), instruction=instruction, photo_required=photo == "yes",
                    walk_seconds=int(walk) if walk.strip() else None, nfc_tag=nfc, questions=questions_in(asked),
                )
            )  # fmt: skip
        except ValueError:
            raise Invalid(_("请从列表里选择场所，最短行走秒数填整数。"), field="points") from None
    return found


def _category_of(line: str) -> tuple[str, str]:
    """The question without its “#类别”, and the category; “3#楼大门” names none."""
    asked, _mark, name = line.replace("＃", "#").rpartition("#")
    code = next((value for value, label in Category.choices if str(label) == name.strip()), "")
    return (asked.strip(), code) if asked.strip() and code else (line, "")


def questions_in(text: str) -> list[QuestionDraft]:
    """One question a line: “门窗是否关好”, “压力 [0.2~0.6 MPa]”, “其他情况 [文字]”, each with “#卫生保洁” if it
    opens a finding of another category than usual. Raises Invalid."""
    found = []
    for whole in filter(None, (part.strip() for part in text.splitlines())):
        line, category = _category_of(whole)
        if free := FREE.match(line):
            found.append(QuestionDraft(free["text"], QuestionKind.TEXT, category=category))
        elif reading := READING.match(line):
            try:
                low, high = (Decimal(reading[n]) if reading[n] else None for n in ("low", "high"))
            except InvalidOperation:
                raise Invalid(_("读数范围请按 [0.2~0.6 MPa] 这样填写。"), field="points") from None
            unit = reading["unit"].strip()
            found.append(QuestionDraft(reading["text"], QuestionKind.NUMBER, unit, low, high, category))
        else:
            found.append(QuestionDraft(line, category=category))
    return found


def as_lines(questions: Iterable[Question]) -> str:
    """The questions as they are written in the form."""
    lines = []
    for q in questions:
        if q.kind == QuestionKind.NUMBER:
            bounds = "~".join("" if b is None else f"{b.normalize():f}" for b in (q.low, q.high))
            said = f"{q.text} [{bounds}{' ' + q.unit if q.unit else ''}]"
        else:
            said = f"{q.text} [文字]" if q.kind == QuestionKind.TEXT else q.text
        lines.append(f"{said} #{Category(q.category).label}" if q.category else said)
    return "\n".join(lines)


def clock_text(minute: int) -> str:
    """1320 → 22:00; past midnight the next day's time."""
    return f"{minute // 60 % 24:02d}:{minute % 60:02d}"


def moment(text: str) -> datetime | None:
    """An ISO time with its zone, or None."""
    try:
        said = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return clock.told(said)
