"""Three months of inspections and findings, and two closed rounds, played in the order of time."""

import heapq
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import count
from random import Random
from uuid import UUID

from django.db import transaction

from identity.choices import Role
from identity.contracts import Actor
from kernel.tenancy import Tenant
from tenants.evaluations import operations as evaluations
from tenants.evaluations.choices import RoundKind, SourceMode
from tenants.evaluations.contracts import SourceSpec
from tenants.evidence import operations as evidence
from tenants.findings import operations as findings
from tenants.findings import queries as finding_queries
from tenants.findings.contracts import FindingContract
from tenants.inspections import operations as inspections
from tenants.inspections.choices import Verdict
from tenants.organisation import operations as organisation
from tenants.organisation import queries as places
from tenants.rubrics import operations as rubrics
from tenants.rubrics import queries as sheets
from tenants.rubrics.contracts import RubricContract
from workers.demo.documents import scene
from workers.demo.people import account
from workers.demo.school.stamps import stamp
from workers.demo.schools import People, Plan

TEMPLATES = {
    "cleaning": "rubric-cleaning",
    "dormitory": "rubric-dorm",
    "security": "rubric-security",
    "canteen": "rubric-canteen",
}
# Service line → which weekdays it is walked, and where.
WALKS = {
    "cleaning": ((0, 3), ("图书馆", "明德楼", "格物楼", "致远楼", "实训中心", "体育馆")),
    "dormitory": ((1,), ("1号公寓", "2号公寓", "3号公寓", "4号公寓")),
    "canteen": ((4,), ("第一食堂", "第二食堂")),
    "security": ((2,), ("东校区", "西校区")),
}
SHADES = ("#dfe7ea", "#e8e3d8", "#dde5dc", "#e9dfe0")
NOTES = ("",)
ROOT_CAUSES = (
    "地漏坡度不足，拖洗后污水回流到墙角，只靠加擦解决不了。",
    "该区域不在晚班保洁路线里，晚自习后到次日早晨无人清扫。",
    "新换的保洁员没有接受该项培训，作业卡上也没有写明标准。",
)
LESSONS = (
    ("plan", "晚班保洁路线增加该楼层，每晚 22 点后加扫一次"),
    ("plan", "新员工上岗前完成该项实操考核"),
    ("nothing", "已报维修改造地漏，保洁作业标准不变"),
)
MORE_TIME = ("配件下周才能到货", "雨天室外不能作业", "需等学生离寝后集中处理")


@dataclass
class Play:
    """The stage: what happens when, in order."""

    plan: Plan
    who: People
    worker: Actor
    tenant: Tenant
    random: Random
    now: datetime
    queue: list[tuple[datetime, int, Callable[[datetime], None]]] = field(default_factory=list)
    seen: dict[tuple[str, UUID], list[tuple[UUID, UUID]]] = field(default_factory=dict)  # (line, place): corner, item
    _tick: "count[int]" = field(default_factory=count)

    def later(self, at: datetime, action: Callable[[datetime], None]) -> None:
        if at < self.now:
            heapq.heappush(self.queue, (at, next(self._tick), action))

    def run(self) -> None:
        while self.queue:
            at, _, action = heapq.heappop(self.queue)
            with suppress(findings.WrongMove):  # an inspection was there first
                action(at)
            stamp(at)


def make(plan: Plan, who: People, tenant: Tenant, *, now: datetime, seed: int) -> None:
    """Play it unless the school already has rubrics."""
    if sheets.active_rubrics().exists():
        return
    today = now.astimezone(tenant.tz).date()
    assessed = (today.replace(day=1) - timedelta(days=32)).replace(day=1)  # the last two whole months, and the present
    first = min(assessed, (today - timedelta(days=75)).replace(day=1))  # one more while the present one is young
    with transaction.atomic():
        play = Play(plan, who, _worker(plan, who, tenant), tenant, Random(f"h{seed}{plan.slug}"), now)  # noqa: S311
        begun = _at(tenant, first - timedelta(days=1), 9)
        sheet_of = {line: _adopt(key, play, begun) for line, key in TEMPLATES.items()}
        stamp(begun)
        for line, (weekdays, buildings) in WALKS.items():
            _plan_walks(play, line, sheet_of[line], weekdays, buildings, first, today)
        for month in (assessed, (assessed + timedelta(days=32)).replace(day=1)):
            _plan_round(play, sheet_of["cleaning"], month)
        play.run()


def _worker(plan: Plan, who: People, tenant: Tenant) -> Actor:
    """A frontline login for one of the people of the dormitory line."""
    party = places.party_of_line("dormitory")
    assert party is not None
    person = places.staff(by=who.admin, party_id=party.pk).order_by("number").first()
    assert person is not None
    actor = account(f"worker.{plan.slug}", person.name, Role.FRONTLINE, school_id=tenant.school_id, staff_id=person.pk)
    if person.account_id is None and actor.account_id:
        organisation.link_account(staff_id=person.pk, account_id=actor.account_id, by=who.admin, tenant=tenant)
    return actor


