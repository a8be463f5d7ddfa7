"""Duty on the phone: sign on and off, the call that rings now, an anomaly in two taps, what is handed over."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from kernel import clock
from kernel.errors import DomainError, Invalid, NotAllowed, NotFound
from kernel.ids import new_id
from tenants.duty import absences, challenges, operations, policies, queries
from tenants.duty.choices import REPORTABLE, AbsenceKind, CallStatus, Doubt, FaceState
from tenants.duty.models import Call, DutyPost, Stint, Summons
from tenants.duty.operations.calls import may_answer_again
from tenants.evidence import operations as evidence
from tenants.findings.choices import Severity
from tenants.punches import sentences
from tenants.punches.choices import PunchStatus
from web.http import SchoolRequest, signed_in
from web.shared.pages import Tone, go
from web.shared.phone_clock import counted
from web.tenant.duty.views import OUTCOME_TONES
from web.tenant.evidence.uploads import client_key, from_outbox, keep_photos, refused_json

PLACE_CODE = re.compile(r"/q/([A-Za-z0-9-]{2,24})/?$")


def _by_party(posts: list[tuple[DutyPost, bool]], *, several: bool) -> list[dict[str, Any]]:
    """The posts to choose from, under the names of the parties for who works for several; one nameless group else."""
    if not several:
        return [{"party": "", "rows": posts}] if posts else []
    groups: dict[str, list[tuple[DutyPost, bool]]] = {}
    for pair in posts:
        groups.setdefault(pair[0].post.party.name, []).append(pair)
    return [{"party": name, "rows": rows} for name, rows in groups.items()]


def _home(request: SchoolRequest) -> dict[str, Any]:
    now, by = clock.now(), request.actor
    stint = queries.own_stint(by)
    held = queries.held_by(by)
    posts = [] if stint else queries.posts_to_sign_on(by, now=now)
    if stint:
        by = by.as_staff(stint.staff_id)
    return {
        "title": "值班",
        "back": reverse("phone:home"),
        "stint": stint,
        "unpunched": stint is not None and stint.instance_id is not None and not _is_punched(request, stint),
        "several": bool(by.other_staff_ids),
        "now": now,
        "away": stint.open_absences[0] if stint and stint.open_absences else None,  # type: ignore[attr-defined]
        "ringing": queries.ringing(by, now=now),
        "posts": _by_party(posts, several=bool(by.other_staff_ids)),
        "likely": posts[0][0].pk if posts else None,
        "held": held,
        "offered": queries.offered_to(by),
        "receivers": queries.possible_receivers(by, post_id=stint.post_id, now=now) if stint and held else [],
        "colleagues": queries.colleagues_on(by, post_id=stint.post_id) if stint else [],
        "reliefs": absences.possible_reliefs(by, post_id=stint.post_id, now=now, tenant=request.school)
        if stint
        else [],
        "absences": AbsenceKind.choices,
        "kinds": [(k.value, k.label) for k in REPORTABLE],
        "severities": Severity.choices,
        "keys": [str(new_id()) for _ in range(8)],
        "tones": OUTCOME_TONES,
    }


@require_safe
@signed_in
def home(request: SchoolRequest) -> HttpResponse:
    if not policies.is_staff(request.actor):
        raise NotAllowed("值班页面供上岗的员工使用，您的账号没有对应的员工档案。")
    response = render(request, "duty/phone_home.html", _home(request))
    response["Cache-Control"] = "no-store"
    return response


@require_safe
@signed_in
def ringing(request: SchoolRequest) -> HttpResponse:
    """What rings for this person now; asked every few seconds."""
    now = clock.now()
    rows = [r for r in queries.ringing(request.actor, now=now) if r.status == CallStatus.RINGING]
    response = JsonResponse(
        {
            "calls": [
                {
                    "id": str(row.pk),
                    "post": row.post.name,
                    "url": reverse("duty:phone_call", args=[row.pk]),
                    "seen": reverse("duty:seen", args=[row.pk]),
                    "seconds": max(0, round((row.deadline - now).total_seconds())) if row.deadline else 0,
                }
                for row in rows
            ]
        }
    )
    response["Cache-Control"] = "no-store"
    return response


def _step(request: SchoolRequest, said: str, do: Callable[[], object]) -> HttpResponse:
    """Take one step and go back to the start; a refusal is shown there, or told to the outbox.

    What `do` answers in words is added to `said`.
    """
    tone: Tone = "ok"
    try:
        done = do()
        if isinstance(done, Words):
            said, tone = f"{said}{done.text}", done.tone
    except DomainError as refused:
        if from_outbox(request):
            return refused_json(refused)
        if isinstance(refused, NotFound | NotAllowed):
            raise
        return render(
            request,
            "duty/phone_home.html",
            {**_home(request), "refused": refused.sentence, "given": request.POST},
            status=422,
        )
    if from_outbox(request):
        return JsonResponse({"said": said})
    return go(request, "duty:phone", said=said, tone=tone)


@dataclass(frozen=True, slots=True)
class Words:
    """What to add to the sentence that says a step was taken."""

    text: str
    tone: Tone = "ok"


def _punched(request: SchoolRequest, stint: Stint, direction: str) -> Words:
    """What became of the punch that goes along with signing on and off."""
    row = queries.punch_of(stint, direction, by=request.actor)
    if row is None:
        if stint.instance_id is None:
            return Words("")
        again = "查岗时扫岗位码应答会补上，也可以到“打卡”页打卡" if direction == "in" else "请到“打卡”页打下班卡"
        return Words(f"，但没有打卡：没有扫岗位码。{again}", "warn")
    if row.status == PunchStatus.ACCEPTED:
        return Words("，同时已打卡")
    return Words(f"。打卡未通过：{sentences.why(row)}{sentences.next_step(row)}", "warn")


def _is_punched(request: SchoolRequest, stint: Stint) -> bool:
    row = queries.punch_of(stint, "in", by=request.actor)
    return row is not None and row.status == PunchStatus.ACCEPTED


def _common(request: SchoolRequest) -> dict[str, Any]:
    return {
        "by": request.actor, "tenant": request.school, "now": clock.now(), "client_key": client_key(request),
    }  # fmt: skip


def _uuid(text: str, field: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as wrong:
        raise Invalid("请从列表中选择。", field=field) from wrong


def _code(text: str) -> str:
    """A place's code: typed, or out of the scanned address."""
    found = PLACE_CODE.search(text.strip())
    return found.group(1) if found else text.strip()[:24]


