"""Import of a roster: template, upload, progress, preview, confirmation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from kernel import clock
from kernel.clock import month_bounds
from kernel.errors import NotAllowed, NotFound
from kernel.spreadsheets import MAX_BYTES, BadFile
from tenants.jobs import imports as flow
from tenants.jobs import queries as jobs
from tenants.jobs.choices import JobState
from tenants.rosters import imports, policies
from web.http import SchoolRequest, signed_in
from web.shared.pages import go
from web.shared.xlsx import MIME
from web.tenant.rosters.forms import UploadForm
from web.tenant.rosters.views.grid import CRUMB, day_asked, today_of
from web.tenant.rosters.views.setup import form_page

STEPS = ["下载模板填写", "上传检查", "看结果并确认", "写入"]


@signed_in
def upload(request: SchoolRequest) -> HttpResponse:
    if not policies.edits(request.actor):
        raise NotAllowed
    form = UploadForm(request.POST or None, request.FILES or None)

    def act() -> HttpResponse:
        file = form.cleaned_data["file"]
        if file.size > MAX_BYTES:
            raise BadFile("文件超过 10 MB。请删去图片和空白行，或分成几个文件导入。", field="file")
        job = flow.start(
            imports.ROSTER, file_name=file.name, content=file.read(), by=request.actor, tenant=request.school,
            now=clock.now(),
        )  # fmt: skip
        return go(request, "rosters:import", job.pk)

    return form_page(
        request, form, act, parent=("排班表", "rosters:index"), title="导入排班", submit="上传并检查",
        lead="先检查、再确认：确认之前什么都不会写入。", template_url=reverse("rosters:import_template"),
        steps=[{"label": s, "state": "current" if n == 0 else "todo"} for n, s in enumerate(STEPS)],
    )  # fmt: skip


@require_safe
@signed_in
def template(request: SchoolRequest) -> HttpResponse:
    """The month of `?day=`, next month unless said."""
    if not policies.edits(request.actor):
        raise NotAllowed
    first, end = month_bounds(day_asked(request, month_bounds(today_of(request))[1]))
    days = [first + timedelta(days=n) for n in range((end - first).days)]
    name, content = imports.template(by=request.actor, first=first, days=days)
    answer = HttpResponse(content, content_type=MIME)
    answer["Content-Disposition"] = f"attachment; filename=\"template.xlsx\"; filename*=UTF-8''{quote(name)}"
    return answer


@require_safe
@signed_in
def show(request: SchoolRequest, job_id: UUID) -> HttpResponse:
    """Progress while it runs, then the preview, then what was written."""
    job = jobs.job(job_id, by=request.actor)
    if job.kind not in (imports.ROSTER.check, imports.ROSTER.apply):
        raise NotFound
    checking = job.kind == imports.ROSTER.check
    done, failed = job.state == JobState.DONE, job.state == JobState.FAILED
    counts = job.result.get("counts", {})
    here = "failed" if failed else "current"
    states = (
        ["done", "done" if done else here, "current" if done else "todo", "todo"]
        if checking
        else ["done", "done", "done", "done" if done else here]
    )
    apply_id = job.result.get("apply_id")
    context: dict[str, Any] = {
        "title": "导入排班", "lead": job.result.get("file_name", ""),
        "crumbs": [CRUMB, {"label": "排班表", "url": reverse("rosters:index")}, {"label": "导入"}],
        "job": job, "checking": checking, "done": done, "failed": failed, "counts": counts, "apply_id": apply_id,
        "writable": checking and done and bool(counts.get("new", 0) + counts.get("updated", 0)), "unit": "格",
        "apply_url": reverse("rosters:import", args=[apply_id]) if apply_id else "",
        "confirm_url": reverse("rosters:import_confirm", args=[job.pk]),
        "list_url": reverse("rosters:index"), "list_label": "排班表", "again_url": reverse("rosters:import_upload"),
        "steps": [{"label": s, "state": state} for s, state in zip(STEPS, states, strict=True)],
    }  # fmt: skip
    if done and checking:
        tab = request.GET.get("tab") or ("errors" if counts["wrong"] else "new")
        sample = job.result.get("sample", [])
        rows = {
            "errors": [(n, "；".join(words)) for n, words in job.result.get("errors", [])],
            "new": [(n, words) for n, kind, words in sample if kind == "new"],
            "updated": [(n, words) for n, kind, words in sample if kind == "updated"],
        }
        labels = (
            ("errors", "有错的行", counts["wrong"]),
            ("new", "新增", counts["new"]),
            ("updated", "更新", counts["updated"]),
        )
        context |= {
            "tab": tab, "cut": False,
            "tabs": [{"label": label, "url": f"?tab={k}", "active": k == tab, "count": n} for k, label, n in labels],
            "page_obj": Paginator(rows.get(tab, []), 50).get_page(request.GET.get("page")),
        }  # fmt: skip
    return render(request, "rosters/import.html", context)


@require_POST
@signed_in
def confirm(request: SchoolRequest, job_id: UUID) -> HttpResponse:
    job = flow.confirm(imports.ROSTER, job_id=job_id, by=request.actor, tenant=request.school, now=clock.now())
    return go(request, "rosters:import", job.pk)
