"""What the applicant does, holding a signed link instead of an account."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from identity.contracts import Actor
from institute.applications import answers, files, letters, links, policies, queries
from institute.applications.choices import ApplicationStatus, DocumentKind, KnockKind
from institute.applications.contracts import Saved, Started
from institute.applications.models import Application, ApplicationDocument, Assignment, ReviewerProfile, email_index
from institute.applications.operations.common import (
    WrongState,
    knock,
    lock_codes,
    lock_conflicts,
    locked,
    move,
    sync_conflicts,
)
from institute.journal import operations as journal
from institute.schools import lookup
from kernel.clock import SHANGHAI
from kernel.errors import Conflict, DomainError, Invalid, NotFound
from kernel.ids import new_id

_S = ApplicationStatus


class FixOverdue(DomainError):
    code = "fix_overdue"
    message = _("补正期限（%(day)s）已过，不能再提交。确有需要时，请联系研究院延长期限。")


class NotEditable(Conflict):
    code = "not_editable"
    message = _("申报已提交，当前为“%(status)s”，内容不能再修改。需要更正时请先撤回，或等待补正通知。")


class Incomplete(DomainError):
    """`details["missing"]` lists the checks that are not done."""

    code = "incomplete"
    message = _("还有 %(count)s 项没有完成：%(names)s。请补齐后再提交。")


class AlreadyOpen(Conflict):
    code = "already_open"
    message = _(
        "该学校已有一份正在办理的申报（编号 %(number)s），同一学校同一时间只能有一份。请联系本校原经办人，或先撤回原申报。"
    )


class AlreadySelected(Conflict):
    code = "already_selected"
    message = _("“%(school)s”已入选本项目，无需重复申报。请在首页“学校登录”中找到本校。")


class TooManyDocuments(Invalid):
    code = "too_many_documents"
    message = _("最多上传 %(limit)s 个文件，请先删除不需要的文件，或合并成一个 PDF。")


class DocumentKnown(Invalid):
    code = "document_known"
    message = _("这个文件已经上传过（“%(name)s”），无需重复上传。")


class NotConfirmed(Invalid):
    code = "not_confirmed"
    message = _("请输入申报编号 %(number)s 以确认撤回。")


def _opened(token: str, *, now: datetime) -> Application:
    """The application of a link, under a row lock. Raises LinkInvalid, LinkExpired."""
    key = links.read(token, now=now)
    try:
        application = locked(key.application_id)
    except NotFound as gone:
        raise links.LinkInvalid from gone
    if application.link_version != key.version:
        raise links.LinkInvalid
    return application


def _editable(token: str, *, now: datetime) -> Application:
    application = _opened(token, now=now)
    if not policies.is_editable(application):
        raise NotEditable(status=_S(application.status).label)
    return application


def _as(application: Application, by: Actor) -> Actor:
    """Visitors act in the journal under the contact's name."""
    return by if by.signed_in else Actor(account_id=None, name=application.contact_name or "申报单位", via=by.via)


@transaction.atomic
def start(*, name: str, email: str, source: str, by: Actor, now: datetime) -> Started:
    """Open a draft for a school and mail the link to continue it. `source` is the visitor's address.

    Raises Invalid (name, contact_email), TooOften.
    """
    school_name, address = answers.parse("name", name), answers.parse("contact_email", email)
    if not school_name:
        raise Invalid(_("请填写学校名称。"), field="name")
    if not address or answers.email_problem(address):
        raise Invalid(_("请填写能收信的邮箱，例如 name@school.edu.cn。"), field="contact_email")
    knock(KnockKind.START, source, now=now)
    fresh = new_id()
    application = Application(
        id=fresh, number=f"SB{now:%y%m%d}{fresh.hex[-6:].upper()}", name=school_name, created_at=now, saved_at=now,
        status_at=now,
    )  # fmt: skip
    application.contact_email = address
    application.save(force_insert=True)
    journal.record(verb="application.started", sentence="开始填写申报", subject=application, by=_as(application, by))
    letters.to_applicant(
        application, subject="继续填写申报", now=now,
        text="您已开始填写“校园后勤服务质量监管平台”项目申报。内容随填随存，打开下面的链接可随时继续，也用于确认本邮箱。\n"
        "如非本人操作，请忽略此邮件。",
    )  # fmt: skip
    token = links.make(application_id=application.pk, version=application.link_version, now=now)
    return Started(application.pk, application.number, token)


@transaction.atomic
def arrive(*, token: str, by: Actor, now: datetime) -> Application:
    """Open a link. One that was mailed to the present address confirms that address. Raises LinkInvalid, LinkExpired."""
    key = links.read(token, now=now)
    application = _opened(token, now=now)
    if key.mailed and application.contact_email_index.startswith(key.mailed) and not application.email_confirmed_at:
        application.email_confirmed_at = now
        application.save(update_fields=["email_confirmed_at"])
        journal.record(
            verb="application.email_confirmed", sentence="联系邮箱已确认", subject=application, by=_as(application, by)
        )
    return application


