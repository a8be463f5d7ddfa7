"""What the institute does: completeness, reviewers, conflicts, criteria, decision."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from identity import people
from identity.choices import Role
from identity.contracts import Actor
from institute.applications import criteria, letters, policies, queries
from institute.applications.choices import OPEN, ApplicationStatus, ConflictKind, Ending, Verdict
from institute.applications.models import (
    Application,
    Assignment,
    Conflict,
    CriteriaSet,
    Criterion,
    ReviewerProfile,
)
from institute.applications.operations.common import (
    WrongState,
    end_for_conflict,
    has_conflict,
    lock_codes,
    lock_conflicts,
    locked,
    locked_for,
    move,
    settle,
    sync_conflicts,
)
from institute.journal import operations as journal
from institute.schools import operations as schools
from institute.schools.contracts import NewSchool
from kernel.clock import SHANGHAI
from kernel.errors import Conflict as Refused
from kernel.errors import DomainError, Invalid, NotAllowed, NotFound

_S = ApplicationStatus
FIX_DAYS: Final = 15  # days a school has for 补正
MOST_FIX_DAYS: Final = 90
REVIEW_DAYS: Final = 14


class AlreadyReturned(Refused):
    code = "already_returned"
    message = _("这份申报已退回补正过一次，不能再次退回。请受理，或说明理由不予入选。")


class FixNotOver(Refused):
    code = "fix_not_over"
    message = _("补正期限到 %(day)s，期满未补正才能作出不予入选的决定。")


class FixDayWrong(Invalid):
    code = "fix_day_wrong"
    message = _("新的补正期限应晚于今天和原来的期限。")


class NothingMissing(Invalid):
    code = "nothing_missing"
    message = _("请至少写明一项需要补正的内容，学校将按清单补齐。")


class NotReviewer(Invalid):
    code = "not_reviewer"
    message = _("该账号不是在任的评审专家。请先在“成员”中授予评审专家身份。")


class ReviewerUnknown(Invalid):
    code = "reviewer_unknown"
    message = _("该专家尚未填写工作单位，无法判断是否需要回避。请先补全专家资料。")


class ReviewerConflict(DomainError):
    code = "reviewer_conflict"
    message = _("该专家与申报单位存在利害关系，应当回避，不能指派。")


class OwnConflict(DomainError):
    code = "own_conflict"
    message = _("您不能为他人申报回避。")


class WeightsWrong(Invalid):
    code = "weights_wrong"
    message = _("各项权重之和应为 100，现为 %(total)s。")


@transaction.atomic
def return_once(
    *, application_id: UUID, items: Sequence[str], by: Actor, now: datetime, fix_due_on: date | None = None
) -> Application:
    """Send the application back with a list of what is missing (补正), once and never again. Locks the application.

    Raises NotAllowed, NotFound, AlreadyReturned, WrongState, NothingMissing.
    """
    if not policies.can_manage(by):
        raise NotAllowed
    application = locked_for(application_id, by)
    listed = [text[:200] for text in (" ".join(str(i).split()) for i in items) if text]
    if not listed:
        raise NothingMissing(field="items")
    if application.status == _S.SUBMITTED and application.returned_at is not None:
        raise AlreadyReturned
    move(application, _S.RETURNED, now=now)
    application.returned_at, application.returned_items = now, listed
    application.fix_due_on = fix_due_on or (now.astimezone(SHANGHAI) + timedelta(days=FIX_DAYS)).date()
    application.save(update_fields=["status", "status_at", "returned_at", "returned_items", "fix_due_on"])
    due = f"{application.fix_due_on:%Y-%m-%d}"
    journal.record(
        verb="application.returned", sentence=f"退回补正，请在 {due} 前补齐", subject=application, by=by,
        items=listed, note="\n".join(listed),
    )  # fmt: skip
    numbered = "\n".join(f"{n}. {item}" for n, item in enumerate(listed, 1))
    letters.to_applicant(
        application, subject="申报材料需要补正", now=now,
        text=f"经核对，申报材料还缺少以下内容：\n{numbered}\n\n请在 {due} 前打开下面的链接补齐并重新提交。补正只有一次机会。",
    )  # fmt: skip
    return application


@transaction.atomic
def extend_fix(*, application_id: UUID, fix_due_on: date, by: Actor, now: datetime) -> Application:
    """Give the school more time for 补正, also after its day. Raises NotAllowed, NotFound, WrongState, FixDayWrong."""
    if not policies.can_manage(by):
        raise NotAllowed
    application = locked_for(application_id, by)
    if application.status != _S.RETURNED or application.fix_due_on is None:
        raise WrongState(status=_S(application.status).label)
    today = now.astimezone(SHANGHAI).date()
    if not max(today, application.fix_due_on) < fix_due_on <= today + timedelta(days=MOST_FIX_DAYS):
        raise FixDayWrong(field="fix_due_on")
    application.fix_due_on, application.fix_reminded_at = fix_due_on, None
    application.save(update_fields=["fix_due_on", "fix_reminded_at"])
    journal.record(
        verb="application.fix_extended", sentence=f"补正期限延至 {fix_due_on:%Y-%m-%d}", subject=application, by=by
    )
    letters.to_applicant(
        application, subject="补正期限已延长", now=now,
        text=f"补正期限延长到 {fix_due_on:%Y-%m-%d}，请在此之前补齐材料并重新提交。",
    )  # fmt: skip
    return application


@transaction.atomic
def accept(*, application_id: UUID, by: Actor, now: datetime) -> Application:
    """Take the application as complete; reviewers can be assigned now. Raises NotAllowed, NotFound, WrongState."""
    if not policies.can_manage(by):
        raise NotAllowed
    application = locked_for(application_id, by)
    move(application, _S.ACCEPTED, now=now)
    application.accepted_at = now
    application.save(update_fields=["status", "status_at", "accepted_at"])
    journal.record(verb="application.accepted", sentence="材料齐全，予以受理", subject=application, by=by)
    letters.to_applicant(
        application, subject="申报已受理", now=now, text="申报材料齐全，已予受理，接下来由评审专家独立评审。"
    )
    return application


@transaction.atomic
def assign_reviewer(
    *, application_id: UUID, account_id: UUID, by: Actor, now: datetime, due_on: date | None = None
) -> Assignment:
    """Give the application to a reviewer. The first one starts the review and fixes the criteria edition.

    Asking twice for the same reviewer returns the task that is there. Raises NotAllowed, NotFound, WrongState,
    NotReviewer, ReviewerUnknown, ReviewerConflict.
    """
    if not policies.can_manage(by):
        raise NotAllowed
    application = locked_for(application_id, by)
    if application.status not in {_S.ACCEPTED, _S.REVIEWING}:
        raise WrongState(status=_S(application.status).label)
    today = now.astimezone(SHANGHAI).date()
    person = next(
        (p for p in people.institute_people(Role.INSTITUTE_REVIEWER, today=today) if p.account_id == account_id), None
    )
    if person is None:
        raise NotReviewer(field="account_id")
    if not ReviewerProfile.objects.filter(pk=account_id).exclude(employer="").exists():
        raise ReviewerUnknown(field="account_id")
    if has_conflict(application, account_id):
        raise ReviewerConflict(field="account_id")
    known = Assignment.objects.filter(application=application, account_id=account_id, ended_at__isnull=True).first()
    if known is not None:
        return known
    task = Assignment.objects.create(
        application=application, account_id=account_id, reviewer_name=person.name, assigned_at=now,
        due_on=due_on or today + timedelta(days=REVIEW_DAYS),
    )  # fmt: skip
    if application.status == _S.ACCEPTED:
        move(application, _S.REVIEWING, now=now)
        application.criteria_edition = _current_edition(now=now).edition
        application.save(update_fields=["status", "status_at", "criteria_edition"])
        journal.record(verb="application.review_started", sentence="进入专家评审", subject=application, by=by)
        letters.to_applicant(
            application,
            subject="进入专家评审",
            now=now,
            text="申报已进入专家评审。评审期间无需操作，结果会发邮件通知您。",
        )
    journal.record(
        verb="application.assigned", sentence=f"指派评审专家：{person.name}", subject=application, by=by,
        account_id=str(account_id),
    )  # fmt: skip
    letters.to_reviewer(email=person.email, name=person.name, application=application, due=f"{task.due_on:%Y-%m-%d}")
    return task


@transaction.atomic
def replace_reviewer(*, assignment_id: UUID, by: Actor, now: datetime) -> None:
    """Take a task back from a reviewer who has not handed in yet. Raises NotAllowed, NotFound, WrongState."""
    if not policies.can_manage(by):
        raise NotAllowed
    task = Assignment.objects.filter(pk=assignment_id).first()
    if task is None:
        raise NotFound
    application = locked_for(task.application_id, by)
    task.refresh_from_db()
    if application.status != _S.REVIEWING or task.ended_at is not None or task.submitted_at is not None:
        raise WrongState(_("评分已提交或任务已结束，不能再撤换这位专家。"))
    task.ended_at, task.ended_why = now, Ending.REPLACED
    task.save(update_fields=["ended_at", "ended_why"])
    journal.record(
        verb="application.reviewer_replaced", sentence=f"撤换评审专家：{task.reviewer_name}", subject=application, by=by
    )
    settle(application, now=now, by=by)


@transaction.atomic
def declare_conflict(*, application_id: UUID, account_id: UUID, reason: str, by: Actor, now: datetime) -> None:
    """Stay away from an application (申报回避): one's own word, or an administrator's on record for a reviewer.

    The application disappears for that account at once and for good; a live task ends. Saying it twice changes
    nothing. Raises NotAllowed, OwnConflict, NotFound, Invalid (reason).
    """
    if not by.signed_in or not by.of_institute:
        raise NotAllowed
    if by.account_id != account_id and not policies.can_manage(by):
        raise OwnConflict
    why = " ".join(reason.split())
    if not why:
        raise Invalid(_("请说明回避的理由。"), field="reason")
    application = locked(application_id)
    if application.submitted_at is None:
        raise NotFound
    if by.account_id != account_id and has_conflict(application, by.account_id):
        raise NotFound
    __, fresh = Conflict.objects.get_or_create(
        application=application, account_id=account_id, kind=ConflictKind.DECLARED,
        defaults={"reason": why[:300], "at": now},
    )  # fmt: skip
    if not fresh:
        return
    journal.record(
        verb="application.conflict_declared", sentence="登记一项回避", subject=application, by=by,
        account_id=str(account_id),
    )  # fmt: skip
    end_for_conflict(application, account_id, now=now, by=by)


@transaction.atomic
def save_reviewer_profile(
    *, account_id: UUID, employer: str, past_schools: Sequence[str], expertise: str, by: Actor, now: datetime
) -> ReviewerProfile:
    """Keep where a reviewer works and which schools they are tied to, and compare it with every application under way.

    What a reviewer writes about themselves may add reasons to stay away, never take one back: that is an
    administrator's to do. Locks the comparison and, one by one, the open applications. Raises NotAllowed, Invalid (employer), NotReviewer.
    """
    if not policies.can_edit_profile(by, account_id):
        raise NotAllowed
    where = " ".join(employer.split())[:100]
    if not where:
        raise Invalid(_("请填写工作单位全称，用于判断回避情形。"), field="employer")
    lock_conflicts()
    today = now.astimezone(SHANGHAI).date()
    person = next(
        (p for p in people.institute_people(Role.INSTITUTE_REVIEWER, today=today) if p.account_id == account_id), None
    )
    if person is None:
        raise NotReviewer(field="account_id")
    past = list(dict.fromkeys(" ".join(p.split())[:100] for p in past_schools if p.strip()))[:50]
    before = ReviewerProfile.objects.filter(pk=account_id).first()
    profile, __ = ReviewerProfile.objects.update_or_create(
        pk=account_id,
        defaults={
            "name": person.name, "employer": where, "past_schools": past, "expertise": " ".join(expertise.split())[:200],
            "saved_at": now,
        },
    )  # fmt: skip
    journal.record(
        verb="reviewer.profile_saved", sentence=f"评审专家资料已更新：{person.name}", subject=profile, by=by,
        before={"employer": before.employer, "past_schools": before.past_schools} if before else {},
        after={"employer": where, "past_schools": past},
    )  # fmt: skip
    for application in Application.objects.select_for_update().filter(status__in=sorted(OPEN)).order_by("pk"):
        sync_conflicts(application, profiles=[profile], now=now, by=by, lift=by.account_id != account_id)
    return profile


@transaction.atomic
def save_criteria(*, rows: Sequence[criteria.CriterionText], by: Actor, now: datetime) -> CriteriaSet:
    """Make the next edition of the criteria; reviews under way keep theirs. Raises NotAllowed, Invalid, WeightsWrong."""
    if not policies.can_manage(by):
        raise NotAllowed
    if not rows:
        raise Invalid(_("请至少填写一项评分指标。"), field="rows")
    if len({r.label.strip() for r in rows}) != len(rows) or not all(r.label.strip() for r in rows):
        raise Invalid(_("指标名称不能为空，也不能重复。"), field="rows")
    if any(r.weight <= 0 or r.weight != r.weight.quantize(Decimal("0.01")) for r in rows):
        raise Invalid(_("权重应大于 0，最多两位小数。"), field="rows")
    total = sum((r.weight for r in rows), Decimal(0))
    if total != 100:
        raise WeightsWrong(field="rows", total=f"{total.normalize():f}")
    saved = _store(rows, by_name=by.name, now=now)
    journal.record(
        verb="criteria.saved", sentence=f"评分标准第 {saved.edition} 版已生效", subject=saved, by=by,
        rows=[{**asdict(r), "weight": str(r.weight)} for r in rows],
    )  # fmt: skip
    return saved


def _current_edition(*, now: datetime) -> CriteriaSet:
    """The latest edition; the seed becomes the first one."""
    if (latest := CriteriaSet.objects.first()) is not None:
        return latest
    lock_codes("criteria")  # two first assignments at once must not both store the seed
    return CriteriaSet.objects.first() or _store(criteria.SEED, by_name="系统", now=now)


def _store(rows: Sequence[criteria.CriterionText], *, by_name: str, now: datetime) -> CriteriaSet:
    lock_codes("criteria")
    latest = CriteriaSet.objects.first()
    fresh = CriteriaSet.objects.create(
        edition=latest.edition + 1 if latest else 1, created_at=now, created_by_name=by_name
    )
    Criterion.objects.bulk_create(
        Criterion(set=fresh, code=r.code or f"c{n}", label=r.label.strip()[:60], guidance=r.guidance.strip()[:400],
                  weight=r.weight, position=n)
        for n, r in enumerate(rows, 1)
    )  # fmt: skip
    return fresh


@transaction.atomic
def decide(*, application_id: UUID, verdict: str, reason: str, by: Actor, now: datetime, slug: str = "") -> Application:
    """Select, waitlist or reject, with the reason. Locks the application and the school's codes.

    Before all sheets are in an application can only be rejected (不予受理, 终止评审; one that waits for 补正 after its
    day has gone by); afterwards it is selected, waitlisted or rejected. Selecting
    approves the school under the host name `slug` and starts provisioning. The second of two administrators
    deciding at once gets WrongState. Raises NotAllowed, NotFound, WrongState, FixNotOver, Invalid (verdict, reason, slug).
    """
    if not policies.can_manage(by):
        raise NotAllowed
    if verdict not in Verdict.values:
        raise Invalid(_("请选择决定：入选、候补或不入选。"), field="verdict")
    why = reason.strip()
    if not why:
        raise Invalid(_("请写明决定的理由，学校会看到这段文字。"), field="reason")
    application = locked_for(application_id, by)
    lock_codes(application.school_code, application.credit_code)
    today = now.astimezone(SHANGHAI).date()
    if application.status == _S.RETURNED and not policies.fix_is_overdue(application, today):
        raise FixNotOver(day=f"{application.fix_due_on:%Y-%m-%d}")
    move(application, _S(verdict), now=now)
    Assignment.objects.filter(application=application, ended_at__isnull=True, submitted_at__isnull=True).update(
        ended_at=now, ended_why=Ending.REPLACED
    )
    application.decided_at, application.decision_reason, application.decided_by_name = now, why[:2000], by.name
    application.save(update_fields=["status", "status_at", "decided_at", "decision_reason", "decided_by_name"])
    sentence, subject, text = {
        Verdict.APPROVE: (
            "经遴选入选本项目", "申报结果：入选",
            "祝贺贵校入选。平台空间正在开通，开通后会向本邮箱发送首位管理员的邀请。",
        ),
        Verdict.WAITLIST: ("列入候补", "申报结果：候补", "贵校列入候补名单，名额变化时会再通知您，无需重复申报。"),
        Verdict.REJECT: ("未入选", "申报结果：未入选", "很遗憾，贵校本次未入选。可按理由改进后重新申报。"),
    }[Verdict(verdict)]  # fmt: skip
    journal.record(
        verb=f"application.{verdict}", sentence=sentence, subject=application, by=by, note=application.decision_reason
    )
    if verdict == Verdict.APPROVE:
        schools.approve_school(new=_as_new_school(application, slug), by=by, now=now)
    letters.to_applicant(application, subject=subject, text=f"{text}\n\n理由：{application.decision_reason}", now=now)
    return application


def _as_new_school(application: Application, slug: str) -> NewSchool:
    mode = application.mode
    if mode is None:  # submission demands it
        raise WrongState(status=_S(application.status).label)
    return NewSchool(
        name=application.name, kind=application.kind, region=application.region, mode=mode, slug=slug.strip().lower(),
        city=application.city, school_code=application.school_code, credit_code=application.credit_code,
        line_modes={line: m for line, m in application.line_modes.items() if m != "none"},
        students=application.students or 0, staff_count=application.staff_count or 0,
        campuses=application.campuses or 1, application_id=application.pk, admin_name=application.contact_name,
        admin_email=application.contact_email,
    )  # fmt: skip


@transaction.atomic
def reveal_contact(*, application_id: UUID, by: Actor) -> dict[str, str]:
    """The contact's phone and mail in clear; the look is on record. Raises NotAllowed, NotFound."""
    if not policies.can_see_contact(by):
        raise NotAllowed
    application = queries.detail(application_id, by=by)
    journal.record(verb="application.contact_seen", sentence="查看联系方式", subject=application, by=by)
    return {"phone": application.contact_phone, "email": application.contact_email}
