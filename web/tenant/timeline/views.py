"""All events of the school on one filterable page, paged by key."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.db.models import QuerySet
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from kernel import clock
from tenants.organisation import queries as organisation
from tenants.timeline import queries
from tenants.timeline.models import Event
from tenants.timeline.nouns import GROUPS, NAMES, noun_of
from web.http import SchoolRequest, signed_in
from web.shared.pages import render_list
from web.shared.xlsx import download
from web.tenant.findings.forms import ANY, party_choices, place_choices
from web.tenant.findings.views.shared import uuid_text

if TYPE_CHECKING:
    from tenants.organisation.models import Post, Staff

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
    "rosters.leave": "/rosters/leaves/%s/",
    "organisation.place": "/organisation/places/%s/",
    "punches.device": "/punches/devices/%s/",
}


class TimelineFilter(forms.Form):
    """The filter bar."""

    text = forms.CharField(label="关键词", required=False)
    verb = forms.ChoiceField(label="类别", required=False, choices=[*ANY, *GROUPS])
    place = forms.ChoiceField(label="地点（含下级）", required=False)
    party = forms.ChoiceField(label="责任单位/合同", required=False)
    post = forms.ChoiceField(label="岗位", required=False)
    staff = forms.CharField(required=False, widget=forms.HiddenInput)
    about = forms.CharField(
        label="涉及人员", required=False, widget=forms.TextInput({"placeholder": "姓名、拼音或工号"})
    )
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
            posts = [(str(p.pk), p.name) for p in _posts([UUID(closed)], request).values()] + posts
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


def _posts(ids: Iterable[UUID], request: SchoolRequest) -> dict[UUID, Post]:
    """Posts, closed ones too, of the parties the reader may see."""
    seen = organisation.party_ids_seen_by(request.actor)
    return {k: p for k, p in organisation.posts_by_id(ids).items() if seen is None or p.party_id in seen}


def _people(ids: Iterable[UUID], request: SchoolRequest) -> dict[UUID, Staff]:
    """People, also who left, whom the reader may see."""
    return organisation.staff(by=request.actor, status=None).in_bulk(list(ids))


def _subject(post: str, staff: str, request: SchoolRequest) -> str:
    """Whose timeline this is, where it is one person's or one post's."""
    found = _people([UUID(staff)], request).get(UUID(staff)) if staff else None
    if found is not None:
        return f"员工 {found.name}（{found.number}）"
    where = _posts([UUID(post)], request).get(UUID(post)) if post else None
    return f"岗位 {where.name}" if where is not None else ""


def _chosen(request: SchoolRequest) -> tuple[TimelineFilter, str, QuerySet[Event]]:
    """The filter, whose timeline it is, and the events it leaves."""
    form = TimelineFilter(request.GET or None, request=request)
    chosen: dict[str, Any] = dict(form.cleaned_data) if form.is_bound and form.is_valid() else {}
    place, party, about = chosen.pop("place", ""), chosen.pop("party", ""), chosen.pop("about", "")
    post, staff = uuid_text(chosen.pop("post", "")), uuid_text(chosen.pop("staff", ""))
    rows = queries.events(
        by=request.actor,
        tz=request.school.tz,
        own_party_ids=organisation.party_ids_of_company(request.actor),
        place_ids=organisation.subtree_ids(UUID(place)) if place else None,
        party_id=UUID(party) if party else None,
        post_id=UUID(post) if post else None,
        staff_id=UUID(staff) if staff else None,
        staff_ids=organisation.staff_ids_named(about, by=request.actor) if about.strip() else None,
        **chosen,
    )
    return form, _subject(post, staff, request), rows


@require_safe
@signed_in
def index(request: SchoolRequest) -> HttpResponse:
    form, of, rows = _chosen(request)
    before = request.GET.get("before", "")
    page = queries.slice_of(rows, before=int(before) if before.isascii() and before.isdigit() else None)
    context = {
        "title": "事件时间线",
        "lead": "每一次操作都留下一条记录，按时间倒序"
        if queries.can_read(request.actor)
        else "与本企业合同有关的记录，按时间倒序",
        "crumbs": [{"label": "事件时间线"}],
        "form": form,
        "of": of,
        "events": [as_shown(e) for e in page.rows],
        "older": page.before,
        "first": not before,
    }
    return render_list(request, "timeline/index.html", "timeline/_rows.html", context)


MAX_ROWS = 20_000
HEADS = ("时间", "操作人", "类别", "事件", "地点", "责任单位/合同", "岗位", "涉及人员")


@require_safe
@signed_in
def export(request: SchoolRequest) -> HttpResponse:
    """The filtered events as .xlsx, at most 20,000; five queries whatever their number."""
    _form, _of, rows = _chosen(request)
    events = list(rows[:MAX_ROWS])
    places = organisation.places_by_id({e.place_id for e in events if e.place_id})
    parties = organisation.parties_by_id({e.party_id for e in events if e.party_id})
    posts = _posts({e.post_id for e in events if e.post_id}, request)
    people = _people({e.staff_id for e in events if e.staff_id}, request)

    def name_in(known: dict[UUID, Any], key: UUID | None, field: str = "name") -> str:
        return str(getattr(known[key], field)) if key in known else ""

    table = (
        [
            e.at, e.actor_name, NAMES.get(noun_of(e.verb), "其他"), e.sentence, name_in(places, e.place_id, "full_name"),
            name_in(parties, e.party_id), name_in(posts, e.post_id), name_in(people, e.staff_id),
        ]
        for e in events
    )  # fmt: skip
    name = f"事件时间线-{request.school.name}-{clock.now().astimezone(request.school.tz):%Y%m%d-%H%M}.xlsx"
    return download(name, [("事件时间线", HEADS, table)])
