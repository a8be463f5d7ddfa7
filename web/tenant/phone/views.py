"""现在做什么: what this person has to do now, overdue first, at most three big buttons."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from kernel import clock
from tenants.findings import policies as finding_policies
from tenants.findings import queries as findings
from tenants.findings.choices import Bucket
from tenants.inspections import policies, queries
from tenants.patrols import queries as patrols
from tenants.punches import policies as punching
from web.http import SchoolRequest, signed_in
from web.tenant.findings.views import TONES

SHOWN = 8


@require_safe
@signed_in
def home(request: SchoolRequest) -> HttpResponse:
    now = clock.now()
    by = request.actor
    counts = findings.counts(by=by, now=now)
    todo = list(findings.listing(by=by, now=now, bucket=Bucket.MINE)[:SHOWN])
    for row in todo:
        row.overdue = findings.is_overdue(row, now)  # type: ignore[attr-defined]
    buttons: list[dict[str, Any]] = []
    if punching.can_punch(by):
        url = reverse("punches:phone")
        buttons.append({"label": "打卡", "hint": "上班、下班，没有网络也可以", "icon": "fingerprint", "url": url})
    if by.staff_id is not None and not policies.can_inspect(by) and not finding_policies.can_open(by):
        url = reverse("attendance:phone")
        buttons.append({"label": "我的考勤", "hint": "每天的结果和理由，补卡", "icon": "calendar-check", "url": url})
    tours = list(patrols.mine(by=by, now=now)[:3]) if by.staff_id is not None else []
    for tour in tours:
        tour.open_now = tour.starts_at <= now < tour.ends_at  # type: ignore[attr-defined]
    drafts: list[Any] = []
    if policies.can_inspect(by):
        drafts = list(queries.drafts(by=by)[:3])
        buttons.append(
            {
                "label": "开始巡查",
                "hint": "选地点和检查表",
                "icon": "clipboard-check",
                "url": reverse("inspections:start"),
            }
        )
    if finding_policies.can_open(by):
        url = reverse("findings:new")
        buttons.append({"label": "随手拍", "hint": "发现问题，拍照登记", "icon": "camera", "url": url})
    if buttons:
        buttons.append({"label": "扫码", "hint": "扫场所二维码", "icon": "qrcode", "scan": True})
    context = {
        "title": "现在做什么",
        "buttons": buttons,
        "drafts": drafts,
        "todo": todo,
        "counts": counts,
        "more": max(0, counts.mine - len(todo)),
        "tones": TONES,
        "fixing": not policies.can_inspect(by),
        "of_staff": by.staff_id is not None,
        "tours": tours,
    }
    return render(request, "phone/home.html", context)