@require_POST
@signed_in
def sign_on(request: SchoolRequest) -> HttpResponse:
    def do() -> Words:
        stint = operations.sign_on(
            post_id=_uuid(request.POST.get("post", ""), "post"), place_code=_code(request.POST.get("code", "")),
            **_common(request),
        )  # fmt: skip
        return _punched(request, stint, "in")

    return _step(request, "已上岗", do)


@require_POST
@signed_in
def sign_off(request: SchoolRequest) -> HttpResponse:
    def do() -> Words:
        stint = operations.sign_off(place_code=_code(request.POST.get("code", "")), **_common(request))
        return _punched(request, stint, "out")

    return _step(request, "已下岗，日志已封存", do)


@require_POST
@signed_in
def away(request: SchoolRequest) -> HttpResponse:
    def do() -> object:
        try:
            minutes = int(request.POST.get("minutes", ""))
        except ValueError as wrong:
            raise Invalid("请填写离岗的分钟数。", field="minutes") from wrong
        relief = request.POST.get("relief", "")
        if request.POST.get("kind") == AbsenceKind.RELIEF and not relief:
            raise Invalid("请选择谁来顶岗。", field="relief")
        return operations.declare_absence(
            kind=request.POST.get("kind", ""), minutes=minutes, reason=request.POST.get("reason", ""),
            relief_staff_id=_uuid(relief, "relief_staff_id") if relief else None, **_common(request),
        )  # fmt: skip

    return _step(request, "已申报，请按时返岗", do)


@require_POST
@signed_in
def back(request: SchoolRequest) -> HttpResponse:
    return _step(request, "已返岗", lambda: operations.return_to_post(**_common(request)))


def _voices(request: SchoolRequest) -> list[UUID]:
    key = client_key(request)
    kept = []
    for n, upload in enumerate(request.FILES.getlist("voice")):
        row = evidence.keep_file(
            upload=upload.file or b"", name=upload.name or "录音", by=request.actor, tenant=request.school,
            now=clock.now(), client_key=f"{key}:v{n}" if key else "",
        )  # fmt: skip
        kept.append(row.pk)
    return kept


@require_POST
@signed_in
def report(request: SchoolRequest) -> HttpResponse:
    return _step(
        request, "已登记",
        lambda: operations.report_anomaly(
            kind=request.POST.get("kind", ""), text=request.POST.get("text", ""),
            severity=request.POST.get("severity", Severity.MINOR),
            owner_id=_uuid(request.POST["owner"], "owner_id") if request.POST.get("owner") else None,
            file_ids=[*keep_photos(request), *_voices(request)], **_common(request),
        ),
    )  # fmt: skip


@require_POST
@signed_in
def close(request: SchoolRequest, anomaly_id: UUID) -> HttpResponse:
    return _step(
        request, "已处理",
        lambda: operations.close_anomaly(
            anomaly_id=anomaly_id, result=request.POST.get("result", ""), **_common(request)
        ),
    )  # fmt: skip


