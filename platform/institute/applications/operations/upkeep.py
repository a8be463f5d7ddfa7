"""What time does: forget visitors' counts, delete drafts nobody came back to."""

from datetime import datetime, timedelta
from functools import partial
from typing import Final

from django.db import transaction

from institute.applications.choices import ApplicationStatus
from institute.applications.models import Application, ApplicationDocument, Knock
from institute.applications.operations.applicant import forget_file

DRAFTS_LIVE: Final = timedelta(days=180)  # the privacy page says so
KNOCKS_LIVE: Final = timedelta(days=2)
BATCH: Final = 200


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
