"""What the operations of duty share: the post's lock, the log, the timeline, and whom to tell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from identity.choices import Role
from identity.contracts import Actor
from identity.people import people_of_school
from kernel.errors import NotAllowed, NotFound
from kernel.live import announce
from kernel.tenancy import Tenant
from tenants.duty import chain, policies, queries
from tenants.duty.choices import AnomalyKind, EntryKind, Rung
from tenants.duty.errors import NotADutyPost, NotOn, NotYourParty
from tenants.duty.models import Anomaly, AnomalyFile, DutyPost, LogEntry, Seal, Stint
from tenants.duty.queries import keyed, line_of, photos_among
from tenants.findings.choices import FindingSource, Severity
from tenants.notices import operations as notices
from tenants.notices.choices import NoticeKind
from tenants.organisation import queries as organisation
from tenants.organisation.models import Place, Staff
from tenants.punches import expected
from tenants.timeline import numbers
from tenants.timeline.operations import record

TOPIC = "duty"  # what watchers of the cockpit hear (kernel.live)
PRESENCE, DUTY = FindingSource.PRESENCE, FindingSource.DUTY
ROLE_OF = {
    Rung.MANAGER: Role.PROVIDER_MANAGER,
    Rung.SUPERVISOR: Role.SCHOOL_SUPERVISOR,
    Rung.LEADER: Role.SCHOOL_LEADER,
}


def lock_post(post_id: UUID, *, active: bool = False) -> DutyPost:
    """The duty post under its lock: everything that happens at one post happens one after the other.

    Raises NotADutyPost; with `active`, also for one that is switched off.
    """
    row = (
        DutyPost.objects.select_for_update(of=("self",))
        .select_related("post__party", "post__place")
        .filter(pk=post_id)
        .first()
    )
    if row is None or (active and not (row.active and row.post.active)):
        raise NotADutyPost
    return row


def check_staff(by: Actor) -> None:
    """Raises NotAllowed for whoever cannot be on duty."""
    if not policies.is_staff(by):
        raise NotAllowed


def own_staff(by: Actor) -> Staff:
    """The person behind the actor, as whom they act. Raises NotAllowed for whoever cannot be on duty."""
    if not policies.is_staff(by) or by.staff_id is None:
        raise NotAllowed
    person = organisation.staff_by_id([by.staff_id]).get(by.staff_id)
    if person is None:
        raise NotFound
    return person


def acting_at(duty: DutyPost, *, by: Actor, now: datetime) -> Actor:
    """The actor as that one of their own rows which belongs to the post's party: rostered there now, else of that
    post, else as whom they act. Raises NotYourParty.
    """
    if not by.other_staff_ids:
        person = own_staff(by)
        if person.party_id != duty.post.party_id:
            raise NotYourParty
        return by
    rows = organisation.own_staff_ids_of(duty.post.party_id, by=by)
    if not rows:
        raise NotYourParty
    return by.as_staff(expected.whose(by, now, among=rows, post_id=duty.post_id))


def lock_person(by: Actor) -> None:
    """One step of a person at a time: nobody signs on at two posts, or moves on while a step looks for their stint.

    All their rows in one order, before any post's lock, never after.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('duty|' || current_schema() || '|' || u.id, 0))"
            " FROM (SELECT unnest(%s::text[]) AS id ORDER BY 1) u",
            [[str(staff_id) for staff_id in by.staff_ids]],
        )


def open_stint(by: Actor) -> Stint:
    """The person's open stint, of whichever of their rows; the person is locked first, then the post. Raises NotOn."""
    lock_person(by)
    found = queries.open_stints(by).values_list("pk", "post_id").first()
    if found is None:
        raise NotOn
    lock_post(found[1])
    row = Stint.objects.select_related("staff").filter(pk=found[0], signed_off_at__isnull=True).first()
    if row is None:
        raise NotOn
    return row


