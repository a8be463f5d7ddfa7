"""What time does: forget visitors' counts, delete drafts nobody came back to, remind of 补正."""

from datetime import datetime, timedelta
from functools import partial
from typing import Final

from django.db import transaction

from institute.applications import letters
from institute.applications.choices import ApplicationStatus
from institute.applications.models import Application, ApplicationDocument, Knock
from institute.applications.operations.applicant import forget_file
from kernel.clock import SHANGHAI

DRAFTS_LIVE: Final = timedelta(days=180)  # the privacy page says so
KNOCKS_LIVE: Final = timedelta(days=2)
BATCH: Final = 200
REMIND_BEFORE: Final = timedelta(days=3)


def remind_of_fixes(*, now: datetime) -> int:
    """Write once to every school whose day for 补正 is three days off or nearer, and not past. Returns how many."""
    today = now.astimezone(SHANGHAI).date()
    due = Application.objects.filter(
        status=ApplicationStatus.RETURNED, fix_reminded_at__isnull=True, fix_due_on__gte=today,
        fix_due_on__lte=today + REMIND_BEFORE,
    ).values_list("pk", flat=True)[:BATCH]  # fmt: skip
    told = 0
    for pk in list(due):
        with transaction.atomic():
            row = (
                Application.objects.select_for_update(skip_locked=True)
                .filter(pk=pk, status=ApplicationStatus.RETURNED, fix_reminded_at__isnull=True)
                .first()
            )
            if row is None or row.fix_due_on is None:
                continue
            row.fix_reminded_at = now
            row.save(update_fields=["fix_reminded_at"])
            letters.to_applicant(
                row, subject="补正期限将到", now=now,
                text=f"补正期限是 {row.fix_due_on:%Y-%m-%d}，过期不能再提交。请打开下面的链接补齐材料并重新提交。",
            )  # fmt: skip
            told += 1
    return told


def sweep(*, now: datetime) -> int:
    """Delete counts older than two days and drafts untouched for 180 days with their files. Returns the drafts gone.

    Safe to run twice and beside itself: each draft is locked and skipped if somebody else has it.
    """
    Knock.objects.filter(at__lt=now - KNOCKS_LIVE).delete()
    gone = 0
    stale = Application.objects.filter(
        status__in=[ApplicationStatus.DRAFT, ApplicationStatus.WITHDRAWN], submitted_at__isnull=True,
        saved_at__lt=now - DRAFTS_LIVE,
    ).values_list("pk", flat=True)[:BATCH]  # fmt: skip
    for pk in list(stale):
        with transaction.atomic():
            draft = (
                Application.objects.select_for_update(skip_locked=True)
                .filter(pk=pk, submitted_at__isnull=True, saved_at__lt=now - DRAFTS_LIVE)
                .first()
            )
            if draft is None:
                continue
            paths = list(ApplicationDocument.objects.filter(application=draft).values_list("path", flat=True))
            draft.delete()
            for path in paths:
                transaction.on_commit(partial(forget_file, path))
            gone += 1
    return gone
