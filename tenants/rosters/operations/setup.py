"""Shift definitions, rule versions, terms of posts, contracted presence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from identity.contracts import Actor
from kernel.errors import Invalid, NotAllowed, NotFound
from kernel.jobs import enqueue_on_commit
from kernel.tenancy import Tenant
from tenants.organisation import queries as organisation
from tenants.rosters import policies
from tenants.rosters.choices import Grade, RuleScope, ShiftKind
from tenants.rosters.errors import (
    CoverageWrong,
    RuleInPast,
    RuleTaken,
    SegmentsWrong,
    ShiftInCycle,
    ShiftInUse,
    ThresholdsFall,
)
from tenants.rosters.models import Assignment, Coverage, PastRate, Pattern, PostTerms, Rule, Segment, Shift
from tenants.timeline.operations import record

MINUTES = (
    "grace_minutes", "early_grace_minutes", "serious_minutes", "half_absent_minutes", "absent_minutes",
    "in_before_minutes", "out_after_minutes", "report_hours", "corrections_per_month", "correction_days",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SegmentInput:
    """One stretch in minutes from the day's start; the end may pass 1,440, up to 2,880."""

    start: int
    end: int
    needs_in: bool = True
    needs_out: bool = True


def _segments(segments: Sequence[SegmentInput]) -> list[SegmentInput]:
    ordered = sorted(segments, key=lambda s: s.start)
    if not 1 <= len(ordered) <= 6:
        raise SegmentsWrong(field="segments")
    for n, s in enumerate(ordered):
        if not 0 <= s.start < s.end <= 2880 or (s.start >= 1440 and n == 0):
            raise SegmentsWrong(field="segments")
        if n and ordered[n - 1].end > s.start:
            raise SegmentsWrong(field="segments")
    return ordered


@transaction.atomic
def save_shift(
    *,
    name: str,
    code: str,
    segments: Sequence[SegmentInput],
    by: Actor,
    tenant: Tenant,
    now: datetime,
    today: date,
    shift_id: UUID | None = None,
    colour: str = "#4263eb",
    kind: str = ShiftKind.FIXED,
    flex_minutes: int = 0,
) -> Shift:
    """Add a shift, or change one. Its times cannot change once days from `today` on are rostered with it.

    Raises NotAllowed, NotFound, Invalid, SegmentsWrong, ShiftInUse.
    """
    if not policies.can_configure(by):
        raise NotAllowed
    name, code = " ".join(name.split()), code.strip()
    if not 1 <= len(name) <= 30:
        raise Invalid("请填写班次名称，最多 30 字。", field="name")
    if not 1 <= len(code) <= 4 or re.search(r"[\s,，;；/、+]", code):
        raise Invalid("简称用 1—4 个字，例如“夜”“早1”，不含空格和标点。", field="code")
    if code in ("休", "空"):
        raise Invalid("「休」表示休息日，请换一个简称。", field="code")
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
        raise Invalid("请选择颜色。", field="colour")
    if kind not in ShiftKind.values:
        raise Invalid("请选择固定或弹性时间。", field="kind")
    if kind == ShiftKind.FIXED:
        flex_minutes = 0
    if not 0 <= flex_minutes <= 240 or (kind == ShiftKind.FLEXIBLE and flex_minutes == 0):
        raise Invalid("弹性时间填 1—240 分钟。", field="flex_minutes")
    parts = _segments(segments)
    if flex_minutes * 2 > min(s.end - s.start for s in parts):
        # Punches of the second half count as going: whoever comes that late would have no punch for coming.
        raise Invalid("弹性分钟不能超过最短时段的一半，请改小或改成固定时间。", field="flex_minutes")
    clash = Shift.objects.filter(active=True)
    if shift_id is not None:
        clash = clash.exclude(pk=shift_id)
    if clash.filter(name=name).exists():
        raise Invalid(f"已有名为「{name}」的班次，请换一个名称。", field="name")
    if clash.filter(code=code).exists():
        raise Invalid(f"简称「{code}」已被使用，请换一个。", field="code")
    if shift_id is None:
        top = Shift.objects.aggregate(top=Max("position"))["top"]
        row = Shift.objects.create(
            name=name, code=code, colour=colour, kind=kind, flex_minutes=flex_minutes, created_at=now,
            position=0 if top is None else min(top + 1, 30_000),
        )  # fmt: skip
        _write_segments(row, parts)
        record(verb="shift.added", sentence=f"新增班次「{name}」", subject=row, by=by)
        return row
    found = Shift.objects.select_for_update().filter(pk=shift_id, active=True).first()
    if found is None:
        raise NotFound
    was = [(s.start_minute, s.end_minute, s.needs_in, s.needs_out) for s in found.segments.all()]
    times_change = was != [(s.start, s.end, s.needs_in, s.needs_out) for s in parts]
    if times_change or found.flex_minutes != flex_minutes:
        used = Assignment.objects.filter(shift=found, cancelled_at__isnull=True, day__gte=today).count()
        if used:
            raise ShiftInUse(name=found.name, count=used, field="segments")
    if times_change:
        found.segments.all().delete()
        _write_segments(found, parts)
    found.name, found.code, found.colour, found.kind, found.flex_minutes = name, code, colour, kind, flex_minutes
    found.save()
    record(verb="shift.changed", sentence=f"修改班次「{name}」", subject=found, by=by)
    return found


