"""What the operations of a rubric share: its lock, its checks, how a sheet is written."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from identity.contracts import Actor
from kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from kernel.ids import new_id
from kernel.tenancy import Tenant
from standards_library import queries as library
from standards_library.choices import ServiceLine
from standards_library.contracts import TemplateContract
from tenants.evidence import queries as evidence
from tenants.rubrics import balance, policies, queries
from tenants.rubrics.choices import Period, RubricStatus
from tenants.rubrics.comparison import dimensions_of, item_values, items_of
from tenants.rubrics.contracts import RubricContract
from tenants.rubrics.drafts import ItemDraft, SheetDraft, sheet_draft
from tenants.rubrics.errors import TitleTaken, Unbalanced, UnknownPhoto, UnknownRequirement
from tenants.rubrics.models import Item, Rubric, RubricRevision, Section
from tenants.timeline import operations as timeline

ITEM_COLUMNS = (
    "section_id", "text", "method", "points", "per_fault", "fault_unit", "veto", "requirement_keys",
    "veto_requirement_keys", "basis", "edition", "template_key", "changed_here", "position",
    "good_photo_id", "bad_photo_id",
)  # fmt: skip


SECTION_COLUMNS = ("title", "weight", "position", "template_key", "edition", "changed_here")


SILENT = frozenset({"position", "changed_here", "edition", "template_key"})  # no change of content


def need_editor(by: Actor) -> None:
    if not policies.can_edit(by):
        raise NotAllowed


def locked(rubric_id: UUID) -> Rubric:
    row = Rubric.objects.select_for_update().filter(pk=rubric_id).first()
    if row is None:
        raise NotFound
    return row


def columns_of(sheet: SheetDraft) -> dict[str, Any]:
    return {
        "title": sheet.title.strip(),
        "period": sheet.period,
        "lines": [line for line in ServiceLine.values if line in sheet.lines],
        "grades": [{"name": g.name.strip(), "min": f"{g.min:.2f}"} for g in sheet.grades],
        "veto_cap": sheet.veto_cap,
        "payment_note": sheet.payment_note.strip(),
    }


def need_title(title: str, *, tenant: Tenant, but: UUID | None = None) -> None:
    """Raise TitleTaken; who asks at the same moment for the same school waits, so a double click is told so."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7401))", [tenant.schema])
    same = Rubric.objects.filter(title=title.strip()).exclude(status=RubricStatus.RETIRED)
    if (same.exclude(pk=but) if but else same).exists():
        raise TitleTaken(field="title", title=title.strip())


def checked(sheet: SheetDraft, by: Actor, *, before: RubricContract | None = None) -> SheetDraft:
    """The sheet with its veto clauses filled in. Raises Invalid, Unbalanced, UnknownRequirement, UnknownPhoto."""
    if sheet.period not in Period.values:
        raise Invalid("请选择考核周期。", field="period")
    if any(line not in ServiceLine.values for line in sheet.lines):
        raise Invalid("请选择有效的服务条线。", field="lines")
    for field, sentence in balance.mistakes(sheet):
        raise Invalid(f"{sentence}。", field=field)
    wrong = balance.imbalances(sheet)
    if wrong:
        raise Unbalanced(sentences="；".join(wrong), field="sections")
    known = {i.id: i for i in before.items()} if before else {}
    sections = {s.id for s in before.sections} if before else set()
    if any(s.id and s.id not in sections for s in sheet.sections) or any(
        i.id and i.id not in known for s in sheet.sections for i in s.items
    ):
        raise Conflict
    items = [i for s in sheet.sections for i in s.items]
    ids = [x for i in items for x in (i.id,) if x] + [s.id for s in sheet.sections if s.id]
    if len(ids) != len(set(ids)):
        raise Invalid("同一项出现了两次，请刷新后再改。")
    pairs = {(key, known[i.id].edition if i.id in known else "") for i in items for key in i.requirement_keys}
    found = library.requirement_details(pairs | {(key, "") for key, _ in pairs})
    missing = sorted({key for key, e in pairs if (key, e) not in found and (key, "") not in found})
    if missing:
        raise UnknownRequirement(keys="、".join(missing), field="requirement_keys")
    photos = {p for i in items for p in (i.good_photo_id, i.bad_photo_id) if p}
    old = {p for i in known.values() for p in (i.good_photo_id, i.bad_photo_id) if p}
    if photos - old and set(evidence.existing(photos - old, by=by)) != photos - old:
        raise UnknownPhoto

    def with_veto(item: ItemDraft) -> ItemDraft:
        if not item.veto:
            return replace(item, veto_requirement_keys=())
        edition = known[item.id].edition if item.id in known else ""
        vetoing = {
            key
            for key in item.requirement_keys
            if (detail := found.get((key, edition)) or found.get((key, ""))) and detail.veto
        }
        earlier = known[item.id].veto_requirement_keys if item.id in known else ()
        kept = tuple(k for k in earlier if k in item.requirement_keys)
        return replace(item, veto_requirement_keys=kept or tuple(k for k in item.requirement_keys if k in vetoing))

    return replace(
        sheet, sections=tuple(replace(s, items=tuple(with_veto(i) for i in s.items)) for s in sheet.sections)
    )


