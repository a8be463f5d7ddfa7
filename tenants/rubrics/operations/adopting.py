"""A rubric is adopted from a template or made from nothing."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from identity.contracts import Actor
from kernel.tenancy import Tenant
from standards_library import queries as library
from standards_library.contracts import TemplateDimensionContract, TemplateItemContract
from tenants.rubrics.choices import Period
from tenants.rubrics.contracts import GradeContract
from tenants.rubrics.drafts import ItemDraft, SectionDraft, SheetDraft
from tenants.rubrics.models import Rubric
from tenants.rubrics.operations.common import checked, columns_of, need_editor, need_title, write
from tenants.timeline import operations as timeline


@transaction.atomic
def adopt(*, template_key: str, edition: str = "", title: str = "", by: Actor, tenant: Tenant, now: datetime) -> Rubric:
    """Copy a template of the library into the school as a draft; every item keeps its key and edition.

    `title` renames the copy (a second copy of the same template needs another name).
    Raises NotAllowed, NotFound, TitleTaken.
    """
    need_editor(by)
    template = library.template(template_key, edition=edition)
    sheet = SheetDraft(
        title=title.strip() or template.title,
        period=template.period if template.period in Period.values else Period.MONTHLY,
        lines=template.lines,
        grades=tuple(GradeContract(name, least) for name, least in template.grades),
        veto_cap=template.veto_cap,
        payment_note=template.payment_note,
        sections=tuple(section_of(d, template.edition) for d in template.dimensions),
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


def item_of(item: TemplateItemContract, edition: str) -> ItemDraft:
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


def section_of(dimension: TemplateDimensionContract, edition: str) -> SectionDraft:
    return SectionDraft(
        id=None,
        title=dimension.title,
        weight=dimension.weight,
        items=tuple(item_of(i, edition) for i in dimension.items),
        template_key=dimension.key,
        edition=edition,
    )


@transaction.atomic
def create(*, sheet: SheetDraft, by: Actor, tenant: Tenant, now: datetime) -> Rubric:
    """A sheet of the school's own, as a draft. Raises as `edit`."""
    need_editor(by)
    rubric = _create(checked(sheet.from_outside(), by), template_key="", edition="", tenant=tenant, now=now)
    timeline.record(verb="rubric.created", sentence=f"新建评分标准“{rubric.title}”", subject=rubric, by=by)
    return rubric


def _create(sheet: SheetDraft, *, template_key: str, edition: str, tenant: Tenant, now: datetime) -> Rubric:
    need_title(sheet.title, tenant=tenant)
    rubric = Rubric.objects.create(
        template_key=template_key, edition=edition, created_at=now, updated_at=now, **columns_of(sheet)
    )
    write(rubric, sheet, {})
    return rubric
