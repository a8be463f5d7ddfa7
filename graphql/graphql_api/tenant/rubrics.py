"""Rubrics of a school: adopt, read, edit, put in force, retire, answer a later edition."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import graphene
from graphene_django import DjangoObjectType

from graphql_api.connections import Listing, connection_of
from graphql_api.context import Context
from graphql_api.loaders import load_many, load_one
from graphql_api.mutations import DomainMutation
from graphql_api.public.library import GradeType, RequirementType, listed
from kernel import clock
from standards_library import queries as library
from tenants.rubrics import operations, queries
from tenants.rubrics.contracts import GradeContract
from tenants.rubrics.drafts import ItemDraft, SectionDraft, SheetDraft
from tenants.rubrics.models import Item, Rubric, RubricRevision, Section

Text = graphene.NonNull(graphene.String)
Id = graphene.NonNull(graphene.UUID)


class RubricItemType(DjangoObjectType):
    """One thing to look at: how, for how many points, what one fault costs, and on what basis."""

    class Meta:
        model = Item
        fields = (
            "id", "text", "method", "points", "per_fault", "fault_unit", "veto", "basis", "edition", "template_key",
            "changed_here", "good_photo_id", "bad_photo_id",
        )  # fmt: skip

    id = Id
    good_photo_id = graphene.UUID()
    bad_photo_id = graphene.UUID()
    requirement_keys = listed(graphene.String)
    veto_requirement_keys = listed(graphene.String)
    requirements = graphene.Field(listed(RequirementType), description="The clauses cited, in the item's edition")

    @staticmethod
    def resolve_requirements(row: Item, info: graphene.ResolveInfo) -> Any:
        def fetch(owners: list[tuple[UUID, tuple[str, ...], str]]) -> list[tuple[Any, Any]]:
            found = library.requirement_rows((key, edition) for _, keys, edition in owners for key in keys)
            return [(owner, found[key, owner[2]]) for owner in owners for key in owner[1] if (key, owner[2]) in found]

        key = (row.pk, tuple(row.requirement_keys), row.edition)
        return load_many(info.context, "rubrics.requirements", fetch, key)


class RubricSectionType(DjangoObjectType):
    """A dimension; the points of its items add up to its weight."""

    class Meta:
        model = Section
        fields = ("id", "title", "weight", "edition", "template_key", "changed_here")

    id = Id
    items = listed(RubricItemType)

    @staticmethod
    def resolve_items(row: Section, info: graphene.ResolveInfo) -> Any:
        return load_many(info.context, "rubrics.items", queries.items_of_sections, row.pk)


class RubricRevisionType(DjangoObjectType):
    """What a rubric in force said, from `madeAt` on."""

    class Meta:
        model = RubricRevision
        fields = ("id", "revision", "digest", "note", "actor_name", "made_at")

    id = Id


class RubricType(DjangoObjectType):
    """A scoring sheet of 100 points."""

    class Meta:
        model = Rubric
        fields = (
            "id", "title", "status", "revision", "period", "template_key", "edition", "veto_cap", "payment_note",
            "created_at", "updated_at",
        )  # fmt: skip
        convert_choices_to_enum = False

    id = Id
    lines = listed(graphene.String)
    grades = listed(GradeType)
    sections = listed(RubricSectionType)
    digest = graphene.String(required=True, description="Send it back with editRubric: somebody else's edit is refused")
    newer_edition = graphene.String(description="A later edition of the template, if there is one")
    revisions = listed(RubricRevisionType)

    @staticmethod
    def resolve_grades(row: Rubric, info: graphene.ResolveInfo) -> list[GradeType]:
        return [GradeType(name=g["name"], min=Decimal(str(g["min"]))) for g in row.grades]

    @staticmethod
    def resolve_sections(row: Rubric, info: graphene.ResolveInfo) -> Any:
        return load_many(info.context, "rubrics.sections", queries.sections_of, row.pk)

    @staticmethod
    def resolve_digest(row: Rubric, info: graphene.ResolveInfo) -> Any:
        def fetch(ids: list[UUID]) -> dict[UUID, str]:
            return {key: contract.digest for key, contract in queries.frozen_many(ids).items()}

        return load_one(info.context, "rubrics.digest", fetch, row.pk)

    @staticmethod
    def resolve_newer_edition(row: Rubric, info: graphene.ResolveInfo) -> Any:
        return load_one(info.context, "rubrics.newer", queries.newer_editions_by_id, row.pk)

    @staticmethod
    def resolve_revisions(row: Rubric, info: graphene.ResolveInfo) -> Any:
        return load_many(info.context, "rubrics.revisions", queries.revisions_of, row.pk)


class RubricFieldChange(graphene.ObjectType):
    """One field, in words."""

    name = Text
    label = Text
    before = Text
    after = Text


class RubricChange(graphene.ObjectType):
    """One thing to decide about a later edition."""

    id = Text
    kind = graphene.String(required=True, description="added, removed, changed or basis")
    title = Text
    section = Text
    fields = listed(RubricFieldChange)
    changed_here = graphene.NonNull(graphene.Boolean)


class RubricsQuery(graphene.ObjectType):
    """Reads of rubrics. Scope: rubrics:read."""

    rubrics = Listing(
        connection_of(RubricType), status=graphene.String(), line=graphene.String(), search=graphene.String()
    )
    rubric = graphene.Field(RubricType, id=graphene.UUID(required=True))
    rubric_changes = graphene.Field(
        listed(RubricChange),
        rubric_id=graphene.UUID(required=True),
        edition=graphene.String(description="Default: the newest"),
    )

    @staticmethod
    def resolve_rubrics(
        root: None, info: graphene.ResolveInfo, status: str = "", line: str = "", search: str = "", **_page: Any
    ) -> Any:
        return queries.rubrics(by=info.context.actor, status=status, line=line, search=search)

    @staticmethod
    def resolve_rubric(root: None, info: graphene.ResolveInfo, id: UUID) -> Any:
        return queries.rubric_or_none(id, by=info.context.actor)

    @staticmethod
    def resolve_rubric_changes(root: None, info: graphene.ResolveInfo, rubric_id: UUID, edition: str = "") -> Any:
        return queries.changes(rubric_id, edition=edition, by=info.context.actor).changes


# --- mutations -----------------------------------------------------------------------------------


class RubricItemInput(graphene.InputObjectType):
    """One item; without `id` a new one. It needs `requirementKeys` or `basis`."""

    id = graphene.UUID()
    text = graphene.String(required=True)
    method = graphene.String(default_value="")
    points = graphene.Decimal(required=True)
    per_fault = graphene.Decimal(required=True)
    fault_unit = graphene.String(default_value="处")
    veto = graphene.Boolean(default_value=False)
    requirement_keys = graphene.List(graphene.NonNull(graphene.String), default_value=[])
    basis = graphene.String(default_value="")
    good_photo_id = graphene.UUID()
    bad_photo_id = graphene.UUID()


class RubricSectionInput(graphene.InputObjectType):
    id = graphene.UUID()
    title = graphene.String(required=True)
    weight = graphene.Decimal(required=True)
    items = graphene.List(graphene.NonNull(RubricItemInput), required=True)


class RubricGradeInput(graphene.InputObjectType):
    name = graphene.String(required=True)
    min = graphene.Decimal(required=True)


class RubricSheetInput(graphene.InputObjectType):
    """A whole sheet: what is left out is dropped. Weights add up to 100, points to their section's weight."""

    title = graphene.String(required=True)
    period = graphene.String(default_value="monthly")
    lines = graphene.List(graphene.NonNull(graphene.String), default_value=[])
    grades = graphene.List(graphene.NonNull(RubricGradeInput), required=True)
    veto_cap = graphene.Decimal(required=True)
    payment_note = graphene.String(default_value="")
    sections = graphene.List(graphene.NonNull(RubricSectionInput), required=True)


