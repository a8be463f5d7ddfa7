"""The only writer of the library: one edition from one data file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import models, transaction

from standards_library.models import (
    Document,
    Edition,
    Requirement,
    RubricTemplate,
    Supersession,
    TemplateDimension,
    TemplateItem,
)
from standards_library.reading import Content

DERIVED = frozenset({"search"})  # columns made from others: written, but not told as a change


@dataclass(slots=True)
class TableReport:
    """What happened to one table. `changed`: {key: {field: (before, after)}}."""

    name: str
    total: int = 0
    added: list[str] = field(default_factory=list)
    changed: dict[str, dict[str, tuple[Any, Any]]] = field(default_factory=dict)
    retired: list[str] = field(default_factory=list)  # no longer in the file; kept, because somebody may cite it
    restored: list[str] = field(default_factory=list)  # was retired, is back

    @property
    def touched(self) -> bool:
        return bool(self.added or self.changed or self.retired or self.restored)


@dataclass(slots=True)
class ImportReport:
    """What an import changed, table by table."""

    edition: str
    new_edition: bool
    tables: list[TableReport] = field(default_factory=list)

    @property
    def touched(self) -> bool:
        return self.new_edition or any(t.touched for t in self.tables)


class DryRun(Exception):
    """Raised inside the transaction of a dry run to undo it."""


def import_edition(*, content: Content, now: datetime, dry_run: bool = False) -> ImportReport:
    """Make the edition in the database say what the checked file says; a second run changes nothing.

    Set-based: one read and at most one write per table. Locks the edition, so two imports follow each
    other. Rows that left the file are marked retired (dimensions and items of templates, which nobody
    points to by foreign key, are removed). With `dry_run` the same report, and nothing written.
    """
    reports: list[ImportReport] = []
    try:
        with transaction.atomic():
            reports.append(_import(content, now))
            if dry_run:
                raise DryRun
    except DryRun:
        pass
    return reports[0]


def _import(content: Content, now: datetime) -> ImportReport:
    edition, made = Edition.objects.get_or_create(
        key=content.edition,
        defaults={
            "title": content.title,
            "as_of": content.as_of,
            "notes": content.notes,
            "digest": content.digest,
            "imported_at": now,
        },
    )
    edition = Edition.objects.select_for_update().get(pk=edition.pk)
    report = ImportReport(edition=content.edition, new_edition=made)

    documents, told = _sync(Document, "文件", content.documents, edition=edition)
    report.tables.append(told)
    _, told = _sync(Supersession, "替代关系", content.supersessions, edition=edition, key="old")
    report.tables.append(told)
    _, told = _sync(Requirement, "要求", content.requirements, edition=edition, parents={"document": documents})
    report.tables.append(told)
    templates, told = _sync(RubricTemplate, "评分表范本", content.templates, edition=edition)
    report.tables.append(told)
    dimensions, told = _sync(
        TemplateDimension, "维度", content.dimensions,
        inside={"template__edition": edition}, parents={"template": templates},
    )  # fmt: skip
    report.tables.append(told)
    _, told = _sync(
        TemplateItem, "评分项", content.items,
        inside={"dimension__template__edition": edition}, parents={"dimension": dimensions},
    )  # fmt: skip
    report.tables.append(told)

    if not made and (edition.digest != content.digest or report.touched):
        Edition.objects.filter(pk=edition.pk).update(
            title=content.title, as_of=content.as_of, notes=content.notes, digest=content.digest, imported_at=now
        )
    return report


def _sync(
    model: type[models.Model],
    name: str,
    wanted: Mapping[str, Mapping[str, Any]],
    *,
    edition: Edition | None = None,
    key: str = "key",
    inside: Mapping[str, Any] | None = None,
    parents: Mapping[str, Mapping[str, Any]] | None = None,
) -> tuple[dict[str, Any], TableReport]:
    """Bring one table to `wanted`; return {key: primary key} and what changed.

    Tables of an edition retire what is gone; tables under a parent (`inside` selects their rows) drop it.
    """
    parents = parents or {}
    rows: dict[str, Any] = {
        getattr(row, key): row
        for row in model._default_manager.filter(**(inside if inside is not None else {"edition": edition}))
    }
    key_of_parent = {p: {pk: k for k, pk in ids.items()} for p, ids in parents.items()}
    told = TableReport(name, total=len(wanted))
    writes: list[models.Model] = []
    moved: list[Any] = []  # rows whose parent changed: their unique key changes, so they are made anew
    for k, values in wanted.items():
        row = rows.get(k)
        ready = {f"{f}_id" if f in parents else f: parents[f][v] if f in parents else v for f, v in values.items()}
        if row is None:
            told.added.append(k)
        else:
            change = {f: (getattr(row, f), v) for f, v in ready.items() if getattr(row, f) != v}
            back = edition is not None and row.retired
            if back:
                told.restored.append(k)
            if not change and not back:
                continue
            shown = {
                f.removesuffix("_id"): (
                    (key_of_parent[f.removesuffix("_id")].get(was), key_of_parent[f.removesuffix("_id")].get(will))
                    if f.removesuffix("_id") in parents
                    else (was, will)
                )
                for f, (was, will) in change.items()
                if f not in DERIVED
            }
            if shown:
                told.changed[k] = shown
            if inside is not None and any(f"{p}_id" in change for p in parents):
                moved.append(row.pk)
        writes.append(model(**{key: k}, **({"edition": edition} if edition else {}), **ready))
    gone = [k for k, row in rows.items() if k not in wanted and not (edition is not None and row.retired)]
    told.retired = gone
    if edition is not None and gone:
        model._default_manager.filter(edition=edition, **{f"{key}__in": gone}).update(retired=True)
    elif inside is not None and (gone or moved):
        model._default_manager.filter(pk__in=[rows[k].pk for k in gone] + moved).delete()
    if writes:
        unique = ["edition", key] if edition is not None else [*parents, key]
        columns = [f.name for f in model._meta.concrete_fields if not f.primary_key and f.name not in unique]
        model._default_manager.bulk_create(
            writes, update_conflicts=True, unique_fields=unique, update_fields=columns, batch_size=500
        )
    if not told.added and not moved:
        ids = {k: row.pk for k, row in rows.items()}
    else:
        scope = inside if inside is not None else {"edition": edition}
        ids = dict(model._default_manager.filter(**scope).values_list(key, "pk"))
    return ids, told
