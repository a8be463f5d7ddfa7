"""All writes of rubrics. Only the school's administrator may; every stored sheet is balanced."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from identity.contracts import Actor
from kernel.errors import Conflict, DomainError, Invalid, NotAllowed, NotFound
from kernel.ids import new_id
from kernel.tenancy import Tenant
from standards_library import queries as library
from standards_library.choices import ServiceLine
from standards_library.contracts import TemplateContract, TemplateDimensionContract, TemplateItemContract
from tenants.evidence import queries as evidence
from tenants.rubrics import balance, policies, queries
from tenants.rubrics.choices import MOVES, Period, RubricStatus
from tenants.rubrics.comparison import SHEET, dimensions_of, item_values, items_of
from tenants.rubrics.contracts import GradeContract, RubricContract
from tenants.rubrics.drafts import ItemDraft, SectionDraft, SheetDraft, sheet_draft
from tenants.rubrics.models import Item, Rubric, RubricRevision, Section
from tenants.timeline import operations as timeline

ITEM_COLUMNS = (
    "section_id", "text", "method", "points", "per_fault", "fault_unit", "veto", "requirement_keys",
    "veto_requirement_keys", "basis", "edition", "template_key", "changed_here", "position",
    "good_photo_id", "bad_photo_id",
)  # fmt: skip
SECTION_COLUMNS = ("title", "weight", "position", "template_key", "edition", "changed_here")
SILENT = frozenset({"position", "changed_here", "edition", "template_key"})  # no change of content


class Unbalanced(DomainError):
    code = "unbalanced_weights"
    message = "分值没有配平：%(sentences)s。"


class TitleTaken(DomainError):
    code = "title_taken"
    message = "已有一份名为“%(title)s”的评分标准，请直接修改那一份，或换一个名称。"


class WrongState(DomainError):
    code = "wrong_state"
    message = "这份评分标准现在是“%(status)s”，不能这样操作。"


class UnknownRequirement(DomainError):
    code = "unknown_requirement"
    message = "标准库里没有这些条款：%(keys)s。请重新选择依据。"


class UnknownPhoto(DomainError):
    code = "unknown_photo"
    message = "示例照片不存在或不属于本校，请重新上传。"


class UnknownChange(DomainError):
    code = "unknown_change"
    message = "这些变化已经处理过，或不在新版里：%(ids)s。请刷新后再选。"


class SectionStillUsed(DomainError):
    code = "section_still_used"
    message = "维度“%(title)s”里还有检查内容，请同时采用其中各项的取消，或保留这个维度。"


class SectionMissing(DomainError):
    code = "section_missing"
    message = "“%(item)s”属于新的维度“%(section)s”，请同时采用这个维度。"


def _need_editor(by: Actor) -> None:
    if not policies.can_edit(by):
        raise NotAllowed


def _locked(rubric_id: UUID) -> Rubric:
    row = Rubric.objects.select_for_update().filter(pk=rubric_id).first()
    if row is None:
        raise NotFound
    return row


# --- adopting ------------------------------------------------------------------------------------


@transaction.atomic
def adopt(*, template_key: str, edition: str = "", title: str = "", by: Actor, tenant: Tenant, now: datetime) -> Rubric:
    """Copy a template of the library into the school as a draft; every item keeps its key and edition.

    `title` renames the copy (a second copy of the same template needs another name).
    Raises NotAllowed, NotFound, TitleTaken.
    """
    _need_editor(by)
    template = library.template(template_key, edition=edition)
    sheet = SheetDraft(
        title=title.strip() or template.title,
        period=template.period if template.period in Period.values else Period.MONTHLY,
        lines=template.lines,
        grades=tuple(GradeContract(name, least) for name, least in template.grades),
        veto_cap=template.veto_cap,
        payment_note=template.payment_note,
        sections=tuple(_section_of(d, template.edition) for d in template.dimensions),
    )
    rubric = _create(sheet, template_key=template.key, edition=template.edition, tenant=tenant, now=now)
    timeline.record(
        verb="rubric.adopted",
        sentence=f"采用评分表范本“{template.title}”（{template.edition} 版），作为“{rubric.title}”",
        subject=rubric,
        by=by,
        template_key=template.key,
        edition=template.edition,
    )
    return rubric


def _item_of(item: TemplateItemContract, edition: str) -> ItemDraft:
    return ItemDraft(
        id=None,
        text=item.text,
        points=item.points,
        per_fault=item.per_fault,
        fault_unit=item.fault_unit,
        method=item.evidence,
        veto=item.veto,
        requirement_keys=item.requirement_keys,
        veto_requirement_keys=item.veto_requirement_keys,
        basis="" if item.requirement_keys else "合同惯例（见标准库评分表范本），以本校合同为准",
        template_key=item.key,
        edition=edition,
    )


def _section_of(dimension: TemplateDimensionContract, edition: str) -> SectionDraft:
    return SectionDraft(
        id=None,
        title=dimension.title,
        weight=dimension.weight,
        items=tuple(_item_of(i, edition) for i in dimension.items),
        template_key=dimension.key,
        edition=edition,
    )


@transaction.atomic
def create(*, sheet: SheetDraft, by: Actor, tenant: Tenant, now: datetime) -> Rubric:
    """A sheet of the school's own, as a draft. Raises as `edit`."""
    _need_editor(by)
    rubric = _create(_checked(sheet.from_outside(), by), template_key="", edition="", tenant=tenant, now=now)
    timeline.record(verb="rubric.created", sentence=f"新建评分标准“{rubric.title}”", subject=rubric, by=by)
    return rubric