def _adopt(key: str, play: Play, now: datetime) -> RubricContract:
    admin, tenant = play.who.admin, play.tenant
    row = rubrics.adopt(template_key=key, by=admin, tenant=tenant, now=now)
    rubrics.activate(rubric_id=row.pk, by=admin, tenant=tenant, now=now)
    return sheets.frozen(row.pk)


def _plan_walks(
    play: Play, line: str, sheet: RubricContract, weekdays: tuple[int, ...], buildings: tuple[str, ...],
    first: date, today: date,
) -> None:  # fmt: skip
    known = {p.name: p.pk for p in places.places(by=play.who.admin)}
    days = [first + timedelta(days=n) for n in range((today - first).days + 1)]
    for turn, day in enumerate(d for d in days if d.weekday() in weekdays):
        place = known[buildings[turn % len(buildings)]]
        inspector = play.who.supervisors[turn % 2]
        at = _at(play.tenant, day, 9 + turn % 6, play.random.randint(0, 55))
        play.later(at, lambda now, p=place, i=inspector: _walk(play, line, sheet, p, i, now))  # type: ignore[misc]


def _walk(play: Play, line: str, sheet: RubricContract, place: UUID, inspector: Actor, now: datetime) -> None:
    """One inspection: last time's problems first, a few faults, the rest in order."""
    tenant, random = play.tenant, play.random
    sections = random.sample(sheet.sections, k=min(3, len(sheet.sections)))
    walk = inspections.start(
        place_id=place, rubric_id=sheet.id, section_ids=[s.id for s in sections], line=line,
        by=inspector, tenant=tenant, now=now,
    )  # fmt: skip
    for open_one in finding_queries.unsolved_at(place_id=place)[:2]:
        inspections.recheck(
            inspection_id=walk.pk, finding_id=open_one.id, solved=False, text="复查时仍可见，请抓紧整改。",
            by=inspector, tenant=tenant, now=now,
        )  # fmt: skip
    corners = list(places.subtree(place).exclude(pk=place)[:9]) or [places.place(place)]
    items = [i for s in sections for i in s.items if not i.veto]
    faults = [
        (random.choice(corners).pk, item.id)
        for item in random.sample(items, k=random.choices((0, 1, 2, 3), weights=(18, 42, 30, 10))[0])
    ]
    before = play.seen.setdefault((line, place), [])
    same = [(c, i) for c, i in before if i in {item.id for item in items} and i not in {i for _c, i in faults}]
    if same and random.random() < 0.3:  # what was put right comes again
        faults.append(random.choice(same))
    before += faults
    for corner, item_id in faults:
        view, shade = random.random(), random.choice(SHADES)
        photo = _photo(play, view, shade, stains=9, place=corner, by=inspector, now=now)
        inspections.answer(
            inspection_id=walk.pk, item_id=item_id, verdict=Verdict.FAIL, occurrences=random.choice((1, 1, 1, 2)),
            note=random.choice(NOTES), severity=random.choices(("minor", "major"), weights=(8, 2))[0],
            place_id=corner, photo_ids=[photo], by=inspector, tenant=tenant, now=now + timedelta(minutes=4),
        )  # fmt: skip
        opened = finding_queries.of_source(source="inspection", source_ids=[walk.pk])[-1]
        _plan_fix(play, opened, line, view, shade, corner, inspector, now)
    if random.random() < 0.25:
        item = random.choice(items)
        answered = {r.rubric_item_id for r in finding_queries.of_source(source="inspection", source_ids=[walk.pk])}
        if item.id not in answered:
            inspections.answer(
                inspection_id=walk.pk, item_id=item.id, verdict=Verdict.NA, note="该区域本月停用",
                by=inspector, tenant=tenant, now=now + timedelta(minutes=9),
            )  # fmt: skip
    for section in sections:
        inspections.pass_rest(
            inspection_id=walk.pk, section_id=section.id, by=inspector, tenant=tenant, now=now + timedelta(minutes=20)
        )
    inspections.finish(inspection_id=walk.pk, by=inspector, tenant=tenant, now=now + timedelta(minutes=25))


