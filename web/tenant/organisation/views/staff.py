"""People: list, page, numbers in clear on demand, certificates, logins."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from kernel import clock
from kernel.errors import DomainError, NotAllowed, NotFound
from tenants.evidence import operations as evidence
from tenants.organisation import certificates, operations, policies, queries
from tenants.organisation.choices import CertificateKind, StaffStatus
from tenants.timeline import queries as timeline
from web.http import SchoolRequest, signed_in
from web.shared.pages import go, paginate, render_list
from web.shared.xlsx import download
from web.tenant.organisation.forms import (
    BackForm,
    CertificateChangeForm,
    CertificateForm,
    LeaveForm,
    StaffFilter,
    StaffForm,
)
from web.tenant.organisation.views.base import crumbs, form_page, opt_id, party_choices, post_choices
from web.tenant.organisation.views.certificates import TONES as CERTIFICATE_TONES

STATUS = {"": StaffStatus.ACTIVE.value, "left": StaffStatus.LEFT.value, "all": None}
TONES = {"active": "ok", "left": "muted"}


def _today() -> date:
    return clock.now().astimezone(clock.SHANGHAI).date()


def _certificate_state(row: certificates.Dated) -> tuple[str, str, str]:
    state = certificates.state_on(row, _today())
    return (str(state.value), str(state.label), CERTIFICATE_TONES[state])


def _chosen(request: SchoolRequest) -> tuple[StaffFilter, dict[str, Any]]:
    choices = {"party_id": party_choices(request.actor), "post_id": post_choices(request.actor)}
    form = StaffFilter(request.GET or None, choices=choices)
    chosen = form.cleaned_data if form.is_bound and form.is_valid() else {}
    return form, {
        "search": chosen.get("search", ""),
        "party_id": opt_id(chosen.get("party_id", "")),
        "post_id": opt_id(chosen.get("post_id", "")),
        "status": STATUS[chosen.get("status", "")],
        "certificate": chosen.get("certificate", ""),
        "today": _today(),
    }


@signed_in
def index(request: SchoolRequest) -> HttpResponse:
    form, chosen = _chosen(request)
    page = paginate(request, queries.staff(by=request.actor, **chosen))
    held: dict[UUID, list[Any]] = {}
    for owner, row in queries.certificates_of([p.pk for p in page]):
        held.setdefault(owner, []).append(row)
    manage = policies.can_manage(request.actor)
    context = {
        "title": "员工",
        "lead": "身份证号和手机号加密保存，列表只显示首尾；每次查看全号都有记录。",
        "crumbs": crumbs("员工"),
        "form": form,
        "page_obj": page,
        "rows": [{"row": p, "certificates": _summary(p, held.get(p.pk, []))} for p in page],
        "tones": TONES,
        "filtered": any(request.GET.get(k) for k in form.fields),
        "can_manage": manage,
        "buttons": [
            {
                "label": "开通登录账号",
                "url": reverse("organisation:open_logins"),
                "confirm": "为所选员工开通登录账号？初始密码只显示一次，请准备打印。",
            }
        ],
    }
    return render_list(request, "organisation/staff.html", "organisation/_staff.html", context)


def _summary(person: Any, held: list[Any]) -> tuple[str, str, str]:
    """One word about a person's certificates: what lacks comes first."""
    states = [_certificate_state(c) for c in held]
    today = _today()
    valid = {c.kind for c in held if certificates.valid_on(c, today)}
    needed = set(person.post.certificates) if person.post else set()
    if person.status == StaffStatus.LEFT:
        return ("", "", "muted")
    if needed - valid:
        return ("missing", f"缺 {len(needed - valid)} 种证书", "bad")
    lasting: dict[str, tuple[str, str, str]] = {c.kind: s for c, s in zip(held, states, strict=True)}  # last wins
    worst = next((s for tone in ("bad", "warn") for s in lasting.values() if s[2] == tone), None)
    if worst:
        return worst
    return ("ok", f"{len(held)} 种有效", "ok") if held else ("", "", "muted")


