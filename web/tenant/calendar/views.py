"""The year, its days, terms and seasons; import."""

from __future__ import annotations

from calendar import Calendar
from collections.abc import Callable
from datetime import date
from itertools import groupby
from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.core import signing
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from kernel import clock
from kernel.errors import DomainError, NotAllowed, NotFound
from kernel.spreadsheets import BadFile
from tenants.calendar import imports, operations, policies, queries, seasons
from tenants.calendar.choices import DayKind, PeriodKind, SeasonGroup, SolarTerm
from tenants.calendar.contracts import Day, Row
from web.http import SchoolRequest, signed_in
from web.shared.pages import go, is_htmx
from web.shared.xlsx import MIME, download
from web.tenant.calendar.forms import DayForm, NewSeasonForm, PeriodForm, SeasonForm, UploadForm, YearForm

WEEKDAYS = "一二三四五六日"
MONTHS = ["一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二"]
SALT, HELD = "calendar.import", 3600  # a checked file waits an hour for its confirmation
EFFECTS = {"new": ("新增", "info"), "updated": ("更新", "warn"), "unchanged": ("已有", "muted")}


def _today(request: SchoolRequest) -> date:
    return clock.now().astimezone(request.school.tz).date()


def _year(request: SchoolRequest) -> int:
    form = YearForm(request.GET)
    return int(form.cleaned_data["year"]) if form.is_valid() else _today(request).year


def _crumbs(*rest: str) -> list[dict[str, str]]:
    made = [{"label": "组织与场所"}, {"label": "校历", "url": reverse("calendar:index")}]
    return made + [{"label": part} for part in rest] if rest else [{"label": "组织与场所"}, {"label": "校历"}]


def _manage(request: SchoolRequest) -> None:
    if not policies.can_manage(request.actor):
        raise NotAllowed


# --- The year --------------------------------------------------------------------------------------


@signed_in
def index(request: SchoolRequest) -> HttpResponse:
    """Twelve months with every day's kind; below them terms and the days that are not as the week would have them."""
    year = _year(request)
    days = queries.visible_days(date(year, 1, 1), date(year, 12, 31), by=request.actor)
    periods = [p for p in queries.visible_periods(by=request.actor) if p.starts_on.year <= year <= p.ends_on.year]
    today = _today(request)
    provisional = any(d.provisional for d in days)
    context = {
        "title": "校历",
        "lead": _lead(days, today),
        "crumbs": _crumbs(),
        "year": year,
        "before": year - 1 if year > operations.FIRST_YEAR else None,
        "after": year + 1 if year < operations.LAST_YEAR else None,
        "months": _months(year, days, today, queries.solar_terms_of(year)),
        "weekdays": WEEKDAYS,
        "month_now": today.month if today.year == year else None,
        "periods": sorted(periods, key=lambda p: (p.starts_on, p.kind)),
        "runs": _runs(days),
        "provisional": provisional,
        "can_manage": policies.can_manage(request.actor),
    }
    return render(request, "calendar/index.html", context)


def _lead(days: list[Day], today: date) -> str:
    """Where we are, in a sentence, when the year shown is this one; else what the year holds."""
    now = next((d for d in days if d.day == today), None)
    worked = sum(1 for d in days if d.works)
    if now is None:
        return f"全年工作日 {worked} 天"
    parts = [f"今天是{now.kind.label}" + (f"（{now.name}）" if now.name else "")]
    parts += [f"{now.term}第 {now.week} 周"] if now.week else []
    parts += [now.vacation] if now.vacation else []
    return " · ".join([*parts, f"全年工作日 {worked} 天"])


def _months(year: int, days: list[Day], today: date, terms: dict[date, str]) -> list[dict[str, Any]]:
    by_date = {d.day: d for d in days}
    made = []
    for month in range(1, 13):
        weeks = []
        for week in Calendar().monthdatescalendar(year, month):
            cells = [_cell(by_date[d], today, terms) if d.month == month else None for d in week]
            number = next((c["day"].week for c in cells if c and c["day"].week), None)
            weeks.append({"number": number, "cells": cells})
        made.append({"label": f"{MONTHS[month - 1]}月", "number": month, "weeks": weeks})
    return made