def _plan_fix(
    play: Play,
    opened: FindingContract,
    line: str,
    view: float,
    shade: str,
    place: UUID,
    inspector: Actor,
    now: datetime,
) -> None:
    """Most are fixed in a day or three and pass; some come back once; a few wait too long."""
    random, tenant, finding = play.random, play.tenant, opened.id
    why = random.choice(ROOT_CAUSES) if opened.repeat else ""
    change = random.choice(LESSONS) if opened.repeat else ("", "")
    fixer = play.who.provider if play.plan.lines[line] == "outsourced" else None
    if fixer is None:  # a department fixes: by its own worker where that is one, else recorded by an admin
        fixer = play.worker if line == "dormitory" else play.who.admin
    start = now + timedelta(hours=random.uniform(2, 20))
    hand_in = start + timedelta(hours=random.choices((5, 26, 70, 230), weights=(40, 35, 15, 10))[0])
    look = hand_in + timedelta(hours=random.uniform(3, 28))
    again = random.random() < 0.12

    def submit(at: datetime, *, good: bool) -> None:
        photo = _photo(play, view, shade, stains=0 if good else 4, place=place, by=fixer, now=at)
        findings.submit_fix(
            finding_id=finding, photo_ids=[photo], text="已按要求整改，请复查。" if good else "已处理。",
            root_cause=why, by=fixer, tenant=tenant, now=at,
        )  # fmt: skip

    def verdict(at: datetime) -> None:
        if again:
            findings.verify_reject(
                finding_id=finding, reason="角落仍有残留，请重新处理。", by=inspector, tenant=tenant, now=at
            )
            play.later(at + timedelta(hours=9), lambda t: submit(t, good=True))
            play.later(at + timedelta(hours=30), passed)
        else:
            passed(at)

    def passed(at: datetime) -> None:
        consequence, lesson = change
        findings.verify_pass(
            finding_id=finding, text="现场复查合格。", consequence=consequence, lesson=lesson, by=inspector,
            tenant=tenant, now=at,
        )  # fmt: skip

    if hand_in - start > timedelta(hours=60) and play.plan.lines[line] == "outsourced":
        play.later(start + timedelta(hours=20), lambda t: _more_time(play, finding, inspector, t))
    play.later(start, lambda t: _begin(finding, fixer, tenant, t))
    play.later(hand_in, lambda t: submit(t, good=not again))
    play.later(look, verdict)


def _begin(finding: UUID, fixer: Actor, tenant: Tenant, now: datetime) -> None:
    findings.start_fix(finding_id=finding, measure="已安排当班人员处理", by=fixer, tenant=tenant, now=now)


def _more_time(play: Play, finding: UUID, inspector: Actor, now: datetime) -> None:
    """The company asks for two more days; the inspector agrees to two of three, some still wait."""
    tenant = play.tenant
    due = finding_queries.contracts_by_id([finding])[finding].deadline
    if due <= now:
        return  # too late to ask
    row = findings.ask_extension(
        finding_id=finding, deadline=due + timedelta(days=2), reason=play.random.choice(MORE_TIME), by=play.who.provider, tenant=tenant, now=now,
    )  # fmt: skip
    asked = finding_queries.extensions_of([row.pk])[-1][1]
    turn = play.random.random()
    if turn < 0.6:
        findings.grant_extension(
            extension_id=asked.pk, answer="情况属实", by=inspector, tenant=tenant, now=now + timedelta(hours=1)
        )
    elif turn < 0.85:
        findings.refuse_extension(
            extension_id=asked.pk, answer="库房有备件，请按期完成", by=inspector, tenant=tenant, now=now
        )


def _plan_round(play: Play, sheet: RubricContract, month: date) -> None:
    """The month's assessment of the cleaning contract: computed and closed on the 1st after it."""
    after = (month + timedelta(days=32)).replace(day=1)
    tenant, admin = play.tenant, play.who.admin
    party = places.party_of_line("cleaning")
    assert party is not None
    supervisors = play.who.supervisors

    def hold(now: datetime) -> None:
        row = evaluations.create_round(
            kind=RoundKind.MONTHLY, starts_on=month, ends_on=after - timedelta(days=1), party_id=party.pk,
            rubric_id=sheet.id,
            sources=(
                SourceSpec("巡查考核", Decimal(60), SourceMode.SHEET, takes_findings=True),
                SourceSpec("使用单位评价", Decimal(25), SourceMode.RAW),
                SourceSpec("保卫处评价", Decimal(15), SourceMode.RAW),
            ),
            by=admin, tenant=tenant,
        )  # fmt: skip
        row = evaluations.open_round(round_id=row.pk, by=admin, tenant=tenant)
        area = row.areas.get()
        for source in row.sources.all():
            if source.mode == SourceMode.RAW:
                raw = Decimal(play.random.randint(905, 975)) / 10
                evaluations.give_score(
                    round_id=row.pk, source_id=source.pk, area_id=area.pk, raw=raw, comment="汇总本月各院系反馈",
                    by=supervisors[1], tenant=tenant, now=now,
                )  # fmt: skip
            else:
                evaluations.hand_in_sheet(
                    round_id=row.pk, source_id=source.pk, area_id=area.pk, by=supervisors[0], tenant=tenant, now=now
                )
        row = evaluations.compute_round(round_id=row.pk, by=admin, tenant=tenant, now=now)
        evaluations.close_round(round_id=row.pk, digest=row.digest, by=admin, tenant=tenant, now=now)

    play.later(_at(tenant, after, 0, 10), hold)


def _photo(play: Play, view: float, shade: str, *, stains: int, place: UUID, by: Actor, now: datetime) -> UUID:
    picture = scene(Random(view), stains=stains, shade=shade)  # noqa: S311
    row = evidence.keep_photo(
        upload=picture,
        name="现场.jpg" if stains == 9 else "整改后.jpg",
        place_id=place,
        by=by,
        tenant=play.tenant,
        now=now,
    )
    return row.pk


def _at(tenant: Tenant, day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=tenant.tz)
