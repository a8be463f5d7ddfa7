"""All writes of inspections: walks and checklists, the week's programme, calibrations."""

from tenants.inspections.operations.calibrating import (
    arrange_calibration,
    reveal_calibration,
    reveal_due,
    submit_marks,
    void_calibration,
)
from tenants.inspections.operations.checklists import (
    ChecklistChanged,
    ChecklistRetired,
    drop_checklist,
    restore_checklist,
    save_checklist,
)
from tenants.inspections.operations.monthly import NothingToPropose, arrange_proposed, remind_calibration
from tenants.inspections.operations.planning import (
    accept_programme,
    add_stop,
    assign_stop,
    drop_stop,
    propose_next_week,
    propose_programme,
    set_coverage_target,
)
from tenants.inspections.operations.walking import (
    CannotCancel,
    HasFindings,
    NothingSeen,
    NotRunning,
    PlaceOutside,
    answer,
    cancel,
    clear_answer,
    finish,
    pass_rest,
    recheck,
    start,
)
from tenants.inspections.sheets import SheetEmpty

__all__ = [
    "CannotCancel",
    "ChecklistChanged",
    "ChecklistRetired",
    "HasFindings",
    "NotRunning",
    "NothingSeen",
    "NothingToPropose",
    "PlaceOutside",
    "SheetEmpty",
    "accept_programme",
    "add_stop",
    "answer",
    "arrange_calibration",
    "arrange_proposed",
    "assign_stop",
    "cancel",
    "clear_answer",
    "drop_checklist",
    "drop_stop",
    "finish",
    "pass_rest",
    "propose_next_week",
    "propose_programme",
    "recheck",
    "remind_calibration",
    "restore_checklist",
    "reveal_calibration",
    "reveal_due",
    "save_checklist",
    "set_coverage_target",
    "start",
    "submit_marks",
    "void_calibration",
]