def _write_segments(row: Shift, parts: Sequence[SegmentInput]) -> None:
    Segment.objects.bulk_create(
        [
            Segment(
                shift=row, position=n, start_minute=s.start, end_minute=s.end, needs_in=s.needs_in,
                needs_out=s.needs_out,
            )
            for n, s in enumerate(parts)
        ]
    )  # fmt: skip


@transaction.atomic
def retire_shift(*, shift_id: UUID, by: Actor, tenant: Tenant, now: datetime) -> Shift:
    """Take a shift out of use; what is rostered with it stays. Raises NotAllowed, NotFound, ShiftInCycle."""
    if not policies.can_configure(by):
        raise NotAllowed
    row = Shift.objects.select_for_update().filter(pk=shift_id, active=True).first()
    if row is None:
        raise NotFound
    # A cycle would go on with rest in its place, and a post would stand empty without anybody being told.
    cycles = [p.name for p in Pattern.objects.filter(active=True) if str(row.pk) in p.cells]
    if cycles:
        raise ShiftInCycle(name=row.name, cycles="、".join(f"「{c}」" for c in cycles[:3]), field="shift")
    row.active = False
    row.save(update_fields=["active"])
    record(verb="shift.retired", sentence=f"停用班次「{row.name}」", subject=row, by=by)
    return row


@transaction.atomic
def set_rule(
    *,
    scope: str,
    valid_from: date,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    today: date,
    party_id: UUID | None = None,
    post_id: UUID | None = None,
    **minutes: int,
) -> Rule:
    """Add the next version of the rules of the school, a party or a post; earlier days keep theirs.

    Instances made before for its days follow (`rosters.follow_rules`), unless one may already punch for them. Raises NotAllowed, NotFound, Invalid, RuleInPast,
    RuleTaken, ThresholdsFall.
    """
    if not policies.can_set_rules(by):
        raise NotAllowed
    if scope not in RuleScope.values or unknown(minutes):
        raise Invalid(field="scope")
    if (scope == RuleScope.PARTY) != (party_id is not None) or (scope == RuleScope.POST) != (post_id is not None):
        raise Invalid("请选择规则适用的单位或岗位。", field="scope")
    if valid_from < today:
        raise RuleInPast(field="valid_from")
    if party_id:
        organisation.party(party_id)
    if post_id and post_id not in organisation.posts_by_id([post_id]):
        raise NotFound
    values: dict[str, Any] = {f: getattr(Rule(), f) for f in MINUTES} | minutes
    if any(not 0 <= int(v) <= 2880 for v in values.values()):
        raise Invalid("分钟数应在 0—2880 之间。", field="grace_minutes")
    steps = [values[f] for f in ("grace_minutes", "serious_minutes", "half_absent_minutes", "absent_minutes")]
    if steps != sorted(steps):
        raise ThresholdsFall(field="serious_minutes")
    owner = {"scope": scope, "party_id": party_id, "post_id": post_id, "valid_from": valid_from}
    if Rule.objects.filter(**owner).exists():
        raise RuleTaken(field="valid_from")
    row = Rule.objects.create(**owner, **values, created_at=now, created_by_name=by.name)
    record(
        verb="rule.set",
        sentence=f"考勤规则自 {valid_from} 起：迟到宽限 {row.grace_minutes} 分，严重迟到 {row.serious_minutes} 分",
        subject=row,
        by=by,
        party_id=party_id,
        post_id=post_id,
    )
    enqueue_on_commit("rosters.follow_rules", tenant=tenant)
    return row


