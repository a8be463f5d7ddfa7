"""All writes of findings: the PDCA cycle from opening to closing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from identity.choices import Role
from identity.contracts import Actor
from identity.people import people_of_school
from kernel.errors import DomainError, Invalid, NotAllowed, NotFound
from kernel.tenancy import Tenant
from standards_library.choices import ServiceLine
from tenants.evidence import queries as evidence
from tenants.findings import deadlines, policies
from tenants.findings.choices import (
    BEFORE,
    MOVES,
    UNSOLVED,
    WITH_FIXER,
    FindingSource,
    FindingStatus,
    Severity,
    StepKind,
)
from tenants.findings.models import Finding, SeverityRule, Step, StepPhoto
from tenants.findings.queries import own_party_id
from tenants.notices import operations as notices
from tenants.notices.choices import NoticeKind
from tenants.organisation import queries as organisation
from tenants.timeline import numbers, once
from tenants.timeline.operations import record

REPEAT_WITHIN = timedelta(days=90)  # the same item at the same place found again within this time is 复发
MAX_PHOTOS = 9


class PartyMissing(DomainError):
    code = "party_missing"
    message = _("这条服务条线还没有指定责任单位，请选择责任单位，或请管理员在“服务条线”中设置。")


class PhotoMissing(DomainError):
    code = "photo_missing"
    message = _("请至少上传一张整改后的照片，复查时要与整改前对照。")


class PhotoUnknown(DomainError):
    code = "photo_unknown"
    message = _("有照片没有找到，请重新上传后再提交。")


class SamePhoto(DomainError):
    code = "same_photo"
    message = _("整改后的照片与发现问题时的照片是同一张，请到现场重新拍摄。")


class TooManyPhotos(DomainError):
    code = "too_many_photos"
    message = _("一次最多 9 张照片，请减少后再提交。")


class WrongMove(DomainError):
    code = "finding_wrong_move"
    message = _("该问题当前是“%(status)s”，不能进行这一步，请刷新后查看最新状态。")


class FixerNeverCloses(DomainError):
    code = "fixer_never_closes"
    message = _("参与整改的人和单位不能复查自己的整改，请由发现人或指定的复查人处理。")


class ReasonMissing(DomainError):
    code = "reason_missing"
    message = _("请写明原因，让对方知道差在哪里、下一步怎么做。")


class DeadlinePast(DomainError):
    code = "deadline_past"
    message = _("整改期限必须晚于现在，请重新选择。")


class VerifierUnfit(DomainError):
    code = "verifier_unfit"
    message = _("复查人必须是本校的监管人员、分管领导或管理员，并且没有参与整改。")


def path_of(finding: Finding) -> str:
    """Where a notice about it leads."""
    return f"/findings/{finding.pk}/"


def _locked(finding_id: UUID, by: Actor) -> Finding:
    """The finding under lock, with place and party. Raises NotFound, also for one the actor may not see."""
    finding = (
        Finding.objects.select_for_update(of=("self",)).select_related("party", "place").filter(pk=finding_id).first()
    )
    if finding is None:
        raise NotFound
    if not policies.can_see(by, finding, own_party_id=own_party_id(by)):
        raise NotFound
    return finding


def _move(finding: Finding, to: FindingStatus) -> None:
    if to not in MOVES[FindingStatus(finding.status)]:
        raise WrongMove(status=str(FindingStatus(finding.status).label))
    finding.status = to


def _photos(photo_ids: Sequence[UUID], by: Actor) -> list[UUID]:
    """The ids, checked: they exist in this school and `by` may use them. Raises PhotoUnknown, TooManyPhotos."""
    wanted = list(dict.fromkeys(photo_ids))
    if len(wanted) > MAX_PHOTOS:
        raise TooManyPhotos(field="photos")
    if wanted and evidence.existing(wanted, by=by) != wanted:
        raise PhotoUnknown(field="photos")
    return wanted


def _step(
    finding: Finding, kind: StepKind, *, by: Actor, now: datetime, text: str = "", photos: Sequence[UUID] = ()
) -> Step:
    step = Step.objects.create(
        finding=finding, kind=kind, at=now, account_id=by.account_id, actor_name=by.name, text=text.strip()
    )
    StepPhoto.objects.bulk_create([StepPhoto(step=step, evidence_id=p, position=n) for n, p in enumerate(photos)])
    return step


def _record(finding: Finding, verb: str, sentence: str, by: Actor, **payload: Any) -> None:
    record(
        verb=f"finding.{verb}",
        sentence=f"{finding.number} {sentence}"[:300],
        subject=finding,
        by=by,
        place_id=finding.place_id,
        party_id=finding.party_id,
        **payload,
    )


def _people_of_party(finding: Finding, tenant: Tenant, now: datetime) -> list[UUID]:
    """Managers of the responsible company. A department's people see it on their own page instead."""
    if finding.party.provider_id is None:
        return []
    people = people_of_school(
        school_id=tenant.school_id,
        roles=[Role.PROVIDER_MANAGER],
        today=now.astimezone(tenant.tz).date(),
        provider_id=finding.party.provider_id,
    )
    return [p.account_id for p in people]


