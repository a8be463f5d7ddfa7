"""Reads of rubrics."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import Count, Prefetch, Q, QuerySet

from identity.contracts import Actor
from kernel.errors import NotAllowed, NotFound
from standards_library import queries as library
from standards_library.contracts import TemplateContract
from standards_library.models import Requirement
from tenants.rubrics import policies
from tenants.rubrics.choices import RubricStatus
from tenants.rubrics.comparison import Change, compare
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


@dataclass(frozen=True, slots=True)
class Revised:
    """A revision of a sheet in force and what it changed."""

    rubric_id: UUID
    title: str
    revision: int
    note: str
    made_at: datetime


def revised_since(when: datetime) -> list[Revised]:
    """Changes of sheets (not their first state) made since `when`, newest first: one query."""
    rows = RubricRevision.objects.filter(made_at__gte=when, revision__gt=1).select_related("rubric")
    return [
        Revised(r.rubric_id, r.rubric.title, r.revision, r.note, r.made_at)
        for r in rows.defer("content").order_by("-made_at")[:100]
    ]


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
    row = rubric_or_none(rubric_id, by=by)
    if row is None:
        raise NotFound
    return row


def rubric_or_none(rubric_id: UUID, *, by: Actor) -> Rubric | None:
    """As `rubric`, None where there is none. Raises NotAllowed."""
    if not policies.can_read(by):
        raise NotAllowed
    return Rubric.objects.filter(pk=rubric_id).first()


def revisions(rubric_id: UUID, *, by: Actor) -> QuerySet[RubricRevision]:
    """Every kept revision, newest first. Raises NotAllowed."""
    if not policies.can_read(by):
        raise NotAllowed
    return RubricRevision.objects.filter(rubric_id=rubric_id).defer("content")


# --- the library and this school -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What a later edition would change in one rubric."""

    theirs: TemplateContract
    changes: tuple[Change, ...]


def changes(rubric_id: UUID, *, edition: str = "", by: Actor) -> Upgrade:
    """Open changes of `edition` (default: the newest that has the template) against the school's copy.

    Raises NotAllowed; NotFound when the rubric is no copy of a template or the edition has none.
    """
    row = rubric(rubric_id, by=by)
    if not row.template_key:
        raise NotFound
    wanted = edition or library.latest_editions_of_templates([row.template_key]).get(row.template_key, "")
    if not wanted:
        raise NotFound
    theirs = library.template(row.template_key, edition=wanted)
    mine = frozen(row.pk)
    order = {key: n for n, key in enumerate(library.edition_order())}
    kept: dict[str, TemplateContract | None] = {theirs.edition: theirs}

    def base_of(change_id: str, mine_edition: str) -> TemplateContract | None:
        answered = max(
            (e for e in (mine_edition or row.edition, row.decided.get(change_id, "")) if e in order),
            key=lambda e: order[e],
            default="",
        )
        if answered not in kept:
            try:
                kept[answered] = library.template(row.template_key, edition=answered) if answered else None
            except NotFound:
                kept[answered] = None
        return kept[answered]

    keys = set(mine.requirement_keys()) | {k for d in theirs.dimensions for i in d.items for k in i.requirement_keys}
    editions = {theirs.edition, row.edition, *(i.edition for i in mine.items()), *row.decided.values()} - {""}
    details = library.requirement_details((key, e) for key in keys for e in editions)
    return Upgrade(theirs, tuple(compare(mine=mine, theirs=theirs, base_of=base_of, details=details)))


def newer_editions(rows: Iterable[Rubric]) -> dict[UUID, str]:
    """{rubric id: newest edition of its template}, only where that is not the one it stands on. Two queries."""
    copies = [row for row in rows if row.template_key]
    if not copies:
        return {}
    latest = library.latest_editions_of_templates({row.template_key for row in copies})
    return {
        row.pk: latest[row.template_key] for row in copies if latest.get(row.template_key, row.edition) != row.edition
    }


