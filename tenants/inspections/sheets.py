"""Which items of a rubric a walk asks for, and in which order."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from kernel.errors import DomainError
from tenants.rubrics.contracts import RubricContract


class SheetEmpty(DomainError):
    code = "sheet_empty"
    message = _("检查表里没有可检查的项目，请至少选择一个维度或项目。")


def cut(rubric: RubricContract, item_ids: Collection[UUID] | None) -> RubricContract:
    """The rubric with only the chosen items, in its own order; sections left empty are dropped. Raises SheetEmpty."""
    if item_ids is not None:
        wanted = set(item_ids)
        kept = [replace(s, items=tuple(i for i in s.items if i.id in wanted)) for s in rubric.sections]
        rubric = replace(rubric, sections=tuple(s for s in kept if s.items))
    if not any(s.items for s in rubric.sections):
        raise SheetEmpty
    return rubric


def arranged(rubric: RubricContract, item_ids: Sequence[UUID]) -> RubricContract:
    """As `cut`, in the order of a checklist: its items inside their sections, the sections as their first item comes.

    A section is walked in one piece, so items of two sections never mix. Raises SheetEmpty.
    """
    turn = {item_id: n for n, item_id in reversed(list(enumerate(item_ids)))}
    kept = cut(rubric, turn)
    parts = [replace(s, items=tuple(sorted(s.items, key=lambda i: turn[i.id]))) for s in kept.sections]
    return replace(kept, sections=tuple(sorted(parts, key=lambda s: turn[s.items[0].id])))
