"""打卡 on the phone: two taps, with or without a network; what waits, what was refused and what to do then."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from kernel import anchors, clock
from kernel.errors import DomainError, Invalid, NotAllowed
from kernel.ids import new_id
from tenants.evidence.operations import MAX_BYTES, TooLarge
from tenants.face import queries as faces
from tenants.organisation import queries as organisation
from tenants.punches import expected, operations, policies, queries, sentences
from tenants.punches.choices import AppealStatus, PunchStatus
from tenants.punches.contracts import Expected
from tenants.punches.errors import NotStaff
from tenants.punches.grading import way_out
from tenants.punches.models import Punch
from tenants.rosters.choices import Grade
from web.http import SchoolRequest, signed_in
from web.shared.own_rows import acting, as_said, choice, said
from web.shared.pages import go
from web.shared.phone_clock import counted, number
from web.tenant.evidence.uploads import client_key, from_outbox, keep_photos, recorded_at, refused_json
from web.tenant.punches.views import APPEAL_TONES, TONES, told

SHOWN = 6
SHOWN_OWN, MOST_OWN = 20, 200  # of one's own list at first, and when asked for more


@require_safe
@signed_in
def clock_anchor(request: SchoolRequest) -> HttpResponse:
    """The server's time, signed: the phone counts on from it while it is offline."""
    now = clock.now()
    answer = JsonResponse(
        {"anchor": anchors.anchor(schema=request.school.schema, now=now), "now": now.timestamp() * 1000}
    )
    answer["Cache-Control"] = "no-store"
    return answer


def _key(request: SchoolRequest) -> UUID:
    """The sender's id of this punch: the outbox's key, or the hidden field of a plain form."""
    with suppress(ValueError):
        return UUID(client_key(request))
    return new_id()


def _common(request: SchoolRequest) -> dict[str, Any]:
    """What punch and voucher share of a posted form."""
    said = counted(request)
    photos = keep_photos(request, field="photo")
    return {
        "client_id": _key(request),
        "direction": request.POST.get("direction") or "unknown",
        "recorded_at": recorded_at(request),
        "anchor": said.anchor,
        "elapsed_ms": said.elapsed_ms,
        "monotonic": said.monotonic,
        "code": request.POST.get("code", "").strip()[:300],
        "latitude": number(request, "latitude"),
        "longitude": number(request, "longitude"),
        "accuracy_m": number(request, "accuracy_m"),
        "fix_age_s": number(request, "fix_age_s"),
        "photo_id": photos[0] if photos else None,
        "by": request.actor,
        "tenant": request.school,
        "now": clock.now(),
    }


def _face(request: SchoolRequest) -> bytes | None:
    upload = request.FILES.get("face")
    if upload is None:
        return None
    if (upload.size or 0) > MAX_BYTES:
        raise TooLarge(field="face")
    return upload.read() or None


def _shift(row: Expected, now: Any, tz: Any) -> dict[str, Any]:
    start, end = row.starts_at.astimezone(tz), row.ends_at.astimezone(tz)
    days = (start.date() - now.astimezone(tz).date()).days
    day = {0: "今天", 1: "明天", -1: "昨天"}.get(days, f"{start.month}月{start.day}日")
    return {
        "row": row,
        "when": f"{day} {start:%H:%M}—{'次日' if end.date() > start.date() else ''}{end:%H:%M}",
        "running": row.starts_at <= now < row.ends_at,
        "open": row.in_from <= now < row.out_until,
        "way_out": way_out(row.grade),
    }


def _recent(request: SchoolRequest) -> dict[str, Any]:
    rows = [told(row) for row in queries.own(by=request.actor, limit=SHOWN)]
    newest = rows[0] if rows and rows[0].received_at > clock.now() - timedelta(minutes=2) else None
    return {
        "rows": rows,
        "tones": TONES,
        "spoken": sentences.spoken(newest) if newest else "",
        "pending": any(row.status == PunchStatus.PENDING for row in rows),
    }


@signed_in
def home(request: SchoolRequest) -> HttpResponse:
    """The punch page; a POST is a punch."""
    by = request.actor
    if request.method == "POST":
        return _punch(request)
    if not policies.can_punch(by) or by.staff_id is None:
        if policies.can_vouch(by):
            return go(request, "punches:vouch")
        raise NotStaff
    now, tz = clock.now(), request.school.tz
    by = acting(request, expected.whose(by, now))
    if by.staff_id is None:
        raise NotStaff
    shifts = [_shift(row, now, tz) for row in expected.upcoming(by.staff_id, now, limit=2)]
    asked = shifts[0]["row"].grade if shifts else Grade.C
    today = now.astimezone(tz).date()
    context = {
        "title": "打卡",
        "back": reverse("phone:home"),
        "shifts": shifts,
        "asked": asked,
        "way_out": way_out(asked),
        "face_ready": by.staff_id in faces.ready_people([by.staff_id], today=today),
        "client_key": str(new_id()),
        "as_said": as_said(by),
        **choice(by),
        "zone": str(tz),
        **_recent(request),
    }
    return render(request, "punches/phone.html", context)