def _cell(day: Day, today: date, terms: dict[date, str]) -> dict[str, Any]:
    words = [f"{day.day.month}月{day.day.day}日", f"周{WEEKDAYS[day.day.weekday()]}", str(day.kind.label)]
    words += [w for w in (day.name, day.vacation, terms.get(day.day, "")) if w]
    words += ["学校设置"] if day.own else []
    return {
        "day": day,
        "n": day.day.day,
        "iso": day.day.isoformat(),
        "label": " ".join(words),
        "solar": terms.get(day.day, ""),
        "today": day.day == today,
    }


def _runs(days: list[Day]) -> list[dict[str, Any]]:
    """Days that are marked, consecutive ones of one kind and name together."""
    marked = [d for d in days if d.mark]

    def run(pair: tuple[int, Day]) -> Any:
        n, d = pair
        return d.day.toordinal() - n, d.kind, d.name, d.own

    made = []
    for _key, group in groupby(enumerate(marked), key=run):
        same = [d for _n, d in group]
        made.append({"first": same[0], "last": same[-1], "n": len(same), "day": same[0]})
    return made


@signed_in
def export(request: SchoolRequest) -> HttpResponse:
    """The year as a workbook that can be imported again: special days, terms and vacations."""
    year = _year(request)
    days = queries.visible_days(date(year, 1, 1), date(year, 12, 31), by=request.actor)
    periods = [p for p in queries.visible_periods(by=request.actor) if p.starts_on.year <= year <= p.ends_on.year]
    rows = [(r["first"].day, r["last"].day, r["day"].kind.label, r["day"].name) for r in _runs(days)]
    rows += [(p.starts_on, p.ends_on, p.get_kind_display(), p.name) for p in periods]
    return download(f"校历{year}.xlsx", [("校历", ("开始日期", "结束日期", "类型", "名称"), rows)])


@require_POST
@signed_in
def settle(request: SchoolRequest) -> HttpResponse:
    year = _year(request)
    back = f"{reverse('calendar:index')}?year={year}"
    try:
        operations.settle_year(year=year, by=request.actor, tenant=request.school, now=clock.now())
    except DomainError as refused:
        return go(request, back, said=refused.sentence, tone="bad")
    return go(request, back, said=f"{year} 年的安排已确认录入")


# --- One day ---------------------------------------------------------------------------------------


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as malformed:
        raise NotFound from malformed


@signed_in
def day(request: SchoolRequest, day: str) -> HttpResponse:
    """What a day is and why; the admin changes it here."""
    which = _date(day)
    found = queries.visible_days(which, which, by=request.actor)[0]
    form = DayForm(request.POST or None, initial={"kind": found.kind, "name": found.name if found.own else ""})
    back = f"{reverse('calendar:index')}?year={which.year}"
    refused = ""
    if request.method == "POST":
        _manage(request)
        if form.is_valid():
            last = form.cleaned_data["last"] or which
            try:
                operations.set_days(
                    first=which, last=last, kind=form.cleaned_data["kind"], name=form.cleaned_data["name"],
                    by=request.actor, tenant=request.school, now=clock.now(),
                )  # fmt: skip
                return go(request, back, said="校历已更新")
            except DomainError as no:
                form.add_error(no.field if no.field in form.fields else None, no.sentence)
    kind, name = queries.plain_day(which)
    context = {
        "title": f"{which.year}年{which.month}月{which.day}日 周{WEEKDAYS[which.weekday()]}",
        "crumbs": _crumbs("日期"),
        "found": found,
        "plain": f"{kind.label}（{name}）" if name else str(kind.label),
        "solar": queries.solar_terms_of(which.year).get(which, ""),
        "seasons": [w.name for w in queries.seasons_of(which)],
        "form": form,
        "iso": which.isoformat(),
        "refused": refused,
        "cancel": back,
        "can_manage": policies.can_manage(request.actor),
    }
    if request.method == "POST":
        template = "components/form.html" if is_htmx(request) else "calendar/day.html"
        return render(request, template, {**context, "url": request.path, "id": "day-form"}, status=422)
    return render(request, "calendar/_day.html" if is_htmx(request) else "calendar/day.html", context)


@require_POST
@signed_in
def clear_day(request: SchoolRequest, day: str) -> HttpResponse:
    which = _date(day)
    operations.clear_days(first=which, last=which, by=request.actor, tenant=request.school)
    return go(request, f"{reverse('calendar:index')}?year={which.year}", said="已恢复为国家安排")


# --- Terms and vacations -----------------------------------------------------------------------------


