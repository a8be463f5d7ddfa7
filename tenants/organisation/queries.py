"""All reads of the organisation.

Functions that take `by` check who asks and cut the rows to what that person may see. Those without
(`place`, `party`, `…_by_id`, `…_of`) serve other features, which ask their own policies.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Count, Exists, F, Model, OuterRef, Q, QuerySet
from django.db.models.functions import Least

from identity.choices import Role
from identity.contracts import Actor
from kernel.errors import NotAllowed, NotFound
from kernel.tenancy import Tenant
from tenants.organisation import policies
from tenants.organisation.certificates import SOON, in_force
from tenants.organisation.choices import CertificateKind, PartyKind, PlaceKind, StaffStatus
from tenants.organisation.contracts import Lack
from tenants.organisation.models import Certificate, Contract, Department, LineSetting, Party, Place, Post, Staff
from tenants.organisation.personal import birth_date
from tenants.organisation.pinyin import search_key

# --- Places --------------------------------------------------------------------------------------


def place(place_id: UUID | str) -> Place:
    """One place, active or not. Raises NotFound."""
    return _one(Place.objects.all(), place_id)


def place_of_code(code: str) -> Place:
    """The place whose QR code was scanned; codes are written in any case. Raises NotFound."""
    row = Place.objects.filter(code=code.strip().upper()).first()
    if row is None:
        raise NotFound
    return row


def places_by_id(ids: Iterable[UUID]) -> dict[UUID, Place]:
    """Places by id, missing ones left out: one query."""
    return Place.objects.in_bulk(list(ids))


def subtree_ids(place_id: UUID) -> list[UUID]:
    """The ids of a place and all below it, active or not. Raises NotFound."""
    return list(Place.objects.filter(path__startswith=place(place_id).path).values_list("pk", flat=True))


def subtree(place_id: UUID) -> QuerySet[Place]:
    """A place and all below it. Raises NotFound."""
    return Place.objects.filter(path__startswith=place(place_id).path)


def ancestors_of(row: Place) -> list[Place]:
    """From the campus down to the place itself."""
    ids = [UUID(part) for part in row.path.split("/") if part]
    found = Place.objects.in_bulk(ids)
    return [found[i] for i in ids if i in found]


def places(
    *,
    by: Actor,
    search: str = "",
    kind: str | None = None,
    within: UUID | None = None,
    active: bool | None = True,
) -> QuerySet[Place]:
    """Places by name, pinyin or code; `within` keeps one subtree; `active=None` shows closed ones too."""
    if not policies.can_read_places(by):
        raise NotAllowed
    rows = Place.objects.all()
    if active is not None:
        rows = rows.filter(active=active)
    if kind:
        rows = rows.filter(kind=kind)
    if within:
        rows = rows.filter(path__startswith=place(within).path)
    if search.strip():
        rows = rows.filter(
            Q(full_name__icontains=search.strip())
            | Q(code__istartswith=search.strip())
            | Q(pinyin__contains=search_key(search))
        )
    return rows


def children_of(ids: list[UUID]) -> list[tuple[UUID, Place]]:
    """(parent id, child) pairs of active children, in order."""
    rows = Place.objects.filter(parent_id__in=ids, active=True).order_by("position", "pinyin", "code")
    return [(row.parent_id, row) for row in rows if row.parent_id]


def visible_place(place_id: UUID | str, *, by: Actor) -> Place:
    """One place for a page. Raises NotAllowed, NotFound."""
    if not policies.can_read_places(by):
        raise NotAllowed
    return place(place_id)


def child_places(*, by: Actor, parent_id: UUID | None, closed: bool = False) -> QuerySet[Place]:
    """What stands directly under a place (None: the campuses), in order; `closed` shows closed ones too."""
    if not policies.can_read_places(by):
        raise NotAllowed
    rows = Place.objects.filter(parent_id=parent_id)
    if not closed:
        rows = rows.filter(active=True)
    return rows.order_by("position", "pinyin", "code")


def child_counts(ids: list[UUID], *, closed: bool = False) -> dict[UUID, int]:
    """How many places stand directly under each; without any, left out. One query."""
    rows = Place.objects.filter(parent_id__in=ids)
    if not closed:
        rows = rows.filter(active=True)
    return {row["parent_id"]: row["n"] for row in rows.values("parent_id").annotate(n=Count("pk")).order_by()}


def has_places() -> bool:
    return Place.objects.exists()


# --- Parties -------------------------------------------------------------------------------------


def party(party_id: UUID | str) -> Party:
    """One contract or department, active or not. Raises NotFound."""
    return _one(Party.objects.select_related("contract", "department"), party_id)


def parties_by_id(ids: Iterable[UUID]) -> dict[UUID, Party]:
    """Parties by id, missing ones left out: one query."""
    return Party.objects.select_related("contract", "department").in_bulk(list(ids))


def visible_party(party_id: UUID | str, *, by: Actor) -> Party:
    """One party for a page. Raises NotFound, also for parties `by` may not see."""
    row = party(party_id)
    if not policies.can_read_party(by, row):
        raise NotFound
    return row


def party_ids_of_providers(provider_ids: Iterable[UUID]) -> list[UUID]:
    """The parties (contracts, past ones too) of some property companies. One query."""
    return list(Party.objects.filter(provider_id__in=list(provider_ids)).values_list("pk", flat=True))


def companies_at_work(*, today: date) -> dict[UUID, int]:
    """How many contracts run today, by property company: what the platform notes of this school. One query."""
    rows = Party.objects.filter(active=True, contract__starts_on__lte=today, contract__ends_on__gte=today)
    counted = rows.values_list("provider_id").annotate(n=Count("pk")).order_by()
    return {provider_id: n for provider_id, n in counted if provider_id}


def party_ids_of_company(actor: Actor) -> list[UUID]:
    """The contracts of the companies an actor manages here; none for anybody else."""
    if actor.grant_id is not None or not (actor.has(Role.PROVIDER_MANAGER) and actor.provider_ids):
        return []
    return party_ids_of_providers(actor.provider_ids)


def party_ids_seen_by(actor: Actor) -> list[UUID] | None:
    """Which parties an actor's work is limited to; None: no limit. Frontline: the party they work for."""
    if actor.is_system or actor.has(*policies.OFFICE) or actor.grant_id is not None:
        return None
    seen: set[UUID] = set()
    if actor.has(Role.PROVIDER_MANAGER) and actor.provider_ids:
        seen.update(party_ids_of_providers(actor.provider_ids))
    return sorted(seen | own_party_ids(actor))


