"""People. Numbers are sealed before they reach the database.

Events name people by work number only: the timeline is append-only, so what must be forgotten one
day (name, phone, ID card) never enters it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from identity import operations as identity
from identity.contracts import Actor, Credential, StaffLogin
from kernel.crypto import unseal
from kernel.errors import Invalid, NotAllowed, NotFound
from kernel.tenancy import Tenant
from tenants.evidence import operations as evidence
from tenants.organisation import personal, policies, queries
from tenants.organisation.choices import StaffStatus
from tenants.organisation.errors import (
    AlreadyForgotten,
    ForgetTooEarly,
    IdCardTaken,
    IdCardWrong,
    LeftBeforeHired,
    LoginNotShared,
    Nothing,
    PartyClosed,
    PhoneWrong,
    PostElsewhere,
    StaffGone,
    StaffNumberTaken,
)
from tenants.organisation.models import Certificate, Party, Post, Staff
from tenants.organisation.pinyin import pinyin_key
from tenants.timeline import operations as timeline

KEEP_AFTER_LEAVING = timedelta(days=180)  # then personal data go (PIPL art. 47: purpose achieved); see forget_due
PARTED_AT = time(12)  # of the day after the last one: a night shift of the last day ends with a punch of its own
FORGOTTEN_NAME = "已删除"


def _clean_words(number: str, name: str) -> tuple[str, str]:
    number, name = number.strip(), " ".join(name.split())
    if not number or len(number) > 30:
        raise Invalid("请填写工号，最多 30 位。", field="number")
    if not name or len(name) > 40:
        raise Invalid("请填写姓名，最多 40 字。", field="name")
    return number, name


def _party_and_post(party_id: UUID, post_id: UUID | None) -> tuple[Party, Post | None]:
    party = queries.party(party_id)
    if not party.active:
        raise PartyClosed(field="party", name=party.name)
    if post_id is None:
        return party, None
    post = Post.objects.filter(pk=post_id, active=True).first()
    if post is None:
        raise NotFound
    if post.party_id != party.pk:
        raise PostElsewhere(field="post", post=post.name, party=party.name)
    return party, post


def _phone(text: str) -> str:
    try:
        return personal.clean_phone(text) if text.strip() else ""
    except personal.BadPhone as wrong:
        raise PhoneWrong(field="phone", reason=str(wrong)) from wrong


def _id_card(text: str) -> str:
    try:
        return personal.clean_id_card(text) if text.strip() else ""
    except personal.BadIdCard as wrong:
        raise IdCardWrong(field="id_card", reason=str(wrong)) from wrong


def _check_unique(number: str, id_card_index: str | None, *, but: UUID | None = None) -> None:
    other = Staff.objects.filter(number=number).exclude(Q(pk=but)).first()
    if other:
        raise StaffNumberTaken(field="number", number=number, name=other.name)
    if id_card_index:
        same = Staff.objects.filter(id_card_index=id_card_index).exclude(Q(pk=but)).first()
        if same:
            raise IdCardTaken(field="id_card", number=same.number, name=same.name)


def _locked(staff_id: UUID) -> Staff:
    person = Staff.objects.select_for_update(of=("self",)).select_related("party").filter(pk=staff_id).first()
    if person is None:
        raise NotFound
    return person


@transaction.atomic
def add_staff(
    *,
    number: str,
    name: str,
    party_id: UUID,
    post_id: UUID | None = None,
    phone: str = "",
    id_card: str = "",
    hired_on: date | None = None,
    by: Actor,
    tenant: Tenant,
) -> Staff:
    """Add a person to a party. Phone and ID card are checked, sealed, and kept masked.

    Raises NotAllowed, NotFound, PartyClosed, PostElsewhere, StaffNumberTaken, IdCardTaken, PhoneWrong, IdCardWrong.
    """
    if not policies.can_manage(by):
        raise NotAllowed
    number, name = _clean_words(number, name)
    party, post = _party_and_post(party_id, post_id)
    id_columns = personal.sealed_id_card(_id_card(id_card), schema=tenant.schema)
    _check_unique(number, id_columns["id_card_index"])
    person = Staff.objects.create(
        number=number,
        name=name,
        pinyin=pinyin_key(name, 120),
        party=party,
        post=post,
        hired_on=hired_on,
        **personal.sealed_phone(_phone(phone), schema=tenant.schema),
        **id_columns,
    )
    timeline.record(
        verb="staff.added",
        sentence=f"新增员工（工号 {number}），{party.name}",
        subject=person,
        by=by,
        party_id=party.pk,
    )
    return person


@transaction.atomic
def change_staff(
    *,
    staff_id: UUID,
    number: str,
    name: str,
    party_id: UUID,
    post_id: UUID | None = None,
    phone: str | None = None,
    id_card: str | None = None,
    hired_on: date | None = None,
    now: datetime,
    by: Actor,
    tenant: Tenant,
) -> Staff:
    """Change a working person. `phone` and `id_card`: None keeps what is there, "" removes it.

    Locks the person. Raises as add_staff, and StaffGone.
    """
    if not policies.can_manage(by):
        raise NotAllowed
    person = _locked(staff_id)
    if person.status == StaffStatus.LEFT:
        raise StaffGone(name=person.name)
    number, name = _clean_words(number, name)
    party, post = _party_and_post(party_id, post_id)
    columns: dict[str, object] = {}
    if phone is not None:
        columns |= personal.sealed_phone(_phone(phone), schema=tenant.schema)
    if id_card is not None:
        columns |= personal.sealed_id_card(_id_card(id_card), schema=tenant.schema)
    _check_unique(number, str(columns.get("id_card_index") or "") or None, but=person.pk)
    columns |= {"number": number, "name": name, "pinyin": pinyin_key(name, 120), "hired_on": hired_on}
    plain = ("number", "name", "hired_on")
    changed = [c for c in plain if getattr(person, c) != columns[c]]
    changed += [c for c, given in (("phone", phone), ("id_card", id_card)) if given is not None]
    changed += [
        c for c, now in (("party", party.pk), ("post", post.pk if post else None)) if getattr(person, f"{c}_id") != now
    ]
    if "hired_on" in changed:
        columns["employment_changed_at"] = now
    for column, value in {**columns, "party": party, "post": post}.items():
        setattr(person, column, value)
    person.save()
    timeline.record(
        verb="staff.changed",
        sentence=f"修改员工（工号 {number}）的资料",
        subject=person,
        by=by,
        party_id=party.pk,
        changed=changed,
    )
    return person


@transaction.atomic
def leave(*, staff_id: UUID, left_on: date, now: datetime, by: Actor, tenant: Tenant) -> Staff:
    """A person leaves: the post is free again, the login ends, and in 180 days their personal data are deleted.

    `left_on` is the last day of work. One that is over ends everything at once. Today or later only states it: the
    person works, punches and signs in until then, no roster is made beyond it, and `part_due` does the rest. Said
    again it moves the day. Locks the person. Raises NotAllowed, NotFound, StaffGone, LeftBeforeHired.
    """
    if not policies.can_manage(by):
        raise NotAllowed
    person = _locked(staff_id)
    if person.status == StaffStatus.LEFT:
        raise StaffGone(name=person.name)
    if person.hired_on and left_on < person.hired_on:
        raise LeftBeforeHired(field="left_on")
    over = left_on < now.astimezone(tenant.tz).date()
    person.left_on, person.employment_changed_at = left_on, now
    person.forget_on = left_on + KEEP_AFTER_LEAVING
    person.save(update_fields=["left_on", "employment_changed_at", "forget_on"])
    timeline.record(
        verb="staff.left" if over else "staff.leaving",
        sentence=f"员工（工号 {person.number}）{'离职' if over else f'将于 {left_on} 离职'}，个人信息将于 {person.forget_on} 删除",
        subject=person,
        by=by,
        party_id=person.party_id,
        left_on=left_on.isoformat(),
    )
    if over:
        _part(person, now=now, by=by, tenant=tenant)
    return person


def _part(person: Staff, *, now: datetime, by: Actor, tenant: Tenant) -> None:
    person.status = StaffStatus.LEFT
    person.save(update_fields=["status"])
    identity.close_staff_access(staff_ids=[person.pk], tenant=tenant, by=by, now=now)


@transaction.atomic
def part(*, staff_id: UUID, now: datetime, by: Actor, tenant: Tenant) -> Staff:
    """The last day of a person is over (until noon of the next, so that a night shift can end): the login ends, and
    what hangs on the status (templates of the face) goes. Locks the person. Twice, or too early, does nothing.
    """
    if not policies.can_manage(by):
        raise NotAllowed
    person = _locked(staff_id)
    if person.status == StaffStatus.LEFT or person.left_on is None or not _over(person.left_on, now, tenant):
        return person
    _part(person, now=now, by=by, tenant=tenant)
    timeline.record(
        verb="staff.left",
        sentence=f"员工（工号 {person.number}）离职，登录已关闭",
        subject=person,
        by=by,
        party_id=person.party_id,
        left_on=person.left_on.isoformat(),
    )
    return person


def _over(left_on: date, now: datetime, tenant: Tenant) -> bool:
    return now >= datetime.combine(left_on + timedelta(days=1), PARTED_AT, tenant.tz)


def part_due(*, now: datetime, tenant: Tenant) -> int:
    """Part with all whose last day is over; returns how many. Each in its own transaction."""
    today = now.astimezone(tenant.tz).date()
    rows = Staff.objects.filter(status=StaffStatus.ACTIVE, left_on__lt=today).values_list("pk", "left_on")
    due = [pk for pk, left_on in rows if left_on and _over(left_on, now, tenant)]
    for staff_id in due:
        part(staff_id=staff_id, now=now, by=Actor.system(tenant.school_id), tenant=tenant)
    return len(due)


@transaction.atomic
def bring_back(
    *, staff_id: UUID, party_id: UUID, post_id: UUID | None = None, now: datetime, by: Actor, tenant: Tenant
) -> Staff:
    """A person who left works here again, before their data were deleted; one who was to leave stays. Locks the person.

    Raises NotAllowed, NotFound, AlreadyForgotten, PartyClosed, PostElsewhere.
    """
    if not policies.can_manage(by):
        raise NotAllowed
    person = _locked(staff_id)
    if person.forgotten_at:
        raise AlreadyForgotten
    if person.status == StaffStatus.ACTIVE and person.left_on is None:
        return person
    had_left = person.status == StaffStatus.LEFT
    person.party, person.post = _party_and_post(party_id, post_id)
    person.status, person.left_on, person.forget_on = StaffStatus.ACTIVE, None, None
    person.employment_changed_at = now
    person.save(update_fields=["party", "post", "status", "left_on", "forget_on", "employment_changed_at"])
    if had_left:
        identity.reopen_staff_access(staff_id=person.pk, tenant=tenant, by=by)
    timeline.record(
        verb="staff.returned",
        sentence=f"员工（工号 {person.number}）{'返岗' if had_left else '不再离职，继续在岗'}",
        subject=person,
        by=by,
        party_id=person.party_id,
    )
    return person


@transaction.atomic
def forget(*, staff_id: UUID, now: datetime, by: Actor, tenant: Tenant) -> Staff:
    """Delete a left person's name, phone, ID card and certificates; the work number stays so that history adds up.

    Locks the person. Raises NotAllowed, NotFound, ForgetTooEarly. Twice does nothing.
    """
    if not policies.can_manage(by):
        raise NotAllowed
    person = _locked(staff_id)
    if person.status != StaffStatus.LEFT:
        raise ForgetTooEarly
    if person.forgotten_at:
        return person
    columns = {
        "name": FORGOTTEN_NAME,
        "pinyin": "",
        "account_id": None,
        "forgotten_at": now,
        **personal.sealed_phone("", schema=tenant.schema),
        **personal.sealed_id_card("", schema=tenant.schema),
    }
    for column, value in columns.items():
        setattr(person, column, value)
    person.save(update_fields=list(columns))
    held = Certificate.objects.filter(staff=person)
    evidence.erase(evidence_ids=[c.scan_id for c in held if c.scan_id], by=by)
    held.delete()
    identity.forget_staff_account(staff_id=person.pk, tenant=tenant, by=by)
    timeline.record(
        verb="staff.forgotten",
        sentence=f"工号 {person.number} 的个人信息已删除",
        subject=person,
        by=by,
        party_id=person.party_id,
    )
    return person


def forget_due(*, now: datetime, tenant: Tenant, limit: int = 500) -> int:
    """Forget all whose day has come (school's calendar); returns how many. Each in its own transaction."""
    today = now.astimezone(tenant.tz).date()
    due = Staff.objects.filter(status=StaffStatus.LEFT, forgotten_at__isnull=True, forget_on__lte=today)
    ids = list(due.values_list("pk", flat=True)[:limit])
    for staff_id in ids:
        forget(staff_id=staff_id, now=now, by=Actor.system(tenant.school_id), tenant=tenant)
    return len(ids)


@transaction.atomic
def reveal(*, staff_id: UUID, what: str, by: Actor, tenant: Tenant) -> str:
    """Return the phone or ID-card number in clear; who looked stands on the timeline. `what`: "phone", "id_card".

    Raises NotAllowed, NotFound, Nothing (none registered).
    """
    person = queries.staff_member(staff_id, by=by)
    if not policies.can_reveal(by, person):
        raise NotAllowed
    columns = {
        "phone": (person.phone_sealed, personal.PHONE, "电话"),
        "id_card": (person.id_card_sealed, personal.ID_CARD, "身份证号"),
    }
    if what not in columns:
        raise Invalid("只能查看电话或身份证号。", field="what")
    sealed, context, label = columns[what]
    if not sealed:
        raise Nothing
    timeline.record(
        verb="staff.revealed",
        sentence=f"查看了员工（工号 {person.number}）的完整{label}",
        subject=person,
        by=by,
        party_id=person.party_id,
        what=what,
    )
    return unseal(sealed, schema=tenant.schema, context=context)


@transaction.atomic
def open_logins(*, staff_ids: Sequence[UUID], now: datetime, by: Actor, tenant: Tenant) -> list[Credential]:
    """Open frontline logins for working people who have none: login name and initial password, told once.

    Set-based for any number of people; those with a login are left out. Locks the people. Raises NotAllowed.
    """
    if not policies.can_manage(by):
        raise NotAllowed
    people = list(
        Staff.objects.select_for_update(of=("self",))
        .filter(pk__in=staff_ids, status=StaffStatus.ACTIVE, account_id__isnull=True)
        .order_by("number")
    )
    if not people:
        return []
    logins = [StaffLogin(staff_id=p.pk, name=p.name, number=p.number) for p in people]
    credentials = identity.open_accounts(staff=logins, tenant=tenant, by=by, now=now)
    accounts = {c.staff_id: c.account_id for c in credentials}
    opened = [p for p in people if p.pk in accounts]
    for person in opened:
        person.account_id = accounts[person.pk]
    Staff.objects.bulk_update(opened, ["account_id"], batch_size=500)
    if opened:
        timeline.record(
            verb="staff.logins_opened",
            sentence=f"为 {len(opened)} 名员工开通登录账号",
            subject=opened[0],
            by=by,
            count=len(opened),
            numbers=[p.number for p in opened[:500]],
        )
    return credentials


@transaction.atomic
def share_login(*, staff_id: UUID, number: str, by: Actor, tenant: Tenant, now: datetime) -> Staff:
    """Let one person's further row use the login of the row with that work number: one who works for two parties
    signs in once. The row must have no login of its own, and both bear one name. Locks the person.

    Raises NotAllowed, NotFound, StaffGone, LoginNotShared.
    """
    if not policies.can_manage(by):
        raise NotAllowed
    person = _locked(staff_id)
    if person.status == StaffStatus.LEFT:
        raise StaffGone(name=person.name)
    number = number.strip()
    other = Staff.objects.filter(number=number).exclude(pk=staff_id).first()
    why = _not_shared(person, other)
    if why or other is None or other.account_id is None:
        raise LoginNotShared(field="number", number=number or "（空）", why=why)
    identity.share_account(account_id=other.account_id, staff_id=staff_id, tenant=tenant, by=by, now=now)
    return link_account(staff_id=staff_id, account_id=other.account_id, by=by, tenant=tenant)


def _not_shared(person: Staff, other: Staff | None) -> str:
    if other is None:
        return "不在员工名单里，请核对工号。"
    if person.account_id is not None:
        return "不能关联：这名员工已经有登录账号。"
    if other.name != person.name:
        return f"是「{other.name}」，与「{person.name}」不是同一人，请核对工号。"
    if other.account_id is None or other.status == StaffStatus.LEFT:
        return "还没有可用的登录账号，请先为它开通。"
    return ""


@transaction.atomic
def link_account(*, staff_id: UUID, account_id: UUID, by: Actor, tenant: Tenant) -> Staff:
    """Tie an existing account (its membership names this person) to a person. Locks the person.

    Raises NotAllowed, NotFound, StaffGone.
    """
    if not policies.can_manage(by):
        raise NotAllowed
    person = _locked(staff_id)
    if person.status == StaffStatus.LEFT:
        raise StaffGone(name=person.name)
    person.account_id = account_id
    person.save(update_fields=["account_id"])
    timeline.record(
        verb="staff.login_linked",
        sentence=f"员工（工号 {person.number}）关联登录账号",
        subject=person,
        by=by,
        party_id=person.party_id,
    )
    return person
