"""The letters of the procedure, in plain words with the next step. Composed here, sent by the outbox."""

from datetime import datetime

from identity import mail
from institute.applications import links
from institute.applications.models import Application, Enquiry
from kernel.addresses import public_url

SIGNATURE = "\n\n中教后勤研究院\n（本邮件由系统发出，请勿直接回复；有疑问可在网站“咨询”页留言。）\n"


def to_applicant(application: Application, *, subject: str, text: str, now: datetime) -> None:
    """Mail the contact, with a fresh link to the status page. Nothing is sent while no address is known."""
    address = application.contact_email
    if not address:
        return
    token = links.make(
        application_id=application.pk, version=application.link_version, now=now, mailed=application.contact_email_index
    )
    body = (
        f"{application.contact_name or '您好'}：\n\n{text}\n\n"
        f"查看办理进度：{public_url(links.path_of(token))}\n"
        f"该链接 30 天内有效，凭它即可办理申报，请勿转发。\n\n"
        f"申报编号：{application.number}\n申报单位：{application.name}{SIGNATURE}"
    )
    mail.send_on_commit(to=address, subject=f"【{application.number}】{subject}", body=body)


def to_enquirer(enquiry: Enquiry) -> None:
    """Mail the answer, with the question below it."""
    quoted = "\n".join(f"> {line}" for line in enquiry.message.splitlines())
    mail.send_on_commit(
        to=enquiry.email,
        subject="关于您咨询事项的回复",
        body=f"{enquiry.name}，您好：\n\n{enquiry.reply}\n\n您的咨询：\n{quoted}{SIGNATURE}",
    )


def to_reviewer(*, email: str, name: str, application: Application, due: str) -> None:
    """Tell a reviewer of a new task. No school name: mailboxes are not the place for the committee's list."""
    if not email:
        return
    mail.send_on_commit(
        to=email,
        subject="您有一项新的评审任务",
        body=f"{name}，您好：\n\n申报 {application.number} 已指派给您评审，请在 {due} 前完成。\n"
        f"如与申报单位存在利害关系，请在任务页面申报回避。\n\n"
        f"办理：{public_url(f'/institute/applications/{application.pk}/')}{SIGNATURE}",
    )
