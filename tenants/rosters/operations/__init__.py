"""All writes of rosters."""

from tenants.rosters.away import when_text
from tenants.rosters.operations.cells import (
    CellChange,
    Item,
    Outcome,
    Published,
    change_cells,
    copy_period,
    publish,
)
from tenants.rosters.operations.following import follow_calendar, follow_rules
from tenants.rosters.operations.gaps import tell_gaps
from tenants.rosters.operations.patterns import end_use, extend, remake, retire_pattern, save_pattern, use_pattern
from tenants.rosters.operations.requests import (
    answer_swap,
    ask_leave,
    ask_swap,
    decide_leave,
    decide_swap,
    half_day,
    withdraw_leave,
    withdraw_swap,
)
from tenants.rosters.operations.setup import (
    MINUTES,
    SegmentInput,
    remove_coverage,
    retire_shift,
    save_coverage,
    save_shift,
    set_rule,
    set_terms,
)

__all__ = [
    "MINUTES",
    "CellChange",
    "Item",
    "Outcome",
    "Published",
    "SegmentInput",
    "answer_swap",
    "ask_leave",
    "ask_swap",
    "change_cells",
    "copy_period",
    "decide_leave",
    "decide_swap",
    "end_use",
    "extend",
    "follow_calendar",
    "follow_rules",
    "half_day",
    "publish",
    "remake",
    "remove_coverage",
    "retire_pattern",
    "retire_shift",
    "save_coverage",
    "save_pattern",
    "save_shift",
    "set_rule",
    "set_terms",
    "tell_gaps",
    "use_pattern",
    "when_text",
    "withdraw_leave",
    "withdraw_swap",
]