@signed_in
def export(request: SchoolRequest) -> HttpResponse:
    """The list as it is filtered, numbers masked."""
    _form, chosen = _chosen(request)
    rows = queries.staff(by=request.actor, **chosen)[:20_000]
    heads = ("工号", "姓名", "所属单位", "岗位", "手机号", "身份证号", "入职日期", "状态", "离职日期")
    return download(
        "员工.xlsx",
        [
            (
                "员工",
                heads,
                (
                    (
                        p.number, p.name, p.party.name, p.post.name if p.post else "", p.phone_masked,
                        p.id_card_masked, p.hired_on, p.get_status_display(), p.left_on,
                    )
                    for p in rows
                ),
            )
        ],
    )  # fmt: skip


@signed_in
def person(request: SchoolRequest, staff_id: UUID) -> HttpResponse:
    row = queries.staff_member(staff_id, by=request.actor)
    held = [c for _owner, c in queries.certificates_of([row.pk])]
    kinds = dict(CertificateKind.choices)
    valid = {c.kind for c in held if certificates.valid_on(c, _today())}
    lacking = [str(kinds[k]) for k in (row.post.certificates if row.post else []) if k not in valid]
    context = {
        "title": row.name,
        "lead": f"{row.party.name} · {row.post.name}" if row.post else row.party.name,
        "crumbs": crumbs(("员工", "organisation:staff"), row.name),
        "person": row,
        "tones": TONES,
        "certificates": [{"row": c, "state": _certificate_state(c)} for c in held],
        "lacking": lacking if row.status == StaffStatus.ACTIVE else [],
        "can_manage": policies.can_manage(request.actor),
        "sharing": queries.sharing_login(row) if policies.can_read_party(request.actor, row.party) else [],
        "can_reveal": policies.can_reveal(request.actor, row),
        "events": [{"at": e.at, "who": e.actor_name, "text": e.sentence} for e in timeline.events_of(row)[:30]]
        if policies.can_read_all(request.actor)
        else None,
    }
    return render(request, "organisation/person.html", context)


@require_POST
@signed_in
def reveal(request: SchoolRequest, staff_id: UUID, what: str) -> HttpResponse:
    """The number in clear as a fragment that is never cached; the look is on the timeline."""
    try:
        text = operations.reveal(staff_id=staff_id, what=what, by=request.actor, tenant=request.school)
    except DomainError as refused:
        answer = render(request, "organisation/_number.html", {"refused": refused.sentence}, status=422)
    else:
        answer = render(request, "organisation/_number.html", {"number": text})
    answer["Cache-Control"] = "no-store"
    return answer


def _staff_choices(request: SchoolRequest) -> dict[str, Any]:
    return {"party_id": party_choices(request.actor), "post_id": post_choices(request.actor)}


def _staff_data(data: dict[str, Any]) -> dict[str, Any]:
    return {**data, "party_id": UUID(data["party_id"]), "post_id": opt_id(data["post_id"])}


@signed_in
def new(request: SchoolRequest) -> HttpResponse:
    form = StaffForm(request.POST or None, choices=_staff_choices(request))

    def act(data: dict[str, Any]) -> HttpResponse:
        row = operations.add_staff(**_staff_data(data), by=request.actor, tenant=request.school)
        return go(request, "organisation:person", row.pk, said=f"已新增员工「{row.name}」")

    return form_page(
        request, form, act, title="新增员工", crumbs=crumbs(("员工", "organisation:staff"), "新增"),
        cancel=reverse("organisation:staff"),
    )  # fmt: skip


@signed_in
def change(request: SchoolRequest, staff_id: UUID) -> HttpResponse:
    """Change a person. Empty number fields keep what is stored: nobody types a number again to change a name."""
    row = queries.staff_member(staff_id, by=request.actor)
    initial = {
        "number": row.number, "name": row.name, "party_id": str(row.party_id), "post_id": str(row.post_id or ""),
        "hired_on": row.hired_on,
    }  # fmt: skip
    form = StaffForm(request.POST or None, choices=_staff_choices(request), initial=initial)
    for name, masked in (("phone", row.phone_masked), ("id_card", row.id_card_masked)):
        if masked:
            form.fields[name].help_text = f"现为 {masked}；不改请留空"

    def act(data: dict[str, Any]) -> HttpResponse:
        fields = _staff_data(data)
        fields |= {n: fields[n] or None for n in ("phone", "id_card")}
        operations.change_staff(staff_id=staff_id, **fields, now=clock.now(), by=request.actor, tenant=request.school)
        return go(request, "organisation:person", staff_id, said="已保存")

    return form_page(
        request, form, act, title=f"修改「{row.name}」", crumbs=crumbs(("员工", "organisation:staff"), "修改"),
        cancel=reverse("organisation:person", args=[staff_id]),
    )  # fmt: skip