def own_parties(actor: Actor) -> QuerySet[Staff, Any]:
    """The ids of the parties an actor is staff of (departments, or contracts they work under), for a filter."""
    return Staff.objects.filter(pk__in=actor.staff_ids).values("party_id")


def own_party_ids(actor: Actor) -> frozenset[UUID]:
    """The same, read: one query for staff, none for anybody else."""
    return frozenset(row["party_id"] for row in own_parties(actor)) if actor.staff_ids else frozenset()


def own_staff_ids_of(party_id: UUID, *, by: Actor) -> list[UUID]:
    """The actor's own rows at one party, in order of age: as which they may act for it."""
    rows = Staff.objects.filter(pk__in=by.staff_ids, party_id=party_id).order_by("pk")
    return list(rows.values_list("pk", flat=True))


def parties(
    *, by: Actor, search: str = "", kind: str | None = None, line: str | None = None, active: bool | None = True
) -> QuerySet[Party]:
    """Contracts and departments `by` may see, with their headcounts (`planned`, `present`) annotated by posts/staff."""
    rows = Party.objects.select_related("contract", "department")
    if not policies.can_read_all(by):
        if not by.may(policies.READ):
            raise NotAllowed
        rows = rows.filter(pk__in=party_ids_seen_by(by) or [])
    if active is not None:
        rows = rows.filter(active=active)
    if kind:
        rows = rows.filter(kind=kind)
    if line:
        rows = rows.filter(Q(contract__lines__contains=[line]) | Exists(_line_of(line)))
    if search.strip():
        rows = rows.filter(Q(name__icontains=search.strip()) | Q(contract__number__icontains=search.strip()))
    return rows