@transaction.atomic
def save_answer(*, token: str, field: str, value: object, by: Actor, now: datetime) -> Saved:
    """Keep one answer as typed; locks the application.

    A changed mail address must be confirmed again. Raises LinkInvalid, LinkExpired, NotEditable, UnknownAnswer,
    Invalid (what the column cannot hold).
    """
    application = _editable(token, now=now)
    kept = answers.parse(field, value)
    if field.startswith("line_"):
        modes = {**application.line_modes, field.removeprefix("line_"): kept}
        application.line_modes = {line: mode for line, mode in modes.items() if mode}
    elif field == "contact_email":
        if email_index(kept) != application.contact_email_index:
            application.email_confirmed_at = None
        application.contact_email = kept
    else:
        setattr(application, field, kept)
    application.saved_at = now
    application.save()
    return Saved(field, kept, answers.hint(field, kept) or _taken(application, field), now)


@transaction.atomic
def save_answers(*, token: str, values: Mapping[str, object], by: Actor, now: datetime) -> list[Saved]:
    """Keep several answers or none of them. Raises as `save_answer`."""
    return [save_answer(token=token, field=field, value=value, by=by, now=now) for field, value in values.items()]


def _taken(application: Application, field: str) -> str:
    """Told while typing, refused at submission: another application or a selected school has this code."""
    code = getattr(application, field) if field in {"school_code", "credit_code"} else ""
    if other := queries.open_application_of(code, but=application.pk):
        return f"该学校已有一份正在办理的申报（编号 {other.number}），提交时会被拒绝。"
    if school := lookup.selected_under(code):
        return f"“{school}”已入选本项目，无需重复申报。"
    return ""


@transaction.atomic
def add_document(*, token: str, kind: str, name: str, data: bytes, by: Actor, now: datetime) -> ApplicationDocument:
    """Store one file after judging its content (files.check). Locks the application.

    Raises NotEditable, Invalid (kind), TooManyDocuments, DocumentKnown and what `files.check` raises.
    """
    application = _editable(token, now=now)
    if kind not in DocumentKind.values:
        raise Invalid(_("请选择材料类别。"), field="kind")
    existing = list(ApplicationDocument.objects.filter(application=application))
    if len(existing) >= files.MAX_DOCUMENTS:
        raise TooManyDocuments(field="file", limit=files.MAX_DOCUMENTS)
    checked = files.check(data=data, name=name, kind=DocumentKind(kind))
    for known in existing:
        if known.sha256 == checked.sha256:
            raise DocumentKnown(field="file", name=known.name)
    fresh = new_id()
    document = ApplicationDocument.objects.create(
        id=fresh, application=application, kind=kind, name=checked.name, content_type=checked.content_type,
        size=len(checked.data), sha256=checked.sha256, uploaded_at=now,
        path=f"public/applications/{application.pk}/{fresh}.{checked.extension}",
    )  # fmt: skip
    application.saved_at = now
    application.save(update_fields=["saved_at"])
    stored = default_storage.save(document.path, ContentFile(checked.data))
    if stored != document.path:  # the store renames only when the id is taken, which cannot be
        raise RuntimeError(f"storage renamed {document.path}")
    journal.record(
        verb="application.document_added", sentence=f"上传{document.get_kind_display()}“{document.name}”", subject=application,
        by=_as(application, by), document=str(fresh), kind=kind, sha256=checked.sha256,
    )  # fmt: skip
    return document


@transaction.atomic
def remove_document(*, token: str, document_id: UUID, by: Actor, now: datetime) -> None:
    """Take a file back; the stored bytes go after the commit. Raises NotEditable, NotFound."""
    application = _editable(token, now=now)
    document = ApplicationDocument.objects.filter(pk=document_id, application=application).first()
    if document is None:
        raise NotFound
    path = document.path
    journal.record(
        verb="application.document_removed", sentence=f"删除{document.get_kind_display()}“{document.name}”",
        subject=application, by=_as(application, by), document=str(document_id), kind=document.kind,
        sha256=document.sha256,
    )  # fmt: skip
    document.delete()
    application.saved_at = now
    application.save(update_fields=["saved_at"])
    transaction.on_commit(partial(forget_file, path))


def forget_file(path: str) -> None:
    with suppress(OSError):  # a file that is already gone is what we want
        default_storage.delete(path)


