"""Spare schemas: made ahead in the background, so that opening a school is a rename.

A spare is a row of the ledger and a schema, made in one transaction. Its fingerprint is read from the
catalogue before it counts. Spares of an older blueprint are dropped, not upgraded.
"""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import connection, transaction

from institute.schools import blueprint, catalogue
from institute.schools.choices import SchemaPurpose, SchemaState
from institute.schools.models import Blueprint, SchemaRecord
from kernel.ids import new_id
from kernel.tenancy import public_context

LOCK = 7_103  # advisory lock: one process fills the pool at a time


class Incomplete(Exception):
    """A schema is not what the blueprint says; `differences` names what is missing (-) or too much (+)."""

    def __init__(self, schema: str, differences: list[str]) -> None:
        self.schema = schema
        self.differences = differences
        super().__init__(f"{schema}: {'; '.join(differences)}")


def verify(schema: str, drawn: Blueprint) -> None:
    """Compare every table, column, index, constraint and sequence with the template's. Raises Incomplete."""
    lines = blueprint.lines_of(schema, drawn)
    if catalogue.fingerprint(lines) != drawn.fingerprint:
        raise Incomplete(schema, catalogue.differences(drawn.lines, lines))


def take(drawn: Blueprint) -> SchemaRecord | None:
    """Lock one spare of this blueprint for the caller's transaction, or None when the pool is empty."""
    return (
        SchemaRecord.objects.select_for_update(skip_locked=True)
        .filter(purpose=SchemaPurpose.SPARE, blueprint_key=drawn.key)
        .order_by("id")
        .first()
    )


def refill(*, now: datetime, size: int | None = None) -> int:
    """Drop spares of older blueprints and make new ones up to `size`; returns how many were made.

    Each is its own transaction, so a kill leaves whole spares only. A second filler steps aside.
    """
    wanted = settings.SCHOOL_POOL_SIZE if size is None else size
    made = 0
    with public_context():
        drawn = blueprint.current()
        while _one_more(drawn, wanted, now):
            made += 1
    return made


def _one_more(drawn: Blueprint, wanted: int, now: datetime) -> bool:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
            if not cursor.fetchone()[0]:
                return False
        old = (
            SchemaRecord.objects.select_for_update(skip_locked=True)
            .filter(purpose=SchemaPurpose.SPARE)
            .exclude(blueprint_key=drawn.key)
        )
        for record in old[:1]:  # one per transaction: dropping takes a lock on every table
            with connection.cursor() as cursor:
                cursor.execute(f"DROP SCHEMA IF EXISTS {catalogue.quoted(record.schema_name)} CASCADE")
            record.delete()
        if SchemaRecord.objects.filter(purpose=SchemaPurpose.SPARE, blueprint_key=drawn.key).count() >= wanted:
            return False
        schema = f"spare_{new_id().hex}"
        blueprint.replay(schema, drawn.statements)
        verify(schema, drawn)
        SchemaRecord.objects.create(
            schema_name=schema, purpose=SchemaPurpose.SPARE, state=SchemaState.CURRENT, blueprint_key=drawn.key,
            head=drawn.head, fingerprint=drawn.fingerprint, verified_at=now, created_at=now, updated_at=now,
        )  # fmt: skip
        return True