def _punch(request: SchoolRequest) -> HttpResponse:
    try:
        row = operations.punch(
            **_common(request),
            staff_id=said(request),
            face=_face(request),
            phone_id=request.POST.get("phone_id", "")[:40],
        )
    except DomainError as refused:
        if from_outbox(request):
            return refused_json(refused)
        return go(request, "punches:phone", said=refused.sentence, tone="bad")
    return _answered(request, row, "punches:phone")


def _answered(request: SchoolRequest, row: Punch, back: str) -> HttpResponse:
    """What became of it: taken (201), or kept but not counted (422 with the reason and the next step)."""
    refused = row.status == PunchStatus.REFUSED
    sentence = f"{sentences.why(row)}{sentences.next_step(row)}" if refused else sentences.spoken(row)
    if not from_outbox(request):
        return go(request, back, said=sentence, tone="bad" if refused else "ok")
    if refused:
        answer = refused_json(Invalid(sentence))
        answer["X-Punch"] = str(row.pk)
        return answer
    return JsonResponse({"id": row.pk, "status": row.status, "grade": row.grade, "said": sentence}, status=201)


@require_safe
@signed_in
def recent(request: SchoolRequest) -> HttpResponse:
    """The newest own punches, as a fragment."""
    answer = render(request, "punches/_recent.html", _recent(request))
    answer["Cache-Control"] = "no-store"
    return answer


@require_safe
@signed_in
def mine(request: SchoolRequest) -> HttpResponse:
    """我的打卡: everything sent, with reasons, and the way to appeal."""
    if not policies.can_punch(request.actor):
        raise NotStaff
    more = "all" in request.GET
    rows = [told(row) for row in queries.own(by=request.actor, limit=MOST_OWN if more else SHOWN_OWN)]
    by_punch: dict[int, Any] = {}
    for punch_id, each in queries.appeals_of(row.pk for row in rows):
        by_punch.setdefault(punch_id, each)
    for row in rows:
        row.appeal_row = by_punch.get(row.pk)  # type: ignore[attr-defined]
        open_now = row.appeal_row is not None and row.appeal_row.status == AppealStatus.OPEN  # type: ignore[attr-defined]
        row.may_appeal = policies.can_appeal(request.actor, row) and not open_now  # type: ignore[attr-defined]
    context = {
        "title": "我的打卡", "back": reverse("punches:phone"), "rows": rows, "tones": TONES,
        "appeal_tones": APPEAL_TONES, "client_key": str(new_id()), "more": len(rows) == SHOWN_OWN and not more,
    }  # fmt: skip
    return render(request, "punches/mine.html", context)


@require_POST
@signed_in
def appeal(request: SchoolRequest, punch_id: int) -> HttpResponse:
    try:
        photos = keep_photos(request, field="photo")
        row = operations.appeal(
            punch_id=punch_id, text=request.POST.get("text", ""), photo_id=photos[0] if photos else None,
            by=request.actor, tenant=request.school, now=clock.now(), client_key=client_key(request),
        )  # fmt: skip
    except DomainError as refused:
        if from_outbox(request):
            return refused_json(refused)
        return go(request, "punches:mine", said=refused.sentence, tone="bad")
    if from_outbox(request):
        return JsonResponse({"id": str(row.pk)}, status=201)
    return go(request, "punches:mine", said="申诉已提交，主管处理后会通知您")


@signed_in
def vouch(request: SchoolRequest) -> HttpResponse:
    """见证: a supervisor on site says who is here."""
    by = request.actor
    if not policies.can_vouch(by):
        raise NotAllowed
    if request.method == "POST":
        return _vouch(request)
    text = request.GET.get("q", "").strip()
    now = clock.now()
    people = list(organisation.staff(by=by, search=text)[:20]) if text else []
    context = {
        "title": "主管见证", "back": reverse("phone:home"), "text": text, "people": people,
        "client_key": str(new_id()), "interested": policies.is_interested(by),
        "rows": [told(r) for r in _vouched(request, now)], "tones": TONES,
    }  # fmt: skip
    return render(request, "punches/vouch.html", context)


def _vouched(request: SchoolRequest, now: Any) -> list[Punch]:
    rows = queries.visible(request.actor).filter(
        vouched_by=request.actor.account_id, received_at__gte=now - timedelta(days=1)
    )
    return list(rows.select_related("staff", "post", "place", "device").order_by("-id")[:SHOWN])


def _vouch(request: SchoolRequest) -> HttpResponse:
    try:
        try:
            staff_id = UUID(request.POST.get("staff", ""))
        except ValueError as missing:
            raise Invalid("请先选择要见证的人。", field="staff") from missing
        row = operations.vouch(staff_id=staff_id, note=request.POST.get("note", ""), **_common(request))
    except DomainError as refused:
        if from_outbox(request):
            return refused_json(refused)
        return go(request, "punches:vouch", said=refused.sentence, tone="bad")
    return _answered(request, row, "punches:vouch")
