"""Long work: my jobs, their progress, what they made."""

from __future__ import annotations

from urllib.parse import quote
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tenants.jobs import queries
from tenants.jobs.choices import JobState
from tenants.jobs.models import Job
from web.http import SchoolRequest, signed_in
from web.shared.pages import is_htmx, paginate
from web.shared.xlsx import MIME

TONES = {"queued": "muted", "running": "info", "done": "ok", "failed": "bad"}
TYPES = {"xlsx": MIME, "pdf": "application/pdf", "csv": "text/csv"}
PAGES = {
    "organisation.check_import": "organisation:import",
    "organisation.apply_import": "organisation:import",
    "punches.check_import": "punches:import",
    "punches.apply_import": "punches:import",
    "rosters.check_import": "rosters:import",
    "rosters.apply_import": "rosters:import",
    "face.enrol_batch": "face:batch",
}  # job kind → the page that shows its result


def page_of(job: Job) -> str:
    """Where a job's result is shown, "" if it has no page."""
    name = PAGES.get(job.kind)
    return reverse(name, args=[job.pk]) if name else ""


@signed_in
def index(request: SchoolRequest) -> HttpResponse:
    page = paginate(request, queries.jobs_of(request.actor))
    context = {
        "title": "我的作业",
        "lead": "导入、导出等需要一会儿的工作。文件保存 7 天。",
        "page_obj": page,
        "rows": [{"job": j, "url": page_of(j), "file": bool(j.output_path)} for j in page],
        "tones": TONES,
    }
    return render(request, "jobs/index.html", context)


@signed_in
def progress(request: SchoolRequest, job_id: UUID) -> HttpResponse:
    """The progress bar; when the work is over and `then=1`, the browser goes to the page of the result."""
    job = queries.job(job_id, by=request.actor)
    over = job.state in (JobState.DONE, JobState.FAILED)
    if over and request.GET.get("then") == "1" and (url := page_of(job)):
        answer = HttpResponse()
        answer["HX-Redirect" if is_htmx(request) else "Location"] = url
        answer.status_code = 200 if is_htmx(request) else 302
        return answer
    return render(request, "jobs/_progress.html", {"job": job})


@signed_in
def download(request: SchoolRequest, job_id: UUID) -> HttpResponse:
    """What the job made, for its owner."""
    name, content = queries.output(job_id, by=request.actor, tenant=request.school)
    suffix = name.rsplit(".", 1)[-1]
    answer = HttpResponse(content, content_type=TYPES.get(suffix, "application/octet-stream"))
    answer["Content-Disposition"] = f"attachment; filename=\"result.{suffix}\"; filename*=UTF-8''{quote(name)}"
    answer["Cache-Control"] = "no-store"
    answer["X-Content-Type-Options"] = "nosniff"
    return answer
