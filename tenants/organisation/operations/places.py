"""The tree of places. All writers of one school's tree stand in line (advisory lock): paths stay true."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Max, Q, Value
from django.db.models.functions import Concat, Length, Substr

from identity.contracts import Actor
from kernel.errors import Invalid, NotAllowed
from kernel.ids import new_id
from kernel.tenancy import Tenant
from tenants.organisation import policies, queries
from tenants.organisation.choices import INSIDE, PlaceKind
from tenants.organisation.errors import (
    ParentClosed,
    PlaceCodeTaken,
    PlaceCodeWrong,
    PlaceNameTaken,
    PlaceTooDeep,
    PlaceUnderItself,
    TooManyFloors,
    WrongKindHere,
)
from tenants.organisation.models import Place
from tenants.organisation.pinyin import pinyin_key
from tenants.timeline import operations as timeline

LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # none that is mistaken for another when read aloud or from a label
CODE = re.compile(r"[A-Z0-9][A-Z0-9-]{1,23}")
PATH_LIMIT, FULL_NAME_LIMIT = 370, 200  # ten levels of 37 characters; the column of full_name


def lock_tree(tenant: Tenant) -> None:
    """Wait for other writers of this school's places; held until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"places|{tenant.schema}"])


def clean_code(code: str) -> str:
    """The code in capitals, "" if none was given. Raises PlaceCodeWrong."""
    code = code.strip().upper()
    if code and not CODE.fullmatch(code):
        raise PlaceCodeWrong(field="code")
    return code


def fresh_codes(count: int, taken: Collection[str]) -> list[str]:
    """`count` new six-character codes outside `taken`: about a billion are possible, so they tell nothing."""
    made: list[str] = []
    seen = set(taken)
    while len(made) < count:
        code = "".join(secrets.choice(LETTERS) for _ in range(6))
        if code not in seen:
            seen.add(code)
            made.append(code)
    return made


def clean_name(name: str) -> str:
    """Raises Invalid for an empty or too long name, or one with the separator of full names in it."""
    name = " ".join(name.split())
    if not name:
        raise Invalid("请填写名称。", field="name")
    if len(name) > 60:
        raise Invalid("名称最多 60 字，请缩短。", field="name")
    if " / " in name or name in {"/", "／"}:
        raise Invalid("名称里不能有「 / 」，它用来分隔上下级。", field="name")
    return name


def _check_kind(kind: str, parent: Place | None) -> None:
    if kind not in INSIDE[parent.kind if parent else None]:
        label = PlaceKind(kind).label if kind in PlaceKind.values else kind
        raise WrongKindHere(field="kind", kind=label, parent=parent.get_kind_display() if parent else "最上层")


def _check_name(name: str, parent: Place | None, *, but: UUID | None = None) -> None:
    if Place.objects.filter(parent=parent, name=name).exclude(Q(pk=but)).exists():
        raise PlaceNameTaken(field="name", name=name, parent=parent.full_name if parent else "本校")


def _check_code(code: str, *, but: UUID | None = None) -> None:
    other = Place.objects.filter(code=code).exclude(Q(pk=but)).first()
    if other:
        raise PlaceCodeTaken(field="code", code=code, place=other.full_name)


def build(*, parent: Place | None, kind: str, name: str, code: str, position: int = 0) -> Place:
    row = Place(id=new_id(), parent=parent, kind=kind, name=name, code=code, pinyin=pinyin_key(name, 300))
    row.path = f"{parent.path if parent else ''}{row.pk}/"
    row.full_name = f"{parent.full_name} / {name}" if parent else name
    row.position = position
    if len(row.path) > PATH_LIMIT or len(row.full_name) > FULL_NAME_LIMIT:
        raise PlaceTooDeep
    return row


def _codes_in_use() -> set[str]:
    return set(Place.objects.values_list("code", flat=True))


