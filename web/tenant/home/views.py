"""A school's start page: the first steps until they are done, then what needs me."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse

from identity import queries as identity
from identity.choices import Role
from identity.contracts import Actor
from kernel import clock
from standards_library.choices import ServiceLine
from tenants.evaluations import queries as evaluations
from tenants.findings import queries as findings
from tenants.organisation import policies as organisation_policies
from tenants.organisation import queries as organisation
from tenants.rubrics import queries as rubrics
from web.http import SchoolRequest, signed_in
from web.shared.pages import go
from web.tenant.home.figures import figures

OFFICE = (Role.SCHOOL_ADMIN, Role.SCHOOL_LEADER, Role.SCHOOL_SUPERVISOR)


def _url(*names: str) -> str:
    """The first of these addresses that exists, "" if none does."""
    for name in names:
        try:
            return reverse(name)
        except NoReverseMatch:
            continue
    return ""


def _first_steps(request: SchoolRequest) -> list[dict[str, Any]]:
    """The checklist of a new school, in the order the steps need each other."""
    have = organisation.counts()
    members = identity.counts_by_role(actor=request.actor, school_id=request.school.school_id)
    colleagues = sum(members.values()) - 1
    adopted = rubrics.active_rubrics().count()
    settings = organisation.line_settings(by=request.actor)
    outsourced = any(s.mode != "self_run" for s in settings.values()) or not settings
    steps = [
        ("建好场所", "校区、楼栋、楼层和点位；可用 Excel 导入，二维码随后就能打印", have["places"], "处", "organisation:places"),
        ("登记部门", "自己承担服务的部门，以及监管部门", have["departments"], "个", "organisation:departments"),
        *(
            [("登记外包合同", "物业企业、服务条线、期限和金额", have["contracts"], "份", "organisation:contracts")]
            if outsourced
            else []
        ),
        ("指定各服务条线的责任单位", "问题和考核默认归到责任单位", have["lines"], f"/{len(ServiceLine.values)} 条", "organisation:lines"),
        ("登记岗位", "合同编制人数和所需证书", have["posts"], "个", "organisation:posts"),
        ("导入员工", "身份证号和手机号加密保存，只显示首尾", have["staff"], "人", "organisation:staff"),
        ("采用评分标准", "从标准库选一份，改成本校的", adopted, "份", "rubrics:index"),
        ("邀请同事", "分管领导、监管人员和物业项目负责人", colleagues, "人", "members:index"),
    ]  # fmt: skip
    made = []
    for text, hint, count, unit, name in steps:
        url = _url(name)
        done = count >= (len(ServiceLine.values) if name == "organisation:lines" else 1)
        made.append(
            {
                "text": text,
                "hint": f"已有 {count} {unit}".replace(" /", "/") if count else hint,
                "done": done,
                "url": url,
            }
        )
    return made


def _needs_me(request: SchoolRequest) -> list[dict[str, Any]]:
    """What waits, worst first; nothing that is in order."""
    now = clock.now()
    today = now.astimezone(clock.SHANGHAI).date()
    by = request.actor
    rows: list[dict[str, Any]] = []
    tally = findings.counts(by=by, now=now)
    found = _url("findings:index")
    if tally.overdue:
        rows.append(
            {
                "text": f"{tally.overdue} 个问题已超期",
                "tone": "bad",
                "url": f"{found}?bucket=overdue",
                "icon": "alert-triangle",
            }
        )
    if tally.mine:
        rows.append(
            {
                "text": f"{tally.mine} 个问题等我处理",
                "tone": "warn",
                "url": f"{found}?bucket=mine",
                "icon": "list-check",
            }
        )
    scoring = evaluations.mine_to_score(by=by)
    if scoring:
        rows.append(
            {
                "text": f"{len(scoring)} 项考核等我打分",
                "tone": "warn",
                "url": _url("evaluations:index"),
                "icon": "clipboard-check",
            }
        )
    if organisation_policies.can_read_all(by) or by.has(Role.PROVIDER_MANAGER):
        rows += _organisation_needs(request, today)
    return rows


def _organisation_needs(request: SchoolRequest, today: Any) -> list[dict[str, Any]]:
    by = request.actor
    ledger, soon = _url("organisation:certificates"), today + timedelta(days=60)
    short = organisation.posts_short(by=by).count()
    ending = organisation.contracts(by=by).filter(ends_on__gte=today, ends_on__lte=soon).count()
    people = {
        which: organisation.staff(by=by, certificate=which, today=today).count()
        for which in ("missing", "expired", "soon")
    }
    rows = [
        {"count": people["missing"], "words": "名员工缺少岗位所需证书", "tone": "bad", "url": f"{ledger}?state=bad", "icon": "certificate"},
        {"count": people["expired"], "words": "名员工有证书过期或复审逾期", "tone": "bad", "url": f"{ledger}?state=bad", "icon": "certificate-off"},
        {"count": short, "words": "个岗位缺员", "tone": "warn", "url": _url("organisation:posts"), "icon": "users-minus"},
        {"count": ending, "words": "份合同 60 天内到期", "tone": "warn", "url": _url("organisation:contracts"), "icon": "file-certificate"},
        {"count": people["soon"], "words": "名员工的证书 90 天内到期或需复审", "tone": "warn", "url": f"{ledger}?state=near", "icon": "certificate"},
    ]  # fmt: skip
    return [{**row, "text": f"{row['count']} {row['words']}"} for row in rows if row["count"]]


def _counts(actor: Actor) -> bool:
    """The office, and a property company of its own; not who looks on under a grant."""
    return not actor.of_institute and (
        actor.has(*OFFICE) or (actor.has(Role.PROVIDER_MANAGER) and bool(actor.provider_ids))
    )


@signed_in
def home(request: SchoolRequest) -> HttpResponse:
    actor = request.actor
    if (
        not actor.has(*OFFICE, Role.PROVIDER_MANAGER)
        and actor.has(Role.FRONTLINE)
        and (phone := _url("phone:home", "m_home", "phone:now"))
    ):
        return go(request, phone)
    steps = _first_steps(request) if actor.has(Role.SCHOOL_ADMIN) else []
    open_steps = [s for s in steps if not s["done"]]
    context = {
        "title": "总览",
        "lead": f"还有 {len(open_steps)} 步就能开始巡查和考核。" if open_steps else "",
        "steps_done": len(steps) - len(open_steps),
        "items": steps,
        "open_steps": open_steps,
        "needs": _needs_me(request) if not actor.of_institute else [],
        "figures": figures(request, clock.now()) if _counts(actor) else {},
    }
    return render(request, "home/home.html", context)