def write(
    duty: DutyPost,
    kind: EntryKind,
    text: str,
    *,
    by: Actor,
    now: datetime,
    stint_id: UUID | None = None,
    subject_id: UUID | None = None,
    corrects: int | None = None,
) -> LogEntry:
    """Append one line to the post's log. Call under the post's lock."""
    duty.last_seq += 1
    duty.save(update_fields=["last_seq"])
    return LogEntry.objects.create(
        post_id=duty.pk, seq=duty.last_seq, at=now, kind=kind, text=" ".join(text.split())[:600], stint_id=stint_id,
        subject_id=subject_id, corrects=corrects, account_id=by.account_id, actor_name=by.name,
    )  # fmt: skip


def seal(duty: DutyPost, *, stint: Stint, by: Actor, tenant: Tenant, now: datetime) -> Seal | None:
    """Seal every line not sealed yet, chained to the last seal. Call under the post's lock."""
    last = Seal.objects.filter(post_id=duty.pk).order_by("-number").first()
    first_seq = last.last_seq + 1 if last else 1
    rows = LogEntry.objects.filter(post_id=duty.pk, seq__gte=first_seq).order_by("seq")
    lines = [line_of(row) for row in rows]
    if not lines:
        return None
    number, previous = last.number + 1 if last else 1, last.digest if last else chain.GENESIS
    head = chain.head_of(
        post_id=duty.pk, number=number, first_seq=first_seq, last_seq=lines[-1].seq, stint_id=stint.pk, at=now
    )
    body = chain.body_of(lines, head=head)
    digest = chain.digest_of(previous, body)
    row = Seal.objects.create(
        post_id=duty.pk, number=number, first_seq=first_seq, last_seq=lines[-1].seq, body=body, previous=previous,
        digest=digest, stint_id=stint.pk, at=now, version=chain.VERSION, mark=keyed(digest, "seal", tenant=tenant),
    )  # fmt: skip
    duty.log_head = keyed(digest, "head", tenant=tenant)
    duty.save(update_fields=["log_head"])
    tell(
        duty, "sealed", f"值班日志已封存：第 {row.first_seq}—{row.last_seq} 条", subject=row, by=by, tenant=tenant,
        staff_id=stint.staff_id, digest=row.digest,
    )  # fmt: skip
    return row


def tell(
    duty: DutyPost,
    verb: str,
    sentence: str,
    *,
    subject: object,
    by: Actor,
    tenant: Tenant,
    staff_id: UUID | None = None,
    staff_ids: Sequence[UUID] = (),
    **payload: Any,
) -> None:
    """One event on the timelines of the post, its place, party and the person; and whoever watches looks again.

    Several people concerned (`staff_ids`): the others get the same sentence on theirs, and only there.
    """
    concerned = list(dict.fromkeys([*([staff_id] if staff_id else []), *staff_ids]))
    sentence = f"{duty.post.name}：{sentence}"[:300]
    record(
        verb=f"duty.{verb}",
        sentence=sentence,
        subject=subject,
        by=by,
        place_id=duty.post.place_id,
        party_id=duty.post.party_id,
        post_id=duty.pk,
        staff_id=concerned[0] if concerned else None,
        **payload,
    )
    for other in concerned[1:]:
        record(verb=f"duty.{verb}", sentence=sentence, subject=subject, by=by, staff_id=other, **payload)
    announce(TOPIC, tenant=tenant)


def accounts_of(staff_ids: Iterable[UUID]) -> list[UUID]:
    """The accounts of some people, those without a login left out."""
    people = organisation.staff_by_id(staff_ids)
    return [p.account_id for p in people.values() if p.account_id]


def people_on(duty: DutyPost, rung: str, *, tenant: Tenant, now: datetime) -> list[UUID]:
    """The accounts one rung of the chain reaches; a school without supervisors is reached through its admins."""
    today = now.astimezone(tenant.tz).date()

    def with_role(role: Role, provider_id: UUID | None = None) -> list[UUID]:
        found = people_of_school(school_id=tenant.school_id, roles=[role], today=today, provider_id=provider_id)
        return [p.account_id for p in found]

    if rung == Rung.MANAGER:
        provider_id = duty.post.party.provider_id
        return with_role(Role.PROVIDER_MANAGER, provider_id) if provider_id else []
    return with_role(ROLE_OF[Rung(rung)]) or with_role(Role.SCHOOL_ADMIN)