def _supervisors(tenant: Tenant, now: datetime) -> list[UUID]:
    today = now.astimezone(tenant.tz).date()
    found = people_of_school(school_id=tenant.school_id, roles=[Role.SCHOOL_SUPERVISOR], today=today)
    found = found or people_of_school(school_id=tenant.school_id, roles=[Role.SCHOOL_ADMIN], today=today)
    return [p.account_id for p in found]


def _verifiers(finding: Finding, tenant: Tenant, now: datetime) -> list[UUID]:
    """Whose turn it is after a fix: the named verifier, else the finder, else the supervisors."""
    if finding.verifier_id:
        return [finding.verifier_id]
    if finding.found_by and finding.found_by not in finding.fixers:
        return [finding.found_by]
    return [a for a in _supervisors(tenant, now) if a not in finding.fixers]


def _tell(
    finding: Finding,
    occasion: str,
    title: str,
    *,
    to: Sequence[UUID],
    by: Actor,
    now: datetime,
    kind: NoticeKind = NoticeKind.TODO,
    text: str = "",
    mail: bool = False,
) -> None:
    notices.notify(
        account_ids=to,
        kind=kind,
        title=f"{title}：{finding.title}",
        text=text or f"{finding.number} · {finding.place.full_name} · {finding.party.name}",
        path=path_of(finding),
        subject=finding,
        occasion=f"finding.{occasion}:{finding.pk}",
        now=now,
        mail=mail,
        besides=by.account_id,
    )