def _form_page(
    request: SchoolRequest, form: Form, act: Callable[[dict[str, Any]], HttpResponse], **context: Any
) -> HttpResponse:
    """Show a form page; when posted and well-formed, `act` makes the domain call. A refusal goes to its field."""
    _manage(request)
    context = {"form": form, "submit": "保存", "cancel": reverse("calendar:index"), **context}
    if request.method == "POST":
        if form.is_valid():
            try:
                return act(form.cleaned_data)
            except DomainError as refused:
                form.add_error(refused.field if refused.field in form.fields else None, refused.sentence)
        template = "components/form.html" if is_htmx(request) else "calendar/form.html"
        return render(request, template, context, status=422)
    return render(request, "calendar/form.html", context)


@signed_in
def new_period(request: SchoolRequest) -> HttpResponse:
    form = PeriodForm(request.POST or None, initial={"kind": request.GET.get("kind", PeriodKind.TERM)})

    def act(data: dict[str, Any]) -> HttpResponse:
        operations.add_period(**data, by=request.actor, tenant=request.school)
        return go(request, f"{reverse('calendar:index')}?year={data['starts_on'].year}", said="已新增")

    return _form_page(request, form, act, title="新增学期或假期", crumbs=_crumbs("新增学期或假期"))


@signed_in
def change_period(request: SchoolRequest, period_id: UUID) -> HttpResponse:
    row = queries.period(period_id, by=request.actor)
    names = ("kind", "name", "starts_on", "ends_on")
    form = PeriodForm(request.POST or None, initial={n: getattr(row, n) for n in names})
    form.fields["kind"].disabled = True  # a term does not become a vacation

    def act(data: dict[str, Any]) -> HttpResponse:
        fields = {n: data[n] for n in names if n != "kind"}
        operations.change_period(period_id=period_id, **fields, by=request.actor, tenant=request.school)
        return go(request, f"{reverse('calendar:index')}?year={data['starts_on'].year}", said="已保存")

    return _form_page(
        request, form, act, title=f"修改「{row.name}」", crumbs=_crumbs("修改"),
        remove_url=reverse("calendar:remove_period", args=[row.pk]), remove_name=row.name,
    )  # fmt: skip


@require_POST
@signed_in
def remove_period(request: SchoolRequest, period_id: UUID) -> HttpResponse:
    operations.remove_period(period_id=period_id, by=request.actor, tenant=request.school)
    return go(request, "calendar:index", said="已删除")


# --- Seasons ---------------------------------------------------------------------------------------


@signed_in
def seasons_page(request: SchoolRequest) -> HttpResponse:
    """Every season with its rule and its days this year."""
    year = _year(request)
    rules = queries.visible_seasons(by=request.actor)
    windows = {
        w.code: w for w in seasons.windows(rules, date(year, 1, 1), date(year, 12, 31)) if w.starts_on.year == year
    }
    context = {
        "title": "季节",
        "lead": f"{year} 年的起止日期；按节气或固定日期推算，季节性计划按它提前安排。",
        "crumbs": _crumbs("季节"),
        "year": year,
        "rows": [
            {
                "rule": r,
                "from": seasons.say(r.starts),
                "to": seasons.say(r.ends),
                "window": windows.get(r.code),
                "group": SeasonGroup(r.group).label,
            }
            for r in rules
        ],
        "solar_terms": [(day, name) for day, name in queries.solar_terms_of(year).items()],
        "can_manage": policies.can_manage(request.actor),
    }
    return render(request, "calendar/seasons.html", context)


def _season_page(request: SchoolRequest, form: SeasonForm, code: str, **context: Any) -> HttpResponse:
    def act(data: dict[str, Any]) -> HttpResponse:
        operations.set_season(**{"code": code, **data}, by=request.actor, tenant=request.school)
        return go(request, "calendar:seasons", said="已保存")

    return _form_page(
        request, form, act, cancel=reverse("calendar:seasons"), solar_terms=SolarTerm.labels, **context
    )  # fmt: skip


@signed_in
def new_season(request: SchoolRequest) -> HttpResponse:
    form = NewSeasonForm(request.POST or None, initial={"active": True})
    return _season_page(request, form, "", title="新增季节", crumbs=_crumbs("新增季节"))