@require_POST
@signed_in
def handover(request: SchoolRequest) -> HttpResponse:
    return _step(
        request, "已交接，等对方接收",
        lambda: operations.offer_handover(
            receiver_id=_uuid(request.POST.get("receiver", ""), "receiver"), note=request.POST.get("note", ""),
            **_common(request),
        ),
    )  # fmt: skip


@require_POST
@signed_in
def item(request: SchoolRequest, handover_item_id: UUID) -> HttpResponse:
    accept = request.POST.get("verdict") == "accept"
    return _step(
        request, "已接收" if accept else "已退回，事项上交",
        lambda: operations.answer_item(
            item_id=handover_item_id, accept=accept, reason=request.POST.get("reason", ""), **_common(request)
        ),
    )  # fmt: skip


# --- The call that rings ---------------------------------------------------------------------------


def _why_again(summons: Summons | None, row: Call, now: datetime) -> str:
    """Why an answer that was given did not hold, and what to do; empty when it holds."""
    if summons is None or summons.answered_at is None or not may_answer_again(row=summons, call=row, now=now):
        return ""
    if summons.place_ok is False:
        return "刚才扫的不是本岗位的码，请在岗位上重新应答。"
    if summons.face == FaceState.OTHER:
        return "刚才的照片没有通过本人核验，请本人再应答一次。"
    if summons.doubt == Doubt.COPY:
        return "刚才的照片与以前的应答几乎相同，现在最多记为迟应答。请照着提示再拍一张。"
    return "刚才的照片传到时动作提示已过期，现在最多记为迟应答。请换一个动作再拍一张。"


def _call_context(request: SchoolRequest, row: Call) -> dict[str, Any]:
    now = clock.now()
    summons = queries.own_summons(row, request.actor)
    again = _why_again(summons, row, now)
    answered = summons is not None and summons.answered_at is not None and not again
    ends = summons.challenged_at + challenges.LIVES if summons and summons.challenged_at else now
    over = row.status == CallStatus.DONE and row.outcome in ("on_post", "late")
    return {
        "title": "查岗",
        "back": reverse("duty:phone"),
        "call": row,
        "summons": summons,
        "answered": answered,
        "again": again,
        "fresh": now < ends and not answered,
        "may": not over and row.judged_at is None and not answered,
        "seconds": round((row.deadline - now).total_seconds()) if row.deadline else 0,
        "challenge_seconds": max(0, round((ends - now).total_seconds())),
        "tones": OUTCOME_TONES,
        "client_key": str(new_id()),
    }


@signed_in
def call(request: SchoolRequest, call_id: UUID) -> HttpResponse:
    """The call: open it, show the gesture, answer it."""
    if request.method == "POST":
        return _answer(request, call_id)
    row = queries.call(call_id=call_id, by=request.actor)
    response = render(request, "duty/phone_call.html", _call_context(request, row))
    response["Cache-Control"] = "no-store"
    return response


@require_POST
@signed_in
def seen(request: SchoolRequest, call_id: UUID) -> HttpResponse:
    """送达: the page shows the call, and somebody can see it."""
    operations.acknowledge_call(call_id=call_id, by=request.actor, tenant=request.school, now=clock.now())
    return HttpResponse(status=204)


@require_POST
@signed_in
def open_call(request: SchoolRequest, call_id: UUID) -> HttpResponse:
    """Draw the gesture."""
    try:
        operations.open_call(call_id=call_id, by=request.actor, tenant=request.school, now=clock.now())
    except DomainError as refused:
        if isinstance(refused, NotFound | NotAllowed):
            raise
        return go(request, "duty:phone_call", call_id, said=refused.sentence, tone="bad")
    return go(request, "duty:phone_call", call_id)


def _answer(request: SchoolRequest, call_id: UUID) -> HttpResponse:
    post = request.POST
    try:
        elapsed = float(post["elapsed"]) if post.get("elapsed") else None
    except ValueError:
        elapsed = None
    try:
        photos, voices = keep_photos(request), _voices(request)
        operations.answer_call(
            call_id=call_id, nonce=post.get("nonce", ""), photo_id=photos[0] if photos else None,
            voice_id=voices[0] if voices else None,
            place_code=_code(post.get("code", "")), elapsed_seconds=elapsed, counted=counted(request), **_common(request),
        )  # fmt: skip
    except DomainError as refused:
        if from_outbox(request):
            return refused_json(refused)
        row = queries.call(call_id=call_id, by=request.actor)
        context = {**_call_context(request, row), "refused": refused.sentence}
        return render(request, "duty/phone_call.html", context, status=422)
    if from_outbox(request):
        return JsonResponse({"id": str(call_id)})
    return go(request, "duty:phone_call", call_id, said="已应答")
