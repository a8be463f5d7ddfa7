"""Presence calls: asked for, gone out, answered, decided, climbed up the chain, judged.

A call is a row from the moment it is due; every step after that is found by a sweep from its row and done under a
lock, so a process that dies loses nothing and a step done twice does nothing the second time. The message to a
worker only makes it fast.
"""

from tenants.duty.operations.calls.answering import answer_call, face_checked, may_answer_again, open_call, settle_faces
from tenants.duty.operations.calls.asking import draw_random, issue_calls
from tenants.duty.operations.calls.climbing import climb_chains
from tenants.duty.operations.calls.common import open_missing_findings
from tenants.duty.operations.calls.deciding import decide_due
from tenants.duty.operations.calls.judging import judge_call
from tenants.duty.operations.calls.sending import send_due, was_sent_late

__all__ = [
    "answer_call",
    "climb_chains",
    "decide_due",
    "draw_random",
    "face_checked",
    "issue_calls",
    "judge_call",
    "may_answer_again",
    "open_call",
    "open_missing_findings",
    "send_due",
    "settle_faces",
    "was_sent_late",
]
