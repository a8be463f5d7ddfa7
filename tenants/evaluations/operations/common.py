"""What the operations of a round share: its lock, its state, its rubric, its findings."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError

from kernel.clock import day_bounds
from kernel.errors import Conflict, NotFound
from kernel.tenancy import Tenant
from tenants.evaluations.choices import MOVES, Origin, RoundStatus
from tenants.evaluations.errors import RoundClosed, RoundNotOpen
from tenants.evaluations.models import Area, Deduction, Round
from tenants.evaluations.scoring import nominal
from tenants.findings import queries as findings
from tenants.organisation import queries as organisation
from tenants.rubrics.contracts import ItemContract, RubricContract

HUNDRED = Decimal(100)


def locked(round_id: UUID) -> Round:
    try:
        row = Round.objects.select_for_update().filter(pk=round_id).first()
    except (ValidationError, ValueError) as malformed:
        raise NotFound from malformed
    if row is None:
        raise NotFound
    return row


def must_be_open(row: Round) -> None:
    if row.status == RoundStatus.CLOSED:
        raise RoundClosed
    if row.status == RoundStatus.DRAFT:
        raise RoundNotOpen


def move_to(row: Round, to: RoundStatus) -> None:
    if to not in MOVES[RoundStatus(row.status)]:
        raise Conflict
    row.status = to


def touched(row: Round) -> None:
    """A computed round whose rows change has to be computed again."""
    if row.status == RoundStatus.COMPUTED:
        move_to(row, RoundStatus.COLLECTING)
        row.save(update_fields=["status"])


def rubric_of(row: Round) -> RubricContract:
    return RubricContract.from_json(row.sheet)


def item_of(row: Round, item_key: str) -> ItemContract:
    item = next((i for i in rubric_of(row).items() if str(i.id) == item_key), None)
    if item is None:
        raise NotFound(field="item_key")
    return item


def finding_marks(row: Round) -> list[tuple[Any, ...]]:
    return list(
        Deduction.objects.filter(round=row, origin=Origin.FINDING)
        .order_by("finding_id")
        .values_list("finding_id", "area_id", "item_key", "occurrences", "veto", "reason")
    )


def take_findings(row: Round, tenant: Tenant) -> int:
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
    items = {i.id: i for i in rubric_of(row).items()}
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
            "area_id": area_of(areas, paths.get(f.place_id, "")).pk,
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


def area_of(areas: list[Area], path: str) -> Area:
    inside = [a for a in areas if a.place_id and f"{a.place_id}/" in path]
    if inside:
        return max(inside, key=lambda a: path.index(f"{a.place_id}/"))
    return next((a for a in areas if a.place_id is None), areas[0])
