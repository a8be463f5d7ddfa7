"""Reads of the library. It is open to everybody: nothing here is anybody's secret."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from uuid import UUID

from django.db.models import Count, Prefetch, Q, QuerySet

from kernel.errors import NotFound
from standards_library.contracts import (
    RequirementContract,
    TemplateContract,
    TemplateDimensionContract,
    TemplateItemContract,
    TemplateUse,
)
from standards_library.domains import DOMAINS, GENERAL, domains_of_line, lines_of_domains
from standards_library.models import (
    Document,
    Edition,
    Requirement,
    RubricTemplate,
    Supersession,
    TemplateDimension,
    TemplateItem,
)
from standards_library.search import words
from standards_library.wording import ORIGIN, SET_BY_LAW, measure_words, verification_saying

# --- editions ------------------------------------------------------------------------------------


def editions() -> QuerySet[Edition]:
    """Newest first."""
    return Edition.objects.all()


def current_edition() -> Edition | None:
    """The newest edition; None before the first import."""
    return Edition.objects.first()


def edition_or_current(key: str = "") -> Edition | None:
    """The named edition; the current one when none is named. Raises NotFound for an unknown name."""
    if not key:
        return current_edition()
    row = Edition.objects.filter(key=key).first()
    if row is None:
        raise NotFound
    return row


# --- requirements --------------------------------------------------------------------------------


def requirements(
    *,
    edition: str = "",
    search: str = "",
    domain: str = "",
    kind: str = "",
    line: str = "",
    verification: str = "",
    origin: str = "",
    tier: str = "",
    veto: bool | None = None,
    document: str = "",
    retired: bool = False,
) -> QuerySet[Requirement]:
    """Requirements of an edition (default: the current one) in the order of the library.

    `search`: every word must be found in text, clause, evidence, document, number or pinyin initials.
    `line`: a service line; "general" for what concerns every line.
    """
    at = edition_or_current(edition)
    rows = Requirement.objects.filter(edition=at) if at else Requirement.objects.none()
    rows = rows.select_related("document", "edition")
    if not retired:
        rows = rows.filter(retired=False)
    for word in words(search):
        rows = rows.filter(search__contains=word)
    exact = {
        "domain": domain, "kind": kind, "verification": verification, "value_origin": origin, "tier": tier,
        "document__key": document,
    }  # fmt: skip
    rows = rows.filter(**{name: value for name, value in exact.items() if value})
    if line == "general":
        rows = rows.filter(domain__in=GENERAL)
    elif line:
        rows = rows.filter(domain__in=domains_of_line(line))
    if veto is not None:
        rows = rows.filter(veto=veto)
    return rows


def requirement(key: str, *, edition: str = "") -> Requirement:
    """One requirement, retired ones too. Raises NotFound."""
    row = requirements(edition=edition, retired=True).filter(key=key).first()
    if row is None:
        raise NotFound
    return row


def requirement_details(pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], RequirementContract]:
    """{(key, edition): requirement} for a whole list in two queries; an empty edition means the current one."""
    return {pair: contract_of(row) for pair, row in requirement_rows(pairs).items()}


def requirement_rows(pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Requirement]:
    """As `requirement_details`, the rows themselves with document and edition."""
    wanted = set(pairs)
    if not wanted:
        return {}
    now = current_edition() if any(not e for _, e in wanted) else None
    named = {e for _, e in wanted if e} | ({now.key} if now else set())
    rows = Requirement.objects.filter(key__in={k for k, _ in wanted}, edition__key__in=named)
    found = {(r.key, r.edition.key): r for r in rows.select_related("document", "edition")}
    made = {}
    for key, edition in wanted:
        row = found.get((key, edition or (now.key if now else "")))
        if row:
            made[key, edition] = row
    return made


def contract_of(row: Requirement) -> RequirementContract:
    """The contract of a row read with its document and edition."""
    return RequirementContract(
        key=row.key,
        edition=row.edition.key,
        text=row.text,
        domain=row.domain,
        domain_name=DOMAINS[row.domain].name,
        kind=row.kind,
        kind_name=row.get_kind_display(),
        document_key=row.document.key,
        document_title=row.document.title,
        document_code=row.document.code,
        issuer=row.document.issuer,
        effective_on=row.document.effective_on,
        clause=row.clause,
        measure=measure_words(row.op, row.value, row.unit),
        value_origin=row.value_origin,
        origin_label=ORIGIN[row.value_origin].label,
        set_by_document=row.value_origin in SET_BY_LAW,
        verification=row.verification,
        verification_label=verification_saying(row.verification, row.confirmed_basis).label,
        veto=row.veto,
        evidence=row.evidence,
        applicability=row.applicability,
        default_deduction=row.default_deduction,
        retired=row.retired,
    )


def uncovered(
    *, covered: Iterable[str], lines: Iterable[str], edition: str = "", tier: str = "", kind: str = "", search: str = ""
) -> QuerySet[Requirement]:
    """Requirements of these service lines, and the general ones, that nothing in `covered` (keys) checks: 无检查.

    Veto requirements first. No line named: every line.
    """
    chosen = list(lines)
    rows = requirements(edition=edition, tier=tier, kind=kind, search=search).exclude(key__in=list(covered))
    if chosen:
        domains = {d for line in chosen for d in domains_of_line(line)} | set(GENERAL)
        rows = rows.filter(domain__in=domains)
    return rows.order_by("-veto", "position")


# --- documents -----------------------------------------------------------------------------------


def documents(*, edition: str = "", search: str = "", kind: str = "", retired: bool = False) -> QuerySet[Document]:
    """Documents with `cited`: how many requirements stand on each."""
    at = edition_or_current(edition)
    rows = Document.objects.filter(edition=at) if at else Document.objects.none()
    if not retired:
        rows = rows.filter(retired=False)
    for word in words(search):
        rows = rows.filter(search__contains=word)
    if kind:
        rows = rows.filter(kind=kind)
    counted = rows.annotate(cited=Count("requirements", filter=Q(requirements__retired=False)))
    return counted.order_by("position", "pk")


def documents_by_id(ids: Iterable[UUID]) -> dict[UUID, Document]:
    """{id: document} in one query."""
    return {row.pk: row for row in Document.objects.filter(pk__in=list(ids)).select_related("edition")}


def document(key: str, *, edition: str = "") -> Document:
    """One document. Raises NotFound."""
    row = documents(edition=edition, retired=True).filter(key=key).first()
    if row is None:
        raise NotFound
    return row


def supersessions(*, edition: str = "", search: str = "") -> QuerySet[Supersession]:
    """What was replaced by what, since when, and how that was verified."""
    at = edition_or_current(edition)
    rows = Supersession.objects.filter(edition=at, retired=False) if at else Supersession.objects.none()
    for word in words(search):
        rows = rows.filter(search__contains=word)
    return rows


def replaced_by(ids: Iterable[UUID]) -> list[tuple[UUID, Supersession]]:
    """(document id, what replaced it or a clause of it) for a list of documents, in two queries."""
    rows = Document.objects.filter(pk__in=list(ids)).values_list("edition_id", "key", "pk")
    by_key = {(edition, key): pk for edition, key, pk in rows}
    found = Supersession.objects.filter(edition_id__in={e for e, _ in by_key}, retired=False)
    return [
        (by_key[s.edition_id, key], s) for s in found for key in s.old_document_keys if (s.edition_id, key) in by_key
    ]


def supersessions_of(key: str, *, edition: str = "") -> tuple[list[Supersession], list[Supersession]]:
    """(what replaced this document or a clause of it, what this document replaced)."""
    rows = supersessions(edition=edition).filter(
        Q(old_document_keys__contains=[key]) | Q(document_keys__contains=[key])
    )
    found = list(rows)
    return [r for r in found if key in r.old_document_keys], [r for r in found if key in r.document_keys]


# --- rubric templates ----------------------------------------------------------------------------


def templates(*, edition: str = "", line: str = "") -> QuerySet[RubricTemplate]:
    """Templates with `item_count`."""
    at = edition_or_current(edition)
    rows = RubricTemplate.objects.filter(edition=at, retired=False) if at else RubricTemplate.objects.none()
    if line:
        some = Q()
        for domain in domains_of_line(line):
            some |= Q(domains__contains=[domain])
        rows = rows.filter(some)
    return rows.select_related("edition").annotate(item_count=Count("dimensions__items"))


def template(key: str, *, edition: str = "") -> TemplateContract:
    """One template, whole, in four queries; retired ones too. Raises NotFound."""
    found = template_or_none(key, edition=edition)
    if found is None:
        raise NotFound
    return found


def template_or_none(key: str, *, edition: str = "") -> TemplateContract | None:
    """As `template`, None where there is none. Raises NotFound for an unknown edition."""
    at = edition_or_current(edition)
    found = _whole(RubricTemplate.objects.filter(edition=at, key=key)) if at else []
    return found[0] if found else None


def whole_templates(*, edition: str = "", line: str = "") -> list[TemplateContract]:
    """All templates of an edition, whole, in four queries."""
    return _whole(templates(edition=edition, line=line))


def _whole(rows: QuerySet[RubricTemplate]) -> list[TemplateContract]:
    items = TemplateItem.objects.order_by("position", "key")
    dimensions = TemplateDimension.objects.order_by("position", "key").prefetch_related(Prefetch("items", items))
    found = rows.select_related("edition").prefetch_related(Prefetch("dimensions", dimensions))
    return [_template_contract(row) for row in found]


def _template_contract(row: RubricTemplate) -> TemplateContract:
    return TemplateContract(
        key=row.key,
        edition=row.edition.key,
        title=row.title,
        period=row.period,
        domains=tuple(row.domains),
        lines=tuple(lines_of_domains(row.domains)),
        grades=tuple((g["name"], Decimal(g["min"])) for g in row.grades),
        veto_cap=row.veto_cap,
        payment_note=row.payment_note,
        scoring=dict(row.scoring),
        dimensions=tuple(
            TemplateDimensionContract(
                key=d.key,
                title=d.title,
                weight=d.weight,
                items=tuple(
                    TemplateItemContract(
                        key=i.key,
                        text=i.text,
                        kind=i.kind,
                        points=i.max_deduction,
                        per_fault=i.deduct_per_occurrence,
                        fault_unit=i.deduct_unit,
                        veto=i.veto,
                        requirement_keys=tuple(i.requirement_keys),
                        veto_requirement_keys=tuple(i.veto_requirement_keys),
                        evidence=i.evidence,
                    )
                    for i in d.items.all()
                ),
            )
            for d in row.dimensions.all()
        ),
    )


def latest_editions_of_templates(keys: Iterable[str]) -> dict[str, str]:
    """{template key: newest edition that has it}, in one query."""
    found: dict[str, str] = {}
    rows = RubricTemplate.objects.filter(key__in=list(keys), retired=False).order_by("edition__as_of", "edition__key")
    for key, edition in rows.values_list("key", "edition__key"):
        found[key] = edition
    return found


def edition_order() -> list[str]:
    """Keys of all editions, oldest first."""
    return [e.key for e in reversed(editions())]


def uses_of(keys: Iterable[str], *, edition: str = "") -> dict[str, list[TemplateUse]]:
    """{requirement key: template items that cite it}, in two queries."""
    at = edition_or_current(edition)
    found: dict[str, list[TemplateUse]] = {key: [] for key in keys}
    if at is None or not found:
        return found
    rows = TemplateItem.objects.filter(dimension__template__edition=at, dimension__template__retired=False)
    some = Q()
    for key in found:
        some |= Q(requirement_keys__contains=[key])
    if len(found) <= 50:
        rows = rows.filter(some)
    for row in rows.select_related("dimension__template").order_by("dimension__template__position", "position"):
        for key in row.requirement_keys:
            if key in found:
                found[key].append(
                    TemplateUse(
                        template_key=row.dimension.template.key,
                        template_title=row.dimension.template.title,
                        dimension_title=row.dimension.title,
                        item_key=row.key,
                        item_text=row.text,
                        points=row.max_deduction,
                        veto=row.veto,
                    )
                )
    return found
