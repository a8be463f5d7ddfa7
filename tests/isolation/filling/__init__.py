"""One valid row per table, with a mark in every text column, so that whatever leaks can be recognised.

`Filler` knows no feature: it reads columns, keys, choices and check constraints from the models. What
it cannot know (a sealed column, JSON of a fixed shape, a path in the file store) stands in `VALUES`
(`values.py`); a table it cannot fill fails the tests by name.
"""

from tests.isolation.filling import values  # noqa: F401  (fills VALUES)
from tests.isolation.filling.filler import VALUES, CannotFill, Filler
from tests.isolation.filling.marks import (
    ALPHA,
    ALPHA_PUBLIC,
    BETA,
    BETA_PUBLIC,
    INSTITUTE,
    PUBLISHED,
    RIVAL,
    Marks,
)
from tests.isolation.filling.tables import hangs_on_a_company, model_named, public_models, snake, tenant_models

__all__ = [
    "ALPHA",
    "ALPHA_PUBLIC",
    "BETA",
    "BETA_PUBLIC",
    "INSTITUTE",
    "PUBLISHED",
    "RIVAL",
    "VALUES",
    "CannotFill",
    "Filler",
    "Marks",
    "hangs_on_a_company",
    "model_named",
    "public_models",
    "snake",
    "tenant_models",
]
