"""The walk on the phone: everything is kept in the outbox first, so a basement without a network changes nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from kernel import clock
from kernel.errors import DomainError
from kernel.ids import new_id
from kernel.tenancy import Tenant
from tenants.organisation import queries as organisation
from tenants.patrols import marks, operations, policies, queries
from tenants.patrols.choices import CLOSED, ScanMethod, StopStatus, TourStatus
from tenants.patrols.models import Tour
from tenants.patrols.operations import ScanDraft
from web.http import SchoolRequest, signed_in
from web.shared.pages import go
from web.shared.phone_clock import counted
from web.tenant.evidence.uploads import client_key, from_outbox, keep_photos, recorded_at, refused_json
from web.tenant.patrols.forms import moment
from web.tenant.patrols.views import TONES


@require_safe
@signed_in
def index(request: SchoolRequest) -> HttpResponse:
    now = clock.now()
    rows = list(queries.mine(by=request.actor, now=now))
    for row in rows:
        row.open_now = row.starts_at <= now < row.ends_at  # type: ignore[attr-defined]
    done = queries.tours(by=request.actor).filter(walker_id=request.actor.account_id, status__in=CLOSED)[:10]
    context = {
        "title": "巡更", "rows": rows, "done": done, "tones": TONES, "back": reverse("phone:home"),
        "several": bool(request.actor.other_staff_ids),
    }  # fmt: skip
    return render(request, "patrols/phone_index.html", context)


def _points(tour: Tour, tenant: Tenant) -> list[dict[str, Any]]:
    """The points to walk: of the tour if it has begun, else of its route (of what was missed, for a make-up tour).

    Their codes and tags are there as marks only (`tenants.patrols.marks`).
    """
    stops = [stop for _key, stop in queries.stops_of([tour.pk])]
    seen = {s.point_id: s for s in stops}
    points = [p for _key, p in queries.points_of([tour.route_id])]
    if tour.makes_up_for_id:
        wanted = queries.points_to_make_up(tour)
        points = [p for p in points if p.pk in wanted]
    elif tour.status not in (TourStatus.DUE, TourStatus.MISSED):
        points = [p for p in points if p.pk in seen]
    tags = {p.pk: operations.plain_tag(p.nfc_tag) for p in points}
    known = marks.marks(tour.route_id, [t for p in points for t in (p.place.code, tags[p.pk])], tenant=tenant)
    return [
        {
            "id": str(p.pk),
            "place": queries.where(p.place.full_name),
            "where": p.place.full_name,
            "instruction": p.instruction,
            "photo": p.photo_required,
            "code": known.get(p.place.code, ""),
            "nfc": known.get(tags[p.pk], ""),
            "questions": [
                {"id": str(q.pk), "text": q.text, "kind": q.kind, "unit": q.unit}
                for q in p.asked  # type: ignore[attr-defined]
            ],
            "seen": p.pk in seen and seen[p.pk].status == StopStatus.SEEN,
        }
        for p in points
    ]


@require_safe
@signed_in
def walk(request: SchoolRequest, tour_id: UUID) -> HttpResponse:
    tour = queries.tour(tour_id=tour_id, by=request.actor)
    parties = organisation.party_ids_seen_by(request.actor)
    context = {
        "title": tour.route.name,
        "back": reverse("patrols:phone_index"),
        "tour": tour,
        "points": _points(tour, request.school),
        "salt": marks.salt(request.school),
        "rounds": marks.ROUNDS,
        "ended": tour.status in CLOSED and tour.started_at is not None,
        "missed": [
            s for _key, s in queries.stops_of([tour.pk]) if s.status == StopStatus.MISSED and not s.made_up_by_id
        ],
        "may_explain": policies.can_explain(request.actor, tour, party_ids=None if parties is None else list(parties)),
        "found_after": queries.found_after(tour),
        "found_by_now": queries.found_after(tour) < clock.now(),
        "client_key": str(new_id()),
        "tone": TONES[TourStatus(tour.status)],
    }
    return render(request, "patrols/walk.html", context)


def _claimed(request: SchoolRequest) -> datetime:
    """When it was done by the phone's own clock, else now; the signed anchor (`counted`) outweighs it."""
    return moment(request.POST.get("at", "")) or recorded_at(request) or clock.now()


def _answer(request: SchoolRequest, tour_id: UUID) -> HttpResponse:
    if from_outbox(request):
        return JsonResponse({"ok": True})
    return go(request, "patrols:walk", tour_id)


def _refused(request: SchoolRequest, tour_id: UUID, refused: DomainError) -> HttpResponse:
    if from_outbox(request):
        return refused_json(refused)
    return go(request, "patrols:walk", tour_id, said=refused.sentence, tone="bad")


@require_POST
@signed_in
def start(request: SchoolRequest, tour_id: UUID) -> HttpResponse:
    try:
        operations.start_tour(
            tour_id=tour_id, at=_claimed(request), counted=counted(request), by=request.actor, tenant=request.school, now=clock.now(),
            client_key=client_key(request),
        )  # fmt: skip
    except DomainError as refused:
        return _refused(request, tour_id, refused)
    return _answer(request, tour_id)


def _float(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < 1e6 else None


@require_POST
@signed_in
def scan(request: SchoolRequest, tour_id: UUID) -> HttpResponse:
    post = request.POST
    try:
        queries.tour(tour_id=tour_id, by=request.actor)  # before any photo is kept
        answers = {k.removeprefix("answer-"): str(v) for k, v in post.items() if k.startswith("answer-")}
        seen = ScanDraft(
            at=_claimed(request), counted=counted(request), code=post.get("code", "")[:40], nfc_tag=post.get("nfc", "")[:40],
            method=ScanMethod.NUMBER if post.get("method") == "number" else ScanMethod.QR,
            latitude=_float(post.get("latitude", "")), longitude=_float(post.get("longitude", "")),
            accuracy_m=_float(post.get("accuracy", "")), answers=answers, photo_ids=keep_photos(request),
            note=post.get("note", ""),
        )  # fmt: skip
        operations.scan(
            tour_id=tour_id, seen=seen, by=request.actor, tenant=request.school, now=clock.now(),
            client_key=client_key(request),
        )  # fmt: skip
    except DomainError as refused:
        return _refused(request, tour_id, refused)
    return _answer(request, tour_id)


@require_POST
@signed_in
def finish(request: SchoolRequest, tour_id: UUID) -> HttpResponse:
    try:
        operations.finish_tour(
            tour_id=tour_id, at=_claimed(request), counted=counted(request), note=request.POST.get("note", ""),
            by=request.actor, tenant=request.school, now=clock.now(), client_key=client_key(request),
        )  # fmt: skip
    except DomainError as refused:
        return _refused(request, tour_id, refused)
    return _answer(request, tour_id)