def superiors(duty: DutyPost, *, tenant: Tenant, now: datetime) -> list[UUID]:
    """Who is told of what goes up: the supervisors, and the company's manager."""
    rungs = (Rung.SUPERVISOR, Rung.MANAGER)
    return list(dict.fromkeys(a for rung in rungs for a in people_on(duty, rung, tenant=tenant, now=now)))


def is_at(place: Place | None, duty: DutyPost) -> bool:
    """Whether a scanned place is the post's own or lies within it; a post without a place takes any code."""
    if place is None:
        return False
    return duty.post.place is None or place.path.startswith(duty.post.place.path)


def place_of_post(duty: DutyPost) -> UUID | None:
    """Where a finding of the post belongs: its place, otherwise the first campus."""
    if duty.post.place_id:
        return duty.post.place_id
    campus = Place.objects.filter(parent__isnull=True, active=True).order_by("position", "pinyin").first()
    return campus.pk if campus else None


def path_of(noun: str, key: UUID) -> str:
    """Where a notice leads."""
    return f"/duty/{noun}/{key}/"


def clean(text: str, width: int) -> str:
    """One line of text, cut."""
    return " ".join(text.split())[:width]


def minutes(chosen: Sequence[Sequence[int]]) -> list[list[int]]:
    """Quiet times as they are kept. Raises ValueError when they are no minutes of a day."""
    kept = []
    for pair in chosen:
        first, last = (int(v) for v in pair)
        if not (0 <= first < 1440 and 0 < last <= 1440 and first != last):
            raise ValueError(pair)
        kept.append([first, last])
    return kept


def raise_anomaly(
    duty: DutyPost,
    kind: AnomalyKind,
    text: str,
    *,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    severity: str = Severity.MINOR,
    stint: Stint | None = None,
    holder_id: UUID | None = None,
    file_ids: Sequence[UUID] = (),
    begun_at: datetime | None = None,
) -> Anomaly:
    """Write an anomaly, its log line, its event, and tell the superiors. Without a holder it is theirs.

    Call under the post's lock.
    """
    row = Anomaly.objects.create(
        number=numbers.next_number(prefix="YC", day=now.astimezone(tenant.tz).date()),
        post_id=duty.pk, stint=stint, kind=kind, severity=severity, text=clean(text, 500), holder_id=holder_id,
        begun_at=begun_at,
        raised_at=None if holder_id else now, reported_at=now, reported_by=by.account_id, reported_by_name=by.name,
    )  # fmt: skip
    pictures = set(photos_among(file_ids))
    AnomalyFile.objects.bulk_create(
        [AnomalyFile(anomaly=row, evidence_id=f, position=n, voice=f not in pictures) for n, f in enumerate(file_ids)]
    )
    write(
        duty, EntryKind.ANOMALY, f"{row.number} {kind.label}：{row.text}", by=by, now=now,
        stint_id=stint.pk if stint else None, subject_id=row.pk,
    )  # fmt: skip
    tell(duty, "anomaly_reported", f"{kind.label}：{row.text}", subject=row, by=by, tenant=tenant, severity=severity)
    if holder_id is None or severity != Severity.MINOR:
        notices.notify(
            account_ids=superiors(duty, tenant=tenant, now=now),
            kind=NoticeKind.INFO if holder_id else NoticeKind.TODO,
            title=f"{kind.label}：{duty.post.name}",
            text=f"{row.number} {row.text}",
            path=path_of("anomalies", row.pk),
            subject=row,
            occasion=f"duty.anomaly:{row.pk}",
            now=now,
            mail=severity == Severity.CRITICAL,
            besides=by.account_id,
        )
    return row
