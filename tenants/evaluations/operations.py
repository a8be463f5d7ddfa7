"""Writes of evaluations. Every operation locks the round row first, so two people pressing at once queue up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from identity.contracts import Actor
from identity.people import people_by_id
from kernel import jobs
from kernel.clock import day_bounds
from kernel.errors import Conflict, DomainError, Invalid, NotAllowed, NotFound
from kernel.tenancy import Tenant
from tenants.evaluations import document, policies
from tenants.evaluations.choices import MOVES, Combine, Origin, RoundKind, RoundStatus, SourceMode
from tenants.evaluations.contracts import AreaSpec, SourceSpec
from tenants.evaluations.models import Area, Deduction, Entry, Round, Source
from tenants.evaluations.scoring import NothingToScore, nominal
from tenants.evidence import queries as evidence
from tenants.findings import queries as findings
from tenants.findings import repeats
from tenants.organisation import queries as organisation
from tenants.rubrics import queries as rubrics
from tenants.rubrics.contracts import ItemContract, RubricContract
from tenants.timeline.operations import record

HUNDRED = Decimal(100)


class RoundClosed(DomainError):
    code = "round_closed"
    message = _("本期考核已定稿，不能再修改。如有异议，请新建专项考核。")


class RoundNotOpen(DomainError):
    code = "round_not_open"
    message = _("本期考核还没有开始打分，请先点“开始打分”。")


class RoundAlreadyOpen(DomainError):
    code = "round_already_open"
    message = _("本期考核已开始打分，评分单位和片区不能再改。")


class RoundExists(DomainError):
    code = "round_exists"
    message = _("这一周期、这一被考核方的同名考核已经建过，请直接打开它。")


class WeightsOff(DomainError):
    code = "weights_not_100"
    message = _("各评分单位的权重合计应为 100%%，现在是 %(sum)s%%，请调整后再试。")


class AreasOff(DomainError):
    code = "area_weights_not_100"
    message = _("各片区的权重合计应为 100%%，现在是 %(sum)s%%，请调整后再试。")


class Incomplete(DomainError):
    code = "round_incomplete"
    message = _("还有 %(count)s 项没有打分：%(missing)s。请等全部提交，或由管理员注明该单位不参与的原因。")


class NothingApplicable(DomainError):
    code = "nothing_applicable"
    message = _("评分表的所有检查内容都标为不适用，没有可计算的分数。请核对不适用项。")


class NotComputed(DomainError):
    code = "round_not_computed"
    message = _("请先计算得分，再定稿。")


class RoundNotOver(DomainError):
    code = "round_not_over"
    message = _("本期考核到%(day)s结束，最后一天起才能定稿：之前发现的问题都要计入。")


class Changed(DomainError):
    code = "round_changed"
    message = _("计算得分之后，打分内容有变化。请重新计算，核对后再定稿。")


class WrongMode(DomainError):
    code = "source_mode"
    message = _("该评分单位的打分方式不同，请刷新页面后再试。")


# --- Setting up ------------------------------------------------------------------------------------


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
    row = _locked(round_id)
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
    row = _locked(round_id)
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
    taken = _take_findings(row, tenant)
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
    row = _locked(round_id)
    if row.status != RoundStatus.DRAFT:
        raise RoundClosed if row.status == RoundStatus.CLOSED else RoundAlreadyOpen
    record(verb="round.deleted", sentence=f"删除考核草稿“{row.title}”", subject=row, by=by, party_id=row.party_id)
    row.delete()


# --- Scoring -----------------------------------------------------------------------------------------


@transaction.atomic
def give_score(
    *,
    round_id: UUID,
    source_id: UUID,
    area_id: UUID,
    raw: Decimal,
    comment: str = "",
    by: Actor,
    tenant: Tenant,
    now: datetime,
) -> Entry:
    """Give a source's score out of 100 for an area, and hand it in. Locks the round.

    Raises NotAllowed, NotFound, Invalid (not between 0 and 100, more than two decimals), WrongMode,
    RoundNotOpen, RoundClosed.
    """
    row, source, entry = _cell(round_id, source_id, area_id, by)
    if source.mode != SourceMode.RAW:
        raise WrongMode
    if not raw.is_finite() or not Decimal(0) <= raw <= HUNDRED or raw != raw.quantize(Decimal("0.01")):
        raise Invalid(_("分数应在 0 到 100 之间，最多两位小数。"), field="raw")
    entry.raw, entry.comment = raw, comment.strip()[:300]
    _hand_in(entry, by, now)
    _touched(row)
    record(
        verb="round.scored", sentence=f"{source.name}为“{entry.area.name}”打分 {raw:.2f}", subject=row, by=by,
        party_id=row.party_id, source=str(source.pk), area=str(area_id), raw=f"{raw:.2f}",
    )  # fmt: skip
    return entry


@transaction.atomic
def hand_in_sheet(
    *,
    round_id: UUID,
    source_id: UUID,
    area_id: UUID,
    comment: str = "",
    by: Actor,
    tenant: Tenant,
    now: datetime,
) -> Entry:
    """Say that the sheet of a source and area is complete. Locks the round.

    Raises NotAllowed, NotFound, WrongMode, NothingApplicable, RoundNotOpen, RoundClosed.
    """
    row, source, entry = _cell(round_id, source_id, area_id, by)
    if source.mode != SourceMode.SHEET:
        raise WrongMode
    if set(entry.not_applicable) >= {str(i.id) for i in _rubric(row).items()}:
        raise NothingApplicable
    entry.comment = comment.strip()[:300]
    _hand_in(entry, by, now)
    _touched(row)
    record(
        verb="round.sheet_handed_in", sentence=f"{source.name}提交“{entry.area.name}”评分表", subject=row, by=by,
        party_id=row.party_id, source=str(source.pk), area=str(area_id),
    )  # fmt: skip
    return entry


@transaction.atomic
def mark_applicable(
    *,
    round_id: UUID,
    source_id: UUID,
    area_id: UUID,
    item_key: str,
    reason: str,
    by: Actor,
    tenant: Tenant,
) -> Entry:
    """Mark an item not applicable with a `reason`, or applicable again with an empty one. Locks the round.

    Deductions of an item that is not applicable stay and cost nothing. Raises NotAllowed, NotFound,
    WrongMode, RoundNotOpen, RoundClosed.
    """
    row, source, entry = _cell(round_id, source_id, area_id, by)
    if source.mode != SourceMode.SHEET:
        raise WrongMode
    item = _item(row, item_key)
    reason = reason.strip()[:200]
    marks = {key: why for key, why in entry.not_applicable.items() if key != item_key}
    if reason:
        marks[item_key] = reason
    if marks == entry.not_applicable:
        return entry
    entry.not_applicable = marks
    entry.save(update_fields=["not_applicable"])
    _touched(row)
    sentence = f"“{item.text[:40]}”标为不适用：{reason}" if reason else f"“{item.text[:40]}”恢复为适用"
    record(
        verb="round.item_marked", sentence=sentence[:300], subject=row, by=by, party_id=row.party_id,
        source=str(source.pk), area=str(area_id), item=item_key, reason=reason,
    )  # fmt: skip
    return entry


@transaction.atomic
def deduct(
    *,
    round_id: UUID,
    source_id: UUID,
    area_id: UUID,
    item_key: str,
    occurrences: int,
    reason: str,
    place_id: UUID | None = None,
    evidence_ids: Sequence[UUID] = (),
    veto: bool = False,
    deduction_id: UUID | None = None,
    by: Actor,
    tenant: Tenant,
    now: datetime,
) -> Deduction:
    """Take points off an item by hand. Locks the round.

    With `deduction_id` (made by the form) a second submit of the same form returns the first deduction.
    `veto` only on veto items. Raises NotAllowed, NotFound (item, place, evidence), Invalid, WrongMode,
    RoundNotOpen, RoundClosed.
    """
    row, source, _entry = _cell(round_id, source_id, area_id, by)
    if source.mode != SourceMode.SHEET:
        raise WrongMode
    if deduction_id is not None:
        known = Deduction.objects.filter(pk=deduction_id).first()
        if known is not None:
            if known.round_id != row.pk:
                raise Conflict
            return known
    item = _item(row, item_key)
    if not reason.strip():
        raise Invalid(_("请写明扣分事由。"), field="reason")
    if not 1 <= occurrences <= 999:
        raise Invalid(_("次数应在 1 到 999 之间。"), field="occurrences")
    if veto and not item.veto:
        raise Invalid(_("该检查内容不是一票否决项。"), field="veto")
    place = organisation.place(place_id) if place_id else None
    kept = evidence.existing(evidence_ids, by=by)
    if len(kept) != len(set(evidence_ids)):
        raise NotFound(_("有照片或附件没有上传成功，请重新上传。"), field="evidence_ids")
    taken = Deduction(
        round=row, source=source, area_id=area_id, item_key=item_key, origin=Origin.MANUAL,
        place_id=place.pk if place else None, place_name=place.full_name if place else "",
        requirement_key=item.requirement_keys[0] if item.requirement_keys else "", edition=item.edition,
        reason=reason.strip()[:300], occurrences=occurrences, nominal=occurrences * item.per_fault, veto=veto,
        evidence=[str(e) for e in kept], happened_at=now, created_by=by.account_id, created_by_name=by.name,
        created_at=now,
    )  # fmt: skip
    if deduction_id is not None:
        taken.pk = deduction_id
    taken.save(force_insert=True)
    _touched(row)
    record(
        verb="round.deducted", sentence=f"“{item.text[:60]}”扣分：{taken.reason[:150]}", subject=row, by=by,
        place_id=taken.place_id, party_id=row.party_id, deduction=str(taken.pk), nominal=f"{taken.nominal:.2f}",
    )  # fmt: skip
    return taken


@transaction.atomic
def withdraw_deduction(*, deduction_id: UUID, by: Actor, tenant: Tenant) -> None:
    """Take back a manual deduction (written by mistake); one from a finding is waived instead. Locks the round.

    By whoever wrote it, or the administrator. Raises NotAllowed, NotFound, Invalid, RoundClosed.
    """
    row, taken = _deduction(deduction_id)
    if not (policies.can_decide(by) or (by.may(policies.WRITE) and by.account_id == taken.created_by)):
        raise NotAllowed
    if taken.origin != Origin.MANUAL:
        raise Invalid(_("来自问题整改的扣分不能删除，可由管理员注明原因后免扣。"))
    record(
        verb="round.deduction_withdrawn", sentence=f"撤回扣分：{taken.reason[:200]}", subject=row, by=by,
        place_id=taken.place_id, party_id=row.party_id, deduction=str(taken.pk), nominal=f"{taken.nominal:.2f}",
    )  # fmt: skip
    taken.delete()
    _touched(row)


@transaction.atomic
def waive_deduction(*, deduction_id: UUID, reason: str, by: Actor, tenant: Tenant, now: datetime) -> Deduction:
    """Let a deduction stand without costing anything, with a reason everybody can read. Locks the round.

    An empty `reason` puts it back in force. Raises NotAllowed, NotFound, RoundClosed.
    """
    if not policies.can_decide(by):
        raise NotAllowed
    row, taken = _deduction(deduction_id)
    reason = reason.strip()[:200]
    if taken.waived == bool(reason) and taken.waived_reason == reason:
        return taken
    taken.waived, taken.waived_reason = bool(reason), reason
    taken.waived_by_name, taken.waived_at = (by.name, now) if reason else ("", None)
    taken.save(update_fields=["waived", "waived_reason", "waived_by_name", "waived_at"])
    _touched(row)
    sentence = f"免扣：{taken.reason[:80]}（{reason}）" if reason else f"恢复扣分：{taken.reason[:80]}"
    record(
        verb="round.deduction_waived" if reason else "round.deduction_restored", sentence=sentence[:300], subject=row,
        by=by, place_id=taken.place_id, party_id=row.party_id, deduction=str(taken.pk), reason=reason,
    )  # fmt: skip
    return taken


@transaction.atomic
def excuse_source(*, source_id: UUID, reason: str, by: Actor, tenant: Tenant) -> Source:
    """Leave a source out of this round, with a reason; its weight leaves the denominator. Locks the round.

    An empty `reason` takes it back in. Raises NotAllowed, NotFound, RoundClosed, Invalid (the last one).
    """
    if not policies.can_decide(by):
        raise NotAllowed
    source = Source.objects.filter(pk=source_id).first()
    if source is None:
        raise NotFound
    row = _locked(source.round_id)
    _must_be_open(row)
    source.refresh_from_db()
    reason = reason.strip()[:200]
    if source.excused == reason:
        return source
    if reason and not row.sources.filter(excused="").exclude(pk=source.pk).exists():
        raise Invalid(_("至少要有一个评分单位参与。"), field="reason")
    source.excused = reason
    source.save(update_fields=["excused"])
    _touched(row)
    sentence = f"{source.name}本期不参与打分：{reason}" if reason else f"{source.name}恢复参与打分"
    record(verb="round.source_excused", sentence=sentence, subject=row, by=by, party_id=row.party_id)
    return source


@transaction.atomic
def refresh_findings(*, round_id: UUID, by: Actor, tenant: Tenant) -> int:
    """Bring the deductions from findings up to date; returns how many there are. Locks the round."""
    if not policies.can_manage(by):
        raise NotAllowed
    row = _locked(round_id)
    _must_be_open(row)
    before = _finding_marks(row)
    count = _take_findings(row, tenant)
    if _finding_marks(row) != before:
        _touched(row)
        record(
            verb="round.findings_taken", sentence=f"更新问题扣分，共 {count} 条", subject=row, by=by,
            party_id=row.party_id, count=count,
        )  # fmt: skip
    return count


# --- The score -----------------------------------------------------------------------------------------


@transaction.atomic
def compute_round(*, round_id: UUID, by: Actor, tenant: Tenant, now: datetime) -> Round:
    """Bring the findings up to date and compute the score. Locks the round.

    Computing the same rows again gives the same digest and changes nothing. Raises NotAllowed,
    RoundNotOpen, RoundClosed, Incomplete, NothingApplicable.
    """
    if not policies.can_manage(by):
        raise NotAllowed
    row = _locked(round_id)
    _must_be_open(row)
    _take_findings(row, tenant)
    rows = document.rows_of(row)
    if missing := missing_cells(rows):
        raise Incomplete(count=len(missing), missing="、".join(missing[:8]) + ("等" if len(missing) > 8 else ""))
    try:
        answer, result = document.score(rows)
    except NothingToScore as nothing:
        raise NothingApplicable from nothing
    digest = document.digest_of(result)
    if row.status == RoundStatus.COMPUTED and row.digest == digest:
        return row
    _store_costs(rows, result)
    row.status = RoundStatus.COMPUTED
    row.score, row.grade, row.veto = answer.score, answer.grade, answer.veto
    row.result, row.digest, row.computed_at, row.computed_by_name = result, digest, now, by.name
    row.save()
    record(
        verb="round.computed", sentence=f"计算得分：{row.score} 分，{row.grade or '未设等级'}", subject=row, by=by,
        party_id=row.party_id, score=f"{row.score:.2f}", digest=digest,
    )  # fmt: skip
    return row


@transaction.atomic
def close_round(*, round_id: UUID, digest: str = "", by: Actor, tenant: Tenant, now: datetime) -> Round:
    """Close a round: from here on it is a document and never changes. Locks the round.

    From the last day of its period on; what is found later on that day counts in the round that follows.
    `digest` is what the person saw: another one means somebody computed again meanwhile (Changed). The findings
    are taken and the digest is computed once more from the rows, and both must agree. Raises NotAllowed,
    NotComputed, RoundNotOver, Changed, RoundClosed (a round closes once).
    """
    if not policies.can_decide(by):
        raise NotAllowed
    row = _locked(round_id)
    if row.status == RoundStatus.CLOSED:
        raise RoundClosed
    if row.status != RoundStatus.COMPUTED:
        raise NotComputed
    if now.astimezone(tenant.tz).date() < row.ends_on:
        raise RoundNotOver(day=f"{row.ends_on.month}月{row.ends_on.day}日")
    seen = _finding_marks(row)
    _take_findings(row, tenant)
    if (digest and digest != row.digest) or _finding_marks(row) != seen or recomputed_digest(row) != row.digest:
        raise Changed
    _move(row, RoundStatus.CLOSED)
    row.closed_at, row.closed_by, row.closed_by_name = now, by.account_id, by.name
    row.save(update_fields=["status", "closed_at", "closed_by", "closed_by_name"])
    record(
        verb="round.closed", sentence=f"考核定稿：{row.party_name} {row.score} 分，{row.grade or '未设等级'}",
        subject=row, by=by, party_id=row.party_id, score=f"{row.score:.2f}", digest=row.digest, trial=row.trial,
    )  # fmt: skip
    jobs.enqueue_on_commit("benchmarking.flow_up", tenant=tenant, since=row.starts_on.isoformat())
    return row


def recomputed_digest(row: Round) -> str:
    """The digest of the rows as they lie there now; empty where they give no score (a source is missing)."""
    try:
        return document.digest_of(document.score(document.rows_of(row))[1])
    except (NothingToScore, KeyError):
        return ""


# --- Helpers ---------------------------------------------------------------------------------------------


def _factor(asked: Decimal | None) -> Decimal:
    """What a repeat costs in a round: as asked, else as the school has it. Raises Invalid."""
    if asked is None:
        return repeats.rule().factor
    if not asked.is_finite() or not 1 <= asked <= 5 or asked != asked.quantize(Decimal("0.01")):
        raise Invalid(_("复发扣分倍数应在 1—5 之间，最多两位小数；1 表示不加重。"), field="repeat_factor")
    return asked


def default_title(kind: RoundKind, starts_on: date, party: str) -> str:
    """2026年11月月度考核 · 某物业."""
    when = {
        RoundKind.MONTHLY: f"{starts_on.year}年{starts_on.month}月",
        RoundKind.QUARTERLY: f"{starts_on.year}年第{(starts_on.month - 1) // 3 + 1}季度",
        RoundKind.SPECIAL: f"{starts_on.year}年{starts_on.month}月{starts_on.day}日",
    }[RoundKind(kind)]
    noun = {RoundKind.MONTHLY: "月度", RoundKind.QUARTERLY: "", RoundKind.SPECIAL: "专项"}[RoundKind(kind)]
    return f"{when}{noun}考核 · {party}"[:120]


def missing_cells(rows: document.Rows) -> list[str]:
    """Which sources still have to hand in, for which area."""
    several = len(rows.areas) > 1
    missing = []
    for source in rows.sources:
        for area in rows.areas:
            entry = rows.entries.get((source.pk, area.pk))
            if not source.excused and (entry is None or entry.submitted_at is None):
                missing.append(f"{source.name}（{area.name}）" if several else source.name)
    return missing


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


def _locked(round_id: UUID) -> Round:
    try:
        row = Round.objects.select_for_update().filter(pk=round_id).first()
    except (ValidationError, ValueError) as malformed:
        raise NotFound from malformed
    if row is None:
        raise NotFound
    return row


def _must_be_open(row: Round) -> None:
    if row.status == RoundStatus.CLOSED:
        raise RoundClosed
    if row.status == RoundStatus.DRAFT:
        raise RoundNotOpen


def _cell(round_id: UUID, source_id: UUID, area_id: UUID, by: Actor) -> tuple[Round, Source, Entry]:
    row = _locked(round_id)
    source = row.sources.filter(pk=source_id).first()
    if source is None:
        raise NotFound
    if not policies.can_score(by, source):
        raise NotAllowed
    _must_be_open(row)
    entry = Entry.objects.select_related("area").filter(source=source, area_id=area_id, area__round=row).first()
    if entry is None:
        raise NotFound
    return row, source, entry


def _deduction(deduction_id: UUID) -> tuple[Round, Deduction]:
    taken = Deduction.objects.filter(pk=deduction_id).first()
    if taken is None:
        raise NotFound
    row = _locked(taken.round_id)
    _must_be_open(row)
    again = Deduction.objects.filter(pk=deduction_id).first()  # the lock may have been waited for
    if again is None:
        raise NotFound
    return row, again


def _hand_in(entry: Entry, by: Actor, now: datetime) -> None:
    entry.submitted_at, entry.submitted_by, entry.submitted_by_name = now, by.account_id, by.name
    entry.save()


def _move(row: Round, to: RoundStatus) -> None:
    if to not in MOVES[RoundStatus(row.status)]:
        raise Conflict
    row.status = to


def _touched(row: Round) -> None:
    """A computed round whose rows change has to be computed again."""
    if row.status == RoundStatus.COMPUTED:
        _move(row, RoundStatus.COLLECTING)
        row.save(update_fields=["status"])


def _rubric(row: Round) -> RubricContract:
    return RubricContract.from_json(row.sheet)


def _item(row: Round, item_key: str) -> ItemContract:
    item = next((i for i in _rubric(row).items() if str(i.id) == item_key), None)
    if item is None:
        raise NotFound(field="item_key")
    return item


def _finding_marks(row: Round) -> list[tuple[Any, ...]]:
    return list(
        Deduction.objects.filter(round=row, origin=Origin.FINDING)
        .order_by("finding_id")
        .values_list("finding_id", "area_id", "item_key", "occurrences", "veto", "reason")
    )


def _take_findings(row: Round, tenant: Tenant) -> int:
    """Make the deductions of origin `finding` agree with the findings; returns how many there are.

    A finding counts when it was found within the period (or in the one before, after that round was closed on
    its last day), is this party's, and names an item of the frozen sheet. It falls into the area whose place holds its place (the innermost), else into the area
    without a place, else into the first. What was waived stays waived.
    """
    source = row.sources.filter(takes_findings=True).first()
    if source is None:
        return 0
    start, end = day_bounds(row.starts_on, tenant.tz)[0], day_bounds(row.ends_on, tenant.tz)[1]
    before = Round.objects.filter(
        party_id=row.party_id, kind=row.kind, status=RoundStatus.CLOSED, ends_on=row.starts_on - timedelta(days=1)
    ).first()
    if before is not None and before.closed_at is not None:
        start = min(start, before.closed_at)
    items = {i.id: i for i in _rubric(row).items()}
    found = [
        f for f in findings.for_scoring(party_id=row.party_id, starts=start, ends=end) if f.rubric_item_id in items
    ]
    areas = list(row.areas.all())
    paths = {p.pk: p.path for p in organisation.places_by_id({f.place_id for f in found}).values()}
    known = {d.finding_id: d for d in Deduction.objects.filter(round=row, origin=Origin.FINDING)}
    fresh, changed = [], []
    for f in found:
        assert f.rubric_item_id is not None
        item = items[f.rubric_item_id]
        values: dict[str, Any] = {
            "source_id": source.pk,
            "area_id": _area_of(areas, paths.get(f.place_id, "")).pk,
            "item_key": str(item.id),
            "finding_number": f.number,
            "place_id": f.place_id,
            "place_name": f.place_name,
            "requirement_key": f.requirement_key or (item.requirement_keys[0] if item.requirement_keys else ""),
            "edition": f.edition or item.edition,
            "reason": f.title[:300],
            "occurrences": f.occurrences,
            "factor": row.repeat_factor if f.repeat else Decimal(1),
            "nominal": nominal(f.occurrences, item.per_fault, row.repeat_factor if f.repeat else Decimal(1)),
            "veto": f.veto,
            "evidence": [str(i) for i in f.photo_ids],
            "happened_at": f.found_at,
            "created_by_name": f.found_by_name,
        }
        row_of = known.pop(f.id, None)
        if row_of is None:
            fresh.append(Deduction(round=row, finding_id=f.id, origin=Origin.FINDING, **values))
        elif any(getattr(row_of, name) != value for name, value in values.items()):
            for name, value in values.items():
                setattr(row_of, name, value)
            changed.append(row_of)
    Deduction.objects.bulk_create(fresh)
    if changed:
        Deduction.objects.bulk_update(changed, list(values))
    if known:
        Deduction.objects.filter(pk__in=[d.pk for d in known.values()]).delete()
    return len(found)


def _area_of(areas: list[Area], path: str) -> Area:
    inside = [a for a in areas if a.place_id and f"{a.place_id}/" in path]
    if inside:
        return max(inside, key=lambda a: path.index(f"{a.place_id}/"))
    return next((a for a in areas if a.place_id is None), areas[0])


def _store_costs(rows: document.Rows, result: dict[str, Any]) -> None:
    """Write down beside each deduction what it cost the score in the end."""
    effects = {
        d["id"]: d["effect"]
        for area in result["areas"]
        for source in area["sources"]
        for section in source["sections"]
        for item in section["items"]
        for d in item["deductions"]
    }
    for row in rows.deductions:
        effect = effects.get(str(row.pk))
        row.cost = Decimal(effect) if effect is not None else Decimal(0)
    Deduction.objects.bulk_update(rows.deductions, ["cost"], batch_size=500)