@transaction.atomic
def submit(*, token: str, by: Actor, now: datetime) -> Application:
    """Hand the application in, for the first time or after 补正. Locks, in this order: conflicts, application, codes.

    Raises LinkInvalid, LinkExpired, WrongState, Incomplete, AlreadyOpen, AlreadySelected, FixOverdue.
    """
    lock_conflicts()
    application = _opened(token, now=now)
    again = application.status == _S.RETURNED
    if not policies.is_editable(application):
        raise WrongState(status=_S(application.status).label)
    missing = [c for c in queries.checks_of(application) if not c.done]
    if missing:
        raise Incomplete(
            field=missing[0].field, count=len(missing), names="、".join(c.label for c in missing), missing=missing
        )
    lock_codes(application.school_code, application.credit_code)
    for code in (application.school_code, application.credit_code):
        if other := queries.open_application_of(code, but=application.pk):
            raise AlreadyOpen(field="school_code", number=other.number)
    if school := lookup.selected_under(application.school_code, application.credit_code):
        raise AlreadySelected(field="school_code", school=school)
    if policies.fix_is_overdue(application, now.astimezone(SHANGHAI).date()):
        raise FixOverdue(day=f"{application.fix_due_on:%Y-%m-%d}")
    move(application, _S.SUBMITTED, now=now)
    now_said = said(application)
    changed = [answers.LABELS.get(k, k) for k, v in now_said.items() if application.first_answers.get(k) != v]
    if not again:
        application.submitted_at, application.first_answers = now, now_said
    try:
        with transaction.atomic():
            application.save()
    except IntegrityError as taken:  # the unique index speaks where a code was changed past the lock
        raise AlreadyOpen(field="school_code", number="—") from taken
    sync_conflicts(application, profiles=list(ReviewerProfile.objects.all()), now=now, by=by, lift=False)
    actor = _as(application, by)
    if again:
        journal.record(
            verb="application.resubmitted", sentence="补正材料已提交", subject=application, by=actor, changed=changed,
            note=f"修改了：{'、'.join(changed)}" if changed else "",
        )  # fmt: skip
        text = "补正材料已收到。补正只有一次，接下来由研究院作出受理或不予受理的决定，结果会再发邮件通知您。"
    else:
        journal.record(verb="application.submitted", sentence="申报已提交", subject=application, by=actor)
        text = "申报已收到。研究院将先核对材料是否齐全，缺少材料时会退回补正一次；结果会发邮件通知您。"
    letters.to_applicant(application, subject="申报已提交", text=text, now=now)
    return application


def said(application: Application) -> dict[str, Any]:
    """The answers and documents of an application, without the contact's sealed ones, to compare two submissions."""
    plain = [f for f in answers.PARSERS if not f.startswith("line_") and f not in {"contact_phone", "contact_email"}]
    lines = {f"line_{line}": mode for line, mode in application.line_modes.items()}
    documents = sorted(ApplicationDocument.objects.filter(application=application).values_list("sha256", flat=True))
    return {**{f: getattr(application, f) for f in plain}, **lines, "申报材料": documents}


@transaction.atomic
def withdraw(*, token: str, confirm: str, reason: str = "", by: Actor, now: datetime) -> Application:
    """Take the application back for good; `confirm` repeats its number. Live review tasks end.

    Raises LinkInvalid, LinkExpired, NotConfirmed, WrongState.
    """
    application = _opened(token, now=now)
    if confirm.strip().upper() != application.number:
        raise NotConfirmed(field="confirm", number=application.number)
    move(application, _S.WITHDRAWN, now=now)
    application.save(update_fields=["status", "status_at"])
    Assignment.objects.filter(application=application, ended_at__isnull=True, submitted_at__isnull=True).update(
        ended_at=now, ended_why="replaced"
    )
    journal.record(
        verb="application.withdrawn", sentence="申报已撤回", subject=application, by=_as(application, by),
        note=reason.strip()[:200],
    )  # fmt: skip
    letters.to_applicant(
        application, subject="申报已撤回", now=now, text="申报已按您的要求撤回，办理终止。需要时可以重新申报。"
    )
    return application


@transaction.atomic
def send_link(*, number: str, email: str, source: str, by: Actor, now: datetime) -> None:
    """Mail a fresh link if `number` and `email` belong together. Silent either way: nobody learns who applied.

    Raises TooOften.
    """
    knock(KnockKind.LINK, source, now=now)
    application = (
        Application.objects.filter(number=number.strip().upper(), contact_email_index=email_index(email))
        .exclude(contact_email_index="")
        .first()
    )
    if application is not None:
        letters.to_applicant(application, subject="办理链接", text="这是您要求重新发送的办理链接。", now=now)


@transaction.atomic
def renew_links(*, token: str, revoke: bool, by: Actor, now: datetime) -> None:
    """Mail the holder of a link a fresh one; with `revoke` all earlier links stop working.

    Raises LinkInvalid, LinkExpired, TooOften (five mails an hour per application).
    """
    application = _opened(token, now=now)
    knock(KnockKind.LINK, str(application.pk), now=now)
    if not application.contact_email or answers.email_problem(application.contact_email):
        raise Invalid(_("请先填写正确的联系邮箱。"), field="contact_email")
    if revoke:
        application.link_version += 1
        application.save(update_fields=["link_version"])
        journal.record(
            verb="application.links_renewed", sentence="旧链接已作废，新链接已发往联系邮箱", subject=application,
            by=_as(application, by),
        )  # fmt: skip
    letters.to_applicant(
        application, subject="确认邮箱与办理链接", text="请打开下面的链接，确认本邮箱并继续办理。", now=now
    )
