"""Certificates of people: registering, changing, and telling in time that one ends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q

from identity import queries as identity
from identity.choices import Role
from identity.contracts import Actor
from kernel.errors import Invalid, NotAllowed, NotFound
from kernel.tenancy import Tenant
from tenants.evidence import queries as evidence
from tenants.notices import operations as notices
from tenants.notices.choices import NoticeKind
from tenants.organisation import certificates, policies
from tenants.organisation.choices import CertificateKind, StaffStatus
from tenants.organisation.errors import CertificateDates, CertificateTaken, ScanUnknown, StaffGone
from tenants.organisation.models import Certificate, CertificateNotice, Party, Staff
from tenants.timeline import operations as timeline

LEDGER = "/organisation/certificates/"


@transaction.atomic
def add_certificate(
    *,
    staff_id: UUID,
    kind: str,
    number: str,
    issued_on: date,
    review_on: date | None = None,
    expires_on: date | None = None,
    scan_id: UUID | None = None,
    by: Actor,
    tenant: Tenant,
) -> Certificate:
    """Register a certificate of a working person.

    Each date not given follows from the day of issue by the rule of its kind (certificates.completed).
    `scan_id` is evidence the actor may read. Raises NotAllowed, NotFound, StaffGone, CertificateTaken,
    CertificateDates, ScanUnknown.
    """
    if not policies.can_manage(by):
        raise NotAllowed
    person = Staff.objects.select_for_update(of=("self",)).filter(pk=staff_id).first()
    if person is None:
        raise NotFound
    if person.status == StaffStatus.LEFT:
        raise StaffGone(name=person.name)
    number = _check(kind, number, issued_on, review_on, expires_on)
    review_on, expires_on = certificates.completed(kind, issued_on, review_on, expires_on)
    row = Certificate.objects.create(
        staff=person, kind=kind, number=number, issued_on=issued_on, review_on=review_on, expires_on=expires_on,
        scan_id=_scan(scan_id, by),
    )  # fmt: skip
    _record("added", f"登记员工（工号 {person.number}）的{row.get_kind_display()}", row, person, by)
    return row


@transaction.atomic
def change_certificate(
    *,
    certificate_id: UUID,
    kind: str,
    number: str,
    issued_on: date,
    review_on: date | None = None,
    expires_on: date | None = None,
    scan_id: UUID | None = None,
    without_review: bool = False,
    without_end: bool = False,
    reason: str = "",
    by: Actor,
    tenant: Tenant,
    now: datetime | None = None,
) -> Certificate:
    """Change a certificate, for example after its review; without `scan_id` the scan stays. Locks it.

    A date left out stays as it is; where kind or day of issue changed (another card) the rule of the kind proposes it.
    What was limited becomes unlimited only by saying so (`without_review`, `without_end`) with a reason, which stands on
    the timeline with the dates before and after. A later end takes back what its holder was asked to do.
    Raises as add_certificate, and Invalid.
    """
    if not policies.can_manage(by):
        raise NotAllowed
    row = _locked(certificate_id)
    before, was = certificates.last_day(row), _dates(row)
    _check_year(issued_on)
    review_on, expires_on = _kept(row, kind, issued_on, review_on, expires_on, without_review, without_end)
    reason = " ".join(reason.split())
    if ((row.review_on and not review_on) or (row.expires_on and not expires_on)) and not 4 <= len(reason) <= 100:
        raise Invalid("取消复审日期或有效期，请写明原因（4 到 100 字）。", field="reason")
    row.number = _check(kind, number, issued_on, review_on, expires_on, but=row.pk)
    row.kind, row.issued_on, row.review_on, row.expires_on = kind, issued_on, review_on, expires_on
    row.scan_id = _scan(scan_id, by) or row.scan_id
    row.save()
    if now is not None and certificates.last_day(row) != before:
        notices.settle(subject=row, now=now)
    dates = f"：{was} → {_dates(row)}" if _dates(row) != was else ""
    why = f"（{reason}）" if reason else ""
    _record("changed", f"更新员工（工号 {row.staff.number}）的{row.get_kind_display()}{dates}{why}", row, row.staff, by)
    return row


def _dates(row: Certificate) -> str:
    return f"复审 {row.review_on or '无'}、有效期至 {row.expires_on or '长期'}"


def _kept(
    row: Certificate, kind: str, issued_on: date, review_on: date | None, expires_on: date | None,
    without_review: bool, without_end: bool,
) -> tuple[date | None, date | None]:  # fmt: skip
    """(review, end) after a change: what is given, what is dropped on purpose, else what stands or the rule proposes."""
    if (without_review and review_on) or (without_end and expires_on):
        raise Invalid("填了日期就不要勾选“不需要复审”或“长期有效”。", field="review_on" if review_on else "expires_on")
    if (kind, issued_on) != (row.kind, row.issued_on):
        proposed = certificates.completed(kind, issued_on, review_on, expires_on)
    else:
        proposed = (review_on or row.review_on, expires_on or row.expires_on)
    review, end = (None if without_review else proposed[0]), (None if without_end else proposed[1])
    if row.review_on and not review and not without_review:
        raise Invalid("原证有复审日期：请填写这张证的复审日期，或勾选“不需要复审”并写明原因。", field="review_on")
    if row.expires_on and not end and not without_end:
        raise Invalid("原证有有效期：请填写这张证的有效期，或勾选“长期有效”并写明原因。", field="expires_on")
    return review, end


@transaction.atomic
def remove_certificate(*, certificate_id: UUID, by: Actor, tenant: Tenant) -> None:
    """Delete a certificate entered by mistake. Raises NotAllowed, NotFound."""
    if not policies.can_manage(by):
        raise NotAllowed
    row = _locked(certificate_id)
    _record("removed", f"删除员工（工号 {row.staff.number}）的{row.get_kind_display()}（登记有误）", row, row.staff, by)
    row.delete()


def _locked(certificate_id: UUID) -> Certificate:
    row = Certificate.objects.select_for_update(of=("self",)).select_related("staff").filter(pk=certificate_id).first()
    if row is None:
        raise NotFound
    return row


def _check(
    kind: str, number: str, issued_on: date, review_on: date | None, expires_on: date | None, *, but: UUID | None = None
) -> str:
    number = number.strip()
    if kind not in CertificateKind.values:
        raise Invalid("请选择证书类别。", field="kind")
    if not number or len(number) > 60:
        raise Invalid("请填写证书编号，最多 60 位。", field="number")
    _check_year(issued_on)
    if any(d is not None and d <= issued_on for d in (review_on, expires_on)):
        raise CertificateDates(field="expires_on")
    other = Certificate.objects.filter(kind=kind, number=number).exclude(Q(pk=but)).select_related("staff").first()
    if other:
        raise CertificateTaken(field="number", kind=CertificateKind(kind).label, name=other.staff.name)
    return number


def _check_year(issued_on: date) -> None:
    if not 1950 <= issued_on.year <= 2099:
        raise Invalid("发证日期应在 1950 年到 2099 年之间，请检查年份。", field="issued_on")


def _scan(scan_id: UUID | None, by: Actor) -> UUID | None:
    if scan_id is not None and not evidence.existing([scan_id], by=by):
        raise ScanUnknown(field="scan")
    return scan_id


def _record(verb: str, sentence: str, row: Certificate, person: Staff, by: Actor) -> None:
    timeline.record(
        verb=f"certificate.{verb}", sentence=sentence, subject=person, by=by, party_id=person.party_id,
        certificate_id=str(row.pk),
    )  # fmt: skip


# --- Telling in time -----------------------------------------------------------------------------------


@transaction.atomic
def tell_ending_certificates(*, tenant: Tenant, now: datetime) -> int:
    """Tell the person, their company and the school that certificates end: 90, 60, 30 and 7 days ahead, and once after.

    Each stage of an end is told once, and only the nearest: after a week of downtime nobody gets two. The person is
    told of their own; company and school get one notice a day for all. Only the certificate of a kind that lasts
    longest counts, so a renewed one is silent. Run daily by beat; safe to run twice at once (advisory lock).
    Returns how many certificates were told of.
    """
    today = now.astimezone(tenant.tz).date()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"certificates|{tenant.schema}"])
    due = [(row, last, stage) for row, last, stage in _ending(today) if stage is not None]
    told = set(
        CertificateNotice.objects.filter(certificate__in=[row.pk for row, _last, _stage in due]).values_list(
            "certificate_id", "last_day", "stage"
        )
    )
    fresh = [(row, last, stage) for row, last, stage in due if (row.pk, last, stage) not in told]
    CertificateNotice.objects.bulk_create(
        [CertificateNotice(certificate=row, last_day=last, stage=stage, told_at=now) for row, last, stage in fresh]
    )
    for row, last, stage in fresh:
        if row.staff.account_id:
            _tell_person(row, last, stage, now)
    _tell_companies(fresh, tenant=tenant, today=today, now=now)
    _tell_school(fresh, tenant=tenant, today=today, now=now)
    return len(fresh)


Due = tuple[Certificate, date, int]


def _ending(today: date) -> list[tuple[Certificate, date, int | None]]:
    """Of each working person and kind the certificate that lasts longest, if its end is near or past."""
    rows = Certificate.objects.filter(staff__status=StaffStatus.ACTIVE).select_related("staff", "staff__party")
    best: dict[tuple[UUID, str], Certificate] = {}
    for row in rows:
        key = (row.staff_id, row.kind)
        if key not in best or (certificates.last_day(row) or date.max) > (certificates.last_day(best[key]) or date.max):
            best[key] = row
    ends = [(row, certificates.last_day(row)) for row in best.values()]
    return [(row, last, certificates.stage_of(last, today)) for row, last in ends if last is not None]


def _words(row: Certificate, last: date, stage: int) -> str:
    what = "复审" if row.review_on == last and row.expires_on != last else "到期"
    label = row.get_kind_display()
    if stage == 0:
        return f"{label}已{'过复审期' if what == '复审' else '过期'}（{last.isoformat()}）"
    return f"{label} {last.isoformat()} {'前须复审' if what == '复审' else '到期'}（{stage} 天内）"


def _tell_person(row: Certificate, last: date, stage: int, now: datetime) -> None:
    account_id = row.staff.account_id
    assert account_id is not None
    notices.notify(
        account_ids=[account_id],
        kind=NoticeKind.LATE if stage == 0 else NoticeKind.TODO,
        title=f"您的{_words(row, last, stage)}",
        text="请尽快办理，并把新证交给管理员登记。过期后不能排到需要此证的岗位。",
        path=f"/organisation/staff/{row.staff_id}/",
        subject=row,
        occasion=f"certificate:{row.pk}:{last.isoformat()}:{stage}",
        now=now,
        mail=True,
    )


def _summary(fresh: Iterable[Due]) -> tuple[str, str]:
    """Title and text for many; people by work number, for notices outlive what must be forgotten."""
    rows = sorted(fresh, key=lambda due: (due[1], due[0].staff.number))
    gone = sum(1 for _row, _last, stage in rows if stage == 0)
    parts = [f"{len(rows) - gone} 份证书将到期或需复审"] if len(rows) > gone else []
    parts += [f"{gone} 份证书已失效"] if gone else []
    lines = [
        f"工号 {row.staff.number}（{row.staff.party.name}）{_words(row, last, stage)}" for row, last, stage in rows[:5]
    ]
    return "，".join(parts), "；".join(lines) + (f"；等 {len(rows)} 份" if len(rows) > 5 else "")


def _tell_companies(fresh: list[Due], *, tenant: Tenant, today: date, now: datetime) -> None:
    mine: dict[UUID, list[Due]] = defaultdict(list)
    for due in fresh:
        party = due[0].staff.party
        if party.provider_id:
            mine[party.provider_id].append(due)
    if not mine:
        return
    managers: dict[UUID, list[UUID]] = defaultdict(list)
    for member in identity.members_with_role(tenant.school_id, Role.PROVIDER_MANAGER, today=today):
        if member.provider_id:
            managers[member.provider_id].append(member.account_id)
    for provider_id, dues in mine.items():
        if managers[provider_id]:
            _tell(managers[provider_id], dues, subject=dues[0][0].staff.party, today=today, now=now)


def _tell_school(fresh: list[Due], *, tenant: Tenant, today: date, now: datetime) -> None:
    office = identity.members_with_role(tenant.school_id, Role.SCHOOL_ADMIN, Role.SCHOOL_SUPERVISOR, today=today)
    if fresh:
        _tell([m.account_id for m in office], fresh, subject=fresh[0][0].staff.party, today=today, now=now)


def _tell(account_ids: list[UUID], dues: list[Due], *, subject: Party, today: date, now: datetime) -> None:
    title, text = _summary(dues)
    notices.notify(
        account_ids=account_ids,
        kind=NoticeKind.LATE if any(stage == 0 for _row, _last, stage in dues) else NoticeKind.TODO,
        title=title,
        text=text,
        path=LEDGER,
        subject=subject,
        occasion=f"certificates:{today.isoformat()}",
        now=now,
        mail=True,
    )
