"""Reading the organisation: who sees what, and by which words."""

from uuid import uuid4

import pytest

from identity.choices import Role
from identity.contracts import Actor
from kernel.errors import NotFound
from kernel.tenancy import Tenant, school_context
from tenants.organisation import queries
from tests.factories.organisation import make_contract, make_department, make_place, make_post, make_staff


def actor(*roles: Role, **fields: object) -> Actor:
    return Actor(account_id=uuid4(), name="某人", roles=frozenset(roles), **fields)  # type: ignore[arg-type]


ADMIN = actor(Role.SCHOOL_ADMIN)


def test_places_are_found_by_name_pinyin_and_code(alpha: Tenant) -> None:
    campus = make_place("东校区")
    flat = make_place("1号公寓", parent=campus, code="QX7K2P")
    for text in ("公寓", "gongyu", "1hgy", "qx7k", "东校区 / 1号"):
        assert flat in queries.places(by=ADMIN, search=text), text
    assert list(queries.places(by=ADMIN, search="食堂")) == []


def test_numbers_sort_as_people_count(alpha: Tenant) -> None:
    campus = make_place("西校区")
    for n in (10, 2, 1):
        make_place(f"{n}号楼", parent=campus)
    names = [p.name for p in queries.places(by=ADMIN, kind="building", within=campus.pk)]
    assert names == ["1号楼", "2号楼", "10号楼"]


def test_a_subtree_is_the_place_and_all_below(alpha: Tenant) -> None:
    campus, other = make_place(), make_place()
    building = make_place(parent=campus)
    floor = make_place(parent=building)
    assert set(queries.subtree_ids(building.pk)) == {building.pk, floor.pk}
    assert other.pk not in queries.subtree_ids(campus.pk)


def test_a_company_sees_its_own_contracts_and_people(alpha: Tenant) -> None:
    provider_id = uuid4()
    mine, theirs, office = make_contract(provider_id=provider_id), make_contract(), make_department()
    manager = actor(Role.PROVIDER_MANAGER, provider_ids=frozenset({provider_id}))
    own, other = make_staff("甲", party=mine), make_staff("乙", party=theirs)
    assert list(queries.parties(by=manager)) == [mine]
    assert list(queries.staff(by=manager)) == [own]
    assert list(queries.contracts(by=manager)) == [mine.contract]
    assert list(queries.departments(by=manager)) == []
    with pytest.raises(NotFound):
        queries.staff_member(other.pk, by=manager)
    assert set(queries.parties(by=ADMIN)) == {mine, theirs, office}
    assert queries.party_ids_seen_by(manager) == [mine.pk] and queries.party_ids_seen_by(ADMIN) is None


def test_somebody_of_two_companies_sees_both(alpha: Tenant) -> None:
    one, two = uuid4(), uuid4()
    here, there, theirs = make_contract(provider_id=one), make_contract(provider_id=two), make_contract()
    manager = actor(Role.PROVIDER_MANAGER, provider_ids=frozenset({one, two}))
    own = {make_staff("甲", party=here), make_staff("乙", party=there)}
    make_staff("丙", party=theirs)
    assert set(queries.parties(by=manager)) == {here, there}
    assert set(queries.staff(by=manager)) == own
    assert set(queries.party_ids_seen_by(manager) or ()) == {here.pk, there.pk}


def test_a_frontline_worker_sees_themselves(alpha: Tenant) -> None:
    me, colleague = make_staff("甲"), make_staff("乙")
    worker = actor(Role.FRONTLINE, staff_id=me.pk)
    assert list(queries.staff(by=worker)) == [me]
    assert queries.staff_member(me.pk, by=worker) == me
    with pytest.raises(NotFound):
        queries.staff_member(colleague.pk, by=worker)


def test_posts_know_how_many_are_there(alpha: Tenant) -> None:
    post = make_post(headcount=2)
    make_staff(post=post)
    row = queries.posts(by=ADMIN).get(pk=post.pk)
    assert (row.headcount, row.filled) == (2, 1)
    assert list(queries.posts_short(by=ADMIN)) == [row]
    make_staff(post=post)
    assert list(queries.posts_short(by=ADMIN)) == []


def test_another_schools_ids_lead_nowhere(alpha: Tenant, beta: Tenant) -> None:
    with school_context(beta):
        place, party = make_place(), make_department()
        person = make_staff(party=party)
    for read in (
        lambda: queries.place(place.pk),
        lambda: queries.party(party.pk),
        lambda: queries.staff_member(person.pk, by=ADMIN),
        lambda: queries.subtree_ids(place.pk),
        lambda: queries.place("not-an-id"),
    ):
        with pytest.raises(NotFound):
            read()
    assert queries.places_by_id([place.pk]) == {} and queries.staff_by_id([person.pk]) == {}
