"""检查表: chosen items of a rubric, in the order they are walked, under a name.

A walk and a calibration freeze what a checklist says when they begin; whatever is changed here counts for later ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from identity.contracts import Actor
from kernel.errors import DomainError, Invalid, NotAllowed, NotFound
from kernel.tenancy import Tenant
from standards_library.choices import ServiceLine
from tenants.inspections import policies
from tenants.inspections.choices import ChecklistKind
from tenants.inspections.models import Checklist
from tenants.inspections.sheets import arranged
from tenants.rubrics import queries as rubrics
from tenants.rubrics.contracts import RubricContract
from tenants.timeline.operations import record


class ChecklistRetired(DomainError):
    code = "checklist_retired"
    message = _("这份检查表已停用，请先恢复启用，再修改。")


class ChecklistChanged(DomainError):
    code = "checklist_changed"
    message = _("这份检查表刚刚被别人改过。请重新打开，看过现在的内容再修改。")


def line_of(rubric: RubricContract, line: str) -> str:
    """The line asked for, or the only one the rubric knows. Raises Invalid."""
    line = line or (rubric.lines[0] if len(rubric.lines) == 1 else "")
    if line not in ServiceLine.values or (rubric.lines and line not in rubric.lines):
        raise Invalid(_("请选择这次巡查的服务条线。"), field="line")
    return line


@transaction.atomic
def save_checklist(
    *,
    title: str,
    rubric_id: UUID,
    item_ids: Sequence[UUID],
    by: Actor,
    tenant: Tenant,
    line: str = "",
    kind: str = "",
    checklist_id: UUID | None = None,
    digest: str = "",
) -> Checklist:
    """Make or change a checklist from items of an active rubric, in the order given (`arranged`). Without `kind` a new
    one is a routine sheet and an old one keeps its kind. `digest` is what it said when it was opened: it is not
    changed over somebody's head. Locks the checklist.

    Raises NotAllowed, Invalid, NotFound, SheetEmpty, ChecklistRetired, ChecklistChanged.
    """
    if not policies.can_manage_checklists(by):
        raise NotAllowed
    old = None
    if checklist_id is not None:
        old = _locked(checklist_id)
        if not old.active:
            raise ChecklistRetired
        if digest and digest != old.digest:
            raise ChecklistChanged
    title = " ".join(title.split())
    if not 2 <= len(title) <= 60:
        raise Invalid(_("请用 2—60 个字命名检查表。"), field="title")
    namesake = Checklist.objects.filter(title=title).first()
    if namesake is not None and namesake.pk != checklist_id:
        raise Invalid(
            _("已有同名的检查表，请换一个名称。") if namesake.active else _("已有同名的检查表（已停用），请换一个名称，或恢复那一份。"),
            field="title",
        )  # fmt: skip
    if kind and kind not in ChecklistKind.values:
        raise Invalid(_("请选择检查表的类型。"), field="kind")
    if not rubrics.active_rubrics().filter(pk=rubric_id).exists():
        raise Invalid(_("这份评分标准没有启用，请从启用中的评分标准里挑选项目。"), field="rubric")
    sheet = arranged(rubrics.frozen(rubric_id), item_ids)
    kept = [str(i.id) for i in sheet.items()]
    values: dict[str, Any] = {
        "title": title,
        "rubric_id": rubric_id,
        "line": line_of(sheet, line),
        "item_ids": kept,
        **({"kind": kind} if kind else {}),
    }
    checklist = old or Checklist()
    for name, value in values.items():
        setattr(checklist, name, value)
    checklist.save()
    record(
        verb="checklist.saved",
        sentence=f"{'修改' if old else '新建'}{checklist.get_kind_display()}检查表“{title}”：{len(kept)} 项",
        subject=checklist,
        by=by,
    )
    return checklist


def _locked(checklist_id: UUID) -> Checklist:
    checklist = Checklist.objects.select_for_update().filter(pk=checklist_id).first()
    if checklist is None:
        raise NotFound
    return checklist


@transaction.atomic
def drop_checklist(*, checklist_id: UUID, by: Actor, tenant: Tenant) -> Checklist:
    """Offer it no more; inspections made or begun by it stay as they are; twice is once. Locks the checklist.

    Raises NotAllowed, NotFound.
    """
    if not policies.can_manage_checklists(by):
        raise NotAllowed
    checklist = _locked(checklist_id)
    if checklist.active:
        checklist.active = False
        checklist.save(update_fields=["active"])
        record(verb="checklist.dropped", sentence=f"停用检查表“{checklist.title}”", subject=checklist, by=by)
    return checklist


@transaction.atomic
def restore_checklist(*, checklist_id: UUID, by: Actor, tenant: Tenant) -> Checklist:
    """Offer it again as it was; twice is once. Locks the checklist. Raises NotAllowed, NotFound, Invalid."""
    if not policies.can_manage_checklists(by):
        raise NotAllowed
    checklist = _locked(checklist_id)
    if checklist.active:
        return checklist
    if not rubrics.active_rubrics().filter(pk=checklist.rubric_id).exists():
        raise Invalid(_("它所依据的评分标准没有启用，不能恢复。请从启用中的评分标准新建一份。"), field="rubric")
    checklist.active = True
    checklist.save(update_fields=["active"])
    record(verb="checklist.restored", sentence=f"恢复启用检查表“{checklist.title}”", subject=checklist, by=by)
    return checklist