@signed_in
def leave(request: SchoolRequest, staff_id: UUID) -> HttpResponse:
    row = queries.staff_member(staff_id, by=request.actor)
    form = LeaveForm(request.POST or None, initial={"left_on": _today()})

    def act(data: dict[str, Any]) -> HttpResponse:
        gone = operations.leave(
            staff_id=staff_id, left_on=data["left_on"], now=clock.now(), by=request.actor, tenant=request.school
        )
        said = (
            "已办理离职"
            if gone.status == StaffStatus.LEFT
            else f"已登记，{gone.left_on} 是最后一个工作日，此前照常排班和打卡"
        )
        return go(request, "organisation:person", staff_id, said=f"{said}；个人信息将于 {gone.forget_on} 删除")

    return form_page(
        request, form, act, title=f"「{row.name}」离职", submit="办理离职",
        lead="填最后一个工作日，可以提前登记：此前照常排班和打卡，次日中午关闭登录账号；180 天后自动删除姓名、手机号、身份证号和证书，只留工号。",
        crumbs=crumbs(("员工", "organisation:staff"), "离职"), cancel=reverse("organisation:person", args=[staff_id]),
    )  # fmt: skip


@signed_in
def bring_back(request: SchoolRequest, staff_id: UUID) -> HttpResponse:
    row = queries.staff_member(staff_id, by=request.actor)
    initial = {"party_id": str(row.party_id), "post_id": str(row.post_id or "")}
    form = BackForm(request.POST or None, choices=_staff_choices(request), initial=initial)
    gone = row.status == StaffStatus.LEFT

    def act(data: dict[str, Any]) -> HttpResponse:
        operations.bring_back(
            staff_id=staff_id, **_staff_data(data), now=clock.now(), by=request.actor, tenant=request.school
        )
        return go(request, "organisation:person", staff_id, said="已返岗" if gone else "已撤销离职登记，照常在岗")

    word = "返岗" if gone else "不再离职"
    return form_page(
        request, form, act, title=f"「{row.name}」{word}", submit=f"办理{word}" if gone else word,
        crumbs=crumbs(("员工", "organisation:staff"), word), cancel=reverse("organisation:person", args=[staff_id]),
    )  # fmt: skip


@require_POST
@signed_in
def forget(request: SchoolRequest, staff_id: UUID) -> HttpResponse:
    try:
        operations.forget(staff_id=staff_id, now=clock.now(), by=request.actor, tenant=request.school)
    except DomainError as refused:
        return go(request, "organisation:person", staff_id, said=refused.sentence, tone="bad")
    return go(request, "organisation:person", staff_id, said="个人信息已删除")


@require_POST
@signed_in
def open_logins(request: SchoolRequest) -> HttpResponse:
    """Open logins for the chosen people and show names and passwords once, ready to print."""
    try:
        ids = [UUID(i) for i in request.POST.getlist("ids")][:1000]
    except ValueError as malformed:
        raise NotFound from malformed
    told = operations.open_logins(staff_ids=ids, now=clock.now(), by=request.actor, tenant=request.school)
    if not told:
        return go(request, "organisation:staff", said="所选员工都已有登录账号，或已离职", tone="info")
    context = {
        "title": "登录账号",
        "lead": f"已开通 {len(told)} 个。初始密码只显示这一次，请打印后发给本人；首次登录须修改密码。",
        "crumbs": crumbs(("员工", "organisation:staff"), "登录账号"),
        "told": told,
        "host": request.get_host(),
    }
    answer = render(request, "organisation/logins.html", context)
    answer["Cache-Control"] = "no-store"
    return answer


