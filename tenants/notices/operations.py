"""Telling people, and remembering what they have read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from identity import mail as outbox
from identity.contracts import Actor
from identity.people import people_by_id
from kernel.addresses import school_url
from kernel.errors import NotAllowed
from kernel.tenancy import Tenant
from tenants.notices.choices import NoticeKind
from tenants.notices.models import Notice

MAIL_EVERY = timedelta(hours=1)  # nobody gets digests faster than this
MAIL_LINES = 30


@transaction.atomic
def notify(
    *,
    account_ids: Iterable[UUID],
    kind: NoticeKind,
    title: str,
    path: str,
    subject: object,
    occasion: str,
    now: datetime,
    text: str = "",
    mail: bool = False,
    besides: UUID | None = None,
) -> int:
    """Put one notice into each inbox; call inside the operation that has something to tell.

    The same `occasion` reaches an account once, however often it is told. `besides` leaves out the
    person who acts. With `mail`, it also goes into their next digest. Returns how many were asked for.
    """
    rows = [
        Notice(
            account_id=account_id,
            kind=kind,
            title=title[:160],
            text=text[:400],
            path=path,
            subject_type=subject._meta.label_lower,  # type: ignore[attr-defined]
            subject_id=str(subject.pk),  # type: ignore[attr-defined]
            occasion=occasion[:120],
            mail=mail,
            created_at=now,
        )
        for account_id in dict.fromkeys(account_ids)
        if account_id != besides
    ]
    Notice.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


@transaction.atomic
def mark_read(*, by: Actor, now: datetime, notice_id: int | None = None, until: datetime | None = None) -> int:
    """Mark one notice of the actor's inbox, or all of it (with `until` what came before), as read. Another's is not touched."""
    if by.account_id is None or not by.may("notices:write"):
        raise NotAllowed
    rows = Notice.objects.filter(account_id=by.account_id, read_at__isnull=True)
    if notice_id is not None:
        rows = rows.filter(pk=notice_id)
    if until is not None:
        rows = rows.filter(created_at__lt=until)
    return rows.update(read_at=now)


@transaction.atomic
def settle(*, subject: object, now: datetime, occasion: str = "") -> int:
    """What a to-do asked for is done: nobody's inbox needs to show it as unread any more.

    With `occasion` only the notices whose occasion begins with it.
    """
    return Notice.objects.filter(
        occasion__startswith=occasion,
        subject_type=subject._meta.label_lower,  # type: ignore[attr-defined]
        subject_id=str(subject.pk),  # type: ignore[attr-defined]
        kind__in=(NoticeKind.TODO, NoticeKind.LATE),
        read_at__isnull=True,
    ).update(read_at=now)


def mail_digests(*, tenant: Tenant, now: datetime) -> int:
    """Send each person one mail with all notices that wait to be mailed; returns how many mails were written.

    One person is one transaction; rows are locked, so two workers never mail the same notice. A notice
    read in the meantime is not mailed. People mailed within the last hour wait.
    """
    waiting = Notice.objects.filter(mail=True, mailed_at__isnull=True)
    waiting.filter(read_at__isnull=False).update(mail=False)
    recently = Notice.objects.filter(mailed_at__gt=now - MAIL_EVERY).values("account_id")
    due = waiting.exclude(account_id__in=recently).order_by().values_list("account_id", flat=True).distinct()
    return sum(_mail_one(account_id, tenant, now) for account_id in list(due))


@transaction.atomic
def _mail_one(account_id: UUID, tenant: Tenant, now: datetime) -> bool:
    rows = list(
        Notice.objects.select_for_update(skip_locked=True)
        .filter(account_id=account_id, mail=True, mailed_at__isnull=True)
        .order_by("id")
    )
    if not rows:
        return False
    Notice.objects.filter(pk__in=[r.pk for r in rows]).update(mailed_at=now)
    person = people_by_id([account_id]).get(account_id)
    if person is None or not person.email:
        return False  # nowhere to write to; the inbox still shows it
    lines = [f"{person.name}，您好：", "", f"{tenant.name}有 {len(rows)} 条提醒需要您处理：", ""]
    for row in rows[:MAIL_LINES]:
        lines += [f"· {row.title}", f"  {row.text}", f"  {school_url(tenant.slug, row.path)}", ""]
    if len(rows) > MAIL_LINES:
        lines += [f"还有 {len(rows) - MAIL_LINES} 条，请登录平台查看：{school_url(tenant.slug, '/notices/')}", ""]
    lines.append("本邮件由系统发送，请勿回复。")
    subject = f"【{tenant.name}】{rows[0].title}" + (f" 等 {len(rows)} 条提醒" if len(rows) > 1 else "")
    outbox.send_on_commit(to=person.email, subject=subject, body="\n".join(lines), tenant=tenant)
    return True