@transaction.atomic
def open_finding(
    *,
    title: str,
    place_id: UUID,
    line: str,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    party_id: UUID | None = None,
    detail: str = "",
    severity: str = Severity.MINOR,
    deadline: datetime | None = None,
    source: str = FindingSource.MANUAL,
    source_id: UUID | None = None,
    rubric_item_id: UUID | None = None,
    requirement_key: str = "",
    edition: str = "",
    occurrences: int = 1,
    veto: bool = False,
    verifier_id: UUID | None = None,
    photo_ids: Sequence[UUID] = (),
    client_key: str = "",
) -> Finding:
    """Open a finding: number, deadline by severity, responsible party by service line unless named.

    Locks the day's number. The same `client_key` again returns the finding it opened the first time.
    Raises NotAllowed, Invalid (title, place, line, severity), PartyMissing, DeadlinePast, PhotoUnknown,
    TooManyPhotos, VerifierUnfit.
    """
    if not policies.can_open(by):
        raise NotAllowed
    claim = once.claim(key=client_key, operation="findings.open", by=by)
    if claim.result_id:
        return Finding.objects.select_related("party", "place").get(pk=claim.result_id)
    title = " ".join(title.split())
    if not 2 <= len(title) <= 120:
        raise Invalid(_("请用 2—120 个字说明问题。"), field="title")
    if line not in ServiceLine.values:
        raise Invalid(_("请选择服务条线。"), field="line")
    if severity not in Severity.values:
        raise Invalid(_("请选择严重程度。"), field="severity")
    if not 1 <= occurrences <= 999:
        raise Invalid(_("处数应在 1—999 之间。"), field="occurrences")
    place = organisation.place(place_id)
    party = organisation.party(party_id) if party_id else organisation.party_of_line(line)
    if party is None or not party.active:
        raise PartyMissing(field="party")
    due = deadline or deadlines.default_deadline(severity=severity, found_at=now)
    if due <= now:
        raise DeadlinePast(field="deadline")
    photos = _photos(photo_ids, by)
    finding = Finding(
        number=numbers.next_number(prefix="WT", day=now.astimezone(tenant.tz).date()),
        title=title,
        detail=detail.strip(),
        source=source,
        source_id=source_id,
        place_id=place.pk,
        party_id=party.pk,
        line=line,
        rubric_item_id=rubric_item_id,
        requirement_key=requirement_key,
        edition=edition,
        occurrences=occurrences,
        severity=severity,
        veto=veto,
        deadline=due,
        found_at=now,
        found_by=by.account_id,
        found_by_name=by.name,
        repeat_of=_earlier(place.pk, rubric_item_id, requirement_key, now),
    )
    finding.place, finding.party = place, party
    if verifier_id is not None:
        finding.verifier_id, finding.verifier_name = verifier_id, _fit_verifier(finding, verifier_id, tenant, now)
    finding.save(force_insert=True)
    _step(finding, StepKind.OPENED, by=by, now=now, text=finding.detail, photos=photos)
    _record(finding, "opened", f"发现问题：{title}", by, severity=severity, deadline=due.isoformat())
    _tell(
        finding,
        "opened",
        "新问题待整改" if not veto else "一票否决问题待整改",
        to=_people_of_party(finding, tenant, now),
        by=by,
        now=now,
        mail=veto or severity == Severity.CRITICAL,
    )
    claim.keep(finding.pk)
    return finding


def _earlier(place_id: UUID, item_id: UUID | None, requirement_key: str, now: datetime) -> Finding | None:
    """The finding this one repeats: same place and same item (or clause), closed not long ago."""
    rows = Finding.objects.filter(
        place_id=place_id, status=FindingStatus.CLOSED, closed_at__gte=now - REPEAT_WITHIN
    ).order_by("-closed_at")
    if item_id:
        return rows.filter(rubric_item_id=item_id).first()
    return rows.filter(requirement_key=requirement_key).first() if requirement_key else None


@transaction.atomic
def start_fix(
    *,
    finding_id: UUID,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    cause: str = "",
    measure: str = "",
    client_key: str = "",
) -> Finding:
    """待整改 → 整改中, with cause and measure if known. Locks the finding. Raises NotFound, NotAllowed, WrongMove."""
    finding = _locked(finding_id, by)
    if once.claim_for(key=client_key, operation="findings.start", by=by, result_id=finding_id):
        return finding
    if finding.status not in WITH_FIXER:
        raise WrongMove(status=str(FindingStatus(finding.status).label))
    if not policies.can_fix(by, finding, own_party_id=own_party_id(by)):
        raise NotAllowed
    _move(finding, FindingStatus.FIXING)
    _fixed_by(finding, by)
    finding.cause, finding.measure = cause.strip()[:300] or finding.cause, measure.strip()[:300] or finding.measure
    finding.save(update_fields=["status", "fixers", "cause", "measure"])
    plan = "；".join(t for t in (cause and f"原因：{cause.strip()}", measure and f"措施：{measure.strip()}") if t)
    _step(finding, StepKind.STARTED, by=by, now=now, text=plan)
    _record(finding, "started", "开始整改", by)
    return finding