def _line_of(line: str) -> QuerySet[LineSetting]:
    return LineSetting.objects.filter(party_id=OuterRef("pk"), line=line)


def contracts(
    *, by: Actor, search: str = "", line: str | None = None, on: date | None = None, active: bool | None = True
) -> QuerySet[Contract]:
    """Contracts `by` may see; `on` keeps those in force that day."""
    rows = Contract.objects.select_related("party").filter(party__in=parties(by=by, active=active).values("pk"))
    if line:
        rows = rows.filter(lines__contains=[line])
    if on:
        rows = rows.filter(starts_on__lte=on, ends_on__gte=on)
    if search.strip():
        text = search.strip()
        rows = rows.filter(Q(party__name__icontains=text) | Q(number__icontains=text) | Q(manager__icontains=text))
    return rows.order_by("-ends_on", "number")


def departments(*, by: Actor, active: bool | None = True) -> QuerySet[Department]:
    """The school's departments `by` may see."""
    seen = parties(by=by, kind=PartyKind.DEPARTMENT, active=active)
    return Department.objects.select_related("party").filter(party__in=seen.values("pk")).order_by("party__name")


def party_of_line(line: str) -> Party | None:
    """Who answers for a service line here, if the school has said so."""
    setting = LineSetting.objects.select_related("party").filter(line=line).first()
    return setting.party if setting else None


def line_settings(*, by: Actor) -> dict[str, LineSetting]:
    """How the school runs each line, by line code; lines not yet decided are missing."""
    if not policies.can_read_places(by):
        raise NotAllowed
    return {row.line: row for row in LineSetting.objects.select_related("party")}


# --- Posts ---------------------------------------------------------------------------------------


def posts(*, by: Actor, search: str = "", party_id: UUID | None = None, line: str | None = None) -> QuerySet[Post]:
    """Active posts of the parties `by` may see, each with `filled`: people now in it."""
    rows = (
        Post.objects.filter(active=True, party__in=parties(by=by, active=None).values("pk"))
        .select_related("party", "place")
        .annotate(filled=Count("staff", filter=Q(staff__status=StaffStatus.ACTIVE)))
    )
    if party_id:
        rows = rows.filter(party_id=party_id)
    if line:
        rows = rows.filter(line=line)
    if search.strip():
        rows = rows.filter(name__icontains=search.strip())
    return rows.order_by("party__name", "name")


def post(post_id: UUID | str, *, by: Actor) -> Post:
    """One active post. Raises NotFound, NotAllowed."""
    return _one(posts(by=by), post_id)


def posts_by_id(ids: Iterable[UUID]) -> dict[UUID, Post]:
    """Posts by id, missing ones left out: one query."""
    return Post.objects.in_bulk(list(ids))


def posts_of(party_ids: list[UUID]) -> list[tuple[UUID, Post]]:
    """(party id, active post) pairs by name: one query."""
    return [(row.party_id, row) for row in Post.objects.filter(party_id__in=party_ids, active=True).order_by("name")]


def posts_short(*, by: Actor) -> QuerySet[Post]:
    """Posts with fewer people than contracted."""
    return posts(by=by).filter(Q(filled__lt=F("headcount")))


# --- Staff ---------------------------------------------------------------------------------------


