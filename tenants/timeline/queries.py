"""Reads of a school's timeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from identity.choices import Role
from identity.contracts import Actor
from kernel.clock import day_bounds
from kernel.errors import NotAllowed
from tenants.timeline.models import Event


def events_of(subject: object) -> QuerySet[Event]:
    """Events about one row, newest first. The caller has read the row."""
    return Event.objects.filter(
        subject_type=subject._meta.label_lower,  # type: ignore[attr-defined]
        subject_id=str(subject.pk),  # type: ignore[attr-defined]
    )


# What a property company may follow of its own contracts: what its people also see on the pages of these. A walk is
# told when it is over, a round by its result; who looked at whom, faces, grants and members stay inside the school.
COMPANY_NOUNS = (
    "attendance", "certificate", "contract", "correction", "duty", "fence", "finding", "leave", "month", "party", "patrol",
    "patrol_route", "post", "punch", "results", "roster", "swap",
)  # fmt: skip
COMPANY_VERBS = (
    "inspection.finished", "round.opened", "round.closed", "staff.added", "staff.changed", "staff.leaving", "staff.left",
    "staff.returned",
)  # fmt: skip


def can_read(actor: Actor) -> bool:
    """The school's office; a token needs its scope."""
    if actor.is_system:
        return True
    office = actor.has(Role.SCHOOL_ADMIN, Role.SCHOOL_LEADER, Role.SCHOOL_SUPERVISOR)
    return office and actor.may("timeline:read")


def can_read_own(actor: Actor) -> bool:
    """A property company's manager reads what happened to its contracts; frontline see the history of their own rows."""
    company = actor.has(Role.PROVIDER_MANAGER) and bool(actor.provider_ids) and actor.grant_id is None
    return company and actor.may("timeline:read")


def _visible(by: Actor, own_party_ids: Sequence[UUID]) -> QuerySet[Event]:
    if can_read(by):
        return Event.objects.all()
    if not can_read_own(by):
        raise NotAllowed
    told = Q(verb__in=COMPANY_VERBS)
    for noun in COMPANY_NOUNS:
        told |= Q(verb__startswith=f"{noun}.")
    return Event.objects.filter(told, party_id__in=list(own_party_ids))


def events(
    *,
    by: Actor,
    tz: ZoneInfo,
    own_party_ids: Sequence[UUID] = (),
    verb: str = "",
    subject_type: str = "",
    subject_id: str = "",
    account_id: UUID | None = None,
    person: str = "",
    place_ids: Sequence[UUID] | None = None,
    party_id: UUID | None = None,
    post_id: UUID | None = None,
    staff_id: UUID | None = None,
    staff_ids: Sequence[UUID] | None = None,
    from_day: date | None = None,
    until_day: date | None = None,
    text: str = "",
) -> QuerySet[Event]:
    """Events `by` may see, newest first: all for the office, those of `own_party_ids` for a company. `verb` takes a full verb ("finding.closed") or a noun ("finding"), with
    the nouns that begin with it ("finding_rule").

    Days are local and both included; `place_ids` is a subtree and `staff_ids` people of a name the caller looked up, as is
    `own_party_ids`: the contracts of the actor's companies; without any a company is told nothing. Raises NotAllowed.
    """
    rows = _visible(by, own_party_ids)
    if verb:
        noun = Q(verb__startswith=f"{verb}.") | Q(verb__startswith=f"{verb}_")
        rows = rows.filter(verb=verb) if "." in verb else rows.filter(noun)
    if subject_type:
        rows = rows.filter(subject_type=subject_type)
    if subject_id:
        rows = rows.filter(subject_id=subject_id)
    if account_id:
        rows = rows.filter(account_id=account_id)
    if person.strip():
        rows = rows.filter(actor_name__icontains=person.strip())
    if place_ids is not None:
        rows = rows.filter(place_id__in=list(place_ids))
    if party_id:
        rows = rows.filter(party_id=party_id)
    if post_id:
        rows = rows.filter(post_id=post_id)
    if staff_id:
        rows = rows.filter(staff_id=staff_id)
    if staff_ids is not None:
        rows = rows.filter(staff_id__in=list(staff_ids))
    if from_day:
        rows = rows.filter(at__gte=day_bounds(from_day, tz)[0])
    if until_day:
        rows = rows.filter(at__lt=day_bounds(until_day, tz)[1])
    if text.strip():
        rows = rows.filter(sentence__icontains=text.strip())
    return rows.order_by("-id")


PLANS = (
    "inspections.checklist", "inspections.programme", "patrols.route", "rosters.assignment", "rubrics.rubric",
)  # fmt: skip


def plan_changes(*, since: datetime, place_id: UUID, party_id: UUID) -> QuerySet[Event]:
    """Changes of plans, rosters, routes, sheets and checklists since a moment, newest first: those of a place or a
    party, and those of the whole school. The caller has judged that they may be read."""
    whole = Q(place_id__isnull=True, party_id__isnull=True)
    near = Q(place_id=place_id) | Q(party_id=party_id) | whole
    return Event.objects.filter(near, subject_type__in=PLANS, at__gte=since).order_by("-id")


def event_of(key: int) -> Event | None:
    """One event. The caller has read the row that names it."""
    return Event.objects.filter(pk=key).first()


@dataclass(frozen=True, slots=True)
class Slice:
    """One page by key: stable while new events arrive. `before` leads to the next older page, None at the end."""

    rows: list[Event]
    before: int | None


def slice_of(rows: QuerySet[Event], *, before: int | None = None, size: int = 50) -> Slice:
    """The `size` newest events older than event `before` (or the newest of all)."""
    found = list((rows.filter(pk__lt=before) if before else rows)[: size + 1])
    return Slice(found[:size], found[size - 1].pk if len(found) > size else None)


def events_with_verb(verb: str) -> QuerySet[Event]:
    """Events of one kind, newest first."""
    return Event.objects.filter(verb=verb)
