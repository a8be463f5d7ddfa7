"""The one difference to Django's own: no second index per text column in a school's schema."""

from __future__ import annotations

from typing import Any

from django.db.backends.postgresql import base
from django.db.backends.postgresql.schema import DatabaseSchemaEditor

PUBLIC = "public"


class SchemaEditor(DatabaseSchemaEditor):
    """Django gives each unique or indexed text column a twin index for `LIKE 'x%'`.

    A school has a dozen of them, a thousand schools 26,000 files, and no query of ours uses one: prefixes are
    searched in any case (`istartswith`), tree paths have an index that says `varchar_pattern_ops` itself.
    """

    def _create_like_index_sql(self, model: Any, field: Any) -> Any:
        if getattr(self.connection, "schema_name", PUBLIC) != PUBLIC:
            return None
        return super()._create_like_index_sql(model, field)  # type: ignore[misc]


class DatabaseWrapper(base.DatabaseWrapper):
    SchemaEditorClass = SchemaEditor
