"""Mail, once for everybody: a row in the outbox, written in the caller's transaction, sent by a worker.

A mail is told to the worker after the commit, and `identity.sweep_mail` (beat) finds what a lost
message or a killed worker left behind. The row stays locked while the server is spoken to, so two
workers never send it both; only a worker that dies between the server's "250 OK" and our commit
sends it again, then with the same Message-ID. Bodies carry one-time links: they are sealed at rest
and wiped once sent.
"""

import smtplib
from datetime import datetime, timedelta
from uuid import UUID

from django.core.mail import EmailMessage
from django.db import transaction

from identity.choices import MailState
from identity.models import Mail
from kernel import crypto, jobs
from kernel.tenancy import Tenant

# After the n-th failure, how long to wait. A day in all; then the mail is marked as failed.
WAITS = [timedelta(minutes=m) for m in (1, 5, 15, 60, 180, 360, 720)]
_WHERE = {"schema": "public", "context": "identity_mail.body"}


def send_on_commit(*, to: str, subject: str, body: str, tenant: Tenant | None = None) -> UUID:
    """Send one plain-text mail after the surrounding transaction commits; survives a killed worker.

    Call it inside the operation's transaction, from either side of the schema line. `tenant` says for
    which school it went (shown to operators), nothing else. Returns the id of the outbox row.
    """
    mail = Mail.objects.create(
        to=to,
        subject=" ".join(subject.split())[:200],
        body_sealed=crypto.seal(body, **_WHERE),
        school_id=tenant.school_id if tenant else None,
    )
    jobs.enqueue_on_commit("identity.deliver_mail", mail_id=str(mail.pk))
    return mail.pk


@transaction.atomic
def deliver(*, mail_id: UUID, now: datetime) -> bool:
    """Hand one due mail to the mail server. False when it is sent already, not due, or being sent elsewhere."""
    mail = (
        Mail.objects.select_for_update(skip_locked=True)
        .filter(pk=mail_id, state=MailState.QUEUED, next_attempt_at__lte=now)
        .first()
    )
    if mail is None:
        return False
    mail.attempts += 1
    try:
        body = crypto.unseal(mail.body_sealed, **_WHERE)
    except crypto.CannotOpen:  # its key was taken out of DATA_KEYS: waiting longer helps nobody
        mail.state, mail.error, mail.body_sealed = MailState.FAILED, "CannotOpen", b""
        mail.save()
        return False
    message = EmailMessage(
        subject=mail.subject,
        body=body,
        to=[mail.to],
        headers={"Message-ID": f"<{mail.pk}@cielm>", "Auto-Submitted": "auto-generated"},
    )
    try:
        message.send()
    except (OSError, smtplib.SMTPException) as failed:
        refused_for_good = isinstance(failed, smtplib.SMTPRecipientsRefused) and all(
            code >= 550 for code, _ in failed.recipients.values()
        )
        mail.error = type(failed).__name__
        if refused_for_good or mail.attempts > len(WAITS):
            mail.state = MailState.FAILED
            mail.body_sealed = b""
        else:
            mail.next_attempt_at = now + WAITS[mail.attempts - 1]
    else:
        mail.state, mail.sent_at, mail.body_sealed, mail.error = MailState.SENT, now, b"", ""
    mail.save()
    return mail.state == MailState.SENT


def due(*, now: datetime, limit: int = 500) -> list[UUID]:
    """Ids of mails that should be sent by now, oldest first."""
    return list(
        Mail.objects.filter(state=MailState.QUEUED, next_attempt_at__lte=now)
        .order_by("next_attempt_at")
        .values_list("pk", flat=True)[:limit]
    )
