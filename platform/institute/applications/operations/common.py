"""What several operations need: locks, moves, counting of visitors."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext_lazy as _

from identity.contracts import Actor
from institute.applications import conflicts
from institute.applications.choices import MOVES, ApplicationStatus, Ending, KnockKind
from institute.applications.models import Application, Assignment, Conflict, Knock, ReviewerProfile
from institute.journal import operations as journal
from kernel import crypto
from kernel.errors import Conflict as Refused
from kernel.errors import DomainError, NotFound

MIN_REVIEWERS: Final = 2  # one person's sheet is no committee
LIMITS: Final[dict[KnockKind, int]] = {KnockKind.START: 10, KnockKind.LINK: 5, KnockKind.ENQUIRY: 5}  # per hour


class WrongState(Refused):
    code = "wrong_state"
    message = _("申报当前为“%(status)s”，不能进行这一操作。可能刚刚有人办理过，请刷新页面查看。")


class TooOften(DomainError):
    code = "too_often"
    message = _("操作过于频繁，请一小时后再试。急需联系请改用其他方式。")


def locked(application_id: UUID) -> Application:
    """The application under a row lock. Raises NotFound."""
    application = Application.objects.select_for_update().filter(pk=application_id).first()
    if application is None:
        raise NotFound
    return application


def locked_for(application_id: UUID, by: Actor) -> Application:
    """As `locked`, for people of the institute: drafts, and applications they have a conflict with, do not exist."""
    application = locked(application_id)
    if application.submitted_at is None or has_conflict(application, by.account_id):
        raise NotFound
    return application


def has_conflict(application: Application, account_id: UUID | None) -> bool:
    """Stored conflicts, and what the profile says right now."""
    if account_id is None:
        return False
    if Conflict.objects.filter(application=application, account_id=account_id).exists():
        return True
    profile = ReviewerProfile.objects.filter(pk=account_id).first()
    if profile is not None and conflicts.derived(profile, application):
        return True
    return bool(conflicts.by_role(conflicts.bodies_of([account_id]).get(account_id, []), application))


def move(application: Application, to: ApplicationStatus, *, now: datetime) -> None:
    """Change the state of a locked application. Raises WrongState. The caller saves."""
    if to not in MOVES[ApplicationStatus(application.status)]:
        raise WrongState(status=ApplicationStatus(application.status).label)
    application.status, application.status_at = to, now


def lock_codes(*codes: str) -> None:
    """Serialise all work on a school's codes until the transaction ends, in one order, so that none waits in a ring."""
    with connection.cursor() as cursor:
        for code in sorted({c for c in codes if c}):
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7201))", [code])


def lock_conflicts() -> None:
    """Profiles and applications are compared by one transaction at a time, so that no pair is missed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(7202)")


def knock(kind: KnockKind, source: str, *, now: datetime) -> None:
    """Count one request of a visitor (`source`: their address). Raises TooOften past the hourly limit.

    Counted under a lock per source; the address itself is not kept.
    """
    hashed = crypto.blind_index(source, schema="public", context="applications.knock")
    lock_codes(f"knock:{hashed}")
    recent = Knock.objects.filter(kind=kind, source=hashed, at__gt=now - timedelta(hours=1)).count()
    if recent >= LIMITS[kind]:
        raise TooOften
    Knock.objects.create(kind=kind, source=hashed, at=now)


def sync_conflicts(
    application: Application, *, profiles: list[ReviewerProfile], now: datetime, by: Actor, lift: bool = True
) -> None:
    """Bring the derived conflicts of a locked application in step with `profiles`; call under `lock_conflicts`.

    Without `lift` those that no longer follow from the profile stay.
    A reviewer who now has a conflict leaves the committee at once: the assignment ends, the sheet counts for nothing.
    """
    for profile in profiles:
        found = conflicts.derived(profile, application)
        if lift:
            Conflict.objects.filter(
                application=application, account_id=profile.account_id, kind__in=["employer", "school"]
            ).exclude(kind__in=[f.kind for f in found]).delete()
        for one in found:
            Conflict.objects.update_or_create(
                application=application,
                account_id=profile.account_id,
                kind=one.kind,
                defaults={"reason": one.reason[:300]},
            )
        if found:
            end_for_conflict(application, profile.account_id, now=now, by=by)


def end_for_conflict(application: Application, account_id: UUID, *, now: datetime, by: Actor) -> bool:
    """End the live assignment of somebody who must stay away; reopen the review when the committee is too small."""
    ended = Assignment.objects.filter(application=application, account_id=account_id, ended_at__isnull=True).update(
        ended_at=now, ended_why=Ending.CONFLICT
    )
    if not ended:
        return False
    journal.record(
        verb="application.reviewer_left", sentence="一名评审专家因回避退出评审", subject=application, by=by,
        account_id=str(account_id),
    )  # fmt: skip
    settle(application, now=now, by=by)
    return True


def settle(application: Application, *, now: datetime, by: Actor) -> None:
    """Take the seal off when every live sheet is in, or put it back on when too few are left. Application is locked."""
    live = list(
        Assignment.objects.filter(application=application, ended_at__isnull=True).values_list("submitted_at", flat=True)
    )
    complete = len(live) >= MIN_REVIEWERS and all(live)
    if application.status == ApplicationStatus.REVIEWING and complete:
        move(application, ApplicationStatus.SCORED, now=now)
        application.save(update_fields=["status", "status_at"])
        journal.record(
            verb="application.scored", sentence=f"{len(live)} 份评分全部提交，启封结果", subject=application, by=by
        )
    elif application.status == ApplicationStatus.SCORED and not complete:
        move(application, ApplicationStatus.REVIEWING, now=now)
        application.save(update_fields=["status", "status_at"])
        journal.record(verb="application.resealed", sentence="评审人数不足，结果重新封存", subject=application, by=by)
