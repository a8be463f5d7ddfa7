"""Places, contracts, departments, posts and 120 staff of a demo school."""

from datetime import date, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

from django.db import transaction

from institute.providers.contracts import ProviderRef
from kernel import clock
from kernel.tenancy import Tenant
from standards_library.choices import OperatingMode, ServiceLine
from tenants.organisation import operations, queries
from workers.demo.names import people as names
from workers.demo.schools import People, Plan

CAMPUSES = {
    "东校区": ["图书馆", "明德楼", "格物楼", "1号公寓", "2号公寓", "第一食堂"],
    "西校区": ["致远楼", "实训中心", "3号公寓", "4号公寓", "第二食堂", "体育馆"],
}
POINTS = ("门厅", "卫生间", "楼梯间")
POSTS: dict[str, list[tuple[str, int, list[str]]]] = {
    ServiceLine.CLEANING: [("楼宇保洁员", 30, []), ("室外保洁员", 12, [])],
    ServiceLine.DORMITORY: [("公寓值班员", 16, [])],
    ServiceLine.CANTEEN: [("窗口服务员", 14, ["health"]), ("厨师", 8, ["health"])],
    ServiceLine.SECURITY: [("门岗保安员", 18, ["security_guard"])],
    ServiceLine.FIRE: [("消防控制室值班员", 6, ["fire_control"])],
    ServiceLine.EQUIPMENT: [("配电运行工", 5, ["electrician"])],
    ServiceLine.REPAIR: [("综合维修工", 7, [])],
    ServiceLine.GREENING: [("绿化养护工", 4, [])],
}  # 120 in all
VALIDITY = {"health": 365, "security_guard": None, "fire_control": None, "electrician": 6 * 365}


def make(plan: Plan, who: People, company: ProviderRef, tenant: Tenant, *, seed: int) -> None:
    """Make the organisation unless the school already has places."""
    if queries.has_places():
        return
    with transaction.atomic():
        _places(who, tenant)
        parties = _parties(plan, who, company, tenant)
        _staff(plan, who, tenant, parties, Random(f"{seed}{plan.slug}"))  # noqa: S311  (deterministic on purpose)
        _special_work(who, tenant)
        operations.tell_ending_certificates(tenant=tenant, now=clock.now())


def _places(who: People, tenant: Tenant) -> None:
    for campus, buildings in CAMPUSES.items():
        top = operations.add_place(parent_id=None, kind="campus", name=campus, by=who.admin, tenant=tenant)
        for name in buildings:
            building = operations.add_place(parent_id=top.pk, kind="building", name=name, by=who.admin, tenant=tenant)
            floors = operations.add_floors(
                building_id=building.pk, first=1, last=2 if "食堂" in name or name == "体育馆" else 3,
                by=who.admin, tenant=tenant,
            )  # fmt: skip
            for floor in floors[:2]:
                for point in POINTS:
                    operations.add_place(parent_id=floor.pk, kind="point", name=point, by=who.admin, tenant=tenant)
        operations.add_place(parent_id=top.pk, kind="area", name="道路与绿地", by=who.admin, tenant=tenant)


