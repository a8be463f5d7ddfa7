"""The institute's start page: what waits for this person, first."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from identity.choices import Role
from institute.applications import policies, queries
from institute.applications.choices import TONES, EnquiryStatus
from institute.schools import queries as schools
from institute.schools.choices import OPENING, SchoolStatus
from kernel import clock
from web.http import PublicRequest, signed_in

SHOWN = 8


@signed_in
def home(request: PublicRequest) -> HttpResponse:
    actor, now = request.actor, clock.now()
    queue = queries.queue(actor, needs_me=True) if policies.can_read_queue(actor) else None
    enquiries = queries.enquiries(actor, status=EnquiryStatus.NEW) if policies.can_read_enquiries(actor) else None
    stats: list[dict[str, Any]] = []
    if queue is not None:
        counts = queries.counts_by_status(actor)
        stats += [
            {"label": "待我办理的申报", "value": queue.count(), "unit": "份", "tone": "warn" if queue.exists() else "ok",
             "href": f"{reverse('institute:applications')}?needs_me=on"},
            {"label": "评审中", "value": counts.get("reviewing", 0), "unit": "份",
             "href": f"{reverse('institute:applications')}?status=reviewing"},
        ]  # fmt: skip
    if enquiries is not None:
        late = enquiries.filter(due_at__lt=now).count()
        stats.append(
            {"label": "待回复的咨询", "value": enquiries.count(), "unit": "条", "tone": "bad" if late else "",
             "note": f"{late} 条已超期" if late else "", "href": reverse("institute:enquiries") + "?status=new"}
        )  # fmt: skip
    failed: list[Any] = []
    if not actor.has(Role.INSTITUTE_REVIEWER) or actor.has(Role.INSTITUTE_ADMIN, Role.INSTITUTE_ANALYST):
        every = schools.schools_for(actor)
        opening = every.filter(status__in=OPENING).count()
        failed = list(every.filter(status=SchoolStatus.FAILED)[:SHOWN])
        stats += [
            {"label": "已开通学校", "value": every.filter(status=SchoolStatus.READY).count(), "unit": "所",
             "note": f"{opening} 所正在开通" if opening else "", "href": f"{reverse('institute:schools')}?status=ready"},
            {"label": "开通失败", "value": every.filter(status=SchoolStatus.FAILED).count(), "unit": "所",
             "tone": "bad" if failed else "", "href": f"{reverse('institute:schools')}?status=failed"},
        ]  # fmt: skip
    context = {
        "title": "工作台",
        "lead": "先办最上面的",
        "stats": stats,
        "queue": list(queue[:SHOWN]) if queue is not None else [],
        "queue_shown": queue is not None,
        "enquiries": list(enquiries[:SHOWN]) if enquiries is not None else [],
        "enquiries_shown": enquiries is not None,
        "failed": failed,
        "tones": TONES,
        "now": now,
        "profile_missing": actor.has(Role.INSTITUTE_REVIEWER)
        and not any(p.account_id == actor.account_id for p in queries.reviewer_profiles(by=actor)),
    }
    return render(request, "institute/home.html", context)
