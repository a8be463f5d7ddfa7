"""All writes of punches."""

from tenants.punches.operations.again import count_refused
from tenants.punches.operations.appeals import appeal, decide_appeal
from tenants.punches.operations.corrections import add_correction
from tenants.punches.operations.devices import (
    add_device,
    change_device,
    map_number,
    rematch,
    renew_token,
    reset_sequence,
    seen,
)
from tenants.punches.operations.dirty import mark_dirty, raise_uncertified, sweep_uncertified, take_dirty
from tenants.punches.operations.fences import drop_fence, save_fence
from tenants.punches.operations.ingest import ingest
from tenants.punches.operations.likeness import compare_photo, compare_waiting, judge_photo
from tenants.punches.operations.punching import face_checked, give_up_waiting, punch, settle_answered, vouch
from tenants.punches.operations.retention import erase_positions, set_position_days

__all__ = [
    "add_correction",
    "add_device",
    "appeal",
    "change_device",
    "compare_photo",
    "compare_waiting",
    "count_refused",
    "decide_appeal",
    "drop_fence",
    "erase_positions",
    "face_checked",
    "give_up_waiting",
    "ingest",
    "judge_photo",
    "map_number",
    "mark_dirty",
    "punch",
    "raise_uncertified",
    "rematch",
    "renew_token",
    "reset_sequence",
    "save_fence",
    "seen",
    "set_position_days",
    "settle_answered",
    "sweep_uncertified",
    "take_dirty",
    "vouch",
]
