"""Findings in the console and on the phone: lists that say what needs me, one page per finding, one view per step."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from identity.people import people_of_school
from kernel import clock
from kernel.errors import DomainError, NotAllowed
from kernel.ids import new_id
from standards_library import queries as library
from standards_library.choices import ServiceLine
from tenants.evidence import queries as evidence
from tenants.findings import deadlines, operations, policies, queries
from tenants.findings.choices import AFTER, BEFORE, Bucket, FindingStatus, Severity, StepKind
from tenants.findings.models import Finding, Step
from web.http import SchoolRequest, signed_in
from web.shared.pages import go, is_htmx, paginate, render_list, safe_next
from web.tenant.evidence.uploads import client_key, from_outbox, keep_photos, refused_json
from web.tenant.findings.forms import DeadlineForm, FindingFilter, FindingForm, RuleForm, VerifierForm
from web.tenant.findings.sheet import MAX_ROWS, workbook

TONES = {
    FindingStatus.OPEN: "warn",
    FindingStatus.FIXING: "info",
    FindingStatus.VERIFYING: "info",
    FindingStatus.CLOSED: "ok",
    FindingStatus.VOID: "muted",
}
STEP_TONES = {
    StepKind.OPENED: "warn",
    StepKind.SUBMITTED: "info",
    StepKind.PASSED: "ok",
    StepKind.SEEN_SOLVED: "ok",
    StepKind.REJECTED: "bad",
    StepKind.REOPENED: "bad",
    StepKind.ESCALATED: "bad",
    StepKind.SEEN_AGAIN: "bad",
}


def photo_of(evidence_id: UUID, *, caption: str = "", at: datetime | None = None) -> dict[str, Any]:
    """What the photo components take."""
    return {
        "url": reverse("evidence:thumb", args=[evidence_id]),
        "href": reverse("evidence:file", args=[evidence_id]),
        "caption": caption,
        "at": at,
    }


def _rows(request: SchoolRequest, rows: Any, now: datetime) -> Any:
    page = paginate(request, rows)
    for row in page.object_list:
        row.overdue = queries.is_overdue(row, now)
        row.line_label = ServiceLine(row.line).label
    return page


def _bucket(request: SchoolRequest, default: str) -> str:
    asked = request.GET.get("bucket", "")
    return asked if asked in Bucket.values else default


def _tabs(counts: queries.Counts, bucket: str, url: str) -> list[dict[str, Any]]:
    return [
        {"label": b.label, "url": f"{url}?bucket={b.value}", "active": b == bucket, "count": getattr(counts, b.value)}
        for b in Bucket
    ]


@require_safe
@signed_in
def index(request: SchoolRequest) -> HttpResponse:
    now = clock.now()
    counts = queries.counts(by=request.actor, now=now)
    bucket = _bucket(request, Bucket.MINE if counts.mine else Bucket.UNSOLVED)
    form = FindingFilter({**request.GET.dict(), "bucket": bucket}, by=request.actor)
    rows = queries.listing(by=request.actor, now=now, bucket=bucket, **form.chosen())
    context = {
        "title": "问题整改",
        "lead": f"{counts.mine} 条待我处理，{counts.overdue} 条已超期",
        "crumbs": [{"label": "过程监管"}, {"label": "问题整改"}],
        "form": form,
        "tabs": _tabs(counts, bucket, reverse("findings:index")),
        "page_obj": _rows(request, rows, now),
        "tones": TONES,
        "may_open": policies.can_open(request.actor),
        "may_configure": policies.can_configure(request.actor),
        "bucket": bucket,
    }
    return render_list(request, "findings/index.html", "findings/_rows.html", context)


@require_safe
@signed_in
def export(request: SchoolRequest) -> HttpResponse:
    """The filtered list as .xlsx, at most 20,000 rows."""
    now = clock.now()
    form = FindingFilter(request.GET, by=request.actor)
    bucket = _bucket(request, Bucket.ALL)
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


def events_of(steps: list[Step]) -> list[dict[str, Any]]:
    """Steps as the timeline component takes them, newest first."""
    return [
        {
            "at": step.at,
            "who": step.actor_name,
            "text": StepKind(step.kind).label,
            "body": step.text,
            "tone": STEP_TONES.get(StepKind(step.kind), "muted"),
            "photos": [photo_of(p.evidence_id) for p in step.photos.all()],
        }
        for step in reversed(steps)
    ]


def _may(request: SchoolRequest, row: Finding) -> dict[str, bool]:
    own = queries.own_party_id(request.actor)
    by = request.actor
    return {
        "start": row.status == FindingStatus.OPEN and policies.can_fix(by, row, own_party_id=own),
        "submit": policies.can_fix(by, row, own_party_id=own),
        "verify": policies.can_verify(by, row, own_party_id=own),
        "reopen": policies.can_reopen(by, row, own_party_id=own),
        "manage": policies.can_manage(by, row, own_party_id=own),
        "void": policies.can_void(by, row, own_party_id=own),
        "comment": policies.can_comment(by, row),
        "fixed_it": row.status == FindingStatus.VERIFYING
        and by.has(*policies.OVERSEERS)
        and policies.is_fixer(by, row, own_party_id=own),
    }


def _context(request: SchoolRequest, finding_id: UUID) -> dict[str, Any]:
    now = clock.now()
    row = queries.finding(finding_id=finding_id, by=request.actor)
    steps = list(queries.steps_of([row.pk]))
    photos = [(step, p.evidence_id) for step in steps for p in step.photos.all()]
    known = evidence.contracts_of(i for _step, i in photos)
    before = [
        photo_of(i, caption="整改前", at=known[i].received_at) for s, i in photos if s.kind in BEFORE and i in known
    ]
    after = [
        photo_of(i, caption="整改后", at=known[i].received_at) for s, i in photos if s.kind in AFTER and i in known
    ]
    may = _may(request, row)
    people = []
    if may["manage"]:
        found = people_of_school(
            school_id=request.school.school_id,
            roles=policies.OVERSEERS,
            today=now.astimezone(request.school.tz).date(),
        )
        people = [(str(p.account_id), p.name) for p in found if p.account_id not in row.fixers]
    return {
        "title": f"{row.number} {row.title}",
        "crumbs": [
            {"label": "过程监管"},
            {"label": "问题整改", "url": reverse("findings:index")},
            {"label": row.number},
        ],
        "finding": row,
        "clause": library.requirement_details([(row.requirement_key, row.edition)]).get(
            (row.requirement_key, row.edition)
        )
        if row.requirement_key
        else None,
        "overdue": queries.is_overdue(row, now),
        "line_label": ServiceLine(row.line).label,
        "tones": TONES,
        "before": before[-1] if before else None,
        "after": after[-1] if after else None,
        "more_photos": [*before[:-1], *after[:-1]],
        "events": events_of(steps),
        "may": may,
        "acts": any(may[name] for name in ("submit", "verify", "reopen")),
        "verifier_form": VerifierForm(people=people, initial={"verifier": str(row.verifier_id or "")}),
        "deadline_form": DeadlineForm(),
        "client_key": str(new_id()),
        "here": request.path,
    }


@require_safe
@signed_in
def detail(request: SchoolRequest, finding_id: UUID) -> HttpResponse:
    template = "findings/_detail.html" if is_htmx(request) else "findings/detail.html"
    return render(request, template, _context(request, finding_id))


@require_safe
@signed_in
def phone_detail(request: SchoolRequest, finding_id: UUID) -> HttpResponse:
    context = _context(request, finding_id)
    context |= {"title": context["finding"].number, "back": reverse("findings:phone_index")}
    return render(request, "findings/phone_detail.html", context)


@require_safe
@signed_in
def phone_index(request: SchoolRequest) -> HttpResponse:
    now = clock.now()
    counts = queries.counts(by=request.actor, now=now)
    bucket = _bucket(request, Bucket.MINE if counts.mine else Bucket.UNSOLVED)
    rows = queries.listing(by=request.actor, now=now, bucket=bucket, text=request.GET.get("text", ""))
    tabs = [t for t in _tabs(counts, bucket, reverse("findings:phone_index")) if t["label"] != Bucket.ALL.label]
    context = {
        "title": "问题整改",
        "tabs": tabs,
        "page_obj": _rows(request, rows, now),
        "tones": TONES,
        "back": reverse("phone:home"),
        "may_open": policies.can_open(request.actor),
    }
    return render(request, "findings/phone_index.html", context)


def _new(request: SchoolRequest, template: str, done: str, **extra: Any) -> HttpResponse:
    if not policies.can_open(request.actor):
        raise NotAllowed
    place = request.GET.get("place", "")
    form = FindingForm(request.POST or None, request.FILES or None, by=request.actor, place=_uuid_text(place))
    context = {"title": "登记问题", "form": form, "client_key": client_key(request) or str(new_id()), **extra}
    if request.method != "POST":
        return render(request, template, context)
    if not form.is_valid():
        return render(request, template, context, status=422)
    try:
        chosen = form.chosen()
        photos = keep_photos(request, place_id=chosen["place_id"])
        row = operations.open_finding(
            **chosen,
            photo_ids=photos,
            by=request.actor,
            tenant=request.school,
            now=clock.now(),
            client_key=client_key(request),
        )
    except DomainError as refused:
        if from_outbox(request):
            return refused_json(refused)
        if refused.field in form.fields:
            form.add_error(refused.field, refused.sentence)
        return render(request, template, {**context, "refused": refused.sentence}, status=422)
    if from_outbox(request):
        return JsonResponse({"id": str(row.pk), "number": row.number}, status=201)
    return go(request, done, row.pk, said=f"已登记 {row.number}")


def _uuid_text(text: str) -> str:
    try:
        return str(UUID(text)) if text else ""
    except ValueError:
        return ""


@signed_in
def new(request: SchoolRequest) -> HttpResponse:
    """随手拍, on the phone."""
    return _new(request, "findings/phone_new.html", "findings:phone_detail", back=reverse("phone:home"))


@signed_in
def create(request: SchoolRequest) -> HttpResponse:
    """登记问题, in the console."""
    crumbs = [{"label": "过程监管"}, {"label": "问题整改", "url": reverse("findings:index")}, {"label": "登记问题"}]
    return _new(request, "findings/create.html", "findings:detail", crumbs=crumbs)


def _step(request: SchoolRequest, finding_id: UUID, said: str, do: Callable[[], object]) -> HttpResponse:
    """Take one step and go back to where the form stood; a refusal is shown where it was sent from."""
    try:
        do()
    except DomainError as refused:
        if from_outbox(request):
            return refused_json(refused)
        if is_htmx(request):
            return render(request, "components/errors.html", {"refused": refused.sentence}, status=422)
        phone = "/m/" in request.POST.get("next", "")
        template = "findings/phone_detail.html" if phone else "findings/detail.html"
        context = {**_context(request, finding_id), "refused": refused.sentence}
        return render(request, template, context, status=422)
    if from_outbox(request):
        return JsonResponse({"id": str(finding_id)})
    return go(request, safe_next(request, reverse("findings:detail", args=[finding_id])), said=said)


def _common(request: SchoolRequest, finding_id: UUID) -> dict[str, Any]:
    return {"finding_id": finding_id, "by": request.actor, "tenant": request.school, "now": clock.now()}


@require_POST
@signed_in
def start(request: SchoolRequest, finding_id: UUID) -> HttpResponse:
    post = request.POST
    return _step(
        request, finding_id, "已开始整改",
        lambda: operations.start_fix(
            **_common(request, finding_id), cause=post.get("cause", ""), measure=post.get("measure", ""),
            client_key=client_key(request),
        ),
    )  # fmt: skip


@require_POST
@signed_in
def submit(request: SchoolRequest, finding_id: UUID) -> HttpResponse:
    post = request.POST
    return _step(
        request, finding_id, "已提交，等待复查",
        lambda: operations.submit_fix(
            **_common(request, finding_id), photo_ids=keep_photos(request), text=post.get("text", ""),
            cause=post.get("cause", ""), measure=post.get("measure", ""), client_key=client_key(request),
        ),
    )  # fmt: skip


@require_POST
@signed_in
def verify(request: SchoolRequest, finding_id: UUID) -> HttpResponse:
    """复查: `verdict=pass|reject` in one form."""
    post = request.POST
    if post.get("verdict") == "pass":
        return _step(
            request, finding_id, "复查通过，已销号",
            lambda: operations.verify_pass(
                **_common(request, finding_id), text=post.get("text", ""), lesson=post.get("lesson", ""),
                photo_ids=keep_photos(request), client_key=client_key(request),
            ),
        )  # fmt: skip
    return _step(
        request, finding_id, "已退回，请对方继续整改",
        lambda: operations.verify_reject(
            **_common(request, finding_id), reason=post.get("text", ""), photo_ids=keep_photos(request),
            client_key=client_key(request),
        ),
    )  # fmt: skip


@require_POST
@signed_in
def reopen(request: SchoolRequest, finding_id: UUID) -> HttpResponse:
    return _step(
        request, finding_id, "已重新打开",
        lambda: operations.reopen(
            **_common(request, finding_id), reason=request.POST.get("reason", ""), photo_ids=keep_photos(request),
            client_key=client_key(request),
        ),
    )  # fmt: skip


@require_POST
@signed_in
def void(request: SchoolRequest, finding_id: UUID) -> HttpResponse:
    return _step(
        request, finding_id, "已作废",
        lambda: operations.void(**_common(request, finding_id), reason=request.POST.get("reason", "")),
    )  # fmt: skip


@require_POST
@signed_in
def comment(request: SchoolRequest, finding_id: UUID) -> HttpResponse:
    return _step(
        request, finding_id, "已补充",
        lambda: operations.comment(
            **_common(request, finding_id), text=request.POST.get("text", ""), photo_ids=keep_photos(request),
            client_key=client_key(request),
        ),
    )  # fmt: skip


@require_POST
@signed_in
def verifier(request: SchoolRequest, finding_id: UUID) -> HttpResponse:
    chosen = _uuid_text(request.POST.get("verifier", ""))
    return _step(
        request, finding_id, "复查人已更新",
        lambda: operations.assign_verifier(
            **_common(request, finding_id), verifier_id=UUID(chosen) if chosen else None
        ),
    )  # fmt: skip


@require_POST
@signed_in
def deadline(request: SchoolRequest, finding_id: UUID) -> HttpResponse:
    form = DeadlineForm(request.POST)
    if not form.is_valid():
        sentence = "请选择新的期限并写明原因。"
        return render(
            request, "findings/detail.html", {**_context(request, finding_id), "refused": sentence}, status=422
        )
    chosen = form.cleaned_data
    return _step(
        request, finding_id, "期限已调整",
        lambda: operations.change_deadline(
            **_common(request, finding_id), deadline=chosen["deadline"], reason=chosen["reason"]
        ),
    )  # fmt: skip


@signed_in
def rules(request: SchoolRequest) -> HttpResponse:
    """整改时限: the school's own deadlines by severity."""
    if not policies.can_configure(request.actor):
        raise NotAllowed
    known = deadlines.rules()
    severity = request.POST.get("severity", "")
    forms = {
        s.value: RuleForm(
            request.POST if severity == s.value else None,
            prefix=s.value,
            initial={"hours": known[s].hours, "leader_after_hours": known[s].leader_after_hours},
        )
        for s in Severity
    }
    context = {
        "title": "整改时限",
        "lead": "新开的问题按严重程度自动给出期限；超期后先提醒监管人员，再升级到分管领导。已开的问题不受影响。",
        "crumbs": [
            {"label": "过程监管"},
            {"label": "问题整改", "url": reverse("findings:index")},
            {"label": "整改时限"},
        ],
        "forms": [(s, forms[s.value]) for s in Severity],
    }
    if request.method != "POST" or severity not in forms:
        return render(request, "findings/rules.html", context)
    form = forms[severity]
    if not form.is_valid():
        return render(request, "findings/rules.html", context, status=422)
    try:
        operations.set_rule(severity=severity, **form.cleaned_data, by=request.actor, tenant=request.school)
    except DomainError as refused:
        return render(request, "findings/rules.html", {**context, "refused": refused.sentence}, status=422)
    return go(request, "findings:rules", said="整改时限已保存")