def _fixed_by(finding: Finding, by: Actor) -> None:
    if by.account_id is not None and by.account_id not in finding.fixers:
        finding.fixers = [*finding.fixers, by.account_id]


@transaction.atomic
def submit_fix(
    *,
    finding_id: UUID,
    photo_ids: Sequence[UUID],
    by: Actor,
    tenant: Tenant,
    now: datetime,
    text: str = "",
    cause: str = "",
    measure: str = "",
    client_key: str = "",
) -> Finding:
    """Hand in the fix with at least one photo: → 待复查. Locks the finding; the sender can never verify it.

    Raises NotFound, NotAllowed, WrongMove, PhotoMissing, PhotoUnknown, SamePhoto, TooManyPhotos.
    """
    finding = _locked(finding_id, by)
    if once.claim_for(key=client_key, operation="findings.submit", by=by, result_id=finding_id):
        return finding
    if finding.status not in WITH_FIXER:
        raise WrongMove(status=str(FindingStatus(finding.status).label))
    if not policies.can_fix(by, finding, own_party_id=own_party_id(by)):
        raise NotAllowed
    photos = _photos(photo_ids, by)
    if not photos:
        raise PhotoMissing(field="photos")
    before = StepPhoto.objects.filter(step__finding=finding, step__kind__in=BEFORE).values_list(
        "evidence_id", flat=True
    )
    known = evidence.contracts_of([*before, *photos])
    taken_before = {known[i].source_sha256 for i in before if i in known} | {
        known[i].sha256 for i in before if i in known
    }
    if any(known[i].source_sha256 in taken_before or known[i].sha256 in taken_before for i in photos):
        raise SamePhoto(field="photos")
    _move(finding, FindingStatus.VERIFYING)
    _fixed_by(finding, by)
    finding.fixed_by, finding.fixed_by_name = by.account_id, by.name
    ours = policies.answers_for(by, finding, own_party_id=own_party_id(by))
    finding.fixer_provider_id = finding.party.provider_id if ours else by.provider_id
    finding.submitted_at = now
    finding.first_submitted_at = finding.first_submitted_at or now
    finding.cause, finding.measure = cause.strip()[:300] or finding.cause, measure.strip()[:300] or finding.measure
    finding.save()
    _step(finding, StepKind.SUBMITTED, by=by, now=now, text=text, photos=photos)
    _record(finding, "submitted", "提交整改，待复查", by)
    notices.settle(subject=finding, now=now)
    _tell(
        finding, f"submitted:{finding.rejections}:{finding.reopened}", "整改已提交，请复查",
        to=_verifiers(finding, tenant, now), by=by, now=now,
    )  # fmt: skip
    return finding


def _check_verifier(finding: Finding, by: Actor) -> None:
    if finding.status != FindingStatus.VERIFYING:
        raise WrongMove(status=str(FindingStatus(finding.status).label))
    if policies.is_fixer(by, finding, own_party_id=own_party_id(by)):
        raise FixerNeverCloses
    if not policies.can_verify(by, finding, own_party_id=own_party_id(by)):
        raise NotAllowed


@transaction.atomic
def verify_pass(
    *,
    finding_id: UUID,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    text: str = "",
    lesson: str = "",
    photo_ids: Sequence[UUID] = (),
    client_key: str = "",
) -> Finding:
    """待复查 → 已销号, with the verdict. Locks the finding: of two verifiers at once the second is told so.

    Raises NotFound, WrongMove, FixerNeverCloses, NotAllowed, PhotoUnknown.
    """
    finding = _locked(finding_id, by)
    if once.claim_for(key=client_key, operation="findings.pass", by=by, result_id=finding_id):
        return finding
    _check_verifier(finding, by)
    photos = _photos(photo_ids, by)
    _close(finding, by=by, now=now, verdict=text.strip() or "复查合格", lesson=lesson)
    _step(finding, StepKind.PASSED, by=by, now=now, text=finding.verdict, photos=photos)
    _record(finding, "closed", f"复查通过，问题销号：{finding.verdict}", by)
    _tell_closed(finding, tenant, by, now)
    return finding


