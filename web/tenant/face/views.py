"""人脸服务 in the console: state, people, batches, settings, the record of deletions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from kernel import clock
from kernel.errors import DomainError, NotAllowed, NotFound
from tenants.face import operations, pack, policies, queries, texts
from tenants.face.archive import MAX_ARCHIVE
from tenants.face.choices import Decision, Outcome, Standing
from tenants.face.errors import ArchiveUnreadable, NoPhotos
from tenants.face.operations.batches import KIND
from tenants.jobs import queries as jobs
from tenants.jobs.choices import JobState
from tenants.organisation import queries as organisation
from web.http import SchoolRequest, signed_in
from web.shared.pages import go, is_htmx, paginate, render_list
from web.shared.xlsx import download
from web.tenant.face.forms import PaperForm, PeopleFilter, SettingForm

TONES = {"enrolled": "ok", "agreed": "info", "refused": "muted", "asked": "muted"}
MOST_LOOSE = 100  # files in one request without the script that packs them


def crumbs(*rest: str) -> list[dict[str, str]]:
    first = [{"label": "设置"}, {"label": "人脸服务", "url": reverse("face:index")} if rest else {"label": "人脸服务"}]
    return [*first, *({"label": part} for part in rest)]


def _today(request: SchoolRequest) -> Any:
    return clock.now().astimezone(request.school.tz).date()


@require_safe
@signed_in
def index(request: SchoolRequest) -> HttpResponse:
    """What is there, what is missing, and what came of the last seven days."""
    by = request.actor
    if not policies.can_see_numbers(by):
        raise NotAllowed
    found, setting = pack.state(), queries.setting()
    coverage = queries.coverage(by=by)
    checks = queries.recent_checks(by=by, now=clock.now())
    manage = policies.can_configure(by)
    settings_url = reverse("face:settings")
    context = {
        "title": "人脸服务",
        "lead": "人脸只是打卡的一种方式；“扫码＋拍照＋定位”和主管确认效力相同。",
        "crumbs": crumbs(),
        "pack": found,
        "setting": setting,
        "coverage": coverage,
        "checks": [(Outcome(code).label, n, "ok" if code == Outcome.MATCH else "muted") for code, n in sorted(checks.items(), key=lambda row: -row[1])],
        "deletions": queries.deletions(by=by)[:8],
        "manage": manage,
        "ready": queries.usable(),
        "todo": [
            {"text": "平台配置人脸模型", "hint": "由平台运维配置；不配置也不影响其他打卡方式", "done": found.ready, "url": ""},
            {"text": "完成影响评估并开启", "hint": "填写评估日期，决定是否保留录入照片", "done": setting.enabled, "url": settings_url if manage else ""},
            {"text": "请员工在手机上选择", "hint": "手机首页“人脸与隐私”，同意或不使用都可以", "done": coverage.people > 0 and coverage.undecided == 0, "url": reverse("face:people") + "?standing=asked", "action": "看还有谁"},
            {"text": "录入", "hint": "员工自己拍一张，或管理员批量导入照片", "done": coverage.enrolled > 0 and coverage.agreed == 0, "url": reverse("face:batch_new") if manage and found.ready and setting.enabled else ""},
        ],
    }  # fmt: skip
    return render(request, "face/index.html", context)


@signed_in
def settings(request: SchoolRequest) -> HttpResponse:
    if not policies.can_configure(request.actor):
        raise NotAllowed
    row = queries.setting()
    stored = queries.coverage(by=request.actor).templates
    initial = {"enabled": row.enabled, "assessed_on": row.assessed_on, "photo_days": row.photo_days}
    form = SettingForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            operations.configure(**form.cleaned_data, by=request.actor, tenant=request.school, now=clock.now())
        except DomainError as refused:
            form.add_error(refused.field if refused.field in form.fields else None, refused.sentence)
        else:
            return go(request, "face:index", said="已保存")
    context = {
        "title": "人脸服务设置",
        "crumbs": crumbs("设置"),
        "form": form,
        "submit": "保存",
        "cancel": reverse("face:index"),
        "confirm": f"保存设置？如果关闭服务，现有 {stored} 人的人脸特征会立即删除，不能恢复。"
        if row.enabled and stored
        else "",
    }
    template = "components/form.html" if request.method == "POST" and is_htmx(request) else "face/form.html"
    return render(request, template, context, status=422 if request.method == "POST" else 200)


# --- People ----------------------------------------------------------------------------------------


def _chosen(request: SchoolRequest) -> tuple[PeopleFilter, dict[str, Any]]:
    parties = [(str(p.pk), p.name) for p in organisation.parties(by=request.actor)]
    form = PeopleFilter(request.GET or None, parties=parties)
    chosen = form.cleaned_data if form.is_bound and form.is_valid() else {}
    party = chosen.get("party")
    return form, {
        "text": chosen.get("text", ""),
        "standing": chosen.get("standing", ""),
        "party_id": UUID(party) if party else None,
    }


@require_safe
@signed_in
def people(request: SchoolRequest) -> HttpResponse:
    """Who decided what and who is enrolled."""
    form, chosen = _chosen(request)
    rows = queries.standings(by=request.actor, **chosen)
    page = paginate(request, rows)
    context = {
        "title": "人脸录入情况",
        "lead": "谁同意、谁已录入。不使用人脸的人用其他方式打卡，结果一样。",
        "crumbs": crumbs("录入情况") if policies.can_see_numbers(request.actor) else [{"label": "人脸录入情况"}],
        "form": form,
        "page_obj": page,
        "rows": [(row, Standing(row.standing).label) for row in page],  # type: ignore[attr-defined]
        "tones": TONES,
        "manage": policies.can_configure(request.actor),
        "filtered": bool(request.GET),
    }
    return render_list(request, "face/people.html", "face/_people.html", context)


@require_safe
@signed_in
def export(request: SchoolRequest) -> HttpResponse:
    _form, chosen = _chosen(request)
    rows: Any = queries.standings(by=request.actor, **chosen)
    heads = ["工号", "姓名", "责任单位", "岗位", "状态", "选择时间", "录入时间"]
    lines = (
        [r.number, r.name, r.party.name, r.post.name if r.post else "", str(Standing(r.standing).label), r.decided_at, r.enrolled_at]
        for r in rows
    )  # fmt: skip
    return download("人脸录入情况.xlsx", [("录入情况", heads, lines)])


@require_safe
@signed_in
def person(request: SchoolRequest, staff_id: UUID) -> HttpResponse:
    """One person: decisions, what is stored, uses, deletions. Never the face itself."""
    row = queries.person(staff_id, by=request.actor)
    now = clock.now()
    decision = queries.decision_of(row.pk)
    template = queries.template_of(row.pk)
    context = {
        "title": f"{row.name}（{row.number}）",
        "lead": row.party.name,
        "crumbs": [*crumbs("录入情况"), {"label": row.name}],
        "person": row,
        "decision": decision,
        "agreed": decision is not None and decision.decision == Decision.AGREED,
        "template": template,
        "outdated": template is not None and _outdated(template),
        "events": _events(row.pk, request),
        "manage": policies.can_configure(request.actor),
        "may_photo": template is not None and template.photo_until is not None and template.photo_until > now,
    }
    return render(request, "face/person.html", context)


def _outdated(template: Any) -> bool:
    found = pack.state().pack
    return found is not None and template.model_hash != found.model_hash


def _events(staff_id: UUID, request: SchoolRequest) -> list[dict[str, Any]]:
    """Decisions, uses and deletions of one person, newest first."""
    by = request.actor
    events: list[dict[str, Any]] = []
    for d in queries.decisions_of(staff_id, by=by)[:20]:
        text = f"{d.get_decision_display()}（告知书 {d.text_version} 版，{d.get_how_display()}）"
        if d.guardian:
            text += f"，由{d.get_guardian_display()}代为作出"
        events.append({"at": d.decided_at, "who": d.by_name, "text": text, "tone": "info"})
        if d.ended_at:
            events.append({"at": d.ended_at, "who": d.ended_by_name, "text": d.get_ended_display(), "tone": "warn"})
    for c in queries.checks_of(staff_id, by=by)[:30]:
        word = c.get_outcome_display() if c.outcome else c.get_state_display()
        score = f"，相似度 {c.score:.2f}（阈值 {c.threshold:.2f}）" if c.score is not None and c.threshold else ""
        tone = "ok" if c.outcome in ("match", "enrolled") else "muted"
        events.append(
            {"at": c.requested_at, "who": c.by_name, "text": f"{c.get_purpose_display()}：{word}{score}", "tone": tone}
        )
    for g in queries.deletions_of(staff_id, by=by)[:20]:
        text = f"删除{g.get_kept_display()}：{g.get_reason_display()}"
        events.append({"at": g.deleted_at, "who": g.by_name, "text": text, "tone": "muted"})
    return sorted(events, key=lambda e: e["at"], reverse=True)


@signed_in
def paper(request: SchoolRequest, staff_id: UUID) -> HttpResponse:
    """Record a decision signed on paper."""
    if not policies.can_configure(request.actor):
        raise NotAllowed
    row = queries.person(staff_id, by=request.actor)
    text = texts.current(_today(request))
    form = PaperForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            operations.record_paper(
                staff_id=staff_id, text_version=text.version, **form.cleaned_data, by=request.actor,
                tenant=request.school, now=clock.now(),
            )  # fmt: skip
        except DomainError as refused:
            form.add_error(refused.field if refused.field in form.fields else None, refused.sentence)
        else:
            return go(request, "face:person", staff_id, said="已登记")
    context = {
        "title": f"登记书面选择：{row.name}",
        "crumbs": [*crumbs("录入情况"), {"label": row.name, "url": reverse("face:person", args=[staff_id])}, {"label": "书面选择"}],
        "form": form,
        "submit": "登记",
        "cancel": reverse("face:person", args=[staff_id]),
        "text": text,
        "refused": None,
    }  # fmt: skip
    template = "components/form.html" if request.method == "POST" and is_htmx(request) else "face/form.html"
    return render(request, template, context, status=422 if request.method == "POST" else 200)


@require_POST
@signed_in
def revoke(request: SchoolRequest, staff_id: UUID) -> HttpResponse:
    operations.revoke(staff_id=staff_id, by=request.actor, tenant=request.school, now=clock.now())
    return go(request, "face:person", staff_id, said="已撤回同意，人脸特征已删除")


@require_POST
@signed_in
def delete(request: SchoolRequest, staff_id: UUID) -> HttpResponse:
    operations.delete_template(staff_id=staff_id, by=request.actor, tenant=request.school, now=clock.now())
    return go(request, "face:person", staff_id, said="已删除人脸特征")


@require_POST
@signed_in
def photo(request: SchoolRequest, staff_id: UUID) -> HttpResponse:
    """The kept original. A POST: looking at it is an act that stands on the timeline."""
    answer = HttpResponse(
        operations.reveal_photo(staff_id=staff_id, by=request.actor, tenant=request.school), content_type="image/jpeg"
    )
    answer["Cache-Control"] = "no-store"
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


@require_safe
@signed_in
def deletions(request: SchoolRequest) -> HttpResponse:
    page = paginate(request, queries.deletions(by=request.actor))
    context = {
        "title": "人脸删除记录",
        "lead": "删了什么、为什么、什么时候。记录里没有任何人脸信息。",
        "crumbs": crumbs("删除记录"),
        "page_obj": page,
    }
    return render(request, "face/deletions.html", context)


# --- Batches ---------------------------------------------------------------------------------------


@signed_in
def batch_new(request: SchoolRequest) -> HttpResponse:
    """Upload a zip, or several photos (the page packs them; without its script up to 100)."""
    if not policies.can_configure(request.actor):
        raise NotAllowed
    refused = ""
    if request.method == "POST":
        try:
            job = _started(request)
        except DomainError as no:
            refused = no.sentence
        else:
            return go(request, "face:batch", job.pk)
    context = {
        "title": "批量录入",
        "lead": "照片以工号命名，例如 G001.jpg；只录入已经同意的人。",
        "crumbs": crumbs("批量录入"),
        "refused": refused,
        "ready": queries.usable(),
        "coverage": queries.coverage(by=request.actor),
    }
    return render(request, "face/batch_new.html", context, status=422 if refused else 200)


def _started(request: SchoolRequest) -> Any:
    sent = request.FILES.getlist("file")
    common: dict[str, Any] = {"by": request.actor, "tenant": request.school, "now": clock.now()}
    if not sent:
        raise NoPhotos
    if sum(one.size or 0 for one in sent) > MAX_ARCHIVE:
        raise ArchiveUnreadable
    if len(sent) == 1 and (sent[0].name or "").lower().endswith(".zip"):
        return operations.start_batch(content=sent[0].read(), file_name=sent[0].name or "照片.zip", **common)
    return operations.start_batch_of_photos(
        photos=[(one.name or "", one.read()) for one in sent[:MOST_LOOSE]], **common
    )


@require_safe
@signed_in
def batch(request: SchoolRequest, job_id: UUID) -> HttpResponse:
    """Progress while it runs, then who was enrolled and which photos were not used, and why."""
    job = jobs.job(job_id, by=request.actor)
    if job.kind != KIND:
        raise NotFound
    context = {
        "title": "批量录入",
        "lead": job.result.get("file_name", ""),
        "crumbs": [*crumbs("批量录入")],
        "job": job,
        "done": job.state == JobState.DONE,
        "failed": job.state == JobState.FAILED,
        "enrolled": job.result.get("enrolled", 0),
        "errors": job.result.get("errors", [])[:500],
        "wrong": len(job.result.get("errors", [])),
    }
    return render(request, "face/batch.html", context)
