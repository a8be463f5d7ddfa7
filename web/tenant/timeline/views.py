"""All events of the school on one filterable page, paged by key."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from tenants.organisation import queries as organisation
from tenants.timeline import queries
from tenants.timeline.models import Event
from web.http import SchoolRequest, signed_in
from web.shared.pages import render_list
from web.tenant.findings.forms import ANY, place_choices

VERBS = [
    ("finding", "问题整改"),
    ("inspection", "巡查检查"),
    ("evaluation", "考核评分"),
    ("round", "考核轮次"),
    ("rubric", "评分标准"),
    ("checklist", "检查表"),
    ("place", "场所"),
    ("party", "责任单位"),
    ("staff", "人员"),
    ("member", "成员"),
    ("grant", "数据授权"),
    ("institute", "研究院查看"),
]
LINKS = {"findings.finding": "/findings/%s/", "inspections.inspection": "/inspections/%s/"}


class TimelineFilter(forms.Form):
    """The filter bar."""

    text = forms.CharField(label="关键词", required=False)
    verb = forms.ChoiceField(label="类别", required=False, choices=[*ANY, *VERBS])
    place = forms.ChoiceField(label="地点（含下级）", required=False)
    person = forms.CharField(label="操作人", required=False)
    from_day = forms.DateField(label="日期从", required=False, widget=forms.DateInput({"type": "date"}))
    until_day = forms.DateField(label="到", required=False, widget=forms.DateInput({"type": "date"}))

    def __init__(self, *args: Any, request: SchoolRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["place"].choices = [*ANY, *place_choices(request.actor)]  # type: ignore[attr-defined]


def as_shown(event: Event) -> dict[str, Any]:
    """An event as the timeline component takes it."""
    link = LINKS.get(event.subject_type)
    return {
        "at": event.at,
        "who": event.actor_name,
        "text": event.sentence,
        "href": link % event.subject_id if link else "",
        "tone": "bad" if event.verb.endswith((".escalated", ".rejected", ".reopened", ".failed")) else "muted",
    }


@require_safe
@signed_in
def index(request: SchoolRequest) -> HttpResponse:
    form = TimelineFilter(request.GET or None, request=request)
    chosen: dict[str, Any] = dict(form.cleaned_data) if form.is_bound and form.is_valid() else {}
    place = chosen.pop("place", "")
    rows = queries.events(
        by=request.actor,
        tz=request.school.tz,
        place_ids=organisation.subtree_ids(UUID(place)) if place else None,
        **chosen,
    )
    before = request.GET.get("before", "")
    page = queries.slice_of(rows, before=int(before) if before.isascii() and before.isdigit() else None)
    context = {
        "title": "事件时间线",
        "lead": "每一次操作都留下一条记录，按时间倒序",
        "crumbs": [{"label": "事件时间线"}],
        "form": form,
        "events": [as_shown(e) for e in page.rows],
        "older": page.before,
        "first": not before,
    }
    return render_list(request, "timeline/index.html", "timeline/_rows.html", context)
