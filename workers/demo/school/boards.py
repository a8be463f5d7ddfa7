"""This week's inspection programme, accepted and half walked; a blind calibration that was revealed, and one going on.

The second school had its last one in the month before: its head is asked to arrange this month's.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from random import Random
from typing import Any

from kernel.tenancy import Tenant
from tenants.inspections import operations
from tenants.inspections.models import Calibration, Programme
from tenants.organisation import queries as places
from tenants.rubrics import queries as sheets
from tenants.rubrics.contracts import RubricContract
from workers.demo.school.stamps import played, stamp
from workers.demo.schools import PLANS, People, Plan

# Kind of checklist, its name, the service line, and words of the items on it.
SPECIAL = (
    ("material", "药剂与工具检查", "cleaning", ("药剂", "工具", "物料")),
    ("food", "食材进货与留样检查", "canteen", ("进货", "留样", "添加剂")),
    ("air", "公寓通风与空气检查", "dormitory", ("空气", "通风")),
    ("safety", "公寓用电与消防检查", "dormitory", ("消防", "用电", "烟感")),
)


def make(plan: Plan, who: People, tenant: Tenant, *, now: datetime, seed: int) -> None:
    """Make them unless the school has them."""
    if Programme.objects.exists() or Calibration.objects.exists():
        return
    supervisor, other = who.supervisors
    _special(who.admin, tenant)
    _week(supervisor, other, tenant, now=now)
    stamp(now)
    today = now.astimezone(tenant.tz).date()
    first = plan == PLANS[0]
    last_month = datetime.combine(today.replace(day=1), time(10), tenant.tz) - timedelta(days=11)
    random = Random(f"b{seed}{plan.slug}")  # noqa: S311  (deterministic on purpose)
    _calibration(who, tenant, begun=now - timedelta(days=6) if first else last_month, random=random)
    if first:
        _open_calibration(who, tenant, now=now)


def _week(supervisor: Any, other: Any, tenant: Tenant, *, now: datetime) -> None:
    week = now.astimezone(tenant.tz).date()
    row = operations.propose_programme(week=week, minutes=6 * 60, by=supervisor, tenant=tenant, now=now)
    for turn, stop in enumerate(row.stops.order_by("position")):
        operations.assign_stop(
            stop_id=stop.pk, inspector_id=(supervisor if turn % 2 else other).account_id, by=supervisor,
            tenant=tenant, now=now,
        )  # fmt: skip
    operations.accept_programme(programme_id=row.pk, by=supervisor, tenant=tenant, now=now)


def _special(admin: Any, tenant: Tenant) -> None:
    """One checklist of each kind, of the items that speak of it."""
    for kind, title, line, words in SPECIAL:
        rubric = next((r for r in sheets.active_rubrics(line)), None)
        items = [i for i in sheets.frozen(rubric.pk).items() if any(w in i.text for w in words)] if rubric else []
        if rubric and items:
            operations.save_checklist(
                title=title, rubric_id=rubric.pk, item_ids=[i.id for i in items], line=line, kind=kind, by=admin,
                tenant=tenant,
            )  # fmt: skip


def _calibration(who: People, tenant: Tenant, *, begun: datetime, random: Random) -> None:
    """Two supervisors and, as the measure, the leader."""
    rubric = next((r for r in sheets.active_rubrics("cleaning")), None)
    place = places.places(by=who.admin, kind="building").order_by("position", "pinyin").first()
    if rubric is None or place is None:
        return
    items = [i for i in sheets.frozen(rubric.pk).items() if not i.veto][:8]
    checklist = operations.save_checklist(
        title="保洁日检",
        rubric_id=rubric.pk,
        item_ids=[i.id for i in items],
        line="cleaning",
        by=who.admin,
        tenant=tenant,
    )
    supervisor, other = who.supervisors
    row = played(
        begun, operations.arrange_calibration, checklist_id=checklist.pk, place_id=place.pk,
        scorer_ids=[s.account_id for s in who.supervisors if s.account_id],
        expert_id=who.leader.account_id, closes_at=begun + timedelta(days=3), by=who.admin, tenant=tenant,
    )  # fmt: skip
    asked = list(RubricContract.from_json(row.sheet).items())
    wrong = {i.id for i in random.sample(asked, k=min(3, len(asked)))}
    for hours, (scorer, faults, sees) in enumerate(((who.leader, 2, 3), (supervisor, 2, 3), (other, 1, 2)), start=20):
        seen = sorted(wrong, key=str)[:sees]
        marks = [
            {
                "item_id": i.id, "verdict": "fail" if i.id in seen else "pass", "faults": faults,
                "note": "墙角有积灰" if i.id in seen else "",
            }
            for i in asked
        ]  # fmt: skip
        played(
            begun + timedelta(hours=hours, minutes=7 * hours), operations.submit_marks, calibration_id=row.pk,
            marks=marks, by=scorer, tenant=tenant,
        )  # fmt: skip


def _open_calibration(who: People, tenant: Tenant, *, now: datetime) -> None:
    """The dormitories, by the two supervisors: one has handed in, the other has not been there yet."""
    rubric = next((r for r in sheets.active_rubrics("dormitory")), None)
    place = next((p for p in places.places(by=who.admin, search="2号公寓") if p.name == "2号公寓"), None)
    if rubric is None or place is None:
        return
    items = [i.id for i in sheets.frozen(rubric.pk).items() if not i.veto][:8]
    checklist = operations.save_checklist(
        title="公寓日检", rubric_id=rubric.pk, item_ids=items, line="dormitory", by=who.admin, tenant=tenant
    )
    begun = now - timedelta(hours=21)
    row = played(
        begun, operations.arrange_calibration, checklist_id=checklist.pk, place_id=place.pk,
        scorer_ids=[s.account_id for s in who.supervisors if s.account_id],
        closes_at=datetime.combine(now.astimezone(tenant.tz).date() + timedelta(days=4), time(18), tenant.tz),
        by=who.leader, tenant=tenant,
    )  # fmt: skip
    marks = [
        {"item_id": i.id, "verdict": "fail" if n == 1 else "pass", "faults": 1, "note": "二层东侧没有做到" if n == 1 else ""}
        for n, i in enumerate(RubricContract.from_json(row.sheet).items())
    ]  # fmt: skip
    played(
        begun + timedelta(hours=17), operations.submit_marks, calibration_id=row.pk, marks=marks,
        by=who.supervisors[1], tenant=tenant,
    )  # fmt: skip