def _create(sheet: SheetDraft, *, template_key: str, edition: str, tenant: Tenant, now: datetime) -> Rubric:
    _need_title(sheet.title, tenant=tenant)
    rubric = Rubric.objects.create(
        template_key=template_key, edition=edition, created_at=now, updated_at=now, **_columns(sheet)
    )
    _write(rubric, sheet, {})
    return rubric


def _columns(sheet: SheetDraft) -> dict[str, Any]:
    return {
        "title": sheet.title.strip(),
        "period": sheet.period,
        "lines": [line for line in ServiceLine.values if line in sheet.lines],
        "grades": [{"name": g.name.strip(), "min": f"{g.min:.2f}"} for g in sheet.grades],
        "veto_cap": sheet.veto_cap,
        "payment_note": sheet.payment_note.strip(),
    }


def _need_title(title: str, *, tenant: Tenant, but: UUID | None = None) -> None:
    """Raise TitleTaken; who asks at the same moment for the same school waits, so a double click is told so."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7401))", [tenant.schema])
    same = Rubric.objects.filter(title=title.strip()).exclude(status=RubricStatus.RETIRED)
    if (same.exclude(pk=but) if but else same).exists():
        raise TitleTaken(field="title", title=title.strip())


# --- editing -------------------------------------------------------------------------------------


@transaction.atomic
def edit(*, rubric_id: UUID, sheet: SheetDraft, digest: str = "", by: Actor, tenant: Tenant, now: datetime) -> Rubric:
    """Make the rubric say what `sheet` says; items and sections left out are dropped.

    Locks the rubric. An active rubric gets a new revision, kept whole; rounds and inspections that froze
    an earlier one are not touched. `digest` is what the person saw: if the rubric says something else by
    now, Conflict. Raises NotAllowed, NotFound, WrongState (retired), TitleTaken, Unbalanced, Invalid,
    UnknownRequirement, UnknownPhoto.
    """
    _need_editor(by)
    rubric = _locked(rubric_id)
    if rubric.status == RubricStatus.RETIRED:
        raise WrongState(status=rubric.get_status_display())
    before = queries.frozen(rubric.pk)
    if digest and digest != before.digest:
        raise Conflict
    ready = _checked(sheet.from_outside(), by, before=before)
    _need_title(ready.title, tenant=tenant, but=rubric.pk)
    return _save(rubric, ready, before, by=by, now=now, verb="rubric.edited", what="修改")


def _checked(sheet: SheetDraft, by: Actor, *, before: RubricContract | None = None) -> SheetDraft:
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


def _save(
    rubric: Rubric, sheet: SheetDraft, before: RubricContract, *, by: Actor, now: datetime, verb: str, what: str
) -> Rubric:
    """Write the sheet; on an active rubric, as a new revision with what changed in a sentence."""
    templates = _templates_of(rubric, before, sheet)
    if rubric.status == RubricStatus.ACTIVE:
        rubric.revision += 1
    for name, value in _columns(sheet).items():
        setattr(rubric, name, value)
    changed = _write(rubric, sheet, templates)
    header = _columns(sheet) != _columns(sheet_draft(before))
    if not changed and not header:
        if rubric.status == RubricStatus.ACTIVE:
            rubric.revision -= 1
        rubric.save()  # provenance may have moved on
        return rubric
    rubric.updated_at = now
    rubric.save()
    note = "，".join(changed) or "修改表头"
    if rubric.status == RubricStatus.ACTIVE:
        _keep_revision(rubric, note, by=by, now=now)
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


def _write(rubric: Rubric, sheet: SheetDraft, templates: dict[str, TemplateContract]) -> list[str]:
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


def _keep_revision(rubric: Rubric, note: str, *, by: Actor, now: datetime) -> None:
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


# --- life ----------------------------------------------------------------------------------------


def _move(rubric: Rubric, to: RubricStatus) -> None:
    if to not in MOVES[RubricStatus(rubric.status)]:
        raise WrongState(status=rubric.get_status_display())
    rubric.status = to


@transaction.atomic
def activate(*, rubric_id: UUID, by: Actor, tenant: Tenant, now: datetime) -> Rubric:
    """Put a draft, or a retired rubric, in force. Locks it. Raises NotAllowed, NotFound, WrongState, TitleTaken,
    Unbalanced, Invalid."""
    _need_editor(by)
    rubric = _locked(rubric_id)
    _move(rubric, RubricStatus.ACTIVE)
    _need_title(rubric.title, tenant=tenant, but=rubric.pk)
    contract = queries.frozen(rubric.pk)
    _checked(sheet_draft(contract), by, before=contract)
    rubric.updated_at = now
    rubric.save(update_fields=["status", "updated_at"])
    if not RubricRevision.objects.filter(rubric=rubric, revision=rubric.revision).exists():
        _keep_revision(rubric, "启用", by=by, now=now)
    timeline.record(
        verb="rubric.activated", sentence=f"启用评分标准“{rubric.title}”", subject=rubric, by=by,
        revision=rubric.revision,
    )  # fmt: skip
    return rubric


@transaction.atomic
def retire(*, rubric_id: UUID, by: Actor, tenant: Tenant, now: datetime) -> Rubric:
    """Take a rubric out of use; rounds that froze it keep their copy. Locks it. Raises NotAllowed, NotFound,
    WrongState."""
    _need_editor(by)
    rubric = _locked(rubric_id)
    _move(rubric, RubricStatus.RETIRED)
    rubric.updated_at = now
    rubric.save(update_fields=["status", "updated_at"])
    timeline.record(verb="rubric.retired", sentence=f"停用评分标准“{rubric.title}”", subject=rubric, by=by)
    return rubric


# --- a later edition -----------------------------------------------------------------------------


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
    _need_editor(by)
    rubric = _locked(rubric_id)
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
    _need_title(sheet.title, tenant=tenant, but=rubric.pk)
    return _save(
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
        items.insert(min([i.key for i in dimension.items].index(key), len(items)), _item_of(item, theirs.edition))
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


# --- pictures ------------------------------------------------------------------------------------


@transaction.atomic
def set_photos(
    *,
    item_id: UUID,
    good_photo_id: UUID | None,
    bad_photo_id: UUID | None,
    by: Actor,
    tenant: Tenant,
    now: datetime,
) -> Item:
    """Show what "pass" and "fail" look like. Pictures are guidance, not scoring: no new revision.

    Raises NotAllowed, NotFound, UnknownPhoto.
    """
    _need_editor(by)
    item = Item.objects.select_for_update().filter(pk=item_id, removed_in=None).first()
    if item is None:
        raise NotFound
    wanted = {p for p in (good_photo_id, bad_photo_id) if p} - {item.good_photo_id, item.bad_photo_id}
    if wanted and set(evidence.existing(wanted, by=by)) != wanted:
        raise UnknownPhoto
    if (item.good_photo_id, item.bad_photo_id) != (good_photo_id, bad_photo_id):
        item.good_photo_id, item.bad_photo_id = good_photo_id, bad_photo_id
        item.save(update_fields=["good_photo_id", "bad_photo_id"])
        rubric = Rubric.objects.get(sections__items=item)
        timeline.record(verb="rubric.pictured", sentence=f"更换“{item.text}”的示例照片"[:300], subject=rubric, by=by)
    return item
