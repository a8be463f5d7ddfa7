"""A second, small edition of the library, made from the real one by a few changes."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

from kernel import clock
from kernel.tenancy import public_context
from standards_library.management.commands.import_standards import default_file
from standards_library.operations import ImportReport, import_edition
from standards_library.reading import read

Data = dict[str, Any]


def real_file() -> Data:
    """The product's data file as plain JSON values."""
    made: Data = json.loads(default_file().read_text())
    return made


def import_later_edition(
    change: Callable[[Data], object], *, edition: str = "2027.03", as_of: str = "2027-03-01"
) -> ImportReport:
    """Import an edition that differs from the real one by `change`."""
    data = copy.deepcopy(real_file())
    data["meta"]["edition"], data["meta"]["as_of"] = edition, as_of
    change(data)
    with public_context():
        return import_edition(content=read(json.dumps(data)), now=clock.now())


def rubric_of(data: Data, key: str) -> Data:
    found: Data = next(r for r in data["rubrics"] if r["id"] == key)
    return found


def item_of(data: Data, key: str) -> Data:
    """An item by its key, in whatever rubric."""
    found: Data = next(i for r in data["rubrics"] for d in r["dimensions"] for i in d["items"] if i["id"] == key)
    return found


def requirement_of(data: Data, key: str) -> Data:
    found: Data = next(r for r in data["requirements"] if r["id"] == key)
    return found