def save_sheet(
    rubric: Rubric, sheet: SheetDraft, before: RubricContract, *, by: Actor, now: datetime, verb: str, what: str
) -> Rubric:
    """Write the sheet; on an active rubric, as a new revision with what changed in a sentence."""
    templates = _templates_of(rubric, before, sheet)
    if rubric.status == RubricStatus.ACTIVE:
        rubric.revision += 1
    for name, value in columns_of(sheet).items():
        setattr(rubric, name, value)
    changed = write(rubric, sheet, templates)
    header = columns_of(sheet) != columns_of(sheet_draft(before))
    if not changed and not header:
        if rubric.status == RubricStatus.ACTIVE:
            rubric.revision -= 1
        rubric.save()  # provenance may have moved on
        return rubric
    rubric.updated_at = now
    rubric.save()
    note = "，".join(changed) or "修改表头"
    if rubric.status == RubricStatus.ACTIVE:
        keep_revision(rubric, note, by=by, now=now)
    timeline.record(
        verb=verb,
        sentence=f"{what}评分标准“{rubric.title}”：{note}"[:300],
        subject=rubric,
        by=by,
        revision=rubric.revision,
    )
    return rubric


def _templates_of(rubric: Rubric, before: RubricContract, sheet: SheetDraft) -> dict[str, TemplateContract]:
    """Templates of the editions that the items came from, as far as the library still has them."""
    if not rubric.template_key:
        return {}
    editions = {i.edition for i in before.items() if i.edition} | {
        i.edition for s in sheet.sections for i in s.items if i.edition
    }
    found = {}
    for edition in editions:
        try:
            found[edition] = library.template(rubric.template_key, edition=edition)
        except NotFound:
            continue
    return found


