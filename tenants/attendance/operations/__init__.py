"""All writes of attendance."""

from tenants.attendance.operations.corrections import ask_correction, decide_correction, withdraw_correction
from tenants.attendance.operations.months import close_month, confirm_month
from tenants.attendance.operations.results import derive_due, derive_range
from tenants.attendance.operations.suspects import decide_suspect, look_for_suspects

__all__ = [
    "ask_correction",
    "close_month",
    "confirm_month",
    "decide_correction",
    "decide_suspect",
    "derive_due",
    "derive_range",
    "look_for_suspects",
    "withdraw_correction",
]
