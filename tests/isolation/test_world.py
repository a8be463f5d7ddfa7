"""The matrix stands on rows: a table that nobody filled would hide every leak of it."""

from __future__ import annotations

import pytest
from django.core.files.storage import default_storage
from django.db import connection, models

from kernel.tenancy import school_context
from tests.isolation.filling import public_models, tenant_models
from tests.isolation.world import MADE_HERE, World


def test_every_table_can_be_filled(world: World) -> None:
    """A new table that the filler does not understand fails here, by name (tests/isolation/filling/values.py)."""
    fillers = [world.alpha.own, world.alpha.rival, world.alpha.public, world.beta.own, world.beta.public]
    assert [why for filler in [*fillers, world.institute] if filler for why in filler.unfillable] == []


def test_every_table_of_a_school_has_a_row_of_each(world: World) -> None:
    for side in (world.alpha, world.beta):
        with school_context(side.tenant):
            empty = [m._meta.label for m in tenant_models() if not m.objects.exists()]  # type: ignore[attr-defined]
        assert empty == []


def test_every_table_of_the_schema_is_a_known_model(world: World) -> None:
    """A table without a model would be filled by nobody."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 's_beta'")
        there = {row[0] for row in cursor.fetchall()}
    assert there - {m._meta.db_table for m in tenant_models()} == {"django_migrations"}


def test_every_public_table_of_ours_has_a_row(world: World) -> None:
    filled = {*world.alpha.public.rows, *world.beta.public.rows, *world.institute.rows}
    assert [m._meta.label for m in public_models() if m not in filled and m._meta.label not in MADE_HERE] == []


def test_the_marks_are_in_the_rows(world: World) -> None:
    """Each table with a text column free to write in holds its owner's mark, and nobody else's."""
    silent = []
    for model in world.beta.own.rows:
        free = [
            f.attname for f in model._meta.concrete_fields
            if isinstance(f, models.CharField | models.TextField) and not f.choices and (f.max_length or 99) >= 11
            and not f.attname.endswith(("_hash", "_index", "_masked", "digest", "sha256", "path"))
        ]  # fmt: skip
        with school_context(world.beta.tenant):
            values = [str(v) for v in model.objects.filter(pk=world.beta.own.rows[model].pk).values_list(*free)]  # type: ignore[attr-defined]
        if free and not any(word in value for value in values for word in world.beta.own.marks.words):
            silent.append(model._meta.label)
        assert not any(word in value for value in values for word in world.alpha.own.marks.words)
    assert silent == []


@pytest.mark.parametrize("schema", ["s_alpha", "s_beta"])
def test_files_lie_under_the_school(world: World, schema: str) -> None:
    folders, files = default_storage.listdir(schema)
    assert (folders or files) and set(default_storage.listdir("")[0]) <= {"s_alpha", "s_beta", "public"}
