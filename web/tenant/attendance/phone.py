"""A worker's own month on the phone: every day in one sentence, 补卡 beside it, confirm at the end."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kernel import clock
from kernel.clock import month_bounds
from kernel.errors import DomainError, NotAllowed, NotFound
from kernel.ids import new_id
from tenants.attendance import operations, policies, queries
from tenants.attendance import sheet as sheets
from tenants.attendance.choices import Mark
from tenants.attendance.contracts import Line
from web.http import SchoolRequest, signed_in
from web.shared.day_grid import weeks
from web.shared.own_rows import acting, as_said, choice
from web.shared.pages import go
from web.tenant.attendance.forms import CorrectionForm, MonthField
from web.tenant.attendance.views import CORRECTION_TONES, ask, correction_start
from web.tenant.evidence.uploads import client_key, from_outbox, refused_json


def _month(request: SchoolRequest, text: str) -> date:
    try:
        chosen = MonthField(required=False).clean(text[:7])
    except Exception:
        chosen = None
    return chosen or clock.now().astimezone(request.school.tz).date().replace(day=1)


def _mark_of(line: Line) -> dict[str, Any]:
    """A shift's result in the picture of the month."""
    mark = Mark(line.mark)
    if line.held:
        return {"text": "定", "tone": "info", "label": f"{mark.label}（待定）"}
    return {"text": sheets.SIGNS[mark], "tone": sheets.TONES[mark], "label": str(mark.label)}


@require_safe
@signed_in
def month(request: SchoolRequest) -> HttpResponse:
    if request.actor.staff_id is None:
        raise NotAllowed
    now = clock.now()
    chosen = _month(request, request.GET.get("month", ""))
    by = acting(request)
    rows = queries.own_month(by=by, month=chosen)
    lines = queries.lines(rows, tz=request.school.tz)
    asked = queries.corrections_of(r.instance_id for r in rows)
    staff_id = by.staff_id
    if staff_id is None:
        raise NotAllowed
    figures = queries.month_figures(staff_ids=[staff_id], month=chosen).get(staff_id)
    confirmed = queries.confirmations(staff_ids=[staff_id], month=chosen).get(staff_id)
    _first, after = month_bounds(chosen)
    today = now.astimezone(request.school.tz).date()
    entries: list[dict[str, Any]] = [
        {"line": line, "asked": asked.get(line.instance_id, []), "irregular": queries.is_penalty(line.mark)}
        for line in lines
    ]
    odd = [e for e in entries if e["irregular"] or e["asked"] or e["line"].held or e["line"].adjusted]
    marks: dict[date, list[dict[str, Any]]] = {}
    for line in sorted(lines, key=lambda line: line.starts_at):
        marks.setdefault(line.day, []).append(_mark_of(line))
    limit = rows[0].instance.rule.corrections_per_month if rows else 3
    context = {
        "title": "我的考勤", "back": reverse("phone:home"), "month": chosen, "confirmed": confirmed, "figures": figures,
        "rows": entries, "odd": odd, "rest": [e for e in entries if e not in odd],
        "weeks": weeks(_first, after - timedelta(days=1), marks, today=today),
        "earlier": chosen - timedelta(days=1), "later": after if after <= today else None, "marks": sheets.TONES,
        "may_confirm": confirmed is None and figures is not None and not figures.open and today >= after
        and policies.can_confirm(by, staff_id=staff_id), **choice(by),
        "over": today >= after, "left": queries.corrections_left(staff_id=staff_id, month=chosen, limit=limit), "limit": limit,
        "tones": CORRECTION_TONES, "client_key": new_id().hex,
    }  # fmt: skip
    return render(request, "attendance/phone.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def shift(request: SchoolRequest, instance_id: UUID) -> HttpResponse:
    """One shift, and the form to ask for a correction."""
    row = queries.result(instance_id=instance_id, by=request.actor)
    if not request.actor.is_own(row.staff_id):
        raise NotFound
    form = CorrectionForm(request.POST or None, initial=correction_start(row))
    back = (
        f"{reverse('attendance:phone')}?month={row.day:%Y-%m}{as_said(request.actor.as_staff(row.staff_id), first='&')}"
    )
    context: dict[str, Any] = {
        "title": f"{row.day.month}月{row.day.day}日", "back": back, "row": row, "form": form,
        "line": queries.lines([row], tz=request.school.tz)[0], "client_key": new_id().hex,
        "asked": queries.corrections_of([instance_id]).get(instance_id, []), "tones": CORRECTION_TONES, "marks": sheets.TONES,
        "regular": row.mark in (Mark.NORMAL, Mark.LEAVE, Mark.FIELD, Mark.REST),
    }  # fmt: skip
    if request.method != "POST":
        return render(request, "attendance/phone_shift.html", context)
    if form.is_valid():
        try:
            ask(request, instance_id, form, client_key=client_key(request))
        except DomainError as refused:
            if from_outbox(request):
                return refused_json(refused)
            return render(request, "attendance/phone_shift.html", {**context, "refused": refused.sentence}, status=422)
        return HttpResponse(status=204) if from_outbox(request) else go(request, back, said="补卡申请已提交")
    return render(request, "attendance/phone_shift.html", context, status=422)


@require_POST
@signed_in
def confirm(request: SchoolRequest) -> HttpResponse:
    chosen = _month(request, request.POST.get("month", ""))
    by = acting(request)
    if by.staff_id is None:
        raise NotAllowed
    back = f"{reverse('attendance:phone')}?month={chosen:%Y-%m}{as_said(by, first='&')}"
    try:
        operations.confirm_month(
            staff_id=by.staff_id, month=chosen, by=by, tenant=request.school, now=clock.now(),
            client_key=client_key(request),
        )  # fmt: skip
    except DomainError as refused:
        return refused_json(refused) if from_outbox(request) else go(request, back, said=refused.sentence, tone="bad")
    return HttpResponse(status=204) if from_outbox(request) else go(request, back, said=f"{chosen.month} 月考勤已确认")


@require_POST
@signed_in
def withdraw(request: SchoolRequest, correction_id: UUID) -> HttpResponse:
    try:
        row = operations.withdraw_correction(
            correction_id=correction_id, by=request.actor, tenant=request.school, now=clock.now()
        )
    except DomainError as refused:
        return go(request, "attendance:phone", said=refused.sentence, tone="bad")
    month_ = f"?month={row.instance.day:%Y-%m}{as_said(request.actor.as_staff(row.staff_id), first='&')}"
    return go(request, reverse("attendance:phone") + month_, said="已撤回")