def _close(finding: Finding, *, by: Actor, now: datetime, verdict: str, lesson: str) -> None:
    _move(finding, FindingStatus.CLOSED)
    finding.closed_at, finding.closed_by, finding.closed_by_name = now, by.account_id, by.name
    finding.closer_provider_id = by.provider_id
    finding.verdict, finding.lesson = verdict[:300], lesson.strip()[:300]
    finding.save()
    notices.settle(subject=finding, now=now)


def _tell_closed(finding: Finding, tenant: Tenant, by: Actor, now: datetime) -> None:
    told = [*_people_of_party(finding, tenant, now), *([finding.found_by] if finding.found_by else [])]
    if finding.fixed_by:
        told.append(finding.fixed_by)
    _tell(finding, f"closed:{finding.reopened}", "问题已销号", to=told, by=by, now=now, kind=NoticeKind.INFO)


@transaction.atomic
def verify_reject(
    *,
    finding_id: UUID,
    reason: str,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    photo_ids: Sequence[UUID] = (),
    client_key: str = "",
) -> Finding:
    """待复查 → 整改中, saying what is still wrong. Locks the finding.

    Raises NotFound, WrongMove, FixerNeverCloses, NotAllowed, ReasonMissing, PhotoUnknown.
    """
    finding = _locked(finding_id, by)
    if once.claim_for(key=client_key, operation="findings.reject", by=by, result_id=finding_id):
        return finding
    _check_verifier(finding, by)
    _reject(finding, reason=reason, photos=_photos(photo_ids, by), by=by, tenant=tenant, now=now)
    return finding


def _reject(finding: Finding, *, reason: str, photos: Sequence[UUID], by: Actor, tenant: Tenant, now: datetime) -> None:
    if not reason.strip():
        raise ReasonMissing(field="reason")
    _move(finding, FindingStatus.FIXING)
    finding.rejections += 1
    finding.submitted_at = None
    finding.save()
    _step(finding, StepKind.REJECTED, by=by, now=now, text=reason, photos=photos)
    _record(finding, "rejected", f"复查退回：{reason.strip()[:200]}", by)
    notices.settle(subject=finding, now=now)
    _tell(
        finding, f"rejected:{finding.rejections}", "复查未通过，请继续整改",
        to=_to_fix_again(finding, tenant, now), by=by, now=now, text=reason.strip(),
    )  # fmt: skip


def _to_fix_again(finding: Finding, tenant: Tenant, now: datetime) -> list[UUID]:
    return [*_people_of_party(finding, tenant, now), *([finding.fixed_by] if finding.fixed_by else [])]


@transaction.atomic
def reopen(
    *,
    finding_id: UUID,
    reason: str,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    deadline: datetime | None = None,
    photo_ids: Sequence[UUID] = (),
    client_key: str = "",
) -> Finding:
    """已销号 → 整改中, because it is there again; a new deadline by severity unless given. Locks the finding.

    Raises NotFound, WrongMove, NotAllowed, ReasonMissing, DeadlinePast, PhotoUnknown.
    """
    finding = _locked(finding_id, by)
    if once.claim_for(key=client_key, operation="findings.reopen", by=by, result_id=finding_id):
        return finding
    if finding.status != FindingStatus.CLOSED:
        raise WrongMove(status=str(FindingStatus(finding.status).label))
    if not policies.can_reopen(by, finding, own_party_id=own_party_id(by)):
        raise NotAllowed
    if not reason.strip():
        raise ReasonMissing(field="reason")
    photos = _photos(photo_ids, by)
    due = deadline or deadlines.default_deadline(severity=finding.severity, found_at=now)
    if due <= now:
        raise DeadlinePast(field="deadline")
    _move(finding, FindingStatus.FIXING)
    finding.reopened += 1
    finding.deadline, finding.escalation = due, 0
    finding.closed_at = finding.closed_by = finding.closer_provider_id = finding.submitted_at = None
    finding.closed_by_name = ""
    finding.save()
    _step(finding, StepKind.REOPENED, by=by, now=now, text=reason, photos=photos)
    _record(finding, "reopened", f"重新打开：{reason.strip()[:200]}", by)
    _tell(
        finding, f"reopened:{finding.reopened}", "问题被重新打开，请整改",
        to=_to_fix_again(finding, tenant, now), by=by, now=now, text=reason.strip(),
    )  # fmt: skip
    return finding


