"""All writes of patrols."""

from tenants.patrols.operations.comparing import compare, index_earlier
from tenants.patrols.operations.drafts import PointDraft, QuestionDraft, ScanDraft, WindowDraft, plain_tag
from tenants.patrols.operations.due import make_tours, sweep
from tenants.patrols.operations.judging import judge
from tenants.patrols.operations.missed import explain, reschedule
from tenants.patrols.operations.reviewing import remind, review
from tenants.patrols.operations.routes import close_route, save_route
from tenants.patrols.operations.rules import set_rule
from tenants.patrols.operations.walking import abnormal, finish_tour, scan, start_tour

__all__ = [
    "PointDraft",
    "QuestionDraft",
    "ScanDraft",
    "WindowDraft",
    "abnormal",
    "close_route",
    "compare",
    "explain",
    "finish_tour",
    "index_earlier",
    "judge",
    "make_tours",
    "plain_tag",
    "remind",
    "reschedule",
    "review",
    "save_route",
    "scan",
    "set_rule",
    "start_tour",
    "sweep",
]
