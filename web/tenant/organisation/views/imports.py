"""Import: template, upload, progress, preview, confirmation."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from kernel import clock
from kernel.errors import NotFound
from kernel.spreadsheets import MAX_BYTES, BadFile
from tenants.jobs import queries as jobs
from tenants.jobs.choices import JobState
from tenants.organisation.imports import flow
from web.http import SchoolRequest, signed_in
from web.shared.pages import go
from web.shared.xlsx import MIME
from web.tenant.organisation.forms import UploadForm
from web.tenant.organisation.views.base import crumbs, form_page

LISTS = {
    "staff": ("员工", "organisation:staff"),
    "places": ("场所", "organisation:places"),
    "certificates": ("证书", "organisation:certificates"),
}


@signed_in
def upload(request: SchoolRequest, what: str) -> HttpResponse:
    if what not in LISTS:
        raise NotFound
    form = UploadForm(request.POST or None, request.FILES or None)

    def act(data: dict[str, Any]) -> HttpResponse:
        file = data["file"]
        if file.size > MAX_BYTES:
            raise BadFile("文件超过 10 MB。请删去图片和空白行，或分成几个文件导入。", field="file")
        job = flow.start_import(
            what=what,
            file_name=file.name,
            content=file.read(),
            by=request.actor,
            tenant=request.school,
            now=clock.now(),
        )
        return go(request, "organisation:import", job.pk)

    label = LISTS[what][0]
    return form_page(
        request, form, act, title=f"导入{label}", submit="上传并检查", what=what,
        lead="先检查、再确认：确认之前什么都不会写入。", crumbs=crumbs(LISTS[what], "导入"),
        cancel=reverse(LISTS[what][1]), template_url=reverse("organisation:import_template", args=[what]),
        steps=[
            {"label": "下载模板填写", "state": "current"},
            {"label": "上传检查", "state": "todo"},
            {"label": "看结果并确认", "state": "todo"},
            {"label": "写入", "state": "todo"},
        ],
    )  # fmt: skip


@signed_in
def template(request: SchoolRequest, what: str) -> HttpResponse:
    name, content = flow.template(what, by=request.actor)
    answer = HttpResponse(content, content_type=MIME)
    answer["Content-Disposition"] = f"attachment; filename=\"template.xlsx\"; filename*=UTF-8''{quote(name)}"
    return answer


def _context(request: SchoolRequest, job_id: UUID) -> dict[str, Any]:
    job = jobs.job(job_id, by=request.actor)
    if job.kind not in (flow.CHECK, flow.APPLY):
        raise NotFound
    what = job.result["what"]
    checking = job.kind == flow.CHECK
    done, failed = job.state == JobState.DONE, job.state == JobState.FAILED
    counts = job.result.get("counts", {})
    here = "current" if not failed else "failed"
    return {
        "title": f"导入{LISTS[what][0]}",
        "lead": job.result.get("file_name", ""),
        "crumbs": crumbs(LISTS[what], "导入"),
        "job": job,
        "checking": checking,
        "done": done,
        "failed": failed,
        "counts": counts,
        "writable": checking and done and bool(counts.get("new", 0) + counts.get("updated", 0)),
        "apply_id": job.result.get("apply_id"),
        "list_url": reverse(LISTS[what][1]),
        "list_label": LISTS[what][0],
        "again_url": reverse("organisation:import_upload", args=[what]),
        "steps": [
            {"label": "上传", "state": "done"},
            {"label": "检查", "state": here if checking and not done else "done"},
            {
                "label": "看结果并确认",
                "state": "todo" if checking and not done else ("current" if checking else "done"),
            },
            {"label": "写入", "state": "todo" if checking else ("done" if done else here)},
        ],
    }


@signed_in
def show(request: SchoolRequest, job_id: UUID) -> HttpResponse:
    """Progress while it runs, then the preview, then what was written."""
    context = _context(request, job_id)
    job = context["job"]
    if context["done"] and context["checking"]:
        tab = request.GET.get("tab") or ("errors" if context["counts"]["wrong"] else "new")
        sample = job.result.get("sample", [])
        rows = {
            "errors": [(n, "；".join(words)) for n, words in job.result.get("errors", [])],
            "new": [(n, words) for n, kind, words in sample if kind == "new"],
            "updated": [(n, words) for n, kind, words in sample if kind == "updated"],
        }
        counts = context["counts"]
        context |= {
            "tab": tab,
            "tabs": [
                {"label": label, "url": f"?tab={key}", "active": key == tab, "count": counts[of]}
                for key, label, of in (
                    ("errors", "错误", "wrong"),
                    ("new", "新增", "new"),
                    ("updated", "更新", "updated"),
                )
            ],
            "page_obj": Paginator(rows.get(tab, []), 50).get_page(request.GET.get("page")),
            "cut": tab != "errors" and counts.get(tab, 0) > len(rows.get(tab, [])),
        }
    return render(request, "organisation/import.html", context)


@require_POST
@signed_in
def confirm(request: SchoolRequest, job_id: UUID) -> HttpResponse:
    job = flow.confirm_import(job_id=job_id, by=request.actor, tenant=request.school, now=clock.now())
    return go(request, "organisation:import", job.pk)