@transaction.atomic
def void(*, finding_id: UUID, reason: str, by: Actor, tenant: Tenant, now: datetime) -> Finding:
    """→ 已作废: it was opened by mistake and counts nowhere. Locks the finding.

    Raises NotFound, WrongMove, NotAllowed, ReasonMissing.
    """
    finding = _locked(finding_id, by)
    if finding.status not in UNSOLVED:
        raise WrongMove(status=str(FindingStatus(finding.status).label))
    if not policies.can_void(by, finding, own_party_id=own_party_id(by)):
        raise NotAllowed
    if not reason.strip():
        raise ReasonMissing(field="reason")
    _move(finding, FindingStatus.VOID)
    finding.save(update_fields=["status"])
    _step(finding, StepKind.VOIDED, by=by, now=now, text=reason)
    _record(finding, "voided", f"作废：{reason.strip()[:200]}", by)
    notices.settle(subject=finding, now=now)
    _tell(
        finding, "voided", "问题已作废", to=_to_fix_again(finding, tenant, now), by=by, now=now,
        kind=NoticeKind.INFO, text=reason.strip(),
    )  # fmt: skip
    return finding


@transaction.atomic
def confirm_on_site(
    *,
    finding_id: UUID,
    solved: bool,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    text: str = "",
    photo_ids: Sequence[UUID] = (),
    client_key: str = "",
) -> Finding:
    """The next inspection of the place looks at an open finding: 已解决 or 仍存在. Locks the finding.

    Solved: it is closed by the verdict of whoever stands there, also when the fixer handed nothing in
    (the fix then counts as seen now). Still there: a handed-in fix is rejected; otherwise the look is
    noted. Raises NotFound, WrongMove (already closed), FixerNeverCloses, NotAllowed, PhotoUnknown.
    """
    finding = _locked(finding_id, by)
    if once.claim_for(key=client_key, operation="findings.confirm", by=by, result_id=finding_id):
        return finding
    if finding.status not in UNSOLVED:
        raise WrongMove(status=str(FindingStatus(finding.status).label))
    if policies.is_fixer(by, finding, own_party_id=own_party_id(by)):
        raise FixerNeverCloses
    if not policies.can_confirm(by, finding, own_party_id=own_party_id(by)):
        raise NotAllowed
    photos = _photos(photo_ids, by)
    if not solved:
        if finding.status == FindingStatus.VERIFYING:
            _reject(finding, reason=text.strip() or "巡查时问题仍存在", photos=photos, by=by, tenant=tenant, now=now)
            return finding
        _step(finding, StepKind.SEEN_AGAIN, by=by, now=now, text=text, photos=photos)
        _record(finding, "seen_again", "巡查时问题仍存在", by)
        return finding
    if finding.status != FindingStatus.VERIFYING:
        finding.status = FindingStatus.VERIFYING
        finding.submitted_at = now
        finding.first_submitted_at = finding.first_submitted_at or now
    _close(finding, by=by, now=now, verdict=text.strip() or "巡查现场确认已解决", lesson="")
    _step(finding, StepKind.SEEN_SOLVED, by=by, now=now, text=finding.verdict, photos=photos)
    _record(finding, "closed", "巡查现场确认已解决，问题销号", by)
    _tell_closed(finding, tenant, by, now)
    return finding


