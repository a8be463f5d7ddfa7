"""Background work of identity: mail out, old tickets away."""

from typing import Any
from uuid import UUID

from identity import attempts, mail, operations
from kernel import clock
from workers.base import PublicTask
from workers.celery import app


@app.task(base=PublicTask, name="identity.deliver_mail")
def deliver_mail(*, mail_id: str, **_newer: Any) -> None:
    """Send one mail; failures are rescheduled in its row and found by the sweep."""
    mail.deliver(mail_id=UUID(mail_id), now=clock.now())


@app.task(base=PublicTask, name="identity.sweep_mail")
def sweep_mail(**_newer: Any) -> None:
    """Send what is due: retries, and mails whose message was lost."""
    for mail_id in mail.due(now=clock.now()):
        mail.deliver(mail_id=mail_id, now=clock.now())


@app.task(base=PublicTask, name="identity.sweep_tickets")
def sweep_tickets(**_newer: Any) -> None:
    """Delete hand-over tickets long expired, sessions past their end, and counters of rate limits."""
    from django.contrib.sessions.models import Session

    operations.sweep_tickets(now=clock.now())
    Session.objects.filter(expire_date__lt=clock.now()).delete()
    attempts.sweep(now=clock.now())
