"""All writes of rubrics. Only the school's administrator may; every stored sheet is balanced."""

from tenants.rubrics.errors import (
    SectionMissing,
    SectionStillUsed,
    TitleTaken,
    Unbalanced,
    UnknownChange,
    UnknownPhoto,
    UnknownRequirement,
    WrongState,
)
from tenants.rubrics.operations.adopting import adopt, create
from tenants.rubrics.operations.common import ITEM_COLUMNS, SECTION_COLUMNS, SILENT
from tenants.rubrics.operations.editing import activate, edit, retire, set_photos
from tenants.rubrics.operations.later_edition import adopt_changes

__all__ = [
    "ITEM_COLUMNS",
    "SECTION_COLUMNS",
    "SILENT",
    "SectionMissing",
    "SectionStillUsed",
    "TitleTaken",
    "Unbalanced",
    "UnknownChange",
    "UnknownPhoto",
    "UnknownRequirement",
    "WrongState",
    "activate",
    "adopt",
    "adopt_changes",
    "create",
    "edit",
    "retire",
    "set_photos",
]
