"""The tree of places."""

import pytest

from identity.choices import Role
from kernel.errors import NotAllowed, NotFound
from kernel.tenancy import Tenant, school_context
from tenants.organisation import errors, operations, queries
from tenants.organisation.models import Place
from tests.factories.organisation import make_place
from tests.tenants.organisation.test_queries import ADMIN, actor


def add(tenant: Tenant, name: str, kind: str, parent: Place | None = None, **more: object) -> Place:
    return operations.add_place(
        parent_id=parent.pk if parent else None, kind=kind, name=name, by=ADMIN, tenant=tenant, **more
    )


def test_a_tree_grows_downwards(alpha: Tenant) -> None:
    campus = add(alpha, "东校区", "campus")
    building = add(alpha, "1号公寓", "building", campus)
    point = add(alpha, "值班室", "point", building, code="dx-1-01")
    assert point.full_name == "东校区 / 1号公寓 / 值班室" and point.code == "DX-1-01"
    assert point.path == f"{campus.pk}/{building.pk}/{point.pk}/"
    assert len(campus.code) == 6
    assert [p.name for p in queries.ancestors_of(point)] == ["东校区", "1号公寓", "值班室"]
    with pytest.raises(errors.WrongKindHere) as refused:
        add(alpha, "5层", "floor", campus)
    assert "校区" in refused.value.sentence
    for wrong in ("building", "nonsense"):
        with pytest.raises(errors.WrongKindHere):
            add(alpha, "没有上级", wrong)


def test_names_and_codes_are_taken_once(alpha: Tenant) -> None:
    campus = add(alpha, "东校区", "campus", code="E01")
    with pytest.raises(errors.PlaceNameTaken):
        add(alpha, " 东校区 ", "campus")
    with pytest.raises(errors.PlaceCodeTaken):
        add(alpha, "西校区", "campus", code="e01")
    with pytest.raises(errors.PlaceCodeWrong):
        add(alpha, "西校区", "campus", code="E 01")
    operations.change_code(place_id=campus.pk, code="E02", by=ADMIN, tenant=alpha)
    assert queries.place_of_code("e02") == campus
    with pytest.raises(NotFound):
        queries.place_of_code("E01")


def test_floors_are_added_at_once_and_only_the_missing(alpha: Tenant, django_assert_max_num_queries: object) -> None:
    building = make_place(parent=make_place())
    make_place("2层", parent=building)
    with django_assert_max_num_queries(12):  # type: ignore[operator]
        made = operations.add_floors(building_id=building.pk, first=-1, last=6, by=ADMIN, tenant=alpha)
    assert [f.name for f in made] == ["地下1层", "1层", "3层", "4层", "5层", "6层"]
    assert operations.add_floors(building_id=building.pk, first=-1, last=6, by=ADMIN, tenant=alpha) == []
    with pytest.raises(errors.TooManyFloors):
        operations.add_floors(building_id=building.pk, first=6, last=1, by=ADMIN, tenant=alpha)
    with pytest.raises(errors.WrongKindHere):
        operations.add_floors(building_id=made[0].pk, first=1, last=2, by=ADMIN, tenant=alpha)


def test_moving_takes_all_below_along_and_keeps_codes(alpha: Tenant, django_assert_max_num_queries: object) -> None:
    east, west = add(alpha, "东校区", "campus"), add(alpha, "西校区", "campus")
    building = add(alpha, "综合楼", "building", east)
    operations.add_floors(building_id=building.pk, first=1, last=30, by=ADMIN, tenant=alpha)
    third = Place.objects.get(name="3层")
    room = add(alpha, "301", "area", third)
    with django_assert_max_num_queries(14):  # type: ignore[operator]
        operations.move_place(place_id=building.pk, parent_id=west.pk, by=ADMIN, tenant=alpha)
    room_now = queries.place(room.pk)
    assert room_now.full_name == "西校区 / 综合楼 / 3层 / 301" and room_now.code == room.code
    assert room_now.path == f"{west.pk}/{building.pk}/{third.pk}/{room.pk}/"
    assert len(queries.subtree_ids(west.pk)) == 33 and len(queries.subtree_ids(east.pk)) == 1
    with pytest.raises(errors.PlaceUnderItself):
        operations.move_place(place_id=third.pk, parent_id=room.pk, by=ADMIN, tenant=alpha)
    with pytest.raises(errors.WrongKindHere):
        operations.move_place(place_id=building.pk, parent_id=None, by=ADMIN, tenant=alpha)


