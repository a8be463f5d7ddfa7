"""Import of punches from files: template, upload, progress, preview, confirmation."""

from __future__ import annotations

from urllib.parse import quote
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from kernel import clock
from kernel.errors import DomainError, NotAllowed, NotFound
from kernel.spreadsheets import MAX_BYTES, BadFile
from tenants.jobs import queries as jobs
from tenants.jobs.choices import JobState
from tenants.punches import importing, policies, queries
from web.http import SchoolRequest, signed_in
from web.shared.pages import go
from web.shared.xlsx import MIME
from web.tenant.punches.forms import ImportForm
from web.tenant.punches.views import CRUMBS


@signed_in
def upload(request: SchoolRequest) -> HttpResponse:
    if not policies.can_manage_devices(request.actor):
        raise NotAllowed
    devices = [row for row in queries.devices(by=request.actor) if row.active]
    form = ImportForm(request.POST or None, request.FILES or None, devices=devices)
    context = {
        "title": "导入打卡", "lead": "先检查、再确认：确认之前什么都不会写入。",
        "crumbs": [*CRUMBS, {"label": "打卡记录", "url": reverse("punches:index")}, {"label": "导入"}],
        "form": form, "submit": "上传并检查", "cancel": reverse("punches:index"), "no_devices": not devices,
        "template_url": reverse("punches:import_template"),
    }  # fmt: skip
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            if file.size > MAX_BYTES:
                raise BadFile("文件超过 10 MB。请删去图片和空白行，或分成几个文件导入。", field="file")
            job = importing.start_import(
                device_id=UUID(form.cleaned_data["device"]), file_name=file.name, content=file.read(),
                by=request.actor, tenant=request.school, now=clock.now(),
            )  # fmt: skip
        except DomainError as refused:
            form.add_error("file", refused.sentence)
        else:
            return go(request, "punches:import", job.pk)
    return render(request, "punches/form.html", context, status=422 if request.method == "POST" else 200)


@require_safe
@signed_in
def template(request: SchoolRequest) -> HttpResponse:
    name, content = importing.template(by=request.actor)
    answer = HttpResponse(content, content_type=MIME)
    answer["Content-Disposition"] = f"attachment; filename=\"template.xlsx\"; filename*=UTF-8''{quote(name)}"
    return answer


@require_safe
@signed_in
def show(request: SchoolRequest, job_id: UUID) -> HttpResponse:
    """Progress while it runs, then the preview, then what was written."""
    job = jobs.job(job_id, by=request.actor)
    if job.kind not in (importing.CHECK, importing.APPLY):
        raise NotFound
    checking, done, failed = job.kind == importing.CHECK, job.state == JobState.DONE, job.state == JobState.FAILED
    counts = job.result.get("counts", {})
    context = {
        "title": "导入打卡", "lead": f"{job.result.get('device', '')} · {job.result.get('file_name', '')}",
        "crumbs": [*CRUMBS, {"label": "打卡记录", "url": reverse("punches:index")}, {"label": "导入"}],
        "job": job, "checking": checking, "done": done, "failed": failed, "counts": counts,
        "writable": checking and done and bool(counts.get("new")), "apply_id": job.result.get("apply_id"),
        "unknown": job.result.get("unknown", {}), "device_id": job.result.get("device_id"),
        "again_url": reverse("punches:import_upload"),
    }  # fmt: skip
    if done and checking:
        tab = request.GET.get("tab") or ("errors" if counts["wrong"] else "new")
        rows = {
            "errors": [(n, "；".join(words)) for n, words in job.result.get("errors", [])],
            "new": [(n, words) for n, _kind, words in job.result.get("sample", [])],
        }
        context |= {
            "tab": tab,
            "tabs": [
                {"label": label, "url": f"?tab={key}", "active": key == tab, "count": counts[of]}
                for key, label, of in (("errors", "错误", "wrong"), ("new", "新增", "new"))
            ],
            "page_obj": Paginator(rows.get(tab, []), 50).get_page(request.GET.get("page")),
        }
    return render(request, "punches/import.html", context)


@require_POST
@signed_in
def confirm(request: SchoolRequest, job_id: UUID) -> HttpResponse:
    job = importing.confirm_import(job_id=job_id, by=request.actor, tenant=request.school, now=clock.now())
    return go(request, "punches:import", job.pk)