def unknown(minutes: dict[str, int]) -> set[str]:
    """Names that are no column of a rule."""
    return set(minutes) - set(MINUTES)


def _post(post_id: UUID) -> Any:
    post = organisation.posts_by_id([post_id]).get(post_id)
    if post is None:
        raise NotFound
    return post


@transaction.atomic
def set_terms(
    *, post_id: UUID, grade: str, hourly_rate: Decimal | None, by: Actor, tenant: Tenant, now: datetime
) -> PostTerms:
    """What evidence a post asks for and what an hour costs. The grade holds for all its shifts from tomorrow on; a new
    price from today on, the first one for the days before, too.

    Raises NotAllowed, NotFound, Invalid.
    """
    if not policies.can_set_rules(by):
        raise NotAllowed
    post = _post(post_id)
    if grade not in Grade.values:
        raise Invalid("请选择佐证等级。", field="grade")
    if hourly_rate is not None and not 0 <= hourly_rate <= 9999:
        raise Invalid("每小时费用应在 0—9999 元之间。", field="hourly_rate")
    today = now.astimezone(tenant.tz).date()
    row, _made = PostTerms.objects.select_for_update().get_or_create(post_id=post_id)
    before = row.hourly_rate
    if before is not None and before != hourly_rate:  # of two changes on one day the price before both is the past one
        PastRate.objects.bulk_create([PastRate(post_id=post_id, until=today, rate=before)], ignore_conflicts=True)
    row.grade, row.hourly_rate = grade, hourly_rate
    row.save()
    sentence = f"岗位「{post.name}」自 {today + timedelta(days=1)} 起要求 {grade} 级佐证"
    if before != hourly_rate:
        said = "不再计价" if hourly_rate is None else f"每小时 {hourly_rate} 元"
        sentence += f"，{'' if before is None else f'自 {today} 起'}{said}"
    record(verb="post.terms_set", sentence=sentence, subject=post, by=by, party_id=post.party_id)
    enqueue_on_commit("rosters.follow_rules", tenant=tenant)
    return row


@transaction.atomic
def save_coverage(
    *,
    post_id: UUID,
    persons: int,
    valid_from: date,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    coverage_id: UUID | None = None,
    weekdays: int = 127,
    holidays: bool = True,
    start_minute: int = 0,
    end_minute: int = 1440,
    valid_until: date | None = None,
) -> Coverage:
    """Add or change what the contract asks of presence at a post. Raises NotAllowed, NotFound, CoverageWrong."""
    if not policies.can_set_rules(by):
        raise NotAllowed
    post = _post(post_id)
    if not 1 <= weekdays <= 127 or not 1 <= persons <= 999 or not 0 <= start_minute < end_minute <= 2880:
        raise CoverageWrong(field="persons")
    if start_minute >= 1440 or (valid_until is not None and valid_until <= valid_from):
        raise CoverageWrong(field="valid_until")
    row = Coverage(post_id=post_id)
    if coverage_id is not None:
        found = Coverage.objects.select_for_update().filter(pk=coverage_id, post_id=post_id).first()
        if found is None:
            raise NotFound
        row = found
    row.weekdays, row.holidays, row.persons = weekdays, holidays, persons
    row.start_minute, row.end_minute = start_minute, end_minute
    row.valid_from, row.valid_until = valid_from, valid_until
    row.save()
    record(
        verb="post.coverage_set", sentence=f"岗位「{post.name}」合同在岗要求：{persons} 人", subject=post, by=by,
        party_id=post.party_id,
    )  # fmt: skip
    return row


@transaction.atomic
def remove_coverage(*, coverage_id: UUID, by: Actor, tenant: Tenant, now: datetime) -> None:
    """Take a contracted presence away, as if it never was; to end it on a day, change `valid_until` instead.

    Raises NotAllowed, NotFound.
    """
    if not policies.can_set_rules(by):
        raise NotAllowed
    row = Coverage.objects.select_related("post").filter(pk=coverage_id).first()
    if row is None:
        raise NotFound
    record(
        verb="post.coverage_removed", sentence=f"岗位「{row.post.name}」删除一条合同在岗要求", subject=row.post,
        by=by, party_id=row.post.party_id,
    )  # fmt: skip
    row.delete()