@require_POST
@signed_in
def share_login(request: SchoolRequest, staff_id: UUID) -> HttpResponse:
    """One who works for two parties signs in with the login they have."""
    try:
        operations.share_login(
            staff_id=staff_id, number=request.POST.get("number", ""), by=request.actor, tenant=request.school,
            now=clock.now(),
        )  # fmt: skip
    except DomainError as refused:
        return go(request, "organisation:person", staff_id, said=refused.sentence, tone="bad")
    return go(request, "organisation:person", staff_id, said="已关联，两份档案用同一个账号登录")


# --- Certificates --------------------------------------------------------------------------------------


def _with_scan(request: SchoolRequest, data: dict[str, Any]) -> dict[str, Any]:
    """The fields of the form, its file kept as evidence."""
    fields = {name: value for name, value in data.items() if name != "scan"}
    if data.get("scan"):
        kept = evidence.keep_file(
            upload=data["scan"].file, name=data["scan"].name, by=request.actor, tenant=request.school, now=clock.now()
        )
        fields["scan_id"] = kept.pk
    return fields


@signed_in
def new_certificate(request: SchoolRequest, staff_id: UUID) -> HttpResponse:
    row = queries.staff_member(staff_id, by=request.actor)
    form = CertificateForm(request.POST or None, request.FILES or None, initial={"kind": request.GET.get("kind")})
    for name in ("review_on", "expires_on"):
        form.fields[name].help_text = "不填时，按类别推算"

    def act(data: dict[str, Any]) -> HttpResponse:
        operations.add_certificate(
            staff_id=staff_id, **_with_scan(request, data), by=request.actor, tenant=request.school
        )
        return go(request, "organisation:person", staff_id, said="证书已登记")

    return form_page(
        request, form, act, title=f"登记「{row.name}」的证书", crumbs=crumbs(("员工", "organisation:staff"), "登记证书"),
        cancel=reverse("organisation:person", args=[staff_id]),
    )  # fmt: skip


@signed_in
def change_certificate(request: SchoolRequest, staff_id: UUID, certificate_id: UUID) -> HttpResponse:
    row = queries.staff_member(staff_id, by=request.actor)
    held = {c.pk: c for _owner, c in queries.certificates_of([row.pk])}
    if certificate_id not in held:
        raise NotFound
    names = ("kind", "number", "issued_on", "review_on", "expires_on")
    form = CertificateChangeForm(
        request.POST or None, request.FILES or None, initial={n: getattr(held[certificate_id], n) for n in names}
    )
    for name in ("review_on", "expires_on"):
        form.fields[name].help_text = "留空则保持原来的日期；换了新证，按类别推算"
    for name, drops in (("review_on", "without_review"), ("expires_on", "without_end")):
        if not getattr(held[certificate_id], name):  # nothing to drop
            del form.fields[drops]
    if not {"without_review", "without_end"} & form.fields.keys():
        del form.fields["reason"]
    if held[certificate_id].scan_id:
        form.fields["scan"].help_text = "已有扫描件；上传新的会替换它，不换请留空"

    def act(data: dict[str, Any]) -> HttpResponse:
        operations.change_certificate(
            certificate_id=certificate_id, **_with_scan(request, data), by=request.actor, tenant=request.school,
            now=clock.now(),
        )  # fmt: skip
        return go(request, "organisation:person", staff_id, said="证书已更新")

    return form_page(
        request, form, act, title="修改证书", crumbs=crumbs(("员工", "organisation:staff"), "修改证书"),
        cancel=reverse("organisation:person", args=[staff_id]),
    )  # fmt: skip


@require_POST
@signed_in
def remove_certificate(request: SchoolRequest, staff_id: UUID, certificate_id: UUID) -> HttpResponse:
    if not policies.can_manage(request.actor):
        raise NotAllowed
    operations.remove_certificate(certificate_id=certificate_id, by=request.actor, tenant=request.school)
    return go(request, "organisation:person", staff_id, said="证书已删除")