@transaction.atomic
def comment(
    *,
    finding_id: UUID,
    text: str,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    photo_ids: Sequence[UUID] = (),
    client_key: str = "",
) -> Finding:
    """Add words and pictures without moving anything. Raises NotFound, NotAllowed, Invalid, PhotoUnknown."""
    finding = _locked(finding_id, by)
    if once.claim_for(key=client_key, operation="findings.comment", by=by, result_id=finding_id):
        return finding
    if not policies.can_comment(by, finding):
        raise NotAllowed
    if not 1 <= len(text.strip()) <= 1000:
        raise Invalid(_("请填写说明（1000 字以内）。"), field="text")
    _step(finding, StepKind.COMMENTED, by=by, now=now, text=text, photos=_photos(photo_ids, by))
    _record(finding, "commented", f"补充说明：{text.strip()[:120]}", by)
    return finding


def _fit_verifier(finding: Finding, account_id: UUID, tenant: Tenant, now: datetime) -> str:
    """The name of a fit verifier. Raises VerifierUnfit."""
    people = people_of_school(
        school_id=tenant.school_id, roles=policies.OVERSEERS, today=now.astimezone(tenant.tz).date()
    )
    found = next((p for p in people if p.account_id == account_id), None)
    if found is None or account_id in finding.fixers:
        raise VerifierUnfit(field="verifier")
    return found.name


@transaction.atomic
def assign_verifier(*, finding_id: UUID, verifier_id: UUID | None, by: Actor, tenant: Tenant, now: datetime) -> Finding:
    """Name who verifies, or nobody in particular (None). Locks the finding. Raises NotFound, NotAllowed, VerifierUnfit."""
    finding = _locked(finding_id, by)
    if not policies.can_manage(by, finding, own_party_id=own_party_id(by)):
        raise NotAllowed
    if finding.verifier_id == verifier_id:
        return finding
    finding.verifier_name = _fit_verifier(finding, verifier_id, tenant, now) if verifier_id else ""
    finding.verifier_id = verifier_id
    finding.save(update_fields=["verifier_id", "verifier_name"])
    said = f"指定复查人：{finding.verifier_name}" if verifier_id else "取消指定复查人"
    _step(finding, StepKind.ASSIGNED, by=by, now=now, text=said)
    _record(finding, "verifier_assigned", said, by)
    if verifier_id:
        _tell(
            finding, f"verifier:{verifier_id}:{now.isoformat()}", "您被指定为复查人",
            to=[verifier_id], by=by, now=now,
            kind=NoticeKind.TODO if finding.status == FindingStatus.VERIFYING else NoticeKind.INFO,
        )  # fmt: skip
    return finding


@transaction.atomic
def change_deadline(
    *, finding_id: UUID, deadline: datetime, reason: str, by: Actor, tenant: Tenant, now: datetime
) -> Finding:
    """Move the deadline, saying why; escalation starts over. Locks the finding.

    Raises NotFound, NotAllowed, DeadlinePast, ReasonMissing.
    """
    finding = _locked(finding_id, by)
    if not policies.can_manage(by, finding, own_party_id=own_party_id(by)):
        raise NotAllowed
    if deadline <= now:
        raise DeadlinePast(field="deadline")
    if not reason.strip():
        raise ReasonMissing(field="reason")
    old = finding.deadline
    finding.deadline, finding.escalation = deadline, 0
    finding.save(update_fields=["deadline", "escalation"])
    said = f"{old.astimezone(tenant.tz):%Y-%m-%d %H:%M} → {deadline.astimezone(tenant.tz):%Y-%m-%d %H:%M}：{reason.strip()}"
    _step(finding, StepKind.DEADLINE, by=by, now=now, text=said)
    _record(finding, "deadline_changed", f"调整期限 {said}"[:280], by, old=old.isoformat(), new=deadline.isoformat())
    _tell(
        finding, f"deadline:{deadline.isoformat()}", "整改期限已调整",
        to=_people_of_party(finding, tenant, now), by=by, now=now, kind=NoticeKind.INFO, text=said,
    )  # fmt: skip
    return finding