def sheet_of(given: dict[str, Any]) -> SheetDraft:
    """The draft of the domain from the API's input."""
    return SheetDraft(
        title=given["title"],
        period=given["period"],
        lines=tuple(given["lines"] or ()),
        grades=tuple(GradeContract(g["name"], g["min"]) for g in given["grades"]),
        veto_cap=given["veto_cap"],
        payment_note=given["payment_note"] or "",
        sections=tuple(
            SectionDraft(
                id=s.get("id"),
                title=s["title"],
                weight=s["weight"],
                items=tuple(
                    ItemDraft(
                        id=i.get("id"),
                        text=i["text"],
                        method=i["method"] or "",
                        points=i["points"],
                        per_fault=i["per_fault"],
                        fault_unit=i["fault_unit"] or "",
                        veto=bool(i["veto"]),
                        requirement_keys=tuple(dict.fromkeys(i["requirement_keys"] or ())),
                        basis=i["basis"] or "",
                        good_photo_id=i.get("good_photo_id"),
                        bad_photo_id=i.get("bad_photo_id"),
                    )
                    for i in s["items"]
                ),
            )
            for s in given["sections"]
        ),
    )


class RubricPayload(DomainMutation):
    """Base: every mutation here answers with the rubric."""

    class Meta:
        abstract = True

    scope = "rubrics:write"
    rubric = graphene.Field(RubricType)


