"""Background work of duty: calls go out, are decided and climb their chain; absences and forgotten stints are seen.

Every step is found by its row in the sweep of each school (`duty.sweep`, every 20 s); the messages only make it fast.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from institute.schools import queries as schools
from kernel import clock, outbound
from kernel.jobs import enqueue_on_commit
from kernel.tenancy import Tenant
from tenants.duty import operations
from workers.base import PublicTask, SchoolTask
from workers.celery import app

GIVE_UP_AFTER = 3  # failures in a row: the receiver is down, the next round tries again


@app.task(base=PublicTask, name="duty.sweep")
def sweep(**_newer: Any) -> None:
    """Ask for one round per open school, so that one school's trouble stops no other."""
    for tenant in schools.open_tenants():
        enqueue_on_commit("duty.round", tenant=tenant)


@app.task(base=SchoolTask, name="duty.round")
def round_of_school(*, tenant: Tenant, **_newer: Any) -> int:
    """Draw, send, decide, climb, watch; safe to run twice and at the same time. Returns how many steps were taken."""
    steps = operations.draw_random(tenant=tenant, now=clock.now())
    steps += operations.send_due(tenant=tenant, now=clock.now())
    steps += operations.settle_faces(tenant=tenant, now=clock.now())
    steps += operations.decide_due(tenant=tenant, now=clock.now())
    steps += operations.climb_chains(tenant=tenant, now=clock.now())
    steps += operations.open_missing_findings(tenant=tenant, now=clock.now())
    if operations.due_deliveries(tenant=tenant, now=clock.now()):
        enqueue_on_commit("duty.deliver", tenant=tenant)  # apart: a slow receiver must not hold up a verdict
    return (
        steps
        + operations.watch_stints(tenant=tenant, now=clock.now())
        + operations.watch_reports(tenant=tenant, now=clock.now())
    )


@app.task(base=SchoolTask, name="duty.send_calls")
def send_calls(*, tenant: Tenant, **_newer: Any) -> int:
    """Let due calls go out now instead of at the next round."""
    return operations.send_due(tenant=tenant, now=clock.now())


@app.task(base=SchoolTask, name="duty.deliver")
def deliver(*, tenant: Tenant, **_newer: Any) -> int:
    """Tell the school's delivery service of the summons that are due; three failures in a row leave the rest for later.

    Nothing is locked while the other side takes its time. Safe to run twice: a try is taken before it is made.
    """
    told = failed = 0
    for summons_id in operations.due_deliveries(tenant=tenant, now=clock.now()):
        message = operations.prepare_delivery(summons_id=summons_id, tenant=tenant, now=clock.now())
        if message is None:
            continue
        status, said = None, ""
        try:
            status = outbound.post(message.url, body=message.body, headers=message.headers).status
        except outbound.AddressRefused as refused:
            said = str(refused)
        except outbound.Unreachable:
            said = "连接失败"
        taken = operations.note_delivery(
            summons_id=summons_id, status=status, said=said, tenant=tenant, now=clock.now()
        )
        told, failed = told + taken, 0 if taken else failed + 1
        if failed >= GIVE_UP_AFTER:
            break
    return told


@app.task(base=SchoolTask, name="duty.face_checked")
def face_checked(*, tenant: Tenant, check_id: str, **_newer: Any) -> None:
    """The face service has an answer for a picture of a call."""
    operations.face_checked(check_id=UUID(check_id), tenant=tenant, now=clock.now())