def write(rubric: Rubric, sheet: SheetDraft, templates: dict[str, TemplateContract]) -> list[str]:
    """Bring sections and items to the sheet, set-based; return what changed in words."""
    sections = {s.pk: s for s in Section.objects.filter(rubric=rubric, removed_in=None)}
    items = {i.pk: i for i in Item.objects.filter(section__rubric=rubric, removed_in=None)}
    made_s: list[Section] = []
    kept_s: list[Section] = []
    made_i: list[Item] = []
    kept_i: list[Item] = []
    touched_s = touched_i = 0
    for n, draft in enumerate(sheet.sections):
        section = sections.pop(draft.id) if draft.id else Section(id=new_id(), rubric=rubric, title="", weight=0)
        origin = section.template_key if draft.template_key is None else draft.template_key
        edition = section.edition if draft.edition is None else draft.edition
        base = dimensions_of(templates.get(edition)).get(origin)
        values: dict[str, Any] = {
            "title": draft.title.strip(),
            "weight": draft.weight,
            "position": n,
            "template_key": origin,
            "edition": edition,
            "changed_here": base is not None and (base.title, base.weight) != (draft.title.strip(), draft.weight),
        }
        if draft.id is None:
            made_s.append(section)
        else:
            change = {f for f, v in values.items() if getattr(section, f) != v}
            if change:
                kept_s.append(section)
            touched_s += bool(change - SILENT)
        for name, value in values.items():
            setattr(section, name, value)
        for k, item_draft in enumerate(draft.items):
            item = items.pop(item_draft.id) if item_draft.id else Item(id=new_id())
            ready = _item_columns(item_draft, item, section, k, templates)
            if item_draft.id is None:
                made_i.append(item)
            else:
                change = {f for f, v in ready.items() if getattr(item, f) != v}
                if change:
                    kept_i.append(item)
                touched_i += bool(change - SILENT)
            for name, value in ready.items():
                setattr(item, name, value)
    Section.objects.bulk_create(made_s)
    if kept_s:
        Section.objects.bulk_update(kept_s, SECTION_COLUMNS)
    Item.objects.bulk_create(made_i)
    if kept_i:
        Item.objects.bulk_update(kept_i, ITEM_COLUMNS)
    _drop(rubric, list(sections), list(items))
    told = [
        (len(made_s), "新增 {} 个维度"), (touched_s, "修改 {} 个维度"), (len(sections), "删除 {} 个维度"),
        (len(made_i), "新增 {} 项"), (touched_i, "修改 {} 项"), (len(items), "删除 {} 项"),
    ]  # fmt: skip
    return [words.format(n) for n, words in told if n]


def _item_columns(
    draft: ItemDraft, item: Item, section: Section, position: int, templates: dict[str, TemplateContract]
) -> dict[str, Any]:
    origin = item.template_key if draft.template_key is None else draft.template_key
    edition = item.edition if draft.edition is None else draft.edition
    values: dict[str, Any] = {
        "text": draft.text.strip(),
        "method": draft.method.strip(),
        "points": draft.points,
        "per_fault": draft.per_fault,
        "fault_unit": draft.fault_unit.strip(),
        "veto": draft.veto,
        "requirement_keys": list(draft.requirement_keys),
        "veto_requirement_keys": list(draft.veto_requirement_keys or ()),
    }
    base = items_of(templates.get(edition)).get(origin)
    same = base is None or all(
        (list(v) if isinstance(v, tuple) else v) == values[f] for f, v in item_values(base[1]).items()
    )
    return {
        **values,
        "section_id": section.pk,
        "basis": draft.basis.strip(),
        "template_key": origin,
        "edition": edition,
        "changed_here": not same,
        "position": position,
        "good_photo_id": draft.good_photo_id,
        "bad_photo_id": draft.bad_photo_id,
    }


def _drop(rubric: Rubric, sections: list[UUID], items: list[UUID]) -> None:
    """Take out of the sheet. Once a rubric has been in force, findings may refer to its items: rows stay."""
    if RubricRevision.objects.filter(rubric=rubric).exists():
        Item.objects.filter(pk__in=items).update(removed_in=rubric.revision)
        Section.objects.filter(pk__in=sections).update(removed_in=rubric.revision)
    else:
        Item.objects.filter(pk__in=items).delete()
        Section.objects.filter(pk__in=sections).delete()


def keep_revision(rubric: Rubric, note: str, *, by: Actor, now: datetime) -> None:
    contract = queries.frozen(rubric.pk)
    RubricRevision.objects.create(
        rubric=rubric,
        revision=rubric.revision,
        digest=contract.digest,
        content=contract.as_json(),
        note=note[:300],
        actor_name=by.name,
        made_at=now,
    )
