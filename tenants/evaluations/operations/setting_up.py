"""A round is made, laid out and opened."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from identity.contracts import Actor
from identity.people import people_by_id
from kernel.errors import Invalid, NotAllowed, NotFound
from kernel.tenancy import Tenant
from tenants.evaluations import policies
from tenants.evaluations.choices import Combine, RoundKind, RoundStatus, SourceMode
from tenants.evaluations.contracts import AreaSpec, SourceSpec
from tenants.evaluations.errors import AreasOff, RoundAlreadyOpen, RoundClosed, RoundExists, WeightsOff
from tenants.evaluations.models import Area, Entry, Round, Source
from tenants.evaluations.operations.common import HUNDRED, locked, take_findings
from tenants.evaluations.operations.scoring import _factor
from tenants.organisation import queries as organisation
from tenants.rubrics import queries as rubrics
from tenants.rubrics.contracts import RubricContract
from tenants.timeline.operations import record


@transaction.atomic
def create_round(
    *,
    kind: RoundKind,
    starts_on: date,
    ends_on: date,
    party_id: UUID,
    rubric_id: UUID,
    sources: Sequence[SourceSpec],
    areas: Sequence[AreaSpec] = (),
    combine: Combine = Combine.MEAN,
    title: str = "",
    repeat_factor: Decimal | None = None,
    by: Actor,
    tenant: Tenant,
) -> Round:
    """Set up a round as a draft, with the rubric as it is now. Without `areas` there is one, the whole field.

    `repeat_factor` (1–5): what repeats (复发) cost more; the school's own unless named.
    Raises NotAllowed, NotFound (party, rubric), Invalid (period, names), WeightsOff, AreasOff, RoundExists.
    """
    if not policies.can_manage(by):
        raise NotAllowed
    _check_period(kind, starts_on, ends_on)
    party = organisation.party(party_id)
    rubric = rubrics.frozen(rubric_id)
    if not any(rubric.items()):
        raise Invalid(_("这份评分标准还没有检查内容，请先补充。"), field="rubric")
    title = title.strip()[:120] or default_title(kind, starts_on, party.name)
    if Round.objects.filter(party_id=party.pk, kind=kind, starts_on=starts_on, ends_on=ends_on, title=title).exists():
        raise RoundExists(field="party")
    row = Round(
        title=title, kind=kind, starts_on=starts_on, ends_on=ends_on, party_id=party.pk, party_name=party.name,
        combine=combine, trial=tenant.trial, repeat_factor=_factor(repeat_factor),
    )  # fmt: skip
    _freeze(row, rubric)
    row.save()
    _lay_out(row, sources, areas, combine)
    record(
        verb="round.created", sentence=f"新建考核“{row.title}”", subject=row, by=by, party_id=row.party_id,
        rubric=str(rubric_id), revision=rubric.revision,
    )  # fmt: skip
    return row


@transaction.atomic
def change_layout(
    *,
    round_id: UUID,
    sources: Sequence[SourceSpec],
    areas: Sequence[AreaSpec] = (),
    combine: Combine = Combine.MEAN,
    repeat_factor: Decimal | None = None,
    by: Actor,
    tenant: Tenant,
) -> Round:
    """Replace sources and areas of a draft, and the factor for repeats if named. Locks the round. Raises NotAllowed, RoundAlreadyOpen, WeightsOff."""
    if not policies.can_manage(by):
        raise NotAllowed
    row = locked(round_id)
    if row.status != RoundStatus.DRAFT:
        raise RoundClosed if row.status == RoundStatus.CLOSED else RoundAlreadyOpen
    row.sources.all().delete()
    row.areas.all().delete()
    row.combine = combine
    if repeat_factor is not None:
        row.repeat_factor = _factor(repeat_factor)
    row.save(update_fields=["combine", "repeat_factor"])
    _lay_out(row, sources, areas, combine)
    record(verb="round.changed", sentence="调整评分单位和片区", subject=row, by=by, party_id=row.party_id)
    return row


@transaction.atomic
def open_round(*, round_id: UUID, by: Actor, tenant: Tenant) -> Round:
    """Start scoring: freeze the rubric as it is at this moment, make the cells, take over the findings.

    Locks the round; opening an open round changes nothing. Raises NotAllowed, RoundClosed.
    """
    if not policies.can_manage(by):
        raise NotAllowed
    row = locked(round_id)
    if row.status == RoundStatus.CLOSED:
        raise RoundClosed
    if row.status != RoundStatus.DRAFT:
        return row
    _freeze(row, rubrics.frozen(row.rubric_id))
    row.status = RoundStatus.COLLECTING
    row.save(update_fields=["sheet", "sheet_digest", "status"])
    Entry.objects.bulk_create(
        [Entry(source=s, area=a) for s in row.sources.all() for a in row.areas.all()], ignore_conflicts=True
    )
    taken = take_findings(row, tenant)
    record(
        verb="round.opened", sentence=f"开始打分，带入 {taken} 条问题扣分", subject=row, by=by, party_id=row.party_id,
        taken=taken,
    )  # fmt: skip
    return row


@transaction.atomic
def delete_draft(*, round_id: UUID, by: Actor, tenant: Tenant) -> None:
    """Throw a draft away. Raises NotAllowed, RoundAlreadyOpen, RoundClosed."""
    if not policies.can_manage(by):
        raise NotAllowed
    row = locked(round_id)
    if row.status != RoundStatus.DRAFT:
        raise RoundClosed if row.status == RoundStatus.CLOSED else RoundAlreadyOpen
    record(verb="round.deleted", sentence=f"删除考核草稿“{row.title}”", subject=row, by=by, party_id=row.party_id)
    row.delete()


def default_title(kind: RoundKind, starts_on: date, party: str) -> str:
    """2026年11月月度考核 · 某物业."""
    when = {
        RoundKind.MONTHLY: f"{starts_on.year}年{starts_on.month}月",
        RoundKind.QUARTERLY: f"{starts_on.year}年第{(starts_on.month - 1) // 3 + 1}季度",
        RoundKind.SPECIAL: f"{starts_on.year}年{starts_on.month}月{starts_on.day}日",
    }[RoundKind(kind)]
    noun = {RoundKind.MONTHLY: "月度", RoundKind.QUARTERLY: "", RoundKind.SPECIAL: "专项"}[RoundKind(kind)]
    return f"{when}{noun}考核 · {party}"[:120]


def _check_period(kind: RoundKind, starts_on: date, ends_on: date) -> None:
    if ends_on < starts_on:
        raise Invalid(_("结束日期不能早于开始日期。"), field="ends_on")
    if (ends_on - starts_on).days > 366:
        raise Invalid(_("一期考核最长一年，请缩短日期范围。"), field="ends_on")
    if kind == RoundKind.MONTHLY and (starts_on.year, starts_on.month) != (ends_on.year, ends_on.month):
        raise Invalid(_("月度考核的起止日期应在同一个月内。"), field="ends_on")
    if kind == RoundKind.QUARTERLY and (starts_on.year, (starts_on.month - 1) // 3) != (
        ends_on.year,
        (ends_on.month - 1) // 3,
    ):
        raise Invalid(_("季度考核的起止日期应在同一个季度内。"), field="ends_on")


def _freeze(row: Round, rubric: RubricContract) -> None:
    row.rubric_id, row.sheet, row.sheet_digest = rubric.id, rubric.as_json(), rubric.digest


def _lay_out(row: Round, sources: Sequence[SourceSpec], areas: Sequence[AreaSpec], combine: Combine) -> None:
    if not sources:
        raise Invalid(_("请至少填写一个评分单位。"), field="sources")
    names = [s.name.strip() for s in sources]
    if not all(names) or len(set(names)) != len(names):
        raise Invalid(_("评分单位的名称不能为空，也不能重复。"), field="sources")
    total = sum((s.weight for s in sources), Decimal(0))
    if any(s.weight <= 0 for s in sources) or total != HUNDRED:
        raise WeightsOff(field="sources", sum=f"{total:f}")
    if sum(1 for s in sources if s.takes_findings) > 1:
        raise Invalid(_("问题整改的扣分只能计入一个评分单位。"), field="sources")
    if any(s.takes_findings and s.mode != SourceMode.SHEET for s in sources):
        raise Invalid(_("计入问题扣分的评分单位须按评分表打分。"), field="sources")
    parts = list(areas) or [AreaSpec("全部")]
    labels = [a.name.strip() for a in parts]
    if not all(labels) or len(set(labels)) != len(labels):
        raise Invalid(_("片区的名称不能为空，也不能重复。"), field="areas")
    if len({a.place_id for a in parts}) != len(parts):
        raise Invalid(_("两个片区不能对应同一个场所。"), field="areas")
    if any(a.weight <= 0 for a in parts):
        raise Invalid(_("片区的权重应大于 0。"), field="areas")
    if combine == Combine.WEIGHTS and (whole := sum((a.weight for a in parts), Decimal(0))) != HUNDRED:
        raise AreasOff(field="areas", sum=f"{whole:f}")
    for area in parts:
        if area.place_id:
            organisation.place(area.place_id)
    nameless = {i for s in sources for i, n in s.scorers if not n}
    known = people_by_id(nameless)
    if nameless - known.keys():
        raise NotFound(_("有指定的打分人不存在，请重新选择。"), field="scorers")
    Source.objects.bulk_create(
        Source(
            round=row, name=s.name.strip()[:60], weight=s.weight, mode=s.mode, takes_findings=s.takes_findings,
            scorers=[{"id": str(i), "name": n or known[i].name} for i, n in s.scorers], position=n,
        )
        for n, s in enumerate(sources)
    )  # fmt: skip
    Area.objects.bulk_create(
        Area(round=row, name=a.name.strip()[:60], weight=a.weight, place_id=a.place_id, position=n)
        for n, a in enumerate(parts)
    )
