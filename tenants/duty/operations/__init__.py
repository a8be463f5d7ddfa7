"""All writes of duty."""

from tenants.duty.operations.anomalies import close_anomaly, report_anomaly, take_anomaly, to_finding
from tenants.duty.operations.calls import (
    answer_call,
    climb_chains,
    decide_due,
    draw_random,
    face_checked,
    issue_calls,
    judge_call,
    open_call,
    open_missing_findings,
    send_due,
    settle_faces,
)
from tenants.duty.operations.cameras import add_camera, judge_report, receive_report, set_camera_active, watch_reports
from tenants.duty.operations.delivery import (
    acknowledge_call,
    due_deliveries,
    note_delivery,
    prepare_delivery,
    set_hook,
)
from tenants.duty.operations.handovers import accept_handover, answer_item, offer_handover
from tenants.duty.operations.logs import add_note, correct_entry
from tenants.duty.operations.posts import configure_post
from tenants.duty.operations.stints import (
    declare_absence,
    end_stint,
    return_to_post,
    sign_off,
    sign_on,
    watch_stints,
)

__all__ = [
    "accept_handover",
    "acknowledge_call",
    "add_camera",
    "add_note",
    "answer_call",
    "answer_item",
    "climb_chains",
    "close_anomaly",
    "configure_post",
    "correct_entry",
    "decide_due",
    "declare_absence",
    "draw_random",
    "due_deliveries",
    "end_stint",
    "face_checked",
    "issue_calls",
    "judge_call",
    "judge_report",
    "note_delivery",
    "offer_handover",
    "open_call",
    "open_missing_findings",
    "prepare_delivery",
    "receive_report",
    "report_anomaly",
    "return_to_post",
    "send_due",
    "set_camera_active",
    "set_hook",
    "settle_faces",
    "sign_off",
    "sign_on",
    "take_anomaly",
    "to_finding",
    "watch_reports",
    "watch_stints",
]