def staff(
    *,
    by: Actor,
    search: str = "",
    party_id: UUID | None = None,
    post_id: UUID | None = None,
    status: str | None = StaffStatus.ACTIVE,
    certificate: str = "",
    today: date | None = None,
) -> QuerySet[Staff]:
    """People `by` may see, by name, pinyin or number.

    `certificate`: "expired" (by `today`), "soon" (ends or needs review within 90 days), or "missing" (the post requires one
    the person does not hold). `status=None` shows those who left too.
    """
    rows = Staff.objects.select_related("party", "post")
    if not policies.can_read_all(by):
        if not by.may(policies.READ):
            raise NotAllowed
        mine = Q(pk__in=by.staff_ids)
        if by.has(Role.PROVIDER_MANAGER) and by.provider_ids:
            mine |= Q(party__provider_id__in=by.provider_ids)
        rows = rows.filter(mine)
    if status:
        rows = rows.filter(status=status)
    if party_id:
        rows = rows.filter(party_id=party_id)
    if post_id:
        rows = rows.filter(post_id=post_id)
    if search.strip():
        rows = rows.filter(name_filter(search))
    if certificate and today:
        rows = rows.filter(_certificate_filter(certificate, today))
    return rows


def staff_ids_named(search: str, *, by: Actor) -> list[UUID]:
    """People `by` may see with that name, pinyin or number, also who left; at most 500."""
    return list(staff(by=by, search=search, status=None).values_list("pk", flat=True)[:500])


def name_filter(search: str) -> Q:
    """People by name, work number or pinyin, as typed into a search box."""
    word = search.strip()
    return Q(name__icontains=word) | Q(number__istartswith=word) | Q(pinyin__contains=search_key(search))


def _certificate_filter(which: str, today: date) -> Q:
    held = Certificate.objects.filter(staff_id=OuterRef("pk"))
    if which in ("expired", "soon"):
        past, near = Q(last__lt=today), Q(last__gte=today, last__lte=today + SOON)
        dated = held.annotate(last=Least("expires_on", "review_on"))
        later = Certificate.objects.filter(staff_id=OuterRef("staff_id"), kind=OuterRef("kind")).annotate(
            last=Least("expires_on", "review_on")
        )
        outlived = Exists(later.filter(Q(last__isnull=True) | Q(last__gt=OuterRef("last"))))
        return Q(Exists(dated.filter(past if which == "expired" else near).exclude(outlived)))
    if which == "missing":
        lacking = Q(pk__in=[])
        for kind in CertificateKind.values:
            valid = held.filter(in_force(today), kind=kind)
            lacking |= Q(post__certificates__contains=[kind]) & ~Q(Exists(valid))
        return lacking
    return Q()


def staff_member(staff_id: UUID | str, *, by: Actor) -> Staff:
    """One person. Raises NotFound, also for people `by` may not see: their existence is not told."""
    person = _one(Staff.objects.select_related("party", "post"), staff_id)
    if not policies.can_read_staff(by, person):
        raise NotFound
    return person


def staff_by_id(ids: Iterable[UUID]) -> dict[UUID, Staff]:
    """People by id, missing ones left out: one query."""
    return Staff.objects.in_bulk(list(ids))


def staff_by_number(numbers: Iterable[str]) -> dict[str, Staff]:
    """People by work number, missing ones left out: one query."""
    return {row.number: row for row in Staff.objects.filter(number__in=set(numbers))}


def working_people_of(party_id: UUID) -> QuerySet[Staff]:
    """Who works for a party now, by name. The caller has judged that they may be shown."""
    return Staff.objects.filter(party_id=party_id).exclude(status=StaffStatus.LEFT).order_by("pinyin", "number")


def people_called(search: str = "") -> QuerySet[Staff]:
    """Everybody by name, pinyin or number, also who left. The caller has judged who of them may be shown, and what."""
    rows = Staff.objects.order_by("pinyin", "number")
    return rows.filter(name_filter(search)) if search.strip() else rows


def sharing_login(person: Staff) -> list[Staff]:
    """The other rows of the same person: those with the same login. The caller has read the person."""
    if person.account_id is None:
        return []
    rows = Staff.objects.filter(account_id=person.account_id).exclude(pk=person.pk).select_related("party")
    return list(rows.order_by("number"))


def born_on(person: Staff, *, tenant: Tenant) -> date | None:
    """Day of birth by the ID card, for rules about age (consent under 14); never shown. None: not registered."""
    return birth_date(person.id_card_sealed, schema=tenant.schema)