@transaction.atomic
def add_place(*, parent_id: UUID | None, kind: str, name: str, code: str = "", by: Actor, tenant: Tenant) -> Place:
    """Add a place under `parent_id` (None: a campus). Without `code` a short one is made; it never changes by itself.

    Raises NotAllowed, NotFound, WrongKindHere, PlaceNameTaken, PlaceCodeTaken, PlaceCodeWrong, ParentClosed,
    PlaceTooDeep.
    """
    if not policies.can_manage(by):
        raise NotAllowed
    name, code = clean_name(name), clean_code(code)
    lock_tree(tenant)
    parent = queries.place(parent_id) if parent_id else None
    _check_kind(kind, parent)
    if parent and not parent.active:
        raise ParentClosed(parent=parent.full_name)
    _check_name(name, parent)
    if code:
        _check_code(code)
    row = build(parent=parent, kind=kind, name=name, code=code or fresh_codes(1, _codes_in_use())[0])
    row.save(force_insert=True)
    timeline.record(
        verb="place.added", sentence=f"新增场所「{row.full_name}」"[:300], subject=row, by=by, place_id=row.pk
    )
    return row


def floor_name(number: int) -> str:
    """1层, 地下2层."""
    return f"{number}层" if number > 0 else f"地下{-number}层"


@transaction.atomic
def add_floors(*, building_id: UUID, first: int, last: int, by: Actor, tenant: Tenant) -> list[Place]:
    """Add the floors `first`..`last` of a building at once; -1 is 地下1层, 0 is left out, existing names are kept.

    Returns the floors that are new. Raises NotAllowed, NotFound, WrongKindHere, ParentClosed, TooManyFloors.
    """
    if not policies.can_manage(by):
        raise NotAllowed
    if first > last or first < -5 or last > 60:
        raise TooManyFloors(field="last")
    lock_tree(tenant)
    building = queries.place(building_id)
    _check_kind(PlaceKind.FLOOR, building)
    if not building.active:
        raise ParentClosed(parent=building.full_name)
    there = set(Place.objects.filter(parent=building).values_list("name", flat=True))
    wanted = [n for n in range(first, last + 1) if n != 0 and floor_name(n) not in there]
    codes = fresh_codes(len(wanted), _codes_in_use())
    rows = [
        build(parent=building, kind=PlaceKind.FLOOR, name=floor_name(n), code=code, position=n + 100)
        for n, code in zip(wanted, codes, strict=True)
    ]
    if rows:
        Place.objects.bulk_create(rows)
        timeline.record(
            verb="place.floors_added",
            sentence=f"「{building.full_name}」新增 {len(rows)} 个楼层",
            subject=building,
            by=by,
            place_id=building.pk,
            added=len(rows),
        )
    return rows


def _rewrite_below(row: Place, *, old_path: str, old_full_name: str) -> None:
    """Give all below `row` their new path and full name in one statement. `row` itself is already changed."""
    below = Place.objects.filter(path__startswith=old_path).exclude(pk=row.pk)
    longest = below.aggregate(path=Max(Length("path")), name=Max(Length("full_name")))
    longer_path, longer_name = len(row.path) - len(old_path), len(row.full_name) - len(old_full_name)
    if (longest["path"] or 0) + longer_path > PATH_LIMIT or (longest["name"] or 0) + longer_name > FULL_NAME_LIMIT:
        raise PlaceTooDeep
    below.update(
        path=Concat(Value(row.path), Substr("path", len(old_path) + 1)),
        full_name=Concat(Value(row.full_name), Substr("full_name", len(old_full_name) + 1)),
    )


@transaction.atomic
def rename_place(*, place_id: UUID, name: str, by: Actor, tenant: Tenant) -> Place:
    """Rename a place; the full names of all below follow. Codes stay.

    Raises NotAllowed, NotFound, PlaceNameTaken, PlaceTooDeep.
    """
    if not policies.can_manage(by):
        raise NotAllowed
    name = clean_name(name)
    lock_tree(tenant)
    row = queries.place(place_id)
    if row.name == name:
        return row
    parent = queries.place(row.parent_id) if row.parent_id else None
    _check_name(name, parent, but=row.pk)
    old_name, old_full_name = row.name, row.full_name
    row.name, row.pinyin = name, pinyin_key(name, 300)
    row.full_name = f"{parent.full_name} / {name}" if parent else name
    if len(row.full_name) > FULL_NAME_LIMIT:
        raise PlaceTooDeep
    _rewrite_below(row, old_path=row.path, old_full_name=old_full_name)
    row.save(update_fields=["name", "pinyin", "full_name"])
    timeline.record(
        verb="place.renamed",
        sentence=f"场所「{old_name}」更名为「{name}」",
        subject=row,
        by=by,
        place_id=row.pk,
        old=old_full_name,
    )
    return row