def covered_keys() -> set[str]:
    """Requirements that an item of a rubric in force cites, in one query."""
    rows = Item.objects.filter(section__rubric__status=RubricStatus.ACTIVE, removed_in=None)
    return {key for keys in rows.values_list("requirement_keys", flat=True) for key in keys}


def gaps(*, lines: Iterable[str], by: Actor, tier: str = "", kind: str = "", search: str = "") -> QuerySet[Requirement]:
    """无检查: requirements of these service lines that no rubric in force checks; veto requirements first.

    `lines` are the school's (organisation.queries.line_settings); none: all. Raises NotAllowed.
    """
    if not policies.can_see_gaps(by):
        raise NotAllowed
    return library.uncovered(covered=covered_keys(), lines=lines, tier=tier, kind=kind, search=search)


def in_scope(*, lines: Iterable[str], by: Actor) -> int:
    """How many requirements concern these service lines, checked or not. Raises NotAllowed."""
    if not policies.can_see_gaps(by):
        raise NotAllowed
    return library.uncovered(covered=(), lines=lines).count()


@dataclass(frozen=True, slots=True)
class Use:
    """Where a school checks a requirement."""

    rubric_id: UUID
    rubric_title: str
    status: str
    section_title: str
    item_id: UUID
    item_text: str
    points: Decimal
    veto: bool


def uses_of(keys: Iterable[str], *, by: Actor) -> dict[str, list[Use]]:
    """{requirement key: items of drafts and rubrics in force that cite it}, in one query. Raises NotAllowed."""
    if not policies.can_read(by):
        raise NotAllowed
    found: dict[str, list[Use]] = {key: [] for key in keys}
    if not found:
        return found
    rows = Item.objects.filter(removed_in=None).exclude(section__rubric__status=RubricStatus.RETIRED)
    some = Q()
    for key in found:
        some |= Q(requirement_keys__contains=[key])
    for row in rows.filter(some).select_related("section__rubric").order_by("section__rubric__title", "position"):
        for key in row.requirement_keys:
            if key in found:
                found[key].append(
                    Use(
                        rubric_id=row.section.rubric_id,
                        rubric_title=row.section.rubric.title,
                        status=row.section.rubric.status,
                        section_title=row.section.title,
                        item_id=row.pk,
                        item_text=row.text,
                        points=row.points,
                        veto=row.veto,
                    )
                )
    return found


def is_example_photo(actor: Actor, evidence_id: UUID) -> bool:
    """Witness for evidence: an example picture may be seen by whoever may read rubrics."""
    some = Q(good_photo_id=evidence_id) | Q(bad_photo_id=evidence_id)
    return policies.can_read(actor) and Item.objects.filter(some, removed_in=None).exists()


# --- batches for the API -------------------------------------------------------------------------


def sections_of(rubric_ids: Iterable[UUID]) -> list[tuple[UUID, Section]]:
    """(rubric id, section) in the order of the sheets, in one query."""
    rows = Section.objects.filter(rubric_id__in=list(rubric_ids), removed_in=None).order_by("position", "id")
    return [(row.rubric_id, row) for row in rows]


def items_of_sections(section_ids: Iterable[UUID]) -> list[tuple[UUID, Item]]:
    """(section id, item) in the order of the sheets, in one query."""
    rows = Item.objects.filter(section_id__in=list(section_ids), removed_in=None).order_by("position", "id")
    return [(row.section_id, row) for row in rows]


def revisions_of(rubric_ids: Iterable[UUID]) -> list[tuple[UUID, RubricRevision]]:
    """(rubric id, kept revision), newest first, without their content, in one query."""
    rows = RubricRevision.objects.filter(rubric_id__in=list(rubric_ids)).defer("content").order_by("-revision")
    return [(row.rubric_id, row) for row in rows]


def newer_editions_by_id(rubric_ids: Iterable[UUID]) -> dict[UUID, str]:
    """{rubric id: newer edition}, where there is one. Three queries."""
    return newer_editions(Rubric.objects.filter(pk__in=list(rubric_ids)))


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