class AdoptRubric(RubricPayload):
    """Copy a template of the library into the school, as a draft."""

    class Arguments:
        template_key = graphene.String(required=True)
        edition = graphene.String()
        title = graphene.String(description="Another name: a second copy of the same template needs one")

    @classmethod
    def perform(cls, context: Context, *, template_key: str, edition: str = "", title: str = "") -> dict[str, Any]:
        row = operations.adopt(
            template_key=template_key, edition=edition, title=title,
            by=context.actor, tenant=context.tenant, now=clock.now(),
        )  # fmt: skip
        return {"rubric": row}


class CreateRubric(RubricPayload):
    """A sheet of the school's own, as a draft."""

    class Arguments:
        sheet = RubricSheetInput(required=True)

    @classmethod
    def perform(cls, context: Context, *, sheet: dict[str, Any]) -> dict[str, Any]:
        row = operations.create(sheet=sheet_of(sheet), by=context.actor, tenant=context.tenant, now=clock.now())
        return {"rubric": row}


class EditRubric(RubricPayload):
    """Make the rubric say what `sheet` says. A rubric in force gets a new revision."""

    class Arguments:
        rubric_id = graphene.UUID(required=True)
        sheet = RubricSheetInput(required=True)
        digest = graphene.String(description="What you saw; another edit in between is refused with `conflict`")

    @classmethod
    def perform(cls, context: Context, *, rubric_id: UUID, sheet: dict[str, Any], digest: str = "") -> dict[str, Any]:
        row = operations.edit(
            rubric_id=rubric_id, sheet=sheet_of(sheet), digest=digest,
            by=context.actor, tenant=context.tenant, now=clock.now(),
        )  # fmt: skip
        return {"rubric": row}


class ActivateRubric(RubricPayload):
    """Put a draft, or a retired rubric, in force."""

    class Arguments:
        rubric_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, *, rubric_id: UUID) -> dict[str, Any]:
        row = operations.activate(rubric_id=rubric_id, by=context.actor, tenant=context.tenant, now=clock.now())
        return {"rubric": row}


class RetireRubric(RubricPayload):
    """Take a rubric out of use; what froze it stays as it is."""

    class Arguments:
        rubric_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, *, rubric_id: UUID) -> dict[str, Any]:
        row = operations.retire(rubric_id=rubric_id, by=context.actor, tenant=context.tenant, now=clock.now())
        return {"rubric": row}


class AdoptRubricChanges(RubricPayload):
    """Answer changes of a later edition: take theirs, keep ours (ids of `rubricChanges`)."""

    class Arguments:
        rubric_id = graphene.UUID(required=True)
        edition = graphene.String()
        take = graphene.List(graphene.NonNull(graphene.String))
        keep = graphene.List(graphene.NonNull(graphene.String))

    @classmethod
    def perform(
        cls,
        context: Context,
        *,
        rubric_id: UUID,
        edition: str = "",
        take: list[str] | None = None,
        keep: list[str] | None = None,
    ) -> dict[str, Any]:
        row = operations.adopt_changes(
            rubric_id=rubric_id, edition=edition, take=take or (), keep=keep or (),
            by=context.actor, tenant=context.tenant, now=clock.now(),
        )  # fmt: skip
        return {"rubric": row}


class SetRubricItemPhotos(DomainMutation):
    """Show what pass and fail look like; ids of evidence. Not given: taken away."""

    scope = "rubrics:write"
    item = graphene.Field(RubricItemType)

    class Arguments:
        item_id = graphene.UUID(required=True)
        good_photo_id = graphene.UUID()
        bad_photo_id = graphene.UUID()

    @classmethod
    def perform(
        cls,
        context: Context,
        *,
        item_id: UUID,
        good_photo_id: UUID | None = None,
        bad_photo_id: UUID | None = None,
    ) -> dict[str, Any]:
        row = operations.set_photos(
            item_id=item_id, good_photo_id=good_photo_id, bad_photo_id=bad_photo_id,
            by=context.actor, tenant=context.tenant, now=clock.now(),
        )  # fmt: skip
        return {"item": row}


class RubricsMutation(graphene.ObjectType):
    """Writes of rubrics. Scope: rubrics:write."""

    adopt_rubric = AdoptRubric.Field()
    create_rubric = CreateRubric.Field()
    edit_rubric = EditRubric.Field()
    activate_rubric = ActivateRubric.Field()
    retire_rubric = RetireRubric.Field()
    adopt_rubric_changes = AdoptRubricChanges.Field()
    set_rubric_item_photos = SetRubricItemPhotos.Field()
