"""Shifts, rules, cycles, contracted presence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from kernel import clock
from kernel.errors import DomainError, NotAllowed, NotFound
from tenants.organisation import queries as organisation
from tenants.organisation.choices import CertificateKind
from tenants.rosters import operations, policies, queries
from tenants.rosters.choices import Grade
from tenants.rosters.contracts import Gap
from tenants.rosters.models import Segment, Shift
from tenants.rosters.windows import clock_text
from web.http import SchoolRequest, signed_in
from web.shared.pages import go, is_htmx, paginate
from web.tenant.rosters.forms import (
    PARTS,
    RULE_FIELDS,
    WEEKDAYS,
    CoverageForm,
    PatternForm,
    RuleForm,
    ShiftForm,
    TermsForm,
    UseForm,
)
from web.tenant.rosters.views.grid import CRUMB, opt_uuid, party_choices, post_choices, today_of


def common(request: SchoolRequest) -> dict[str, Any]:
    return {"by": request.actor, "tenant": request.school, "now": clock.now()}


def tabs(request: SchoolRequest, here: str) -> dict[str, Any]:
    """The tabs of 排班设置."""
    rows = [("shifts", "班次"), ("patterns", "循环"), ("coverage", "合同在岗要求"), ("rules", "考勤规则")]
    return {
        "tabs": [{"label": label, "url": reverse(f"rosters:{n}"), "active": n == here} for n, label in rows],
        "crumbs": [CRUMB, {"label": "排班设置"}],
        "title": "排班设置",
    }


def form_page(
    request: SchoolRequest,
    form: forms.Form,
    act: Callable[[], HttpResponse],
    *,
    parent: tuple[str, str],
    **context: Any,
) -> HttpResponse:
    """Show a form; when posted and well-formed, `act` makes the domain call. A refusal goes to its field."""
    context = {
        "form": form, "submit": "保存", "cancel": reverse(parent[1]),
        "crumbs": [CRUMB, {"label": parent[0], "url": reverse(parent[1])}, {"label": context["title"]}], **context,
    }  # fmt: skip
    if request.method == "POST":
        if form.is_valid():
            try:
                return act()
            except DomainError as refused:
                names = {"segments": "end1", "flex_minutes": "flex_minutes", "parties": "party"}
                field = names.get(refused.field or "", refused.field or "")
                form.add_error(field if field in form.fields else None, refused.sentence)
        template = "components/form.html" if is_htmx(request) else "rosters/form.html"
        return render(request, template, context, status=422)
    return render(request, "rosters/form.html", context)


# --- Shifts --------------------------------------------------------------------------------------


def bar(parts: list[Segment]) -> list[dict[str, Any]]:
    """Segments on a bar of 48 hours, in thousandths of its width."""
    return [
        {
            "x": p.start_minute * 1000 // 2880, "w": max(4, (p.end_minute - p.start_minute) * 1000 // 2880),
            "text": f"{clock_text(p.start_minute)}—{clock_text(p.end_minute)}",
        }
        for p in parts
    ]  # fmt: skip


def _shift_row(row: Shift) -> dict[str, Any]:
    parts = list(row.segments.all())
    out = "每段打卡" if all(p.needs_out and p.needs_in for p in parts) else (
        "下班免打卡" if not any(p.needs_out for p in parts) else "首尾打卡"
    )  # fmt: skip
    minutes = sum(p.end_minute - p.start_minute for p in parts)
    return {
        "row": row, "times": queries.times_text(parts), "bar": bar(parts), "hours": f"{minutes / 60:g}", "out": out
    }  # fmt: skip


@require_safe
@signed_in
def shifts(request: SchoolRequest) -> HttpResponse:
    rows = [_shift_row(s) for s in queries.shifts(by=request.actor)]
    context = {
        **tabs(request, "shifts"), "rows": rows, "may": policies.can_configure(request.actor),
        "lead": "班次是一天里的上班时段，可以跨过零点、分成几段。",
        "ticks": [{"x": n * 1000 // 8, "label": f"{n * 6 % 24:02d}"} for n in range(9)],
    }  # fmt: skip
    return render(request, "rosters/shifts.html", context)


def _shift_form(request: SchoolRequest, row: Shift | None) -> HttpResponse:
    if not policies.can_configure(request.actor):
        raise NotAllowed
    initial: dict[str, Any] = {}
    if row:
        parts = list(row.segments.all())
        initial = {"name": row.name, "code": row.code, "colour": row.colour, "kind": row.kind,
                   "flex_minutes": row.flex_minutes}  # fmt: skip
        for n, p in enumerate(parts[:PARTS], start=1):
            initial |= {f"start{n}": clock_text(p.start_minute), f"end{n}": clock_text(p.end_minute)}
        each = all(p.needs_in and p.needs_out for p in parts)
        initial["punches"] = "each" if each else "no_out" if not any(p.needs_out for p in parts) else "ends"
    form = ShiftForm(request.POST or None, initial=initial)

    def segments() -> list[operations.SegmentInput]:
        """As filled in; where nobody touched the times, as they are: a form shows four stretches, and one way to punch."""
        if row is None or any(n == "punches" or n[:-1] in ("start", "end") for n in form.changed_data):
            return form.segments()
        return [
            operations.SegmentInput(p.start_minute, p.end_minute, p.needs_in, p.needs_out) for p in row.segments.all()
        ]

    def act() -> HttpResponse:
        data = form.cleaned_data
        saved = operations.save_shift(
            shift_id=row.pk if row else None, name=data["name"], code=data["code"], colour=data["colour"],
            kind=data["kind"], flex_minutes=data["flex_minutes"] or 0, segments=segments(),
            today=today_of(request), **common(request),
        )  # fmt: skip
        return go(request, "rosters:shifts", said=f"已保存班次「{saved.name}」")

    title = f"修改班次「{row.name}」" if row else "新建班次"
    return form_page(request, form, act, parent=("班次", "rosters:shifts"), title=title)


@signed_in
def new_shift(request: SchoolRequest) -> HttpResponse:
    return _shift_form(request, None)


@signed_in
def change_shift(request: SchoolRequest, shift_id: UUID) -> HttpResponse:
    return _shift_form(request, queries.shift(shift_id, by=request.actor))


@require_POST
@signed_in
def retire_shift(request: SchoolRequest, shift_id: UUID) -> HttpResponse:
    try:
        row = operations.retire_shift(shift_id=shift_id, **common(request))
    except DomainError as refused:
        return go(request, "rosters:shifts", said=refused.sentence, tone="bad")
    return go(request, "rosters:shifts", said=f"已停用「{row.name}」，已排的班不受影响")


# --- Rules ---------------------------------------------------------------------------------------


@require_safe
@signed_in
def rules(request: SchoolRequest) -> HttpResponse:
    today = today_of(request)
    groups: dict[Any, dict[str, Any]] = {}
    for r in queries.rules(by=request.actor):
        name = r.post.name if r.post else r.party.name if r.party else "全校"
        whose = f"{r.post.party.name}" if r.post else r.get_scope_display()
        group = groups.setdefault((r.scope, r.party_id, r.post_id), {"name": name, "whose": whose, "versions": []})
        holds = r.valid_from <= today and not any(v["holds"] for v in group["versions"])
        group["versions"].append({"row": r, "holds": holds, "coming": r.valid_from > today})
    order = {"school": 0, "party": 1, "post": 2}
    shown = [g for _k, g in sorted(groups.items(), key=lambda i: order[i[0][0]])]
    context = {
        **tabs(request, "rules"), "groups": shown, "may": policies.can_set_rules(request.actor),
        "lead": "岗位的规则优先于单位，单位优先于全校。改规则是加一个新版本：从生效日期起的班次都按新版本，已经排好的也一样；之前的和已能打卡的班次按当时的版本。",
    }  # fmt: skip
    return render(request, "rosters/rules.html", context)


@signed_in
def new_rule(request: SchoolRequest) -> HttpResponse:
    if not policies.can_set_rules(request.actor):
        raise NotAllowed
    today = today_of(request)
    initial: dict[str, Any] = {"valid_from": today, "scope": request.GET.get("scope", "school")}
    initial |= {"party": request.GET.get("party", ""), "post": request.GET.get("post", "")}
    last = queries.rules(
        by=request.actor, scope=initial["scope"], party_id=opt_uuid(initial["party"]),
        post_id=opt_uuid(initial["post"]),
    ).order_by("-valid_from").first()  # fmt: skip
    if last:
        initial |= {name: getattr(last, name) for name in RULE_FIELDS}
    form = RuleForm(
        request.POST or None, initial=initial,
        choices={"party": party_choices(request), "post": post_choices(request)},
    )  # fmt: skip

    def act() -> HttpResponse:
        data = form.cleaned_data
        scope = data["scope"]
        operations.set_rule(
            scope=scope, valid_from=data["valid_from"], today=today,
            party_id=opt_uuid(data["party"]) if scope == "party" else None,
            post_id=opt_uuid(data["post"]) if scope == "post" else None,
            **{name: data[name] for name in RULE_FIELDS}, **common(request),
        )  # fmt: skip
        return go(request, "rosters:rules", said="已保存规则，从生效日期起的班次都按它计算，已经排好的也一样")

    return form_page(request, form, act, parent=("考勤规则", "rosters:rules"), title="新的规则版本")


# --- Contracted presence -------------------------------------------------------------------------


def _weekdays(bits: int) -> str:
    if bits == 127:
        return "每天"
    if bits == 31:
        return "周一至周五"
    return "、".join(label for value, label in WEEKDAYS if bits & int(value))


@require_safe
@signed_in
def coverage(request: SchoolRequest) -> HttpResponse:
    if not policies.reads_grid(request.actor):
        raise NotAllowed
    page = paginate(request, organisation.posts(by=request.actor))
    posts = list(page.object_list)
    terms = queries.terms(by=request.actor, post_ids=[p.pk for p in posts])
    rows: dict[UUID, list[dict[str, Any]]] = {}
    for c in queries.coverages(by=request.actor).filter(post_id__in=[p.pk for p in posts]):
        minutes = c.end_minute - c.start_minute
        rows.setdefault(c.post_id, []).append(
            {
                "row": c, "when": f"{_weekdays(c.weekdays)} {span_text(c.start_minute, c.end_minute)}",
                "holidays": c.holidays, "hours": f"{minutes * c.persons / 60:g}",
            }
        )  # fmt: skip
    context = {
        **tabs(request, "coverage"), "page_obj": page, "may": policies.can_set_rules(request.actor),
        "lead": "合同约定每个岗位什么时间要有几个人在岗；满编率和缺岗金额由此计算。",
        "posts": [
            {
                "post": p, "rows": rows.get(p.pk, []), "terms": terms.get(p.pk),
                "grade": (terms[p.pk].grade if p.pk in terms else Grade.C),
            }
            for p in posts
        ],
    }  # fmt: skip
    return render(request, "rosters/coverage.html", context)


def _visible_post(request: SchoolRequest, post_id: UUID) -> Any:
    if not policies.can_set_rules(request.actor):
        raise NotAllowed
    return organisation.post(post_id, by=request.actor)


@signed_in
def terms(request: SchoolRequest, post_id: UUID) -> HttpResponse:
    post = _visible_post(request, post_id)
    known = queries.terms(by=request.actor, post_ids=[post_id]).get(post_id)
    initial = {"grade": known.grade, "hourly_rate": known.hourly_rate} if known else {"grade": Grade.C}
    form = TermsForm(request.POST or None, initial=initial)

    def act() -> HttpResponse:
        operations.set_terms(post_id=post_id, **form.cleaned_data, **common(request))
        return go(request, "rosters:coverage", said=f"已保存「{post.name}」的要求")

    return form_page(request, form, act, parent=("合同在岗要求", "rosters:coverage"), title=f"{post.name}：佐证与费用")


def _coverage_form(request: SchoolRequest, post_id: UUID, coverage_id: UUID | None) -> HttpResponse:
    post = _visible_post(request, post_id)
    initial: dict[str, Any] = {"valid_from": today_of(request)}
    if coverage_id:
        row = queries.coverage(coverage_id, by=request.actor)
        if row.post_id != post_id:
            raise NotFound
        initial = {
            "persons": row.persons, "start": clock_text(row.start_minute), "end": end_text(row.end_minute),
            "weekdays": [v for v, _ in WEEKDAYS if row.weekdays & int(v)], "holidays": row.holidays,
            "valid_from": row.valid_from, "valid_until": row.valid_until,
        }  # fmt: skip
    form = CoverageForm(request.POST or None, initial=initial)

    def act() -> HttpResponse:
        data = form.cleaned_data
        operations.save_coverage(
            post_id=post_id, coverage_id=coverage_id, persons=data["persons"], start_minute=data["start"],
            end_minute=data["end"], weekdays=sum(int(v) for v in data["weekdays"]), holidays=data["holidays"],
            valid_from=data["valid_from"], valid_until=data["valid_until"], **common(request),
        )  # fmt: skip
        return go(request, "rosters:coverage", said=f"已保存「{post.name}」的合同在岗要求")

    title = f"{post.name}：{'修改' if coverage_id else '新增'}在岗要求"
    return form_page(request, form, act, parent=("合同在岗要求", "rosters:coverage"), title=title)


def span_text(start: int, end: int) -> str:
    """全天, or 22:00—次日06:00."""
    return "全天" if (start, end) == (0, 1440) else f"{clock_text(start)}—{end_text(end)}"


def end_text(minute: int) -> str:
    """24:00 rather than 次日00:00."""
    return "24:00" if minute == 1440 else clock_text(minute)


@signed_in
def new_coverage(request: SchoolRequest, post_id: UUID) -> HttpResponse:
    return _coverage_form(request, post_id, None)


@signed_in
def change_coverage(request: SchoolRequest, post_id: UUID, coverage_id: UUID) -> HttpResponse:
    return _coverage_form(request, post_id, coverage_id)


@require_POST
@signed_in
def remove_coverage(request: SchoolRequest, coverage_id: UUID) -> HttpResponse:
    operations.remove_coverage(coverage_id=coverage_id, **common(request))
    return go(request, "rosters:coverage", said="已删除这条在岗要求")


# --- Cycles --------------------------------------------------------------------------------------


@require_safe
@signed_in
def patterns(request: SchoolRequest) -> HttpResponse:
    known = {str(s.pk): s for s in queries.shifts(by=request.actor, active=None)}
    rows = [
        {"row": p, "cells": [known.get(c) if c else None for c in p.cells]} for p in queries.patterns(by=request.actor)
    ]
    context = {
        **tabs(request, "patterns"), "rows": rows, "may": policies.can_configure(request.actor),
        "may_use": policies.edits(request.actor),
        "lead": "循环按天重复；跟着循环的人，系统提前四周排好并发布。",
    }  # fmt: skip
    return render(request, "rosters/patterns.html", context)


def _pattern_form(request: SchoolRequest, pattern_id: UUID | None) -> HttpResponse:
    if not (policies.can_configure(request.actor) if pattern_id else policies.edits(request.actor)):
        raise NotAllowed
    known = {str(s.pk): s.code for s in queries.shifts(by=request.actor)}
    initial: dict[str, Any] = {}
    if pattern_id:
        row = queries.pattern(pattern_id, by=request.actor)
        cells = " ".join(known.get(c, "休") if c else "休" for c in row.cells)
        initial = {"name": row.name, "cells": cells, "follows_calendar": row.follows_calendar}
    form = PatternForm(request.POST or None, initial=initial)

    def act() -> HttpResponse:
        codes = {code: UUID(key) for key, code in known.items()}
        words = form.cleaned_data["cells"].replace("，", " ").replace(",", " ").replace("、", " ").split()
        wrong = [w for w in words if w not in codes and w != "休"]
        if wrong:
            form.add_error("cells", f"没有简称为「{wrong[0]}」的班次。可用：{'、'.join(codes)}、休")
            return render(request, "components/form.html", {"form": form, "submit": "保存"}, status=422)
        saved = operations.save_pattern(
            pattern_id=pattern_id, name=form.cleaned_data["name"], cells=[codes.get(w) for w in words],
            follows_calendar=form.cleaned_data["follows_calendar"], **common(request),
        )  # fmt: skip
        return go(
            request,
            "rosters:patterns",
            said=f"已保存循环「{saved.name}」" + ("，已排出的班不变，之后按新的排" if pattern_id else ""),
        )

    lead = f"可用的班次简称：{'、'.join(known.values())}、休"
    title = "修改循环" if pattern_id else "新建循环"
    return form_page(request, form, act, parent=("循环", "rosters:patterns"), title=title, lead=lead)


@signed_in
def new_pattern(request: SchoolRequest) -> HttpResponse:
    return _pattern_form(request, None)


@signed_in
def change_pattern(request: SchoolRequest, pattern_id: UUID) -> HttpResponse:
    return _pattern_form(request, pattern_id)


@require_POST
@signed_in
def retire_pattern(request: SchoolRequest, pattern_id: UUID) -> HttpResponse:
    row = operations.retire_pattern(pattern_id=pattern_id, today=today_of(request), **common(request))
    return go(request, "rosters:patterns", said=f"已停用「{row.name}」，明天起不再按它排班")


@require_safe
@signed_in
def pattern(request: SchoolRequest, pattern_id: UUID) -> HttpResponse:
    """Who follows the cycle."""
    row = queries.pattern(pattern_id, by=request.actor)
    known = {str(s.pk): s for s in queries.shifts(by=request.actor, active=None)}
    uses = queries.pattern_uses(by=request.actor, pattern_id=pattern_id, today=today_of(request))
    context = {
        "title": f"循环「{row.name}」",
        "lead": f"{row.days} 天一轮" + ("，随校历" if row.follows_calendar else ""),
        "crumbs": [CRUMB, {"label": "循环", "url": reverse("rosters:patterns")}, {"label": row.name}],
        "row": row,
        "cells": [known.get(c) if c else None for c in row.cells],
        "page_obj": paginate(request, uses),
        "may_use": policies.edits(request.actor) and row.active,
        "tomorrow": today_of(request) + timedelta(days=1),
    }
    return render(request, "rosters/pattern.html", context)


@signed_in
def use_pattern(request: SchoolRequest, pattern_id: UUID) -> HttpResponse:
    if not policies.edits(request.actor):
        raise NotAllowed
    row = queries.pattern(pattern_id, by=request.actor)
    post_id = opt_uuid(request.GET.get("post", ""))
    people = organisation.staff(by=request.actor, post_id=post_id).order_by("post__name", "pinyin")[:500]
    form = UseForm(
        request.POST or None,
        initial={"starts_on": today_of(request) + timedelta(days=1), "stagger": 0 if row.follows_calendar else 1},
        choices={
            "post": post_choices(request),
            "staff": [(str(p.pk), f"{p.name}（{p.post.name if p.post else '无岗位'}）") for p in people],
        },
    )

    def act() -> HttpResponse:
        data = form.cleaned_data
        made = operations.use_pattern(
            pattern_id=pattern_id, staff_ids=[UUID(s) for s in data["staff"]], starts_on=data["starts_on"],
            ends_on=data["ends_on"], post_id=opt_uuid(data["post"]), offset=data["offset"] - 1,
            stagger=data["stagger"], **common(request),
        )  # fmt: skip
        return go(
            request, "rosters:pattern", pattern_id, said=f"{len(made)} 人已加入，排班正在生成，稍后在排班表中查看"
        )

    return form_page(
        request, form, act, parent=("循环", "rosters:patterns"), title=f"让谁按「{row.name}」排班", submit="加入循环"
    )


@require_POST
@signed_in
def end_use(request: SchoolRequest, use_id: UUID) -> HttpResponse:
    row = operations.end_use(use_id=use_id, ends_on=today_of(request) + timedelta(days=1), **common(request))
    return go(request, "rosters:pattern", row.pattern_id, said=f"{row.staff.name} 明天起不再按循环排班")


@require_POST
@signed_in
def remake(request: SchoolRequest, use_id: UUID) -> HttpResponse:
    operations.remake(use_id=use_id, **common(request))
    return go(request, "rosters:patterns", said="正在重新生成")


# --- Forecast ------------------------------------------------------------------------------------


def days_until(gap: Gap, today: date) -> str:
    days = (gap.first - today).days
    return f"还有 {days} 天" if days > 0 else "今天已经没有"


@require_safe
@signed_in
def forecast(request: SchoolRequest) -> HttpResponse:
    today = today_of(request)
    gaps = queries.gaps(by=request.actor, today=today, tenant=request.school)
    rows = [
        {
            "gap": g, "kinds": "、".join(str(CertificateKind(k).label) for k in g.kinds), "left": days_until(g, today),
            "tone": "bad" if (g.first - today).days <= 30 else "warn",
        }
        for g in gaps
    ]  # fmt: skip
    soonest = gaps[0] if gaps else None
    context = {
        "title": "证照缺口预报",
        "lead": f"今后 90 天有 {len({g.post_id for g in gaps})} 个岗位将无持证人；最近的在 {soonest.first.month}月{soonest.first.day}日"
        if soonest
        else "今后 90 天，需要证书的岗位每天都有持证人",
        "crumbs": [CRUMB, {"label": "证照缺口预报"}],
        "page_obj": paginate(request, rows),
        "today": today,
    }
    return render(request, "rosters/forecast.html", context)
