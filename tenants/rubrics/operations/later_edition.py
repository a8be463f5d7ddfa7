"""A later edition of the template is taken item by item."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from identity.contracts import Actor
from kernel.errors import Invalid
from kernel.tenancy import Tenant
from standards_library.contracts import TemplateContract
from tenants.rubrics import balance, queries
from tenants.rubrics.choices import RubricStatus
from tenants.rubrics.comparison import SHEET, dimensions_of, item_values, items_of
from tenants.rubrics.contracts import GradeContract
from tenants.rubrics.drafts import ItemDraft, SectionDraft, SheetDraft, sheet_draft
from tenants.rubrics.errors import SectionMissing, SectionStillUsed, Unbalanced, UnknownChange, WrongState
from tenants.rubrics.models import Rubric
from tenants.rubrics.operations.adopting import item_of
from tenants.rubrics.operations.common import locked, need_editor, need_title, save_sheet


@transaction.atomic
def adopt_changes(
    *,
    rubric_id: UUID,
    edition: str = "",
    take: Iterable[str] = (),
    keep: Iterable[str] = (),
    by: Actor,
    tenant: Tenant,
    now: datetime,
) -> Rubric:
    """Answer changes of a later edition: `take` theirs, `keep` mine (ids of `queries.changes`).

    Taking a change sets only the fields the edition changed; what the school had edited elsewhere stays.
    What is not answered stays open. The result must be balanced, so changes of points within a section
    are taken together. When nothing is left open the rubric stands on the new edition. Locks the rubric;
    an active one gets a new revision. Raises NotAllowed, NotFound, WrongState, UnknownChange, Unbalanced,
    SectionMissing, SectionStillUsed, Invalid.
    """
    need_editor(by)
    rubric = locked(rubric_id)
    if rubric.status == RubricStatus.RETIRED:
        raise WrongState(status=rubric.get_status_display())
    taken, kept = set(take), set(keep)
    upgrade = queries.changes(rubric.pk, edition=edition, by=by)
    open_ids = {c.id for c in upgrade.changes}
    unknown = sorted((taken | kept) - open_ids) + sorted(taken & kept)
    if unknown:
        raise UnknownChange(ids="、".join(unknown))
    if not taken and not kept and open_ids:
        raise Invalid("请至少选择一处变化。")
    before = queries.frozen(rubric.pk)
    sheet = _taking(sheet_draft(before), upgrade.theirs, {c.id: c for c in upgrade.changes if c.id in taken})
    rubric.decided = {**rubric.decided, **dict.fromkeys(sorted(taken | kept), upgrade.theirs.edition)}
    if not open_ids - taken - kept:
        rubric.edition = upgrade.theirs.edition
        sheet = _standing_on(sheet, upgrade.theirs, rubric.decided, taken)
    for field, sentence in balance.mistakes(sheet):
        raise Invalid(f"{sentence}。", field=field)
    wrong = balance.imbalances(sheet)
    if wrong:
        raise Unbalanced(
            "分值没有配平：%(sentences)s。请把同一维度里有关分值的变化一起采用，或一起保留。",
            sentences="；".join(wrong), field="take",
        )  # fmt: skip
    need_title(sheet.title, tenant=tenant, but=rubric.pk)
    return save_sheet(
        rubric, sheet, before, by=by, now=now, verb="rubric.upgraded",
        what=f"按 {upgrade.theirs.edition} 版采用 {len(taken)} 处、保留 {len(kept)} 处，更新",
    )  # fmt: skip


def _taking(sheet: SheetDraft, theirs: TemplateContract, taken: dict[str, Any]) -> SheetDraft:
    """The sheet after taking these changes."""
    new_items, new_sections = items_of(theirs), dimensions_of(theirs)
    if SHEET in taken:
        names = {f.name for f in taken[SHEET].fields}
        values: dict[str, Any] = {
            "title": theirs.title,
            "period": theirs.period,
            "grades": tuple(GradeContract(name, least) for name, least in theirs.grades),
            "veto_cap": theirs.veto_cap,
            "payment_note": theirs.payment_note,
        }
        sheet = replace(sheet, **{name: values[name] for name in names})
    sections: list[SectionDraft] = []
    for section in sheet.sections:
        key = section.template_key or ""
        change = taken.get(f"section:{key}") if key else None
        items = [i for item in section.items if (i := _taken_item(item, new_items, taken, theirs.edition))]
        if change and change.kind == "removed":
            if items:
                raise SectionStillUsed(title=section.title)
            continue
        if change:
            names = {f.name for f in change.fields}
            fresh = new_sections[key]
            section = replace(section, edition=theirs.edition, **{name: getattr(fresh, name) for name in names})
        sections.append(replace(section, items=tuple(items)))
    order = [d.key for d in theirs.dimensions]
    for n, key in enumerate(order):
        if f"section:{key}" in taken and taken[f"section:{key}"].kind == "added":
            sections.insert(
                min(n, len(sections)),
                SectionDraft(
                    id=None, title=new_sections[key].title, weight=new_sections[key].weight,
                    template_key=key, edition=theirs.edition,
                ),
            )  # fmt: skip
    for key, (dimension, item) in new_items.items():
        if f"item:{key}" not in taken or taken[f"item:{key}"].kind != "added":
            continue
        at = next((n for n, s in enumerate(sections) if s.template_key == dimension.key), None)
        if at is None:
            raise SectionMissing(item=item.text, section=dimension.title)
        items = list(sections[at].items)
        items.insert(min([i.key for i in dimension.items].index(key), len(items)), item_of(item, theirs.edition))
        sections[at] = replace(sections[at], items=tuple(items))
    return replace(sheet, sections=tuple(sections))


def _taken_item(item: ItemDraft, new_items: dict[str, Any], taken: dict[str, Any], edition: str) -> ItemDraft | None:
    change = taken.get(f"item:{item.template_key}") if item.template_key else None
    if change is None:
        return item
    if change.kind == "removed":
        return None
    fresh = item_values(new_items[str(item.template_key)][1])
    names = {f.name for f in change.fields} & set(fresh)
    if "requirement_keys" in names or "veto" in names:
        names |= {"veto_requirement_keys"}
    return replace(item, edition=edition, **{name: fresh[name] for name in names})


def _standing_on(sheet: SheetDraft, theirs: TemplateContract, decided: dict[str, str], taken: set[str]) -> SheetDraft:
    """Items that the new edition left as they were stand on it too; those kept as "mine" stay where they came from."""
    new_items = items_of(theirs)

    def move(item: ItemDraft) -> ItemDraft:
        id_ = f"item:{item.template_key}"
        kept = decided.get(id_) == theirs.edition and id_ not in taken
        return item if kept or item.template_key not in new_items else replace(item, edition=theirs.edition)

    return replace(sheet, sections=tuple(replace(s, items=tuple(move(i) for i in s.items)) for s in sheet.sections))
