"""All writes of patrols."""

from tenants.patrols.operations.drafts import PointDraft, QuestionDraft, ScanDraft, WindowDraft
from tenants.patrols.operations.due import make_tours, sweep
from tenants.patrols.operations.judging import judge
from tenants.patrols.operations.missed import explain, reschedule
from tenants.patrols.operations.routes import close_route, save_route
from tenants.patrols.operations.walking import abnormal, finish_tour, scan, start_tour

__all__ = [
    "PointDraft",
    "QuestionDraft",
    "ScanDraft",
    "WindowDraft",
    "abnormal",
    "close_route",
    "explain",
    "finish_tour",
    "judge",
    "make_tours",
    "reschedule",
    "save_route",
    "scan",
    "start_tour",
    "sweep",
]
