"""人脸 on the phone: read, choose, take one picture, see what is stored, take it back. For the signed-in person alone."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from identity.contracts import Actor
from kernel import clock
from kernel.errors import DomainError, Invalid, NotFound
from tenants.face import operations, pack, queries, texts
from tenants.face.choices import Decision, Outcome
from tenants.face.contracts import CheckResult
from tenants.face.pictures import MAX_BYTES
from tenants.organisation import queries as organisation
from web.http import SchoolRequest, signed_in
from web.shared.own_rows import acting, as_said, choice
from web.shared.pages import go, is_htmx

# What to do about a picture that did not do.
ADVICE = {
    Outcome.NO_FACE: "请正对镜头，光线充足，再拍一张。",
    Outcome.SEVERAL: "请让旁边的人离开画面，再拍一张。",
    Outcome.TOO_SMALL: "请靠近一点，让脸占画面三分之一以上。",
    Outcome.OFF_CENTRE: "请把脸放在画面中间，离镜头稍远一点。",
    Outcome.NOT_LIVE: "请本人直接面对镜头，不要翻拍照片或屏幕；避开强光再试。",
    Outcome.MISMATCH: "请摘下口罩帽子再试；还是不行就重新录入，或用其他方式打卡。",
    Outcome.BAD_PICTURE: "照片没有读出来，请再拍一张。",
    Outcome.OLD_TEMPLATE: "识别模型已更换，请重新录入一次。",
    Outcome.UNAVAILABLE: "请稍后再试；现在可以用其他方式打卡，效力相同。",
}


@require_safe
@signed_in
def mine(request: SchoolRequest) -> HttpResponse:
    """Where this person stands and what they can do about it. Never kept by the phone: it is about them alone."""
    answer = render(request, "face/mine.html", _context(request))
    answer["Cache-Control"] = "no-store"
    return answer


def _context(request: SchoolRequest, **more: Any) -> dict[str, Any]:
    by = acting(request)
    now = clock.now()
    today = now.astimezone(request.school.tz).date()
    context: dict[str, Any] = {
        "title": "人脸与隐私",
        "back": reverse("phone:home"),
        "text": texts.current(today),
        **choice(by),
        **more,
    }
    if by.staff_id is None:
        return {**context, "state": "nobody"}
    person = queries.person(by.staff_id, by=by)
    decision, template = queries.decision_of(person.pk), queries.template_of(person.pk)
    carries = queries.standing_consent(person.pk, today=today)
    found = pack.state().pack
    on, ready = queries.service_on(), queries.usable()
    if decision is not None and decision.decision == Decision.REFUSED:
        state = "refused"
    elif decision is None or carries is None:
        state = "ask" if on else "off"
    elif template is None:
        state = "agreed"
    else:
        state = "enrolled"
    return {
        **context,
        "state": state,
        "ready": ready,
        "on": on,
        "decision": decision,
        "renew": decision is not None and decision.decision == Decision.AGREED and carries is None,
        "template": template,
        "outdated": template is not None and found is not None and template.model_hash != found.model_hash,
        "age_known": organisation.born_on(person, tenant=request.school) is not None,
        "photo_days": queries.photo_days(),
        "checks": [
            (c, Outcome(c.outcome).label if c.outcome else "识别中") for c in queries.checks_of(person.pk, by=by)[:8]
        ],
        "deletions": queries.deletions_of(person.pk, by=by)[:5],
    }


def _person(request: SchoolRequest) -> tuple[Actor, UUID]:
    """As whom it is done: consent and template are those of one employer's row. Raises NotFound."""
    by = acting(request)
    if by.staff_id is None:
        raise NotFound
    return by, by.staff_id


def _back(request: SchoolRequest, said: str) -> HttpResponse:
    return go(request, reverse("face:mine") + as_said(acting(request)), said=said)


def _refused(request: SchoolRequest, no: DomainError) -> HttpResponse:
    return render(request, "face/mine.html", _context(request, refused=no.sentence), status=422)


@require_POST
@signed_in
def decide(request: SchoolRequest) -> HttpResponse:
    """Agree or refuse; both are one tap."""
    try:
        row = operations.decide(
            decision=request.POST.get("decision", ""),
            text_version=request.POST.get("text_version", ""),
            is_14=request.POST.get("is_14") == "1",
            key=request.headers.get("Idempotency-Key", ""),
            by=acting(request),
            tenant=request.school,
            now=clock.now(),
        )
    except DomainError as no:
        return _refused(request, no)
    said = (
        "已同意，请录入一张照片"
        if row.decision == Decision.AGREED
        else "已记录：您不使用人脸，打卡用其他方式，结果一样"
    )
    return _back(request, said)


def _picture(request: SchoolRequest) -> bytes:
    sent = request.FILES.get("picture")
    if sent is None:
        raise Invalid("请先拍一张照片。", field="picture")
    return bytes(sent.read(MAX_BYTES + 1))


@require_POST
@signed_in
def enrol(request: SchoolRequest) -> HttpResponse:
    try:
        check_id = operations.request_enrolment(
            picture=_picture(request), key=request.headers.get("Idempotency-Key", ""), by=acting(request),
            tenant=request.school, now=clock.now(),
        )  # fmt: skip
    except DomainError as no:
        return _refused(request, no)
    return go(request, "face:check", check_id)


@require_POST
@signed_in
def trial(request: SchoolRequest) -> HttpResponse:
    """Try whether one is known: the same as a punch, without one."""
    try:
        by, staff_id = _person(request)
        check_id = operations.request_check(
            staff_id=staff_id, picture=_picture(request), purpose="trial", by=by,
            tenant=request.school, now=clock.now(),
        )  # fmt: skip
    except DomainError as no:
        return _refused(request, no)
    return go(request, "face:check", check_id)


@require_safe
@signed_in
def check(request: SchoolRequest, check_id: UUID) -> HttpResponse:
    """What came of a picture; asks again each second until it is there."""
    result: CheckResult = queries.own_result(check_id, by=request.actor)
    context = {
        "title": "录入结果" if result.purpose == "enrol" else "核对结果",
        "back": reverse("face:mine") + as_said(request.actor.as_staff(result.staff_id)),
        "result": result,
        "advice": ADVICE.get(Outcome(result.outcome), "") if result.outcome else "",
        "slow": (clock.now() - result.requested_at).total_seconds() > 20,
    }
    answer = render(request, "face/_check.html" if is_htmx(request) else "face/check.html", context)
    answer["Cache-Control"] = "no-store"
    return answer


@require_POST
@signed_in
def revoke_mine(request: SchoolRequest) -> HttpResponse:
    by, staff_id = _person(request)
    operations.revoke(staff_id=staff_id, by=by, tenant=request.school, now=clock.now())
    return _back(request, "已撤回同意，人脸特征已删除")


@require_POST
@signed_in
def delete_mine(request: SchoolRequest) -> HttpResponse:
    by, staff_id = _person(request)
    try:
        operations.delete_template(staff_id=staff_id, by=by, tenant=request.school, now=clock.now())
    except DomainError as no:
        return _refused(request, no)
    return _back(request, "已删除，您可以随时重新录入")
