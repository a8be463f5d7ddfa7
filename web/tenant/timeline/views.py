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
from web.tenant.findings.forms import ANY, party_choices, place_choices
from web.tenant.findings.views.shared import uuid_text

VERBS = [
    ("finding", "问题整改"),
    ("inspection", "巡查检查"),
    ("programme", "抽检计划"),
    ("calibration", "判分校准"),
    ("roster", "排班"),
    ("punch", "打卡"),
    ("attendance", "考勤"),
    ("duty", "值班"),
    ("patrol", "巡更"),
    ("patrol_route", "巡更路线"),
    ("evaluation", "考核评分"),
    ("round", "考核轮次"),
    ("rubric", "评分标准"),
    ("checklist", "检查表"),
    ("place", "场所"),
    ("party", "责任单位"),
    ("post", "岗位"),
    ("staff", "人员"),
    ("member", "成员"),
    ("grant", "数据授权"),
    ("institute", "研究院查看"),
]
LINKS = {
    "findings.finding": "/findings/%s/",
    "inspections.inspection": "/inspections/%s/",
    "inspections.calibration": "/calibrations/%s/",
    "duty.call": "/duty/calls/%s/",
    "duty.anomaly": "/duty/anomalies/%s/",
    "evaluations.round": "/evaluations/%s/",
    "rubrics.rubric": "/rubrics/%s/",
    "organisation.party": "/organisation/parties/%s/",
    "organisation.staff": "/organisation/staff/%s/",
    "patrols.tour": "/patrols/tours/%s/",
}


class TimelineFilter(forms.Form):
    """The filter bar."""

    text = forms.CharField(label="关键词", required=False)
    verb = forms.ChoiceField(label="类别", required=False, choices=[*ANY, *VERBS])
    place = forms.ChoiceField(label="地点（含下级）", required=False)
    party = forms.ChoiceField(label="责任单位/合同", required=False)
    post = forms.ChoiceField(label="岗位", required=False)
    staff = forms.CharField(required=False, widget=forms.HiddenInput)
    person = forms.CharField(label="操作人", required=False)
    from_day = forms.DateField(label="日期从", required=False, widget=forms.DateInput({"type": "date"}))
    until_day = forms.DateField(label="到", required=False, widget=forms.DateInput({"type": "date"}))

    def __init__(self, *args: Any, request: SchoolRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        places = place_choices(request.actor)
        asked = uuid_text(request.GET.get("place", ""))
        if asked and asked not in {value for value, _name in places}:
            places = [(str(p.pk), p.full_name) for p in organisation.places_by_id([UUID(asked)]).values()] + places
        self.fields["place"].choices = [*ANY, *places]  # type: ignore[attr-defined]
        posts = [(str(p.pk), f"{p.name}（{p.party.name}）") for p in organisation.posts(by=request.actor)]
        closed = uuid_text(request.GET.get("post", ""))
        if closed and closed not in {value for value, _name in posts}:
            posts = [(str(p.pk), p.name) for p in organisation.posts_by_id([UUID(closed)]).values()] + posts
        self.fields["post"].choices = [*ANY, *posts]  # type: ignore[attr-defined]
        self.fields["party"].choices = [*ANY, *party_choices(request.actor)]  # type: ignore[attr-defined]


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


def _subject(post: str, staff: str) -> str:
    """Whose timeline this is, where it is one person's or one post's."""
    found = organisation.staff_by_id([UUID(staff)]).get(UUID(staff)) if staff else None
    if found is not None:
        return f"员工 {found.name}（{found.number}）"
    where = organisation.posts_by_id([UUID(post)]).get(UUID(post)) if post else None
    return f"岗位 {where.name}" if where is not None else ""


@require_safe
@signed_in
def index(request: SchoolRequest) -> HttpResponse:
    form = TimelineFilter(request.GET or None, request=request)
    chosen: dict[str, Any] = dict(form.cleaned_data) if form.is_bound and form.is_valid() else {}
    place, party = chosen.pop("place", ""), chosen.pop("party", "")
    post, staff = uuid_text(chosen.pop("post", "")), uuid_text(chosen.pop("staff", ""))
    rows = queries.events(
        by=request.actor,
        tz=request.school.tz,
        place_ids=organisation.subtree_ids(UUID(place)) if place else None,
        party_id=UUID(party) if party else None,
        post_id=UUID(post) if post else None,
        staff_id=UUID(staff) if staff else None,
        **chosen,
    )
    before = request.GET.get("before", "")
    page = queries.slice_of(rows, before=int(before) if before.isascii() and before.isdigit() else None)
    context = {
        "title": "事件时间线",
        "lead": "每一次操作都留下一条记录，按时间倒序",
        "crumbs": [{"label": "事件时间线"}],
        "form": form,
        "of": _subject(post, staff),
        "events": [as_shown(e) for e in page.rows],
        "older": page.before,
        "first": not before,
    }
    return render_list(request, "timeline/index.html", "timeline/_rows.html", context)
