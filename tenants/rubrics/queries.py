"""Reads of rubrics."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from uuid import UUID

from django.db.models import Count, Prefetch, Q, QuerySet

from identity.contracts import Actor
from kernel.errors import NotAllowed, NotFound
from tenants.rubrics import policies
from tenants.rubrics.choices import RubricStatus
from tenants.rubrics.contracts import GradeContract, ItemContract, RubricContract, SectionContract
from tenants.rubrics.models import Item, Rubric, RubricRevision, Section


def active_rubrics(line: str | None = None) -> QuerySet[Rubric]:
    """Rubrics in force, by title; with `line`, those that fit this service line or any (no lines named)."""
    rows = Rubric.objects.filter(status=RubricStatus.ACTIVE)
    return rows.filter(Q(lines__contains=[line]) | Q(lines=[])) if line else rows


def frozen(rubric_id: UUID, *, revision: int | None = None) -> RubricContract:
    """The whole rubric as it is now (3 queries), or as kept revision `revision` said (1 query).

    Raises NotFound.
    """
    if revision is not None:
        kept = RubricRevision.objects.filter(rubric_id=rubric_id, revision=revision).first()
        if kept is None:
            raise NotFound
        return RubricContract.from_json(kept.content)
    return contract_of(
        [*_whole(Rubric.objects.filter(pk=rubric_id))],
    )


def frozen_many(rubric_ids: Iterable[UUID]) -> dict[UUID, RubricContract]:
    """{id: contract} in three queries whatever the number."""
    return {row.pk: contract_of([row]) for row in _whole(Rubric.objects.filter(pk__in=list(rubric_ids)))}


def item(item_id: UUID) -> ItemContract:
    """One item as it is now, dropped ones included. Raises NotFound."""
    row = Item.objects.filter(pk=item_id).first()
    if row is None:
        raise NotFound
    return _item(row)


def items(item_ids: Iterable[UUID]) -> dict[UUID, ItemContract]:
    """{id: item} in one query, dropped ones included."""
    return {row.pk: _item(row) for row in Item.objects.filter(pk__in=list(item_ids))}


def rubric_ids_of_items(item_ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """{item id: id of its rubric} in one query."""
    return dict(Item.objects.filter(pk__in=list(item_ids)).values_list("id", "section__rubric_id"))


def rubrics(*, by: Actor, status: str = "", line: str = "", search: str = "") -> QuerySet[Rubric]:
    """The list for people: active first, then drafts, then retired; with `item_count`. Raises NotAllowed."""
    if not policies.can_read(by):
        raise NotAllowed
    rows = Rubric.objects.annotate(
        item_count=Count("sections__items", filter=Q(sections__items__removed_in=None)),
        veto_count=Count("sections__items", filter=Q(sections__items__removed_in=None, sections__items__veto=True)),
    )
    if status in RubricStatus.values:
        rows = rows.filter(status=status)
    if line:
        rows = rows.filter(Q(lines__contains=[line]) | Q(lines=[]))
    if search.strip():
        rows = rows.filter(title__icontains=search.strip())
    return rows.order_by("status", "title")


def rubric(rubric_id: UUID, *, by: Actor) -> Rubric:
    """One rubric for people. Raises NotAllowed, NotFound."""
    if not policies.can_read(by):
        raise NotAllowed
    row = Rubric.objects.filter(pk=rubric_id).first()
    if row is None:
        raise NotFound
    return row


def revisions(rubric_id: UUID, *, by: Actor) -> QuerySet[RubricRevision]:
    """Every kept revision, newest first. Raises NotAllowed."""
    if not policies.can_read(by):
        raise NotAllowed
    return RubricRevision.objects.filter(rubric_id=rubric_id).defer("content")


def _whole(rows: QuerySet[Rubric]) -> QuerySet[Rubric]:
    here = Section.objects.filter(removed_in=None).order_by("position", "id")
    inside = Item.objects.filter(removed_in=None).order_by("position", "id")
    return rows.prefetch_related(Prefetch("sections", here.prefetch_related(Prefetch("items", inside))))


def contract_of(rows: Sequence[Rubric]) -> RubricContract:
    """The contract of the one rubric in `rows`, read by `_whole`. Raises NotFound when there is none."""
    if not rows:
        raise NotFound
    row = rows[0]
    return RubricContract(
        id=row.pk,
        title=row.title,
        revision=row.revision,
        period=row.period,
        lines=tuple(row.lines),
        template_key=row.template_key,
        edition=row.edition,
        grades=tuple(GradeContract(str(g["name"]), Decimal(str(g["min"]))) for g in row.grades),
        veto_cap=row.veto_cap,
        payment_note=row.payment_note,
        sections=tuple(
            SectionContract(
                id=s.pk,
                title=s.title,
                weight=s.weight,
                template_key=s.template_key,
                items=tuple(_item(i) for i in s.items.all()),
            )
            for s in row.sections.all()
        ),
    )


def _item(row: Item) -> ItemContract:
    return ItemContract(
        id=row.pk,
        text=row.text,
        method=row.method,
        points=row.points,
        per_fault=row.per_fault,
        fault_unit=row.fault_unit,
        veto=row.veto,
        requirement_keys=tuple(row.requirement_keys),
        veto_requirement_keys=tuple(row.veto_requirement_keys),
        basis=row.basis,
        template_key=row.template_key,
        edition=row.edition,
        changed_here=row.changed_here,
        good_photo_id=row.good_photo_id,
        bad_photo_id=row.bad_photo_id,
    )
