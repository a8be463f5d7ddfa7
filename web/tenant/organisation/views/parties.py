"""Departments, contracts, service lines, posts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from institute.providers import operations as providers
from institute.providers import queries as provider_queries
from kernel import clock
from kernel.errors import DomainError, NotAllowed
from standards_library.choices import OperatingMode, ServiceLine
from tenants.organisation import operations, policies, queries
from tenants.organisation.choices import PartyKind
from tenants.timeline import queries as timeline
from web.http import SchoolRequest, signed_in
from web.shared.pages import go, paginate, render_list, say
from web.shared.xlsx import download
from web.tenant.organisation.forms import (
    ContractForm,
    DepartmentForm,
    LineForm,
    NewContractForm,
    PartyFilter,
    PostFilter,
    PostForm,
)
from web.tenant.organisation.views.base import crumbs, form_page, opt_id, party_choices, place_choices

ACTIVE = {"": True, "no": False, "all": None}
LINES: dict[str, str] = {code: str(label) for code, label in ServiceLine.choices}


def _tabs(active: str) -> list[dict[str, Any]]:
    rows = [
        ("合同", "organisation:contracts"),
        ("部门", "organisation:departments"),
        ("服务条线", "organisation:lines"),
        ("岗位", "organisation:posts"),
    ]
    return [{"label": label, "url": reverse(name), "active": name.endswith(active)} for label, name in rows]


def _chosen(request: SchoolRequest) -> tuple[PartyFilter, dict[str, Any]]:
    form = PartyFilter(request.GET or None)
    chosen = form.cleaned_data if form.is_bound and form.is_valid() else {}
    return form, {
        "search": chosen.get("search", ""),
        "line": chosen.get("line") or None,
        "active": ACTIVE[chosen.get("active", "")],
    }


def _contract_state(row: Any) -> tuple[str, str, str]:
    today = clock.now().astimezone(clock.SHANGHAI).date()
    if not row.party.active:
        return ("closed", "已停用", "muted")
    if row.starts_on > today:
        return ("future", "未开始", "info")
    if row.ends_on < today:
        return ("over", "已到期", "bad")
    if (row.ends_on - today).days <= 60:
        return ("soon", f"还剩 {(row.ends_on - today).days} 天", "warn")
    return ("running", "履行中", "ok")


def _contract_rows(rows: Any) -> list[dict[str, Any]]:
    rows = list(rows)
    companies = provider_queries.providers_by_id([r.party.provider_id for r in rows if r.party.provider_id])
    return [
        {
            "row": r,
            "company": companies[r.party.provider_id].name if r.party.provider_id in companies else "",
            "lines": "、".join(LINES.get(code, code) for code in r.lines),
            "state": _contract_state(r),
        }
        for r in rows
    ]


@signed_in
def contracts(request: SchoolRequest) -> HttpResponse:
    form, chosen = _chosen(request)
    page = paginate(request, queries.contracts(by=request.actor, **chosen))
    context = {
        "title": "单位与岗位",
        "lead": "外包合同、自管部门，以及每个服务条线由谁负责。",
        "crumbs": crumbs("合同"),
        "tabs": _tabs("contracts"),
        "form": form,
        "page_obj": page,
        "rows": _contract_rows(page),
        "filtered": any(request.GET.get(k) for k in form.fields),
        "can_manage": policies.can_manage(request.actor),
    }
    return render_list(request, "organisation/contracts.html", "organisation/_contracts.html", context)


@signed_in
def export_contracts(request: SchoolRequest) -> HttpResponse:
    _form, chosen = _chosen(request)
    rows = _contract_rows(queries.contracts(by=request.actor, **chosen)[:5000])
    heads = ("简称", "企业", "合同编号", "服务条线", "开始日期", "结束日期", "月服务费（元）", "项目负责人", "状态")
    return download(
        "合同.xlsx",
        [
            (
                "合同",
                heads,
                (
                    (
                        r["row"].party.name, r["company"], r["row"].number, r["lines"], r["row"].starts_on,
                        r["row"].ends_on, r["row"].monthly_fee, r["row"].manager, r["state"][1],
                    )
                    for r in rows
                ),
            )
        ],
    )  # fmt: skip


@signed_in
def new_contract(request: SchoolRequest) -> HttpResponse:
    form = NewContractForm(request.POST or None)

    def act(data: dict[str, Any]) -> HttpResponse:
        code, typed = data.pop("credit_code"), data.pop("provider_name")
        with transaction.atomic():
            company = providers.ensure_provider(credit_code=code, name=typed, by=request.actor)
            party = operations.add_contract(provider_id=company.id, **data, by=request.actor, tenant=request.school)
        same = company.made or company.name == typed
        said = "合同已登记" if same else f"合同已登记；该信用代码在平台上的企业名称是「{company.name}」"
        return go(request, "organisation:party", party.pk, said=said, tone="ok" if same else "warn")

    return form_page(
        request, form, act, title="登记合同", crumbs=crumbs(("合同", "organisation:contracts"), "登记"),
        cancel=reverse("organisation:contracts"),
    )  # fmt: skip


@signed_in
def departments(request: SchoolRequest) -> HttpResponse:
    form, chosen = _chosen(request)
    parties = queries.parties(by=request.actor, kind=PartyKind.DEPARTMENT, **chosen)
    context = {
        "title": "单位与岗位",
        "lead": "自己承担服务的部门是被考核方；其余部门是监管方。",
        "crumbs": crumbs("部门"),
        "tabs": _tabs("departments"),
        "form": form,
        "page_obj": paginate(request, parties),
        "filtered": any(request.GET.get(k) for k in form.fields),
        "can_manage": policies.can_manage(request.actor),
    }
    return render_list(request, "organisation/departments.html", "organisation/_departments.html", context)


@signed_in
def new_department(request: SchoolRequest) -> HttpResponse:
    form = DepartmentForm(request.POST or None)

    def act(data: dict[str, Any]) -> HttpResponse:
        party = operations.add_department(**data, by=request.actor, tenant=request.school)
        return go(request, "organisation:departments", said=f"已新增「{party.name}」")

    return form_page(
        request, form, act, title="新增部门", crumbs=crumbs(("部门", "organisation:departments"), "新增"),
        cancel=reverse("organisation:departments"),
    )  # fmt: skip


@signed_in
def party(request: SchoolRequest, party_id: UUID) -> HttpResponse:
    """A contract or department with its posts, people and history."""
    row = queries.visible_party(party_id, by=request.actor)
    is_contract = row.kind == PartyKind.CONTRACT
    contract = _contract_rows([row.contract])[0] if is_contract else None
    context = {
        "title": row.name,
        "crumbs": crumbs(
            ("合同", "organisation:contracts") if is_contract else ("部门", "organisation:departments"), row.name
        ),
        "party": row,
        "contract": contract,
        "posts": queries.posts(by=request.actor, party_id=row.pk),
        "staff_count": queries.staff(by=request.actor, party_id=row.pk).count(),
        "lines": [LINES[s.line] for s in queries.line_settings(by=request.actor).values() if s.party_id == row.pk],
        "can_manage": policies.can_manage(request.actor),
        "events": [{"at": e.at, "who": e.actor_name, "text": e.sentence} for e in timeline.events_of(row)[:20]],
    }
    return render(request, "organisation/party.html", context)


@signed_in
def change_party(request: SchoolRequest, party_id: UUID) -> HttpResponse:
    row = queries.visible_party(party_id, by=request.actor)
    back = reverse("organisation:party", args=[party_id])
    if row.kind == PartyKind.CONTRACT:
        names = ("number", "lines", "starts_on", "ends_on", "monthly_fee", "manager")
        initial = {"name": row.name, **{n: getattr(row.contract, n) for n in names}}
        form: Any = ContractForm(request.POST or None, initial=initial)
        save: Any = operations.change_contract
    else:
        initial = {"name": row.name, "head": row.department.head, "phone": row.department.phone}
        form, save = DepartmentForm(request.POST or None, initial=initial), operations.change_department

    def act(data: dict[str, Any]) -> HttpResponse:
        save(party_id=party_id, **data, by=request.actor, tenant=request.school)
        return go(request, "organisation:party", party_id, said="已保存")

    return form_page(request, form, act, title=f"修改「{row.name}」", crumbs=crumbs(row.name, "修改"), cancel=back)


@require_POST
@signed_in
def switch_party(request: SchoolRequest, party_id: UUID) -> HttpResponse:
    active = request.POST.get("active") == "1"
    try:
        operations.set_party_active(party_id=party_id, active=active, by=request.actor, tenant=request.school)
    except DomainError as refused:
        return go(request, "organisation:party", party_id, said=refused.sentence, tone="bad")
    return go(request, "organisation:party", party_id, said="已启用" if active else "已停用")


# --- Service lines -----------------------------------------------------------------------------------


def _line_row(
    request: SchoolRequest, line: str, settings: dict[str, Any], form: LineForm | None = None
) -> dict[str, Any]:
    setting = settings.get(line)
    initial = {"mode": setting.mode if setting else "", "party_id": str(setting.party_id or "") if setting else ""}
    return {
        "line": line,
        "label": LINES[line],
        "setting": setting,
        "form": form or LineForm(initial=initial, choices={"party_id": party_choices(request.actor)}, prefix=line),
    }


@signed_in
def lines(request: SchoolRequest) -> HttpResponse:
    settings = queries.line_settings(by=request.actor)
    context = {
        "title": "单位与岗位",
        "lead": "每个服务条线怎样运营、由谁负责；问题和考核默认归到责任单位。",
        "crumbs": crumbs("服务条线"),
        "tabs": _tabs("lines"),
        "rows": [_line_row(request, line, settings) for line in ServiceLine.values],
        "can_manage": policies.can_manage(request.actor),
        "modes": OperatingMode.choices,
    }
    return render(request, "organisation/lines.html", context)


@require_POST
@signed_in
def set_line(request: SchoolRequest, line: str) -> HttpResponse:
    """Save one line; answers its row."""
    if line not in ServiceLine.values or not policies.can_manage(request.actor):
        raise NotAllowed
    form = LineForm(request.POST, choices={"party_id": party_choices(request.actor)}, prefix=line)
    if form.is_valid():
        try:
            operations.set_line(
                line=line, mode=form.cleaned_data["mode"], party_id=opt_id(form.cleaned_data["party_id"]),
                by=request.actor, tenant=request.school,
            )  # fmt: skip
        except DomainError as refused:
            form.add_error("party_id" if refused.field == "party" else None, refused.sentence)
        else:
            row = _line_row(request, line, queries.line_settings(by=request.actor))
            answer = render(request, "organisation/_line.html", {"r": row, "can_manage": True})
            return say(answer, f"{LINES[line]}已保存")
    row = _line_row(request, line, queries.line_settings(by=request.actor), form)
    return render(request, "organisation/_line.html", {"r": row, "can_manage": True}, status=422)


# --- Posts -------------------------------------------------------------------------------------------


def _post_filter(request: SchoolRequest) -> tuple[PostFilter, dict[str, Any]]:
    form = PostFilter(request.GET or None, choices={"party_id": party_choices(request.actor)})
    chosen = form.cleaned_data if form.is_bound and form.is_valid() else {}
    return form, {
        "search": chosen.get("search", ""),
        "party_id": opt_id(chosen.get("party_id", "")),
        "line": chosen.get("line") or None,
    }


@signed_in
def posts(request: SchoolRequest) -> HttpResponse:
    form, chosen = _post_filter(request)
    short = queries.posts_short(by=request.actor).count()
    context = {
        "title": "单位与岗位",
        "lead": f"{short} 个岗位在岗人数少于合同编制。" if short else "在岗人数都不少于合同编制。",
        "crumbs": crumbs("岗位"),
        "tabs": _tabs("posts"),
        "form": form,
        "page_obj": paginate(request, queries.posts(by=request.actor, **chosen)),
        "filtered": any(request.GET.get(k) for k in form.fields),
        "can_manage": policies.can_manage(request.actor),
    }
    return render_list(request, "organisation/posts.html", "organisation/_posts.html", context)


@signed_in
def export_posts(request: SchoolRequest) -> HttpResponse:
    from tenants.organisation.choices import CertificateKind

    names = dict(CertificateKind.choices)
    _form, chosen = _post_filter(request)
    rows = queries.posts(by=request.actor, **chosen)[:5000]
    heads = ("岗位", "所属单位", "服务条线", "工作地点", "合同编制", "在岗人数", "缺员", "所需证书")
    return download(
        "岗位.xlsx",
        [
            (
                "岗位",
                heads,
                (
                    (
                        p.name, p.party.name, p.get_line_display(), p.place.full_name if p.place else "", p.headcount,
                        getattr(p, "filled", 0), max(0, p.headcount - getattr(p, "filled", 0)),
                        "、".join(str(names.get(c, c)) for c in p.certificates),
                    )
                    for p in rows
                ),
            )
        ],
    )  # fmt: skip


def _post_choices(request: SchoolRequest) -> dict[str, Any]:
    return {"party_id": party_choices(request.actor), "place_id": place_choices(request.actor)}


@signed_in
def new_post(request: SchoolRequest) -> HttpResponse:
    form = PostForm(
        request.POST or None, choices=_post_choices(request), initial={"party_id": request.GET.get("party", "")}
    )

    def act(data: dict[str, Any]) -> HttpResponse:
        data |= {"party_id": UUID(data["party_id"]), "place_id": opt_id(data["place_id"])}
        post = operations.add_post(**data, by=request.actor, tenant=request.school)
        return go(request, "organisation:posts", said=f"已新增岗位「{post.name}」")

    return form_page(
        request, form, act, title="新增岗位", crumbs=crumbs(("岗位", "organisation:posts"), "新增"),
        cancel=reverse("organisation:posts"),
    )  # fmt: skip


@signed_in
def change_post(request: SchoolRequest, post_id: UUID) -> HttpResponse:
    row = queries.post(post_id, by=request.actor)
    names = ("name", "line", "headcount", "certificates")
    initial = {n: getattr(row, n) for n in names} | {"place_id": str(row.place_id or "")}
    form = PostForm(request.POST or None, choices=_post_choices(request), initial=initial)
    del form.fields["party_id"]

    def act(data: dict[str, Any]) -> HttpResponse:
        operations.change_post(
            post_id=post_id, **{**data, "place_id": opt_id(data["place_id"])}, by=request.actor, tenant=request.school
        )
        return go(request, "organisation:posts", said="已保存")

    return form_page(
        request, form, act, title=f"修改岗位「{row.name}」", lead=row.party.name,
        crumbs=crumbs(("岗位", "organisation:posts"), "修改"), cancel=reverse("organisation:posts"),
    )  # fmt: skip


@require_POST
@signed_in
def close_post(request: SchoolRequest, post_id: UUID) -> HttpResponse:
    try:
        operations.close_post(post_id=post_id, by=request.actor, tenant=request.school, now=clock.now())
    except DomainError as refused:
        return go(request, "organisation:posts", said=refused.sentence, tone="bad")
    return go(request, "organisation:posts", said="岗位已停用")