def _parties(plan: Plan, who: People, company: ProviderRef, tenant: Tenant) -> dict[str, UUID]:
    """Service line → the party that answers for it."""
    today = clock.now().astimezone(tenant.tz).date()
    first = date(today.year if today.month > 8 else today.year - 1, 9, 1)
    outsourced = [line for line, mode in plan.lines.items() if mode == OperatingMode.OUTSOURCED]
    contract = operations.add_contract(
        provider_id=company.id, name=f"{company.name}（{plan.city}项目）", number=f"HT-{first.year}-{plan.number:03d}",
        lines=outsourced, starts_on=first, ends_on=first.replace(year=first.year + 2) - timedelta(days=1),
        monthly_fee=Decimal(86_000 * len(outsourced)), manager="项目经理", by=who.admin, tenant=tenant,
    )  # fmt: skip
    own = {}
    for line, mode in plan.lines.items():
        if mode == OperatingMode.SELF_RUN:
            name = {"canteen": "饮食服务中心", "dormitory": "公寓管理中心"}.get(line, "后勤工程部")
            if name not in own:
                own[name] = operations.add_department(name=name, head="部门主任", by=who.admin, tenant=tenant).pk
    if not own:  # whoever buys everything still has an office that supervises it
        operations.add_department(name="后勤管理处", head="处长", by=who.admin, tenant=tenant)
    parties = {}
    for line, mode in plan.lines.items():
        name = {"canteen": "饮食服务中心", "dormitory": "公寓管理中心"}.get(line, "后勤工程部")
        parties[line] = contract.pk if mode == OperatingMode.OUTSOURCED else own[name]
        operations.set_line(line=line, mode=mode, party_id=parties[line], by=who.admin, tenant=tenant)
    return parties


def _staff(plan: Plan, who: People, tenant: Tenant, parties: dict[str, UUID], random: Random) -> None:
    today = clock.now().astimezone(tenant.tz).date()
    roll = iter(names(random, sum(count for rows in POSTS.values() for _, count, _ in rows)))
    number = 0
    for line, rows in POSTS.items():
        for title, count, certificates in rows:
            post = operations.add_post(
                party_id=parties[line], name=title, line=line, headcount=count + 1, certificates=certificates,
                by=who.admin, tenant=tenant,
            )  # fmt: skip
            for _ in range(count):
                number += 1
                person = operations.add_staff(
                    number=f"{plan.slug[:2].upper()}{number:04d}", name=next(roll), party_id=parties[line],
                    post_id=post.pk, phone=f"1990000{plan.number}{number:03d}",
                    hired_on=today - timedelta(days=random.randint(90, 2400)), by=who.admin, tenant=tenant,
                )  # fmt: skip
                for kind in certificates:
                    _certificate(
                        kind, person.pk, f"{kind[:2].upper()}{plan.number}{number:05d}", today, random, who, tenant
                    )


def _certificate(
    kind: str, staff_id: UUID, number: str, today: date, random: Random, who: People, tenant: Tenant
) -> None:
    """Most are in order, some lapse soon, a few have lapsed."""
    days = VALIDITY[kind]
    left = random.choices((400, 45, 20, -12), weights=(80, 9, 7, 4))[0]
    expires = today + timedelta(days=min(left, days - 30) if days else 0) if days else None
    operations.add_certificate(
        staff_id=staff_id, kind=kind, number=number,
        issued_on=(expires - timedelta(days=days)) if expires and days else today - timedelta(days=700),
        review_on=today + timedelta(days=left) if kind == "electrician" else None,
        expires_on=expires, by=who.admin, tenant=tenant,
    )  # fmt: skip


# Certificates of the repair shop that its post does not demand: (kind, days until the review, until the end).
SPECIAL_WORK = (
    ("work_at_height", 400, 1495),
    ("work_at_height", 52, 1147),
    ("welding", None, 24),
    ("welding", None, 610),
    ("refrigeration", -9, 1086),
    ("electrician", 700, 1795),
)


def _special_work(who: People, tenant: Tenant) -> None:
    """One review missed, one near, one certificate that ends within the month: what 证书台账 is for."""
    today = clock.now().astimezone(tenant.tz).date()
    people = [p for p in queries.staff(by=who.admin) if p.post and p.post.name == "综合维修工"]
    for n, (person, (kind, review, end)) in enumerate(zip(people, SPECIAL_WORK, strict=False)):
        ends = today + timedelta(days=end)
        operations.add_certificate(
            staff_id=person.pk, kind=kind, number=f"T{ends.year - 6}{n:06d}", issued_on=ends - timedelta(days=6 * 365),
            review_on=today + timedelta(days=review) if review else None, expires_on=ends, by=who.admin, tenant=tenant,
        )  # fmt: skip