def test_renaming_reaches_all_below(alpha: Tenant) -> None:
    campus = add(alpha, "东校区", "campus")
    building = add(alpha, "东校区", "building", campus)  # the same word below: only the front part may change
    floor = operations.add_floors(building_id=building.pk, first=1, last=1, by=ADMIN, tenant=alpha)[0]
    operations.rename_place(place_id=campus.pk, name="南校区", by=ADMIN, tenant=alpha)
    assert queries.place(floor.pk).full_name == "南校区 / 东校区 / 1层"
    assert list(queries.places(by=ADMIN, search="nanxiaoqu", kind="campus")) == [campus]


def test_names_too_long_together_are_refused_whole(alpha: Tenant) -> None:
    row = add(alpha, "甲" * 60, "campus")
    row = add(alpha, "乙" * 60, "building", row)
    row = add(alpha, "丙" * 60, "floor", row)
    with pytest.raises(errors.PlaceTooDeep):
        add(alpha, "丁" * 60, "area", row)
    short = add(alpha, "短", "campus")
    long = add(alpha, "戊" * 50, "area", short)
    for name in "己庚":
        long = add(alpha, name * 60, "area", long)
    with pytest.raises(errors.PlaceTooDeep):
        operations.rename_place(place_id=short.pk, name="长" * 60, by=ADMIN, tenant=alpha)


def test_closing_closes_all_below_and_opens_one(alpha: Tenant) -> None:
    campus = add(alpha, "东校区", "campus")
    building = add(alpha, "综合楼", "building", campus)
    operations.set_place_active(place_id=campus.pk, active=False, by=ADMIN, tenant=alpha)
    assert not queries.place(building.pk).active
    with pytest.raises(errors.ParentClosed):
        operations.set_place_active(place_id=building.pk, active=True, by=ADMIN, tenant=alpha)
    with pytest.raises(errors.ParentClosed):
        add(alpha, "新楼", "building", campus)
    operations.set_place_active(place_id=campus.pk, active=True, by=ADMIN, tenant=alpha)
    assert queries.place(campus.pk).active and not queries.place(building.pk).active


@pytest.mark.parametrize("role", [r for r in Role if r != Role.SCHOOL_ADMIN])
def test_only_the_admin_changes_places(alpha: Tenant, role: Role) -> None:
    campus = make_place()
    other = actor(role)
    for attempt in (
        lambda: operations.add_place(parent_id=None, kind="campus", name="新", by=other, tenant=alpha),
        lambda: operations.add_floors(building_id=campus.pk, first=1, last=2, by=other, tenant=alpha),
        lambda: operations.rename_place(place_id=campus.pk, name="新", by=other, tenant=alpha),
        lambda: operations.change_code(place_id=campus.pk, code="NEW", by=other, tenant=alpha),
        lambda: operations.move_place(place_id=campus.pk, parent_id=None, by=other, tenant=alpha),
        lambda: operations.set_place_active(place_id=campus.pk, active=False, by=other, tenant=alpha),
    ):
        with pytest.raises(NotAllowed):
            attempt()
    assert Place.objects.count() == 1


def test_another_schools_place_is_no_parent(alpha: Tenant, beta: Tenant) -> None:
    with school_context(beta):
        theirs = make_place()
    with pytest.raises(NotFound):
        add(alpha, "楼", "building", theirs)
    with pytest.raises(NotFound):
        operations.rename_place(place_id=theirs.pk, name="改", by=ADMIN, tenant=alpha)
