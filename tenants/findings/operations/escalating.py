"""超期升级: a finding later than what was told is told to the next step of its ladder; so is a fix nobody verifies."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from identity.choices import Role
from identity.contracts import Actor
from identity.people import people_of_school
from kernel.tenancy import Tenant
from tenants.findings import deadlines
from tenants.findings.choices import WITH_FIXER, FindingStatus, StepKind, Whom
from tenants.findings.deadlines import Rung
from tenants.findings.models import Finding
from tenants.findings.operations.common import (
    note,
    owner_account,
    people_of_party,
    step,
    supervisors,
    tell,
    verifiers,
)
from tenants.notices.choices import NoticeKind


@transaction.atomic
def escalate(*, finding_id: UUID, tenant: Tenant, now: datetime) -> int:
    """Tell the next steps of its ladder about one overdue finding; returns the step reached. Locks the finding.

    Without a ladder of the school's own: step 1 (past the deadline) verifier or finder, supervisors and
    the responsible company; step 2 (past it by the severity's `leader_after_hours`) the leaders. Steps told
    are not told again.
    """
    finding = Finding.objects.select_for_update(of=("self",)).select_related("party", "place").get(pk=finding_id)
    ladder = deadlines.ladders()[finding.severity]
    due = due_level(finding, ladder, now)
    if due <= finding.escalation:
        return finding.escalation
    system = Actor.system(tenant.school_id)
    late = max(1, int((now - finding.deadline).total_seconds() // 3600))
    for level in range(finding.escalation + 1, due + 1):
        rung = ladder[level - 1]
        names = "、".join(str(Whom(w).label) for w in rung.whom)
        said = f"超期 {late} 小时，升级提醒{names}"
        step(finding, StepKind.ESCALATED, by=system, now=now, text=said)
        note(finding, "escalated", said, system, level=level)
        tell(
            finding, f"escalated:{level}:{finding.deadline.isoformat()}", f"整改超期 {late} 小时",
            to=_told(rung, finding, tenant, now), by=system, now=now, kind=NoticeKind.LATE, mail=True,
        )  # fmt: skip
    finding.escalation = due
    finding.save(update_fields=["escalation"])
    return due


def _told(rung: Rung, finding: Finding, tenant: Tenant, now: datetime) -> list[UUID]:
    today = now.astimezone(tenant.tz).date()
    found: list[UUID] = []
    for whom in rung.whom:
        if whom == Whom.OWNER:
            found += owner_account(finding) or people_of_party(finding, tenant, now)
        elif whom == Whom.PARTY:
            found += people_of_party(finding, tenant, now)
        elif whom == Whom.WATCHER:
            found += [i for i in (finding.verifier_id, finding.found_by) if i]
        elif whom == Whom.SUPERVISOR:
            found += supervisors(tenant, now)
        else:
            role = Role.SCHOOL_LEADER if whom == Whom.LEADER else Role.SCHOOL_ADMIN
            found += [p.account_id for p in people_of_school(school_id=tenant.school_id, roles=[role], today=today)]
    return list(dict.fromkeys(found))


def due_level(finding: Finding, ladder: tuple[Rung, ...], now: datetime) -> int:
    """Which step should know by now: 0 in time or out of the fixer's hands."""
    if finding.status not in WITH_FIXER or finding.deadline > now:
        return 0
    late = now - finding.deadline
    return sum(late >= timedelta(hours=rung.after_hours) for rung in ladder)


def escalate_overdue(*, tenant: Tenant, now: datetime) -> int:
    """The sweep: escalate every finding that is later than what was told. Each in its own transaction."""
    ladders = deadlines.ladders()
    late = Finding.objects.filter(
        status__in=WITH_FIXER, deadline__lte=now, escalation__lt=max(len(steps) for steps in ladders.values())
    ).order_by("deadline")
    todo = [f.pk for f in late if due_level(f, ladders[f.severity], now) > f.escalation]
    for finding_id in todo:
        escalate(finding_id=finding_id, tenant=tenant, now=now)
    return len(todo)


@transaction.atomic
def chase(*, finding_id: UUID, tenant: Tenant, now: datetime) -> int:
    """Tell the next people about one fix that waits too long for its verdict; returns the step reached.

    Step 1 (the severity's `verify_hours` after handing in) the verifier and the supervisors, step 2 (its
    `leader_after_hours` later) leaders and admins; nobody who worked on it. Steps told are not told again.
    Locks the finding.
    """
    finding = Finding.objects.select_for_update(of=("self",)).select_related("party", "place").get(pk=finding_id)
    ladder = deadlines.verify_ladder(deadlines.rules()[finding.severity])
    due = chase_level(finding, ladder, now)
    if due <= finding.chased or finding.submitted_at is None:
        return finding.chased
    system = Actor.system(tenant.school_id)
    waited = int((now - finding.submitted_at).total_seconds() // 3600)
    for level in range(finding.chased + 1, due + 1):
        rung = ladder[level - 1]
        to = [*(verifiers(finding, tenant, now) if level == 1 else []), *_told(rung, finding, tenant, now)]
        said = f"整改提交 {waited} 小时未复查，提醒{'、'.join(str(Whom(w).label) for w in rung.whom)}"
        step(finding, StepKind.ESCALATED, by=system, now=now, text=said)
        note(finding, "chased", said, system, level=level)
        tell(
            finding, f"chased:{level}:{finding.submitted_at.isoformat()}", f"待复查已 {waited} 小时",
            to=[account for account in dict.fromkeys(to) if account not in finding.fixers],
            by=system, now=now, kind=NoticeKind.LATE, mail=True,
        )  # fmt: skip
    finding.chased = due
    finding.save(update_fields=["chased"])
    return due


def chase_level(finding: Finding, ladder: tuple[Rung, ...], now: datetime) -> int:
    """Which step should know by now that it waits for a verdict."""
    if finding.status != FindingStatus.VERIFYING or finding.submitted_at is None:
        return 0
    waited = now - finding.submitted_at
    return sum(waited >= timedelta(hours=rung.after_hours) for rung in ladder)


def chase_verification(*, tenant: Tenant, now: datetime) -> int:
    """The sweep: every fix that waits longer for its verdict than was told. Each in its own transaction."""
    ladders = {severity: deadlines.verify_ladder(rule) for severity, rule in deadlines.rules().items()}
    waiting = Finding.objects.filter(
        status=FindingStatus.VERIFYING, chased__lt=max(len(steps) for steps in ladders.values())
    ).order_by("submitted_at")
    todo = [f.pk for f in waiting if chase_level(f, ladders[f.severity], now) > f.chased]
    for finding_id in todo:
        chase(finding_id=finding_id, tenant=tenant, now=now)
    return len(todo)