def certificates_of(ids: list[UUID]) -> list[tuple[UUID, Certificate]]:
    """(person id, certificate) pairs, soonest expiry first."""
    rows = Certificate.objects.filter(staff_id__in=ids).order_by(F("expires_on").asc(nulls_last=True), "kind")
    return [(row.staff_id, row) for row in rows]


def missing_certificates(needs: Iterable[tuple[UUID, UUID, date]]) -> dict[tuple[UUID, UUID, date], list[Lack]]:
    """Which certificates their post requires people lack on a day, by (staff, post, day): one query for all.

    Who lacks nothing is left out. A certificate counts while it is issued, not past its end and not past its
    review (certificates.valid_on); of several the one that lasts longest. For rosters, punches and duty.
    """
    asked = sorted(set(needs), key=lambda need: (need[2], need[1], need[0]))
    found: dict[tuple[UUID, UUID, date], list[Lack]] = {}
    if not asked:
        return found
    staff_ids, post_ids, days = zip(*asked, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_MISSING, [list(staff_ids), list(post_ids), list(days)])
        for staff_id, post_id, day, kind, last in cursor.fetchall():
            found.setdefault((staff_id, post_id, day), []).append(Lack(CertificateKind(kind), last))
    return found


# The last column is NULL where there is no certificate of the kind, or only one that is not issued yet.
_MISSING = """
WITH asked AS (
    SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::date[]) AS a(staff_id, post_id, day)
), posts AS MATERIALIZED (
    SELECT p.id, k.kind FROM organisation_post p, jsonb_array_elements_text(p.certificates) AS k(kind)
    WHERE p.id IN (SELECT post_id FROM asked)
), held AS MATERIALIZED (
    SELECT c.staff_id, c.kind, c.issued_on, LEAST(c.expires_on, c.review_on) AS last
    FROM organisation_certificate c WHERE c.staff_id IN (SELECT staff_id FROM asked)
)
SELECT a.staff_id, a.post_id, a.day, p.kind, max(h.last) FILTER (WHERE h.last < a.day)
FROM asked a
JOIN posts p ON p.id = a.post_id
LEFT JOIN held h ON h.staff_id = a.staff_id AND h.kind = p.kind
GROUP BY a.staff_id, a.post_id, a.day, p.kind
HAVING bool_or(h.issued_on <= a.day AND (h.last IS NULL OR h.last >= a.day)) IS NOT TRUE
ORDER BY a.day, a.staff_id, p.kind
"""


def expiring(*, by: Actor, until: date) -> QuerySet[Certificate]:
    """Certificates of working people that end or need review by `until`, soonest first."""
    people = staff(by=by).values("pk")
    due = Q(expires_on__lte=until) | Q(review_on__lte=until)
    return (
        Certificate.objects.filter(due, staff__in=people).select_related("staff", "staff__party").order_by("expires_on")
    )


# --- First steps -----------------------------------------------------------------------------------


def counts() -> dict[str, int]:
    """How much of the organisation is there, for the checklist of a new school."""
    return {
        "places": Place.objects.filter(active=True).count(),
        "points": Place.objects.filter(active=True).exclude(kind=PlaceKind.CAMPUS).count(),
        "departments": Party.objects.filter(kind=PartyKind.DEPARTMENT, active=True).count(),
        "contracts": Party.objects.filter(kind=PartyKind.CONTRACT, active=True).count(),
        "lines": LineSetting.objects.filter(party__isnull=False).count(),
        "posts": Post.objects.filter(active=True).count(),
        "staff": Staff.objects.filter(status=StaffStatus.ACTIVE).count(),
    }


Row = TypeVar("Row", bound=Model)


def _one(rows: QuerySet[Row], key: UUID | str) -> Row:
    try:
        row = rows.filter(pk=key).first()
    except (ValidationError, ValueError, TypeError) as malformed:
        raise NotFound from malformed
    if row is None:
        raise NotFound
    return row
