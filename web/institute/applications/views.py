"""The application queue and one application, as the institute works on it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from institute.applications import operations, policies, queries
from institute.applications.choices import TONES, ApplicationStatus, DocumentKind, Ending, Verdict
from institute.applications.models import Application
from institute.schools import lookup
from institute.schools import operations as schools
from institute.schools.choices import SchoolStatus
from kernel import clock, crypto
from kernel.errors import DomainError
from standards_library.choices import ServiceLine
from web.http import PublicRequest, signed_in
from web.institute.applications.forms import ApplicationFilter, ConflictForm, DecideForm, ExtendForm, ReturnForm
from web.public.apply import sent, stepper
from web.shared import xlsx
from web.shared.pages import go, paginate, render_list

_S = ApplicationStatus
HOME = {"label": "工作台", "url": "/institute/"}


def _chosen(request: PublicRequest) -> tuple[ApplicationFilter, dict[str, Any]]:
    form = ApplicationFilter(request.GET or None)
    return form, (form.cleaned_data if form.is_bound and form.is_valid() else {})


@require_safe
@signed_in
def index(request: PublicRequest) -> HttpResponse:
    form, chosen = _chosen(request)
    page = paginate(request, queries.queue(request.actor, **chosen))
    waiting = queries.queue(request.actor, needs_me=True).count()
    context = {
        "title": "申报遴选",
        "lead": f"{waiting} 份等待您办理" if waiting else "没有等待您办理的申报",
        "crumbs": [HOME, {"label": "申报遴选"}],
        "form": form,
        "page_obj": page,
        "tones": TONES,
        "can_manage": policies.can_manage(request.actor),
        "filtered": bool(request.GET),
    }
    return render_list(request, "applications/index.html", "applications/_rows.html", context)


HEADS = (
    "编号", "学校名称", "学校代码", "统一社会信用代码", "类型", "省份", "城市", "在校生", "教职工", "校区", "状态", "提交时间",
    "受理时间", "评审人数", "已交评分", "评审均分", "决定时间", "决定理由",
)  # fmt: skip


@require_safe
@signed_in
def export(request: PublicRequest) -> HttpResponse:
    """The filtered queue as a workbook. Means of sealed applications stay empty."""
    _, chosen = _chosen(request)
    rows = list(queries.queue(request.actor, **chosen))
    results = queries.results_of([r.pk for r in rows], by=request.actor)
    lines = (
        (
            r.number, r.name, r.school_code, r.credit_code, r.get_kind_display(), r.region_name, r.city,
            r.students, r.staff_count, r.campuses, str(_S(r.status).label), r.submitted_at, r.accepted_at, r.reviewers,
            r.sheets_in, results[r.pk].mean if r.pk in results else "", r.decided_at, r.decision_reason,
        )
        for r in rows
    )  # fmt: skip
    today = clock.now().astimezone(clock.SHANGHAI)
    return xlsx.download(f"申报遴选_{today:%Y%m%d}.xlsx", [("申报", HEADS, lines)])


@never_cache
@require_safe
@signed_in
def detail(request: PublicRequest, application_id: UUID) -> HttpResponse:
    return _page(request, application_id)


def _page(
    request: PublicRequest,
    application_id: UUID,
    *,
    refused: str = "",
    forms: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    found = queries.detail(application_id, by=request.actor)
    return render(request, "applications/detail.html", _context(request, found, refused, forms or {}), status=status)


def _context(request: PublicRequest, found: Application, refused: str, forms: dict[str, Any]) -> dict[str, Any]:
    actor, manage = request.actor, policies.can_manage(request.actor)
    today = clock.now().astimezone(clock.SHANGHAI).date()
    documents = list(queries.documents_of(found))
    missing = [c for c in queries.checks_of(found) if not c.done]
    tasks = list(queries.assignments_of(found))
    live = [t for t in tasks if t.ended_at is None]
    school = lookup.opened_by(found.pk)
    verdicts = _verdicts(found)
    result = queries.result_of(found, by=actor)
    slug = schools.suggest_slug(found.name) if manage and Verdict.APPROVE in verdicts else ""
    return {
        "title": found.name,
        "crumbs": [HOME, {"label": "申报遴选", "url": reverse("institute:applications")}, {"label": found.number}],
        "application": found,
        "refused": refused,
        "tones": TONES,
        "steps": stepper(found, opened=school is not None and school.opened_at is not None),
        "lines": [
            (line.label, dict(_LINE_LABELS).get(found.line_modes.get(line.value, ""), "—")) for line in ServiceLine
        ],
        "documents": documents,
        "can_files": policies.can_read_files(actor),
        "missing_kinds": [
            str(k.label)
            for k in (DocumentKind.LETTER, DocumentKind.LEGAL)
            if k.value not in {d.kind for d in documents}
        ],
        "checks": [{"text": c.label, "hint": c.hint, "done": c.done} for c in queries.checks_of(found)],
        "missing": missing,
        "tasks": live,
        "ended": [(t, Ending(t.ended_why).label) for t in tasks if t.ended_at is not None],
        "sheets_in": sum(t.submitted_at is not None for t in live),
        "result": result,
        "score_rows": [
            {"label": line.label, "weight": line.weight, "points": [sheet.lines[n].points for sheet in result.sheets]}
            for n, line in enumerate(result.sheets[0].lines)
        ]
        if result and result.sheets
        else [],
        "verdict_words": dict(Verdict.choices),
        "mine": queries.my_assignment(found, by=actor),
        "candidates": queries.candidates(found, by=actor, today=today) if policies.can_assign(actor, found) else [],
        "min_reviewers": operations.MIN_REVIEWERS,
        "conflicts": list(queries.conflicts_of(found, by=actor)) if manage else [],
        "can_manage": manage,
        "can_accept": policies.can_accept(actor, found),
        "can_return": policies.can_return(actor, found),
        "can_assign": policies.can_assign(actor, found),
        "can_decide": policies.can_decide(actor, found, today) and bool(verdicts),
        "can_extend": policies.can_extend_fix(actor, found),
        "overdue_fix": policies.fix_is_overdue(found, today),
        "extend_form": forms.get("extend") or ExtendForm(auto_id="extend_%s"),
        "can_contact": policies.can_see_contact(actor),
        "phone": crypto.mask_phone(found.contact_phone),
        "email": _masked(found.contact_email),
        "return_form": forms.get("return")
        or ReturnForm(
            initial={
                "items": "\n".join(f"{c.label}：{c.hint}" for c in missing),
                "fix_due_on": today + timedelta(days=operations.FIX_DAYS),
            }
        ),
        "decide_form": forms.get("decide") or DecideForm(verdicts=verdicts, initial={"slug": slug}),
        "conflict_form": forms.get("conflict") or ConflictForm(auto_id="conflict_%s"),
        "events": [
            {"at": e.at, "who": e.actor_name, "text": e.sentence, "body": e.payload.get("note", ""), "tone": "info"}
            for e in queries.events_for_institute(found, by=actor)
        ]
        if manage
        else [],
        "school": school,
        "school_status": SchoolStatus(school.status).label if school else "",
    }


_LINE_LABELS = [("outsourced", "外包物业"), ("self_run", "自管后勤"), ("mixed", "混合模式"), ("none", "本校不设")]


def _verdicts(found: Application) -> list[str]:
    return {
        **{early: [Verdict.REJECT.value] for early in (_S.SUBMITTED, _S.RETURNED, _S.ACCEPTED, _S.REVIEWING)},
        _S.SCORED: list(Verdict.values),
        _S.WAITLISTED: [Verdict.APPROVE.value, Verdict.REJECT.value],
    }.get(_S(found.status), [])


def _masked(email: str) -> str:
    name, _, host = email.partition("@")
    return f"{name[:2]}***@{host}" if host else "—"


def _done(request: PublicRequest, application_id: UUID, said: str) -> HttpResponse:
    return go(request, "institute:application", application_id, said=said)


@require_POST
@signed_in
def accept(request: PublicRequest, application_id: UUID) -> HttpResponse:
    try:
        operations.accept(application_id=application_id, by=request.actor, now=clock.now())
    except operations.WrongState as refused:
        return _page(request, application_id, refused=refused.sentence, status=422)
    return _done(request, application_id, "已受理，可以指派评审专家")


@require_POST
@signed_in
def return_once(request: PublicRequest, application_id: UUID) -> HttpResponse:
    form = ReturnForm(request.POST)
    sentence = ""
    if form.is_valid():
        try:
            operations.return_once(
                application_id=application_id, **form.cleaned_data, by=request.actor, now=clock.now()
            )
            return _done(request, application_id, "已退回补正，并通知学校")
        except (operations.WrongState, operations.AlreadyReturned, operations.NothingMissing) as refused:
            sentence = refused.sentence
    return _page(request, application_id, refused=sentence, forms={"return": form}, status=422)


@require_POST
@signed_in
def extend_fix(request: PublicRequest, application_id: UUID) -> HttpResponse:
    form = ExtendForm(request.POST, auto_id="extend_%s")
    sentence = ""
    if form.is_valid():
        try:
            operations.extend_fix(application_id=application_id, **form.cleaned_data, by=request.actor, now=clock.now())
            return _done(request, application_id, "补正期限已延长，并通知学校")
        except (operations.WrongState, operations.FixDayWrong) as refused:
            sentence = refused.sentence
    return _page(request, application_id, refused=sentence, forms={"extend": form}, status=422)


@require_POST
@signed_in
def assign(request: PublicRequest, application_id: UUID) -> HttpResponse:
    """Assign every ticked reviewer; the first refusal is said, those before it stay assigned."""
    wanted = request.POST.getlist("account_id")
    sentence, done = "" if wanted else "请先勾选评审专家。", 0
    for text in wanted:
        try:
            operations.assign_reviewer(
                application_id=application_id, account_id=UUID(text), by=request.actor, now=clock.now()
            )
            done += 1
        except ValueError:
            sentence = "请从列表中选择评审专家。"
        except (operations.WrongState, operations.NotReviewer, operations.ReviewerUnknown,
                operations.ReviewerConflict) as refused:  # fmt: skip
            sentence = refused.sentence
    if sentence:
        return _page(request, application_id, refused=sentence, status=422)
    return _done(request, application_id, f"已指派 {done} 位评审专家")


@require_POST
@signed_in
def replace(request: PublicRequest, application_id: UUID, assignment_id: UUID) -> HttpResponse:
    try:
        operations.replace_reviewer(assignment_id=assignment_id, by=request.actor, now=clock.now())
    except operations.WrongState as refused:
        return _page(request, application_id, refused=refused.sentence, status=422)
    return _done(request, application_id, "已撤换")


@require_POST
@signed_in
def conflict(request: PublicRequest, application_id: UUID) -> HttpResponse:
    """Stay away: afterwards this page does not exist for the actor any more."""
    form = ConflictForm(request.POST, auto_id="conflict_%s")
    account_id = request.actor.account_id
    if not form.is_valid() or account_id is None:
        return _page(request, application_id, forms={"conflict": form}, status=422)
    operations.declare_conflict(
        application_id=application_id, account_id=account_id, **form.cleaned_data, by=request.actor, now=clock.now()
    )
    return go(request, "institute:applications", said="已登记回避，这份申报不再对您显示")


@require_POST
@signed_in
def decide(request: PublicRequest, application_id: UUID) -> HttpResponse:
    form = DecideForm(request.POST, verdicts=_verdicts(queries.detail(application_id, by=request.actor)))
    sentence = ""
    if form.is_valid():
        try:
            operations.decide(application_id=application_id, **form.cleaned_data, by=request.actor, now=clock.now())
            return _done(request, application_id, "决定已作出，并通知学校")
        except operations.WrongState as refused:
            sentence = refused.sentence
        except DomainError as refused:
            if refused.field not in form.fields:
                raise
            form.add_error(refused.field, refused.sentence)
    elif "verdict" in form.errors and not form.fields["verdict"].choices:  # type: ignore[attr-defined]
        sentence = "这份申报刚刚有人办理过，请查看当前状态。"
    return _page(request, application_id, refused=sentence, forms={"decide": form}, status=422)


@require_POST
@signed_in
def contact(request: PublicRequest, application_id: UUID) -> HttpResponse:
    shown = operations.reveal_contact(application_id=application_id, by=request.actor)
    return render(request, "applications/_contact.html", shown)


@never_cache
@require_safe
@signed_in
def document(request: PublicRequest, application_id: UUID, document_id: UUID) -> HttpResponse:
    return sent(queries.document_for(application_id, document_id, by=request.actor))