@signed_in
def change_season(request: SchoolRequest, code: str) -> HttpResponse:
    rule = next((r for r in queries.visible_seasons(by=request.actor) if r.code == code), None)
    if rule is None:
        raise NotFound
    initial = {"name": rule.name, "active": rule.active}
    for name, text in (("starts", rule.starts), ("ends", rule.ends)):
        initial[name] = seasons.say(text) if text in SolarTerm.values else text
    form = SeasonForm(request.POST or None, initial=initial)
    reset = {"reset_url": reverse("calendar:reset_season", args=[code]), "reset_default": code in seasons.DEFAULTS}
    return _season_page(
        request, form, code, title=f"修改「{rule.name}」", crumbs=_crumbs("修改季节"), **(reset if rule.own else {})
    )


@require_POST
@signed_in
def reset_season(request: SchoolRequest, code: str) -> HttpResponse:
    try:
        operations.reset_season(code=code, by=request.actor, tenant=request.school)
    except DomainError as refused:
        if isinstance(refused, NotAllowed):
            raise
        return go(request, "calendar:seasons", said=refused.sentence, tone="bad")
    return go(request, "calendar:seasons", said="已恢复")


# --- Import ----------------------------------------------------------------------------------------


@signed_in
def template(request: SchoolRequest) -> HttpResponse:
    name, content = imports.template(by=request.actor)
    answer = HttpResponse(content, content_type=MIME)
    answer["Content-Disposition"] = f"attachment; filename=\"template.xlsx\"; filename*=UTF-8''{quote(name)}"
    return answer


@signed_in
def upload(request: SchoolRequest) -> HttpResponse:
    """Choose a file; it is checked at once and shown. Nothing is written before the confirmation."""
    _manage(request)
    form = UploadForm(request.POST or None, request.FILES or None)
    context: dict[str, Any] = {
        "title": "导入校历",
        "lead": "先检查、再确认：确认之前什么都不会写入。",
        "crumbs": _crumbs("导入"),
        "form": form,
        "submit": "上传并检查",
        "cancel": reverse("calendar:index"),
    }
    if request.method == "POST" and form.is_valid():
        try:
            checked = imports.check(form.cleaned_data["file"].read(), by=request.actor)
        except BadFile as refused:
            form.add_error("file", refused.sentence)
        else:
            answer = render(request, "calendar/preview.html", {**context, **_preview(checked)})
            answer["Cache-Control"] = "no-store"
            return answer
    status = 422 if request.method == "POST" else 200
    return render(request, "calendar/upload.html", context, status=status)


def _preview(checked: imports.Checked) -> dict[str, Any]:
    counts = checked.counts()
    words = {k.value: str(k.label) for k in (*DayKind, *PeriodKind)}
    held = [[r.kind, r.name, r.starts_on.isoformat(), r.ends_on.isoformat()] for r in checked.rows]
    return {
        "lead": f"共 {counts['total']} 行：新增 {counts['new']}，更新 {counts['updated']}，"
        f"已有 {counts['unchanged']}，错误 {counts['wrong']}",
        "errors": checked.errors,
        "rows": [
            {"line": n, "row": row, "kind": words[row.kind], "label": EFFECTS[e][0], "tone": EFFECTS[e][1], "effect": e}
            for n, e, row in checked.effects
        ],
        "writable": counts["new"] + counts["updated"],
        "sealed": signing.dumps(held, salt=SALT, compress=True),
    }


@require_POST
@signed_in
def confirm(request: SchoolRequest) -> HttpResponse:
    """Write what the preview showed: the rows come back sealed by us, so nobody slips other ones in."""
    try:
        held = signing.loads(request.POST.get("rows", ""), salt=SALT, max_age=HELD)
    except signing.BadSignature:
        return go(request, "calendar:import", said="预览已过期，请重新上传文件。", tone="bad")
    rows = [Row(kind, name, date.fromisoformat(first), date.fromisoformat(last)) for kind, name, first, last in held]
    try:
        counts = operations.apply_rows(rows=rows, by=request.actor, tenant=request.school, now=clock.now())
    except NotAllowed:
        raise
    except DomainError as refused:
        return go(request, "calendar:import", said=f"没有导入：{refused.sentence}", tone="bad")
    year = max((r.starts_on.year for r in rows), default=_today(request).year)
    said = f"已导入：新增 {counts['new']}，更新 {counts['updated']}，未变 {counts['unchanged']}"
    return go(request, f"{reverse('calendar:index')}?year={year}", said=said)
