"""The standards library: the same types and questions on both hosts. It is open to read; nothing in it is secret."""

from __future__ import annotations

from typing import Any

import graphene
from graphene_django import DjangoObjectType

from graphql_api.connections import Listing, connection_of
from graphql_api.loaders import load_many, load_one
from kernel.errors import NotAllowed
from standards_library import queries
from standards_library.contracts import TemplateContract, TemplateDimensionContract, TemplateUse
from standards_library.domains import DOMAINS
from standards_library.models import Document, Edition, Requirement, Supersession
from standards_library.wording import ORIGIN, SET_BY_LAW, measure_words, verification_saying

Text = graphene.NonNull(graphene.String)


def listed(kind: Any) -> Any:
    """[Type!]!"""
    return graphene.NonNull(graphene.List(graphene.NonNull(kind)))


class EditionType(DjangoObjectType):
    """One published state of the library."""

    class Meta:
        model = Edition
        fields = ("id", "key", "title", "as_of", "imported_at")

    id = graphene.NonNull(graphene.UUID)


class SupersessionType(DjangoObjectType):
    """An older document, by what it was replaced, since when, and how that was verified."""

    class Meta:
        model = Supersession
        fields = ("id", "old", "new", "effective_on", "verification")
        convert_choices_to_enum = False

    id = graphene.NonNull(graphene.UUID)
    verification_label = Text
    document_keys = graphene.Field(listed(graphene.String), description="Documents of this edition that replace it")

    @staticmethod
    def resolve_verification_label(row: Supersession, info: graphene.ResolveInfo) -> str:
        return verification_saying(row.verification).label


class DocumentType(DjangoObjectType):
    """A law, order, standard, or the collected practice of contracts."""

    class Meta:
        model = Document
        fields = ("id", "key", "code", "title", "issuer", "kind", "effective_on", "status", "note", "retired")
        convert_choices_to_enum = False

    id = graphene.NonNull(graphene.UUID)
    kind_label = Text
    replaced_by = graphene.Field(
        listed(SupersessionType), description="What replaced this text or a clause of it, where something did"
    )

    @staticmethod
    def resolve_kind_label(row: Document, info: graphene.ResolveInfo) -> str:
        return row.get_kind_display()

    @staticmethod
    def resolve_replaced_by(row: Document, info: graphene.ResolveInfo) -> Any:
        return load_many(info.context, "library.replaced_by", queries.replaced_by, row.pk)


class TemplateUseType(graphene.ObjectType):
    """Where the templates of the library use a requirement."""

    template_key = Text
    template_title = Text
    dimension_title = Text
    item_key = Text
    item_text = Text
    points = graphene.NonNull(graphene.Decimal)
    veto = graphene.NonNull(graphene.Boolean)


class RequirementType(DjangoObjectType):
    """One thing that must be so: its clause, its measure, who set the number and how far the citation was checked."""

    class Meta:
        model = Requirement
        fields = (
            "id", "key", "domain", "clause", "kind", "text", "measure_type", "op", "value", "number", "unit",
            "value_origin", "applicability", "evidence", "default_deduction", "veto", "verification",
            "confirmed_basis", "source_note", "tier", "retired",
        )  # fmt: skip
        convert_choices_to_enum = False

    id = graphene.NonNull(graphene.UUID)
    edition = Text
    domain_name = Text
    service_lines = graphene.Field(listed(graphene.String), description="Empty: it concerns every line")
    kind_label = Text
    measure = graphene.String(required=True, description="The measure in words")
    set_by_document = graphene.Boolean(
        required=True, description="False: the number is derived, suggested or a matter of contract"
    )
    origin_label = Text
    origin_sentence = Text
    verification_label = Text
    verification_sentence = Text
    document = graphene.NonNull(DocumentType)
    used_in = graphene.Field(listed(TemplateUseType), description="Items of the library's templates that cite it")

    @staticmethod
    def resolve_edition(row: Requirement, info: graphene.ResolveInfo) -> str:
        return row.edition.key

    @staticmethod
    def resolve_domain_name(row: Requirement, info: graphene.ResolveInfo) -> str:
        return DOMAINS[row.domain].name

    @staticmethod
    def resolve_service_lines(row: Requirement, info: graphene.ResolveInfo) -> list[str]:
        return [line.value for line in DOMAINS[row.domain].lines]

    @staticmethod
    def resolve_kind_label(row: Requirement, info: graphene.ResolveInfo) -> str:
        return row.get_kind_display()

    @staticmethod
    def resolve_measure(row: Requirement, info: graphene.ResolveInfo) -> str:
        return measure_words(row.op, row.value, row.unit)

    @staticmethod
    def resolve_set_by_document(row: Requirement, info: graphene.ResolveInfo) -> bool:
        return row.value_origin in SET_BY_LAW

    @staticmethod
    def resolve_origin_label(row: Requirement, info: graphene.ResolveInfo) -> str:
        return ORIGIN[row.value_origin].label

    @staticmethod
    def resolve_origin_sentence(row: Requirement, info: graphene.ResolveInfo) -> str:
        return ORIGIN[row.value_origin].sentence

    @staticmethod
    def resolve_verification_label(row: Requirement, info: graphene.ResolveInfo) -> str:
        return verification_saying(row.verification, row.confirmed_basis).label

    @staticmethod
    def resolve_verification_sentence(row: Requirement, info: graphene.ResolveInfo) -> str:
        return verification_saying(row.verification, row.confirmed_basis).sentence

    @staticmethod
    def resolve_document(row: Requirement, info: graphene.ResolveInfo) -> Any:
        return row.document

    @staticmethod
    def resolve_used_in(row: Requirement, info: graphene.ResolveInfo) -> Any:
        edition = row.edition.key

        def fetch(keys: list[str]) -> list[tuple[str, TemplateUse]]:
            found = queries.uses_of(keys, edition=edition)
            return [(key, use) for key, uses in found.items() for use in uses]

        return load_many(info.context, f"library.used_in.{edition}", fetch, row.key)


