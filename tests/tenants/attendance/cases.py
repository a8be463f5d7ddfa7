"""Random people with random shifts, leaves and punches, and what the plain rule says of them (the oracle)."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from kernel.ids import new_id
from kernel.tenancy import Tenant
from tenants.attendance.day import MINUTE, Away, Expected, Judged, Rule, Seen, judge
from tenants.attendance.models import DayResult
from tenants.organisation.models import Post, Staff
from tenants.punches import sentences
from tenants.punches.models import Device, Punch
from tenants.rosters.models import Assignment, Leave, ShiftInstance
from tenants.rosters.models import Rule as RuleRow
from tenants.rosters.windows import Stretch, moment, windows
from tests.factories.organisation import make_party, make_place, make_post, make_staff
from tests.factories.punches import make_device
from tests.factories.rosters import make_rule, make_shift

FIRST = date(2026, 9, 29)  # runs over the National Day holidays and a month's end


def build(tenant: Tenant, seed: int, *, people: int = 60, days: int = 5) -> datetime:
    """Fill the school with random rows; returns the moment of judging, in the midst of it all."""
    dice = random.Random(seed)
    party = make_party("contract")
    places = [make_place(), make_place()]
    posts = [make_post(party=party, place=p) for p in (*places, None)]
    rules = [
        make_rule(),
        make_rule(post=posts[0], grace_minutes=0, early_grace_minutes=5, serious_minutes=20, half_absent_minutes=60, absent_minutes=180, report_hours=2),
        make_rule(post=posts[1], grace_minutes=15, report_hours=48),
    ]  # fmt: skip
    now = moment(FIRST + timedelta(days=days - 2), dice.randrange(1440), tenant.tz)
    make_device(place=places[0], reported_until=now - timedelta(hours=dice.choice([1, 9, 30])), token="a")
    make_device(place=places[0], last_seen_at=now - timedelta(hours=dice.choice([2, 20])), token="c")
    make_device(place=places[1], active=False, reported_until=now - timedelta(days=3), token="b")
    shift = make_shift()
    instances: list[ShiftInstance] = []
    punches: list[Punch] = []
    leaves: list[Leave] = []
    for n in range(people):
        staff = make_staff(f"员工{n}", party=party, post=posts[0])
        if dice.random() < 0.1:
            staff.hired_on = FIRST + timedelta(days=2)
        if dice.random() < 0.1:
            staff.left_on = FIRST + timedelta(days=3)
        staff.save()
        own = _shifts(dice, staff, posts, rules, shift, days, tenant)
        instances += own
        leaves += _leaves(dice, staff, own)
        punches += _punches(dice, staff, own, posts)
    ShiftInstance.objects.bulk_create(instances)
    Leave.objects.bulk_create(leaves)
    dice.shuffle(punches)
    Punch.objects.bulk_create(punches)
    return now


def _shifts(
    dice: random.Random, staff: Staff, posts: list[Post], rules: list[RuleRow], shift: Any, days: int, tenant: Tenant
) -> list[ShiftInstance]:
    spans = []
    free_from = 0
    for day in range(days):
        start = max(free_from, day * 1440 + dice.choice([0, 360, 480, 480, 540, 1320, 1440]))
        for _segment in range(dice.choice([1, 1, 1, 2])):
            length = dice.choice([120, 240, 480, 480, 600])
            if start // 1440 != day and start % 1440 > 0:
                break
            spans.append((min(day, start // 1440), start, start + length))
            free_from = start + length
            start = free_from + dice.choice([0, 0, 10, 60, 90])
    which = [dice.choice([0, 0, 1, 2]) for _ in spans]
    flex = [dice.choice([0, 0, 0, 30]) for _ in spans]
    needs = [dice.choice([(True, True)] * 7 + [(True, False), (False, True), (False, False)]) for _ in spans]
    moments = [[moment(FIRST, m, tenant.tz) for m in span[1:]] for span in spans]
    cut = windows([
        Stretch(a, b, rules[0].in_before_minutes, rules[0].out_after_minutes, flex[k], *needs[k])
        for k, (a, b) in enumerate(moments)
    ])  # fmt: skip
    made = []
    for k, (a, b) in enumerate(moments):
        day = FIRST + timedelta(days=spans[k][0])
        post = posts[which[k]]
        cell, _new = Assignment.objects.get_or_create(
            staff=staff, day=day, shift=shift, post=post, defaults={"party": post.party, "source": "manual"}
        )
        made.append(
            ShiftInstance(
                assignment=cell, staff=staff, post=post, party=post.party, place=None, day=day, segment=k, starts_at=a,
                ends_at=b, in_from=cut[k].in_from, in_until=cut[k].in_until, out_from=cut[k].out_from,
                out_until=cut[k].out_until, needs_in=needs[k][0], needs_out=needs[k][1], flex_minutes=flex[k],
                rule=rules[which[k]] if which[k] < 3 else rules[0], grade=dice.choice(["B", "C", "C"]),
            )
        )  # fmt: skip
    return made


def _leaves(dice: random.Random, staff: Staff, own: Sequence[ShiftInstance]) -> list[Leave]:
    made = []
    for i in own:
        if dice.random() < 0.75:
            continue
        length = i.ends_at - i.starts_at
        spans = dice.choice([
            [(0.0, 1.0)], [(0.0, 0.5)], [(0.5, 1.0)], [(0.25, 0.5)], [(0.0, 0.5), (0.5, 1.0)], [(-0.5, 0.25)], [(0.6, 2.0)],
        ])  # fmt: skip
        for a, b in spans:
            made.append(
                Leave(
                    id=new_id(), staff=staff, kind=dice.choice(["sick", "field", "annual"]),
                    starts_at=i.starts_at + length * a, ends_at=i.starts_at + length * b,
                    status=dice.choice(["approved", "approved", "approved", "pending", "refused"]), asked_by_name="x",
                )
            )  # fmt: skip
    return made


def _punches(dice: random.Random, staff: Staff, own: Sequence[ShiftInstance], posts: list[Post]) -> list[Punch]:
    made = []
    for i in own:
        for edge in (i.starts_at, i.ends_at):
            for _again in range(dice.choice([0, 0, 1, 1, 1, 1, 2, 3])):
                off = dice.choice([-7, -1, 0, 0, 0, 4, 9, 14, 45, 130, 260, dice.randrange(-300, 300)])
                at = edge + timedelta(minutes=off, seconds=dice.choice([0, 0, 1, 59]))
                status = dice.choice(["accepted"] * 8 + ["refused", "pending"])
                post = dice.choice([None, None, i.post, i.post, dice.choice(posts)])
                made.append(
                    Punch(
                        staff=staff, at=at, recorded_at=at, source=dice.choice(["phone", "device", "correction", "duty"]),
                        direction=dice.choice(["unknown", "unknown", "in", "out"]), post=post,
                        grade=dice.choice("ABBBCD"), status=status, refusal="outside" if status == "refused" else "",
                        received_at=at + timedelta(minutes=(len(made) * 7) % 40), clock="claimed" if len(made) % 3 else "wall",
                    )
                )  # fmt: skip
    return made


def oracle(now: datetime) -> dict[Any, Judged]:
    """{instance id: what `day.judge` says}, read row by row in plain Python."""
    leaves, punches, lines = defaultdict(list), defaultdict(list), defaultdict(list)
    for leave in Leave.objects.filter(status="approved"):
        leaves[leave.staff_id].append(Away(leave.starts_at, leave.ends_at, works=leave.kind == "field"))
    for p in Punch.objects.all():
        punches[p.staff_id].append(
            Seen(p.pk, p.at, p.direction, p.grade, p.status, p.source, p.refusal, p.post_id, sentences.unchecked(p))
        )
    devices = list(Device.objects.filter(active=True).select_related("place"))
    rows = list(ShiftInstance.objects.filter(cancelled_at__isnull=True).select_related("rule", "staff", "post__place"))
    for row in rows:
        lines[row.staff_id].append(row)
    told = {}
    for i in rows:
        before = [r.out_until for r in lines[i.staff_id] if r.ends_at == i.starts_at]
        after = [r.in_from for r in lines[i.staff_id] if r.starts_at == i.ends_at]
        joined, left = i.staff.hired_on, i.staff.left_on
        expected = Expected(
            i.starts_at, i.ends_at, i.in_from, i.in_until, i.out_from, i.out_until, i.needs_in, i.needs_out,
            i.flex_minutes, i.grade, i.post_id, before[0] if before else None, after[0] if after else None,
            min((r.starts_at for r in lines[i.staff_id] if i.ends_at <= r.starts_at < i.ends_at + i.flex_minutes * MINUTE), default=None),
            "not_joined" if joined and joined > i.day else "left" if left and left < i.day else "",
        )  # fmt: skip
        r = i.rule
        rule = Rule(
            r.grace_minutes,
            r.early_grace_minutes,
            r.serious_minutes,
            r.half_absent_minutes,
            r.absent_minutes,
            r.report_hours,
        )
        place = i.place or i.post.place
        reported = [
            until for d in devices
            if (until := d.reported_until or d.last_seen_at) and place and d.place and (place.path.startswith(d.place.path) or d.place.path.startswith(place.path))
        ]  # fmt: skip
        away = [a for a in leaves[i.staff_id] if a.starts_at < i.ends_at and a.ends_at > i.starts_at]
        told[i.pk] = judge(
            expected, rule, punches=punches[i.staff_id], leaves=away, now=now, devices_until=min(reported, default=None)
        )
    return told


def derived() -> dict[Any, Judged]:
    """{instance id: what lies in attendance_result}, in the oracle's form."""
    return {
        r.instance_id: Judged(
            r.mark, r.wait, r.due_at, r.late_minutes, r.early_minutes, r.worked_minutes, r.leave_minutes, r.in_punch_id,
            r.out_punch_id, r.in_at, r.out_at, r.grade, r.present_from, r.present_until, r.trace,
        )
        for r in DayResult.objects.all()
    }  # fmt: skip
