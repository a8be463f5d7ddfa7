"""Which tables there are, what a column is named after, and what belongs to a company."""

from __future__ import annotations

import re

from django.apps import apps
from django.conf import settings
from django.db import models


def tables_of(app_names: list[str]) -> list[type[models.Model]]:
    """Every model of these apps with a table of its own, join tables of many-to-many fields included."""
    found: list[type[models.Model]] = []
    for name in app_names:
        label = name if name in apps.app_configs else None
        config = apps.get_app_config(label) if label else next(c for c in apps.get_app_configs() if c.name == name)
        found += [m for m in config.get_models(include_auto_created=True) if m._meta.managed and not m._meta.proxy]
    return found


def tenant_models() -> list[type[models.Model]]:
    return tables_of(list(settings.TENANT_APPS))


OURS_IN_PUBLIC = ("identity", "institute.")


def public_models() -> list[type[models.Model]]:
    """Tables of the platform's own public features; the library is published, the rest is Django's."""
    return tables_of([name for name in settings.SHARED_APPS if name.startswith(OURS_IN_PUBLIC)])


def snake(model: type[models.Model]) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", model.__name__).lower()


def model_named(name: str) -> type[models.Model] | None:
    """The model that an id column or argument is named after: `rubric_item_id` → rubrics.Item."""
    words = re.sub(r"_(id|ids|pk|uuid)$", "", name).split("_")
    known = {snake(m): m for m in [*public_models(), *tenant_models()]}
    for start in range(len(words)):
        for tail in ("_".join(words[start:]), "_".join(words[start:]).rstrip("s")):
            if tail in known:
                return known[tail]
    return None


def hangs_on_a_company(model: type[models.Model], seen: frozenset[type[models.Model]] = frozenset()) -> bool:
    """Whether a row of this table belongs to a party (责任单位), directly or through another row."""
    if model in seen or model._meta.label == "organisation.LineSetting":  # which is the school's, one per line
        return False
    for column in model._meta.concrete_fields:
        target = column.related_model if column.is_relation else None
        if target is None and column.name.endswith(("_id", "_ids")):  # `points` is a number, not a row of Point
            target = model_named(column.name)
        if column.name == "party_id" or model._meta.label == "organisation.Party":
            return True
        if isinstance(target, type) and target is not model and hangs_on_a_company(target, seen | {model}):
            return True
    return False
