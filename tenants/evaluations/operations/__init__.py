"""Writes of evaluations. Every operation locks the round row first, so two people pressing at once queue up."""

from tenants.evaluations.errors import (
    AreasOff,
    Changed,
    Incomplete,
    NotComputed,
    NothingApplicable,
    RoundAlreadyOpen,
    RoundClosed,
    RoundExists,
    RoundNotOpen,
    RoundNotOver,
    WeightsOff,
    WrongMode,
)
from tenants.evaluations.operations.closing import (
    close_round,
    compute_round,
    missing_cells,
    recomputed_digest,
    refresh_findings,
)
from tenants.evaluations.operations.common import HUNDRED
from tenants.evaluations.operations.scoring import (
    deduct,
    excuse_source,
    give_score,
    hand_in_sheet,
    mark_applicable,
    waive_deduction,
    withdraw_deduction,
)
from tenants.evaluations.operations.setting_up import (
    change_layout,
    create_round,
    default_title,
    delete_draft,
    open_round,
)

__all__ = [
    "HUNDRED",
    "AreasOff",
    "Changed",
    "Incomplete",
    "NotComputed",
    "NothingApplicable",
    "RoundAlreadyOpen",
    "RoundClosed",
    "RoundExists",
    "RoundNotOpen",
    "RoundNotOver",
    "WeightsOff",
    "WrongMode",
    "change_layout",
    "close_round",
    "compute_round",
    "create_round",
    "deduct",
    "default_title",
    "delete_draft",
    "excuse_source",
    "give_score",
    "hand_in_sheet",
    "mark_applicable",
    "missing_cells",
    "open_round",
    "recomputed_digest",
    "refresh_findings",
    "waive_deduction",
    "withdraw_deduction",
]
