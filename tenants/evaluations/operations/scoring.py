"""Scores, sheets and deductions while a round is open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from identity.contracts import Actor
from kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from kernel.tenancy import Tenant
from tenants.evaluations import policies
from tenants.evaluations.choices import Origin, SourceMode
from tenants.evaluations.errors import NothingApplicable, WrongMode
from tenants.evaluations.models import Deduction, Entry, Round, Source
from tenants.evaluations.operations.common import HUNDRED, item_of, locked, must_be_open, rubric_of, touched
from tenants.evidence import queries as evidence
from tenants.findings import repeats
from tenants.organisation import queries as organisation
from tenants.timeline.operations import record


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
    touched(row)
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
    if set(entry.not_applicable) >= {str(i.id) for i in rubric_of(row).items()}:
        raise NothingApplicable
    entry.comment = comment.strip()[:300]
    _hand_in(entry, by, now)
    touched(row)
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
    item = item_of(row, item_key)
    reason = reason.strip()[:200]
    marks = {key: why for key, why in entry.not_applicable.items() if key != item_key}
    if reason:
        marks[item_key] = reason
    if marks == entry.not_applicable:
        return entry
    entry.not_applicable = marks
    entry.save(update_fields=["not_applicable"])
    touched(row)
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
    item = item_of(row, item_key)
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
    touched(row)
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
    touched(row)


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
    touched(row)
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
    row = locked(source.round_id)
    must_be_open(row)
    source.refresh_from_db()
    reason = reason.strip()[:200]
    if source.excused == reason:
        return source
    if reason and not row.sources.filter(excused="").exclude(pk=source.pk).exists():
        raise Invalid(_("至少要有一个评分单位参与。"), field="reason")
    source.excused = reason
    source.save(update_fields=["excused"])
    touched(row)
    sentence = f"{source.name}本期不参与打分：{reason}" if reason else f"{source.name}恢复参与打分"
    record(verb="round.source_excused", sentence=sentence, subject=row, by=by, party_id=row.party_id)
    return source


def _factor(asked: Decimal | None) -> Decimal:
    """What a repeat costs in a round: as asked, else as the school has it. Raises Invalid."""
    if asked is None:
        return repeats.rule().factor
    if not asked.is_finite() or not 1 <= asked <= 5 or asked != asked.quantize(Decimal("0.01")):
        raise Invalid(_("复发扣分倍数应在 1—5 之间，最多两位小数；1 表示不加重。"), field="repeat_factor")
    return asked


def _cell(round_id: UUID, source_id: UUID, area_id: UUID, by: Actor) -> tuple[Round, Source, Entry]:
    row = locked(round_id)
    source = row.sources.filter(pk=source_id).first()
    if source is None:
        raise NotFound
    if not policies.can_score(by, source):
        raise NotAllowed
    must_be_open(row)
    entry = Entry.objects.select_related("area").filter(source=source, area_id=area_id, area__round=row).first()
    if entry is None:
        raise NotFound
    return row, source, entry


def _deduction(deduction_id: UUID) -> tuple[Round, Deduction]:
    taken = Deduction.objects.filter(pk=deduction_id).first()
    if taken is None:
        raise NotFound
    row = locked(taken.round_id)
    must_be_open(row)
    again = Deduction.objects.filter(pk=deduction_id).first()  # the lock may have been waited for
    if again is None:
        raise NotFound
    return row, again


def _hand_in(entry: Entry, by: Actor, now: datetime) -> None:
    entry.submitted_at, entry.submitted_by, entry.submitted_by_name = now, by.account_id, by.name
    entry.save()