class TemplateItemType(graphene.ObjectType):
    """One item of a template."""

    key = Text
    text = Text
    kind = Text
    points = graphene.NonNull(graphene.Decimal)
    per_fault = graphene.NonNull(graphene.Decimal)
    fault_unit = Text
    veto = graphene.NonNull(graphene.Boolean)
    evidence = Text
    requirement_keys = listed(graphene.String)
    veto_requirement_keys = listed(graphene.String)


class TemplateDimensionType(graphene.ObjectType):
    """A dimension; the points of its items add up to its weight."""

    key = Text
    title = Text
    weight = graphene.NonNull(graphene.Decimal)
    items = listed(TemplateItemType)

    @staticmethod
    def resolve_items(row: TemplateDimensionContract, info: graphene.ResolveInfo) -> Any:
        return row.items


class GradeType(graphene.ObjectType):
    """A grade is reached from `min` points on."""

    name = Text
    min = graphene.NonNull(graphene.Decimal)


class TemplateType(graphene.ObjectType):
    """A scoring sheet of 100 points that a school may adopt."""

    key = Text
    edition = Text
    title = Text
    period = Text
    domains = listed(graphene.String)
    lines = listed(graphene.String)
    grades = listed(GradeType)
    veto_cap = graphene.Decimal(required=True, description="A veto caps the score here")
    payment_note = Text
    dimensions = listed(TemplateDimensionType)

    @staticmethod
    def resolve_grades(row: TemplateContract, info: graphene.ResolveInfo) -> list[GradeType]:
        return [GradeType(name=name, min=least) for name, least in row.grades]


RequirementConnection = connection_of(RequirementType)


class LibraryQuery(graphene.ObjectType):
    """Reads of the library."""

    library_editions = graphene.Field(listed(EditionType), description="Newest first")
    requirements = Listing(
        RequirementConnection,
        edition=graphene.String(description="Default: the current one"),
        search=graphene.String(description="Chinese words, numbers or pinyin initials; all must be found"),
        domain=graphene.String(),
        kind=graphene.String(),
        line=graphene.String(description="A service line, or `general`"),
        verification=graphene.String(),
        origin=graphene.String(),
        tier=graphene.String(),
        veto=graphene.Boolean(),
        document=graphene.String(description="Key of a document"),
    )
    requirement = graphene.Field(RequirementType, key=graphene.String(required=True), edition=graphene.String())
    standard_documents = Listing(
        connection_of(DocumentType), edition=graphene.String(), search=graphene.String(), kind=graphene.String()
    )
    superseded_documents = graphene.Field(listed(SupersessionType), edition=graphene.String(), search=graphene.String())
    rubric_templates = graphene.Field(listed(TemplateType), edition=graphene.String(), line=graphene.String())
    rubric_template = graphene.Field(TemplateType, key=graphene.String(required=True), edition=graphene.String())

    @staticmethod
    def resolve_library_editions(root: None, info: graphene.ResolveInfo) -> Any:
        _need_scope(info)
        return queries.editions()

    @staticmethod
    def resolve_requirements(root: None, info: graphene.ResolveInfo, **filters: Any) -> Any:
        _need_scope(info)
        return queries.requirements(**_without_pages(filters))

    @staticmethod
    def resolve_requirement(root: None, info: graphene.ResolveInfo, key: str, edition: str = "") -> Any:
        _need_scope(info)

        def fetch(pairs: list[tuple[str, str]]) -> dict[tuple[str, str], Requirement]:
            return queries.requirement_rows(pairs)

        return load_one(info.context, "library.requirement", fetch, (key, edition))

    @staticmethod
    def resolve_standard_documents(root: None, info: graphene.ResolveInfo, **filters: Any) -> Any:
        _need_scope(info)
        return queries.documents(**_without_pages(filters))

    @staticmethod
    def resolve_superseded_documents(root: None, info: graphene.ResolveInfo, **filters: Any) -> Any:
        _need_scope(info)
        return queries.supersessions(**filters)

    @staticmethod
    def resolve_rubric_templates(root: None, info: graphene.ResolveInfo, edition: str = "", line: str = "") -> Any:
        _need_scope(info)
        return queries.whole_templates(edition=edition, line=line)

    @staticmethod
    def resolve_rubric_template(root: None, info: graphene.ResolveInfo, key: str, edition: str = "") -> Any:
        _need_scope(info)
        return queries.template_or_none(key, edition=edition)


def _need_scope(info: graphene.ResolveInfo) -> None:
    """Open to people; a token is good for what it was made for."""
    if not info.context.actor.may("standards:read"):
        raise NotAllowed


def _without_pages(filters: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in filters.items() if k not in {"first", "last", "after", "before"} and v is not None}
