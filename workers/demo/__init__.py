"""The demo: an institute, an application waiting for review, two opened schools with three months behind them.

Made by the same operations that people use, with `now` set back, so it obeys every rule. Deterministic
from a seed; dates are relative to today. Each part is made in one transaction and skipped when it is
already there: a second `make run` adds nothing, a broken one goes on where it stopped.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from kernel.tenancy import public_context, school_context
from tenants.notices import operations as notices
from workers.demo import applications, institute, schools
from workers.demo.school import (
    attendance,
    boards,
    calendar,
    duty,
    face,
    history,
    organisation,
    patrols,
    punches,
    rosters,
    stamps,
    two_jobs,
)

SEED = 20261
PLANS = schools.PLANS


def begun() -> bool:
    """Whether a school of the demo is there already."""
    with public_context():
        return schools.opened()


def make(*, now: datetime, say: Callable[[str], None]) -> None:
    """Make whatever of the demo is missing."""
    make_shared(now=now, say=say)
    for plan in PLANS:
        make_school(plan, now=now, say=say)


def make_shared(*, now: datetime, say: Callable[[str], None]) -> None:
    """The institute, an application, the company, and the two schools, opened and empty."""
    with public_context():
        staff = institute.make()
        say("研究院账号")
        applications.make(staff, now=now)
        say("一份待评审的申报")
        company = institute.provider(staff)
        for plan in PLANS:
            schools.make(plan, company, now=now)
        institute.fire_provider(staff)
        say("两所学校的数据空间")


def make_school(plan: schools.Plan, *, now: datetime, say: Callable[[str], None]) -> None:
    """Three months of one school. Touches no row of the other: both may be made at once."""
    with public_context():
        staff = institute.make()
        company, second = institute.provider(staff), institute.fire_provider(staff)
        tenant, people = schools.make(plan, company, now=now)
        with school_context(tenant):
            before = stamps.newest()
            calendar.make(people, tenant)
            organisation.make(plan, people, company, tenant, seed=SEED)
            say(f"{plan.name}：场所、合同、岗位、120 名员工")
            rosters.make(plan, people, tenant, now=now, seed=SEED)
            say(f"{plan.name}：班次、三个月的排班与今后四周")
            history.make(plan, people, tenant, now=now, seed=SEED)
            boards.make(plan, people, tenant, now=now, seed=SEED)
            say(f"{plan.name}：三个月的巡查、整改与两轮考核")
            punches.make(plan, people, tenant, now=now, seed=SEED)
            stamps.stamp(now)
            say(f"{plan.name}：打卡范围、考勤设备与两个月的打卡")
            patrols.make(plan, people, tenant, now=now, seed=SEED)
            say(f"{plan.name}：两条巡更路线与十个夜晚")
            face.make(plan, people, tenant, now=now, seed=SEED)
            two_jobs.make(plan, people, second, tenant, now=now)
            attendance.make(plan, people, tenant, now=now)
            stamps.stamp(now)
            say(f"{plan.name}：两个月的考勤结果")
            duty.make(plan, people, tenant, now=now, seed=SEED)
            if stamps.newest() != before:
                stamps.put_in_order()
            say(f"{plan.name}：值班、查岗与交接")
            for reader in (people.admin, people.leader, *people.supervisors, people.provider):
                notices.mark_read(by=reader, now=now, until=now - timedelta(days=2))
        schools.facts(tenant)