@transaction.atomic
def change_code(*, place_id: UUID, code: str, by: Actor, tenant: Tenant) -> Place:
    """Give a place the code that is already printed on its wall. Labels with the old code stop working.

    Raises NotAllowed, NotFound, PlaceCodeWrong, PlaceCodeTaken.
    """
    if not policies.can_manage(by):
        raise NotAllowed
    code = clean_code(code)
    if not code:
        raise PlaceCodeWrong(field="code")
    lock_tree(tenant)
    row = queries.place(place_id)
    if row.code != code:
        _check_code(code, but=row.pk)
        old, row.code = row.code, code
        row.save(update_fields=["code"])
        timeline.record(
            verb="place.code_changed",
            sentence=f"「{row.full_name}」编码由 {old} 改为 {code}"[:300],
            subject=row,
            by=by,
            place_id=row.pk,
        )
    return row


@transaction.atomic
def change_place(*, place_id: UUID, name: str, code: str, by: Actor, tenant: Tenant) -> Place:
    """Rename a place and change its code at once; both or neither. Raises as rename_place and change_code."""
    rename_place(place_id=place_id, name=name, by=by, tenant=tenant)
    return change_code(place_id=place_id, code=code, by=by, tenant=tenant)


@transaction.atomic
def move_place(*, place_id: UUID, parent_id: UUID | None, by: Actor, tenant: Tenant) -> Place:
    """Hang a place with all below it under another parent. Codes stay, so printed QR labels keep working.

    Raises NotAllowed, NotFound, WrongKindHere, PlaceUnderItself, PlaceNameTaken, PlaceTooDeep, ParentClosed.
    """
    if not policies.can_manage(by):
        raise NotAllowed
    lock_tree(tenant)
    row = queries.place(place_id)
    parent = queries.place(parent_id) if parent_id else None
    if parent and parent.path.startswith(row.path):
        raise PlaceUnderItself(field="parent")
    if row.parent_id == (parent.pk if parent else None):
        return row
    _check_kind(row.kind, parent)
    if parent and row.active and not parent.active:
        raise ParentClosed(parent=parent.full_name)
    _check_name(row.name, parent)
    old_path, old_full_name = row.path, row.full_name
    row.parent = parent
    row.path = f"{parent.path if parent else ''}{row.pk}/"
    row.full_name = f"{parent.full_name} / {row.name}" if parent else row.name
    if len(row.path) > PATH_LIMIT or len(row.full_name) > FULL_NAME_LIMIT:
        raise PlaceTooDeep
    _rewrite_below(row, old_path=old_path, old_full_name=old_full_name)
    row.save(update_fields=["parent", "path", "full_name"])
    timeline.record(
        verb="place.moved",
        sentence=f"场所「{row.name}」移到「{parent.full_name if parent else '最上层'}」下"[:300],
        subject=row,
        by=by,
        place_id=row.pk,
        old=old_full_name,
    )
    return row


@transaction.atomic
def set_place_active(*, place_id: UUID, active: bool, by: Actor, tenant: Tenant) -> Place:
    """Close a place with all below it, or open it again (itself alone; those below were closed for reasons of their own).

    History keeps pointing at closed places. Raises NotAllowed, NotFound, ParentClosed.
    """
    if not policies.can_manage(by):
        raise NotAllowed
    lock_tree(tenant)
    row = queries.place(place_id)
    if row.active == active:
        return row
    if active:
        parent = queries.place(row.parent_id) if row.parent_id else None
        if parent and not parent.active:
            raise ParentClosed(parent=parent.full_name)
        Place.objects.filter(pk=row.pk).update(active=True)
        count = 1
    else:
        count = Place.objects.filter(path__startswith=row.path, active=True).update(active=False)
    row.active = active
    timeline.record(
        verb="place.opened" if active else "place.closed",
        sentence=(f"启用场所「{row.full_name}」" if active else f"停用场所「{row.full_name}」及下级共 {count} 处")[
            :300
        ],
        subject=row,
        by=by,
        place_id=row.pk,
        count=count,
    )
    return row
