"""The score is computed and the round closed."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction

from identity.contracts import Actor
from kernel import jobs
from kernel.errors import NotAllowed
from kernel.tenancy import Tenant
from tenants.evaluations import document, policies
from tenants.evaluations.choices import RoundStatus
from tenants.evaluations.errors import Changed, Incomplete, NotComputed, NothingApplicable, RoundClosed, RoundNotOver
from tenants.evaluations.models import Deduction, Round
from tenants.evaluations.operations.common import finding_marks, locked, move_to, must_be_open, take_findings, touched
from tenants.evaluations.scoring import NothingToScore
from tenants.timeline.operations import record


@transaction.atomic
def refresh_findings(*, round_id: UUID, by: Actor, tenant: Tenant) -> int:
    """Bring the deductions from findings up to date; returns how many there are. Locks the round."""
    if not policies.can_manage(by):
        raise NotAllowed
    row = locked(round_id)
    must_be_open(row)
    before = finding_marks(row)
    count = take_findings(row, tenant)
    if finding_marks(row) != before:
        touched(row)
        record(
            verb="round.findings_taken", sentence=f"更新问题扣分，共 {count} 条", subject=row, by=by,
            party_id=row.party_id, count=count,
        )  # fmt: skip
    return count


@transaction.atomic
def compute_round(*, round_id: UUID, by: Actor, tenant: Tenant, now: datetime) -> Round:
    """Bring the findings up to date and compute the score. Locks the round.

    Computing the same rows again gives the same digest and changes nothing. Raises NotAllowed,
    RoundNotOpen, RoundClosed, Incomplete, NothingApplicable.
    """
    if not policies.can_manage(by):
        raise NotAllowed
    row = locked(round_id)
    must_be_open(row)
    take_findings(row, tenant)
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
    row = locked(round_id)
    if row.status == RoundStatus.CLOSED:
        raise RoundClosed
    if row.status != RoundStatus.COMPUTED:
        raise NotComputed
    if now.astimezone(tenant.tz).date() < row.ends_on:
        raise RoundNotOver(day=f"{row.ends_on.month}月{row.ends_on.day}日")
    seen = finding_marks(row)
    take_findings(row, tenant)
    if (digest and digest != row.digest) or finding_marks(row) != seen or recomputed_digest(row) != row.digest:
        raise Changed
    move_to(row, RoundStatus.CLOSED)
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
