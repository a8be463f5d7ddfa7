"""Places, parties, posts and staff for tests. Run inside a school (`alpha`)."""

from __future__ import annotations

from datetime import date
from uuid import UUID, uuid4

from kernel.ids import new_id
from kernel.tenancy import connection
from tenants.organisation.choices import CertificateKind, PartyKind, PlaceKind
from tenants.organisation.models import Certificate, Contract, Department, LineSetting, Party, Place, Post, Staff
from tenants.organisation.personal import sealed_id_card, sealed_phone
from tenants.organisation.pinyin import pinyin_key


def _n() -> str:
    return uuid4().hex[-6:]


def make_place(
    name: str | None = None, *, parent: Place | None = None, kind: str | None = None, code: str | None = None
) -> Place:
    """A place; without `parent` a campus, else by default the next kind down."""
    if kind is None:
        nexts = {None: "campus", "campus": "building", "building": "floor", "floor": "area", "area": "point"}
        kind = nexts[parent.kind if parent else None]
    name = name or f"{PlaceKind(kind).label}{_n()}"
    row = Place(
        id=new_id(), parent=parent, kind=kind, name=name, code=(code or _n()).upper(), pinyin=pinyin_key(name, 300)
    )
    row.path = f"{parent.path if parent else ''}{row.pk}/"
    row.full_name = f"{parent.full_name} / {name}" if parent else name
    row.save()
    return row


def make_contract(
    name: str | None = None,
    *,
    provider_id: UUID | None = None,
    lines: list[str] | None = None,
    starts_on: date = date(2026, 1, 1),
    ends_on: date = date(2028, 12, 31),
) -> Party:
    """A party of kind contract, with its contract row."""
    party = Party.objects.create(
        kind=PartyKind.CONTRACT, name=name or f"物业{_n()}", provider_id=provider_id or uuid4()
    )
    Contract.objects.create(
        party=party, number=f"HT-{_n()}", lines=lines or ["cleaning"], starts_on=starts_on, ends_on=ends_on
    )
    return party


def make_department(name: str | None = None) -> Party:
    """A party of kind department."""
    party = Party.objects.create(kind=PartyKind.DEPARTMENT, name=name or f"科室{_n()}")
    Department.objects.create(party=party)
    return party


def make_party(kind: str = PartyKind.DEPARTMENT, name: str | None = None, *, provider_id: UUID | None = None) -> Party:
    """A department, or a contract when `kind` says so."""
    return make_contract(name, provider_id=provider_id) if kind == PartyKind.CONTRACT else make_department(name)


def make_line(line: str = "cleaning", *, party: Party | None = None, mode: str = "outsourced") -> LineSetting:
    return LineSetting.objects.create(line=line, party=party, mode=mode)


def make_post(
    name: str | None = None,
    *,
    party: Party | None = None,
    line: str = "cleaning",
    headcount: int = 1,
    certificates: list[str] | None = None,
    place: Place | None = None,
    pk: UUID | None = None,
) -> Post:
    return Post.objects.create(
        pk=pk or new_id(),
        name=name or f"岗位{_n()}",
        party=party or make_party(),
        line=line,
        headcount=headcount,
        certificates=certificates or [],
        place=place,
    )


def make_staff(
    name: str = "王小明",
    *,
    party: Party | None = None,
    post: Post | None = None,
    number: str | None = None,
    phone: str = "",
    id_card: str = "",
    account_id: UUID | None = None,
) -> Staff:
    """A working person of `party` (or of the post's party)."""
    schema = connection.schema_name
    return Staff.objects.create(
        number=number or f"G{_n()}",
        name=name,
        pinyin=pinyin_key(name, 120),
        party=party or (post.party if post else make_party()),
        post=post,
        account_id=account_id,
        **sealed_phone(phone, schema=schema),
        **sealed_id_card(id_card, schema=schema),
    )


def make_certificate(
    staff: Staff, *, kind: str = CertificateKind.HEALTH, expires_on: date | None = None, number: str | None = None
) -> Certificate:
    return Certificate.objects.create(
        staff=staff, kind=kind, number=number or _n(), issued_on=date(2025, 9, 1), expires_on=expires_on
    )
