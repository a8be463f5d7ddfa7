"""Questions from the public page: who answers, until when, and what was answered."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from identity import people
from identity.choices import Role
from identity.contracts import Actor
from institute.applications import answers, letters, policies
from institute.applications.choices import EnquiryStatus, EnquiryTopic, KnockKind
from institute.applications.models import Enquiry
from institute.applications.operations.common import knock
from institute.journal import operations as journal
from kernel.clock import SHANGHAI
from kernel.errors import Conflict, Invalid, NotAllowed, NotFound

REPLY_WITHIN: Final = timedelta(days=2)


class EnquiryClosed(Conflict):
    code = "enquiry_closed"
    message = _("这条咨询已经办结，不能再修改。")


class NotStaff(Invalid):
    code = "not_staff"
    message = _("负责人应为研究院的管理员或数据分析员，请重新选择。")


class NoAddress(Invalid):
    code = "no_address"
    message = _("对方只留了电话，没有邮箱。请电话答复后填写答复要点并关闭。")


@transaction.atomic
def ask(
    *, topic: str, name: str, organisation: str, email: str, phone: str, message: str, source: str, by: Actor,
    now: datetime,
) -> Enquiry:  # fmt: skip
    """Put a visitor's question into the inbox, to be answered within two days. Raises Invalid, TooOften."""
    if topic not in EnquiryTopic.values:
        raise Invalid(_("请选择咨询事项。"), field="topic")
    who, text = " ".join(name.split())[:60], message.strip()
    if not who:
        raise Invalid(_("请填写称呼，方便回复。"), field="name")
    if not 5 <= len(text) <= 2000:
        raise Invalid(_("咨询内容请写 5 至 2000 字。"), field="message")
    address, number = email.strip(), phone.strip()
    if not address and not number:
        raise Invalid(_("邮箱和电话请至少填一项，否则无法回复。"), field="email")
    if address and answers.email_problem(address):
        raise Invalid(answers.email_problem(address), field="email")
    if number and answers.phone_problem(number):
        raise Invalid(answers.phone_problem(number), field="phone")
    knock(KnockKind.ENQUIRY, source, now=now)
    enquiry = Enquiry(
        topic=topic, name=who, organisation=" ".join(organisation.split())[:100], message=text,
        due_at=now + REPLY_WITHIN, created_at=now,
    )  # fmt: skip
    enquiry.email, enquiry.phone = address, number
    enquiry.save(force_insert=True)
    journal.record(verb="enquiry.asked", sentence="收到一条咨询", subject=enquiry, by=by)
    return enquiry


def _open(enquiry_id: UUID, by: Actor) -> Enquiry:
    enquiry = Enquiry.objects.select_for_update().filter(pk=enquiry_id).first()
    if not by.of_institute or not by.has(Role.INSTITUTE_ADMIN, Role.INSTITUTE_ANALYST):
        raise NotAllowed
    if enquiry is None:
        raise NotFound
    if not policies.can_work_on_enquiry(by, enquiry):
        raise EnquiryClosed
    return enquiry


@transaction.atomic
def give_enquiry(
    *, enquiry_id: UUID, owner_id: UUID, due_at: datetime | None = None, by: Actor, now: datetime
) -> Enquiry:
    """Name who answers, and by when. Raises NotAllowed, NotFound, EnquiryClosed, NotStaff."""
    enquiry = _open(enquiry_id, by)
    staff = people.institute_people(Role.INSTITUTE_ADMIN, Role.INSTITUTE_ANALYST, today=now.astimezone(SHANGHAI).date())
    owner = next((p for p in staff if p.account_id == owner_id), None)
    if owner is None:
        raise NotStaff(field="owner_id")
    enquiry.owner_id, enquiry.owner_name = owner.account_id, owner.name
    if due_at is not None:
        enquiry.due_at = due_at
    enquiry.save(update_fields=["owner_id", "owner_name", "due_at"])
    journal.record(verb="enquiry.given", sentence=f"负责人：{owner.name}", subject=enquiry, by=by)
    return enquiry


@transaction.atomic
def reply_to_enquiry(*, enquiry_id: UUID, reply: str, by: Actor, now: datetime) -> Enquiry:
    """Mail the answer and keep it; a further answer replaces the text. Without owner, who answers becomes it.

    Raises NotAllowed, NotFound, EnquiryClosed, NoAddress, Invalid (reply).
    """
    enquiry = _open(enquiry_id, by)
    text = reply.strip()
    if not text:
        raise Invalid(_("请填写回复内容。"), field="reply")
    if not enquiry.email:
        raise NoAddress(field="reply")
    enquiry.reply, enquiry.replied_at, enquiry.status = text[:5000], now, EnquiryStatus.ANSWERED
    if enquiry.owner_id is None:
        enquiry.owner_id, enquiry.owner_name = by.account_id, by.name
    enquiry.save()
    journal.record(verb="enquiry.answered", sentence="已回复咨询", subject=enquiry, by=by)
    letters.to_enquirer(enquiry)
    return enquiry


@transaction.atomic
def close_enquiry(*, enquiry_id: UUID, why: str, by: Actor, now: datetime) -> Enquiry:
    """Close for good: answered by phone, spam, settled. Raises NotAllowed, NotFound, EnquiryClosed, Invalid (why)."""
    enquiry = _open(enquiry_id, by)
    text = " ".join(why.split())[:200]
    if not text:
        raise Invalid(_("请写明关闭的原因，例如“已电话答复”或“垃圾信息”。"), field="why")
    enquiry.status, enquiry.closed_why = EnquiryStatus.CLOSED, text
    enquiry.save(update_fields=["status", "closed_why"])
    journal.record(verb="enquiry.closed", sentence=f"关闭：{text}", subject=enquiry, by=by)
    return enquiry
