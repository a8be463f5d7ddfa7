"""Lists that say what needs me, and the same as Excel."""

from __future__ import annotations

from urllib.parse import quote

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from kernel import clock
from tenants.findings import policies, queries
from tenants.findings.choices import Bucket
from web.http import SchoolRequest, signed_in
from web.shared.pages import paginate, render_list
from web.tenant.findings.forms import FindingFilter
from web.tenant.findings.sheet import MAX_ROWS, workbook
from web.tenant.findings.views.shared import TONES, bucket_of, rows_of, tabs_of


@require_safe
@signed_in
def index(request: SchoolRequest) -> HttpResponse:
    now = clock.now()
    counts = queries.counts(by=request.actor, now=now)
    bucket = bucket_of(request, Bucket.MINE if counts.mine else Bucket.UNSOLVED)
    form = FindingFilter({**request.GET.dict(), "bucket": bucket}, by=request.actor)
    rows = queries.listing(by=request.actor, now=now, bucket=bucket, **form.chosen())
    context = {
        "title": "问题整改",
        "lead": f"{counts.mine} 条待我处理，{counts.overdue} 条已超期",
        "crumbs": [{"label": "过程监管"}, {"label": "问题整改"}],
        "form": form,
        "tabs": tabs_of(counts, bucket, reverse("findings:index")),
        "page_obj": rows_of(request, rows, now),
        "tones": TONES,
        "may_open": policies.can_open(request.actor),
        "may_configure": policies.can_configure(request.actor),
        "waiting": queries.extensions_waiting(by=request.actor).count() if policies.answers(request.actor) else 0,
        "bucket": bucket,
    }
    return render_list(request, "findings/index.html", "findings/_rows.html", context)


@require_safe
@signed_in
def export(request: SchoolRequest) -> HttpResponse:
    """The filtered list as .xlsx, at most 20,000 rows."""
    now = clock.now()
    form = FindingFilter(request.GET, by=request.actor)
    bucket = bucket_of(request, Bucket.ALL)
    rows = queries.listing(by=request.actor, now=now, bucket=bucket, **form.chosen())[:MAX_ROWS]
    today = now.astimezone(request.school.tz)
    name = f"问题整改-{request.school.name}-{today:%Y%m%d-%H%M}.xlsx"
    response = HttpResponse(
        workbook(rows, now=now, tz=request.school.tz, title=name),
        content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    )
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    response["Cache-Control"] = "no-store"
    return response


@require_safe
@signed_in
def phone_index(request: SchoolRequest) -> HttpResponse:
    now = clock.now()
    counts = queries.counts(by=request.actor, now=now)
    bucket = bucket_of(request, Bucket.MINE if counts.mine else Bucket.UNSOLVED)
    rows = queries.listing(by=request.actor, now=now, bucket=bucket, text=request.GET.get("text", ""))
    tabs = [t for t in tabs_of(counts, bucket, reverse("findings:phone_index")) if t["label"] != Bucket.ALL.label]
    context = {
        "title": "问题整改",
        "tabs": tabs,
        "page_obj": rows_of(request, rows, now),
        "tones": TONES,
        "back": reverse("phone:home"),
        "may_open": policies.can_open(request.actor),
    }
    return render(request, "findings/phone_index.html", context)


@require_safe
@signed_in
def extensions(request: SchoolRequest) -> HttpResponse:
    """延期申请 that wait for an answer, the longest waiting first."""
    context = {
        "title": "待答复的延期申请",
        "lead": "申请期间期限照常计算，同意后才顺延",
        "crumbs": [
            {"label": "过程监管"},
            {"label": "问题整改", "url": reverse("findings:index")},
            {"label": "延期申请"},
        ],
        "page_obj": paginate(request, queries.extensions_waiting(by=request.actor)),
    }
    return render_list(request, "findings/extensions.html", "findings/_extensions.html", context)
