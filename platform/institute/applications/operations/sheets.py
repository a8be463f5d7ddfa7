"""A reviewer's sheet: kept as typed, handed in once, sealed until the last one is in."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from identity.contracts import Actor
from institute.applications import policies
from institute.applications.choices import ApplicationStatus, Verdict
from institute.applications.models import Application, Assignment, Criterion, ScoreLine
from institute.applications.operations.common import locked_for, settle
from institute.journal import operations as journal
from kernel.errors import Conflict, Invalid, NotFound


class SheetClosed(Conflict):
    code = "sheet_closed"
    message = _("这份评分已经提交或任务已结束，不能再修改。")


class SheetIncomplete(Invalid):
    code = "sheet_incomplete"
    message = _("还有 %(count)s 项没有填写：%(names)s。")


def _own(assignment_id: UUID, by: Actor) -> tuple[Application, Assignment]:
    """Lock application, then task. Another reviewer's task does not exist. Raises NotFound, SheetClosed."""
    if by.account_id is None:
        raise NotFound
    application_id = (
        Assignment.objects.filter(pk=assignment_id, account_id=by.account_id)
        .values_list("application_id", flat=True)
        .first()
    )
    if application_id is None:
        raise NotFound
    application = locked_for(application_id, by)
    task = Assignment.objects.select_for_update().get(pk=assignment_id)
    if application.status != ApplicationStatus.REVIEWING or not policies.can_score(by, task):
        raise SheetClosed
    return application, task


def _points(text: object, field: str) -> Decimal:
    try:
        points = Decimal(str(text).strip())
    except InvalidOperation as wrong:
        raise Invalid(_("分数请填 0 至 100 的数字。"), field=field) from wrong
    if not points.is_finite() or not 0 <= points <= 100 or points != points.quantize(Decimal("0.01")):
        raise Invalid(_("分数应在 0 至 100 之间，最多两位小数。"), field=field)
    return points


@transaction.atomic
def save_sheet(
    *, assignment_id: UUID, points: Mapping[str, Any], comments: Mapping[str, str], comment: str | None = None,
    recommendation: str | None = None, by: Actor, now: datetime,
) -> Assignment:  # fmt: skip
    """Keep what is filled in so far; keys are criterion codes, empty points leave a line out.

    Raises NotFound, SheetClosed, Invalid (field: the criterion's code).
    """
    application, task = _own(assignment_id, by)
    known = {c.code: c for c in Criterion.objects.filter(set_id=application.criteria_edition)}
    for code in {*points, *comments}:
        if code not in known:
            raise Invalid(_("评分指标已变化，请刷新页面后重填。"), field=code)
    for code, criterion in known.items():
        text = points.get(code)
        if code in points and (text is None or not str(text).strip()):
            ScoreLine.objects.filter(assignment=task, criterion=criterion).delete()
        elif code in points:
            ScoreLine.objects.update_or_create(
                assignment=task, criterion=criterion,
                defaults={"points": _points(text, code), "comment": str(comments.get(code, "")).strip()[:500]},
            )  # fmt: skip
        elif code in comments:
            ScoreLine.objects.filter(assignment=task, criterion=criterion).update(
                comment=str(comments[code]).strip()[:500]
            )
    if recommendation is not None:
        if recommendation and recommendation not in Verdict.values:
            raise Invalid(_("请选择评审建议。"), field="recommendation")
        task.recommendation = recommendation
    if comment is not None:
        task.comment = comment.strip()[:3000]
    task.save(update_fields=["recommendation", "comment"])
    return task


@transaction.atomic
def submit_sheet(*, assignment_id: UUID, by: Actor, now: datetime) -> Assignment:
    """Hand the sheet in: every criterion scored, an overall opinion, a recommendation. The last one takes the seal off.

    Raises NotFound, SheetClosed, SheetIncomplete.
    """
    application, task = _own(assignment_id, by)
    scored = set(ScoreLine.objects.filter(assignment=task).values_list("criterion_id", flat=True))
    missing = [c.label for c in Criterion.objects.filter(set_id=application.criteria_edition) if c.pk not in scored]
    if not task.recommendation:
        missing.append("评审建议")
    if not task.comment:
        missing.append("总体意见")
    if missing:
        raise SheetIncomplete(count=len(missing), names="、".join(missing))
    task.submitted_at = now
    task.save(update_fields=["submitted_at"])
    journal.record(
        verb="application.sheet_submitted", sentence=f"{task.reviewer_name} 已提交评分", subject=application, by=by
    )
    settle(application, now=now, by=by)
    return task