@transaction.atomic
def escalate(*, finding_id: UUID, tenant: Tenant, now: datetime) -> int:
    """Tell the next level about one overdue finding; returns the level reached. Locks the finding.

    Level 1 (past the deadline): verifier or finder, supervisors, and the responsible company.
    Level 2 (past it by the severity's `leader_after_hours`): the leaders. Told levels are not told again.
    """
    finding = Finding.objects.select_for_update(of=("self",)).select_related("party", "place").get(pk=finding_id)
    due = due_level(finding, deadlines.rules()[finding.severity], now)
    if due <= finding.escalation:
        return finding.escalation
    system = Actor.system(tenant.school_id)
    today = now.astimezone(tenant.tz).date()
    late = max(1, int((now - finding.deadline).total_seconds() // 3600))
    for level in range(finding.escalation + 1, due + 1):
        if level == 1:
            watch = [i for i in (finding.verifier_id, finding.found_by) if i]
            told = [*watch, *_supervisors(tenant, now), *_people_of_party(finding, tenant, now)]
        else:
            leaders = people_of_school(school_id=tenant.school_id, roles=[Role.SCHOOL_LEADER], today=today)
            told = [p.account_id for p in leaders]
        said = f"超期 {late} 小时，升级提醒{'监管人员' if level == 1 else '分管领导'}"
        _step(finding, StepKind.ESCALATED, by=system, now=now, text=said)
        _record(finding, "escalated", said, system, level=level)
        _tell(
            finding, f"escalated:{level}:{finding.deadline.isoformat()}", f"整改超期 {late} 小时",
            to=told, by=system, now=now, kind=NoticeKind.LATE, mail=True,
        )  # fmt: skip
    finding.escalation = due
    finding.save(update_fields=["escalation"])
    return due


def due_level(finding: Finding, rule: deadlines.Rule, now: datetime) -> int:
    """Which level should know by now: 0 in time or out of the fixer's hands, 1 late, 2 late for long."""
    if finding.status not in WITH_FIXER or finding.deadline > now:
        return 0
    return 2 if now - finding.deadline >= timedelta(hours=rule.leader_after_hours) else 1


def escalate_overdue(*, tenant: Tenant, now: datetime) -> int:
    """The sweep: escalate every finding that is later than what was told. Each in its own transaction."""
    rules = deadlines.rules()
    late = Finding.objects.filter(status__in=WITH_FIXER, deadline__lte=now, escalation__lt=2).order_by("deadline")
    todo = [f.pk for f in late if due_level(f, rules[f.severity], now) > f.escalation]
    for finding_id in todo:
        escalate(finding_id=finding_id, tenant=tenant, now=now)
    return len(todo)


@transaction.atomic
def set_rule(*, severity: str, hours: int, leader_after_hours: int, by: Actor, tenant: Tenant) -> SeverityRule:
    """The school's own deadline for a severity; findings already open keep theirs. Raises NotAllowed, Invalid."""
    if not policies.can_configure(by):
        raise NotAllowed
    if severity not in Severity.values:
        raise Invalid(field="severity")
    if not 1 <= hours <= 24 * 90:
        raise Invalid(_("整改时限应在 1 小时到 90 天之间。"), field="hours")
    if not 0 <= leader_after_hours <= 24 * 90:
        raise Invalid(_("升级时间应在 0 小时到 90 天之间。"), field="leader_after_hours")
    rule, _made = SeverityRule.objects.update_or_create(
        severity=severity, defaults={"hours": hours, "leader_after_hours": leader_after_hours}
    )
    record(
        verb="finding_rule.changed",
        sentence=f"整改时限：{Severity(severity).label} {hours} 小时，超期 {leader_after_hours} 小时后升级",
        subject=rule,
        by=by,
    )
    return rule
