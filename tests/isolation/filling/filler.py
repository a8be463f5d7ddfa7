"""Makes one valid row per table from what the models say."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import models, transaction
from django.db.models.fields import NOT_PROVIDED

from kernel import clock
from kernel.crypto import blind_index, seal
from kernel.ids import new_id
from tests.isolation.filling.marks import Marks
from tests.isolation.filling.tables import model_named


class CannotFill(AssertionError):
    """A table for which no valid row was found: add a line to VALUES."""


Values = Callable[["Filler"], dict[str, Any]]
# What the filler cannot guess. Only columns whose shape or meaning the schema does not tell.
VALUES: dict[str, Values] = {}


def values_of(label: str) -> Callable[[Values], Values]:
    """Register what is particular about the row of one table ("organisation.Staff")."""

    def register(values: Values) -> Values:
        VALUES[label] = values
        return values

    return register


@dataclass
class Filler:
    """Makes the rows of one owner (a school's schema, or a side of the public one) and remembers them."""

    marks: Marks
    schema: str
    account_id: UUID
    school_id: UUID | None = None
    provider_id: UUID | None = None
    rows: dict[type[models.Model], models.Model] = field(default_factory=dict)
    unfillable: list[str] = field(default_factory=list)
    _open: list[type[models.Model]] = field(default_factory=list)

    # --- Rows ---

    def row(self, model: type[models.Model]) -> models.Model:
        """The owner's row of this table, made at the first call."""
        if model not in self.rows:
            self._open.append(model)
            try:
                self.rows[model] = self._make(model)
            finally:
                self._open.pop()
        return self.rows[model]

    def fill(self, tables: list[type[models.Model]]) -> None:
        """Make the row of each table; one that cannot be filled is noted, and a test fails by its name."""
        for model in tables:
            try:
                self.row(model)
            except CannotFill as why:
                self.unfillable.append(str(why))

    def of(self, label: str) -> Any:
        """The owner's row by label, for VALUES."""
        return self.row(apps.get_model(label))

    def _make(self, model: type[models.Model]) -> models.Model:
        given = VALUES.get(model._meta.label, lambda _filler: {})(self)
        columns = {
            f.name: f for f in model._meta.concrete_fields if not isinstance(f, models.AutoField) and not f.generated
        }
        chosen: dict[str, Any] = {}
        for name, column in columns.items():
            key = name if name in given else column.attname
            chosen[name] = given[key] if key in given else self._value(model, column)
        instance = self._instance(model, columns, chosen)
        broken = self._broken(instance)
        if broken:
            instance, broken = self._repair(model, columns, chosen, set(given), broken)
        if broken:
            raise CannotFill(f"{model._meta.label}: {[c.name for c in broken]}; add its values to VALUES")
        try:
            with transaction.atomic():
                instance.save(force_insert=True)
        except Exception as refused:
            raise CannotFill(f"{model._meta.label}: {refused}; add its values to VALUES") from refused
        instance.refresh_from_db()
        return instance

    @staticmethod
    def _instance(model: type[models.Model], columns: dict[str, Any], chosen: dict[str, Any]) -> models.Model:
        by_attribute = {(columns[n].attname if not isinstance(v, models.Model) else n): v for n, v in chosen.items()}
        return model(**by_attribute)

    @staticmethod
    def _broken(instance: models.Model) -> list[Any]:
        broken = []
        for constraint in instance._meta.constraints:
            if isinstance(constraint, models.CheckConstraint):
                try:
                    constraint.validate(type(instance), instance)
                except ValidationError:
                    broken.append(constraint)
        return broken

    def _repair(
        self,
        model: type[models.Model],
        columns: dict[str, Any],
        chosen: dict[str, Any],
        fixed: set[str],
        broken: list[Any],
    ) -> tuple[models.Model, list[Any]]:
        """Try other values of the columns that the broken constraints name, the mildest change first."""
        names: list[str] = []
        for constraint in broken:
            for name in _columns_in(constraint.condition):
                name = next((n for n, c in columns.items() if name in {n, c.attname}), name)
                if name in columns and name not in fixed and name not in names:
                    names.append(name)
        told: dict[str, list[Any]] = {}
        for constraint in broken:
            for name, value in _values_in(constraint.condition):
                told.setdefault(name, []).append(value)
        offers = [[chosen[n], *told.get(n, []), *self._others(columns[n], chosen[n])] for n in names]
        for offer in itertools.islice(itertools.product(*offers), 5000):
            instance = self._instance(model, columns, {**chosen, **dict(zip(names, offer, strict=True))})
            still = self._broken(instance)
            if not still:
                return instance, []
        return self._instance(model, columns, chosen), broken

    # --- Values ---

    def _value(self, model: type[models.Model], column: Any) -> Any:
        if isinstance(column, models.ForeignKey | models.OneToOneField):
            target = column.related_model
            if target in self._open or (column.null and target is model):
                return None
            return self.row(target)
        if column.name == "id" and column.has_default():
            return column.get_default()
        if isinstance(column, ArrayField):
            return [self._plain(model, column.base_field)]
        return self._plain(model, column)

    def _plain(self, model: type[models.Model], column: Any) -> Any:
        name = column.name
        if column.choices:
            default = column.get_default() if column.has_default() else None
            return default or next(code for code, _label in column.flatchoices)
        if isinstance(column, models.BinaryField):
            return seal(self.marks.long, schema=self.schema, context=f"{model._meta.db_table}.{name}")
        if isinstance(column, models.UUIDField):
            return self._id(name)
        if isinstance(column, models.JSONField):
            default = column.get_default() if column.has_default() else {}
            return [self.marks.long] if isinstance(default, list) else {"note": self.marks.long}
        if isinstance(column, models.EmailField):
            return self.marks.email
        if isinstance(column, models.FileField) or name == "path" or name.endswith("_path"):
            return self.stored(f"{model._meta.label_lower}-{name}.txt")
        if isinstance(column, models.CharField | models.TextField):
            return self._text(column)
        if isinstance(column, models.BooleanField):
            return column.get_default() if column.has_default() else True
        if isinstance(column, models.DateTimeField):
            return clock.now() - timedelta(hours=1)
        if isinstance(column, models.DateField):
            return clock.now().astimezone(clock.SHANGHAI).date()
        if isinstance(column, models.TimeField):
            return datetime.min.time().replace(hour=9)
        if isinstance(column, models.DurationField):
            return timedelta(hours=1)
        if isinstance(column, models.DecimalField):
            return Decimal(1)
        if isinstance(column, models.FloatField):
            return 1.0
        if isinstance(column, models.IntegerField):
            return 1
        if column.null:
            return None
        if column.has_default() and column.default is not NOT_PROVIDED:
            return column.get_default()
        raise CannotFill(f"{model._meta.label}.{name}: unknown kind {type(column).__name__}")

    def _text(self, column: Any) -> str:
        name, width = column.name, column.max_length
        if name == "sha256" or name.endswith(("_hash", "digest")):
            return blind_index(name, schema=self.schema, context=self.marks.long)[: width or 64]
        if name.endswith("_index"):
            return blind_index(self.marks.phone, schema=self.schema, context=name)[: width or 64]
        if name.endswith("_masked"):
            return "***"
        return self.marks.text(width)

    def _id(self, name: str) -> UUID | None:
        """An id of the owner that fits the column's name; a fresh one where it points to nothing known."""
        if name == "school_id":
            return self.school_id
        if name == "provider_id":
            return self.provider_id
        model = model_named(name)
        if model is not None and model not in self._open and self.owns(model):
            pk = self.row(model).pk
            return pk if isinstance(pk, UUID) else new_id()
        if re.search(r"account_id|_by$|owner_id|verifier_id|reviewer_id", name):
            return self.account_id
        return new_id()

    def owns(self, model: type[models.Model]) -> bool:
        tenant = model._meta.app_config.name in settings.TENANT_APPS  # type: ignore[union-attr]
        return tenant == (self.schema != "public")

    def stored(self, name: str) -> str:
        """The path of a small file with the owner's mark in it."""
        return default_storage.save(f"{self.schema}/isolation/{name}", ContentFile(self.marks.long.encode()))

    @staticmethod
    def _others(column: Any, value: Any) -> list[Any]:
        """Other values a column may hold, tried when a check constraint says no."""
        others: list[Any] = []
        if column.choices:
            others += [code for code, _label in column.flatchoices if code != value]
        elif isinstance(column, models.BooleanField):
            others.append(not value)
        elif isinstance(column, models.DateTimeField | models.DateField) and isinstance(value, date | datetime):
            others += [value + timedelta(days=1), value - timedelta(days=1)]
        elif isinstance(column, models.DecimalField | models.IntegerField | models.FloatField):
            others += [0, 2, 100]
        elif isinstance(column, models.UUIDField):
            others.append(new_id())
        if column.null:
            others.append(None)
        if isinstance(column, models.CharField | models.TextField) and column.blank:
            others.append("")
        return others


def _columns_in(condition: Any) -> Iterator[str]:
    """The column names that a Q or expression mentions."""
    if isinstance(condition, models.Q):
        for child in condition.children:
            if isinstance(child, tuple):
                yield child[0].split("__")[0]
                yield from _columns_in(child[1])
            else:
                yield from _columns_in(child)
    elif isinstance(condition, models.F):
        yield condition.name.split("__")[0]
    elif hasattr(condition, "get_source_expressions"):
        for part in condition.get_source_expressions():
            if part is not None:
                yield from _columns_in(part)


def _values_in(condition: Any) -> Iterator[tuple[str, Any]]:
    """Plain values that a Q compares columns with: `x="a"` and `x__in=[…]`."""
    if isinstance(condition, models.Q):
        for child in condition.children:
            if not isinstance(child, tuple):
                yield from _values_in(child)
            elif isinstance(child[1], str | int | Decimal) and "__" not in child[0]:
                yield child[0], child[1]
            elif child[0].endswith("__in"):
                yield from ((child[0].removesuffix("__in"), value) for value in child[1])
