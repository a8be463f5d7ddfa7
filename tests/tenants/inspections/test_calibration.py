"""判分校准: blind until revealed, numbers only for oneself and the head."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from identity.choices import Role
from identity.contracts import Actor
from kernel import clock
from kernel.errors import Invalid, NotAllowed, NotFound
from kernel.tenancy import Tenant
from tenants.evidence import queries as evidence
from tenants.inspections import boards, operations
from tenants.inspections.models import Calibration, Mark
from tenants.inspections.operations.calibrating import CalibrationOver, MarksMissing, StillBlind
from tenants.notices.models import Notice
from tenants.rubrics.contracts import RubricContract
from tests.factories.findings import make_member, make_photo
from tests.factories.organisation import make_place
from tests.factories.rubrics import make_rubric

NOW = clock.now()
D = Decimal


def arranged(tenant: Tenant, *people: Actor, **fields: Any) -> tuple[Calibration, list[UUID]]:
    admin = make_member(tenant, Role.SCHOOL_ADMIN)
    rubric = make_rubric(title=f"表{clock.now().timestamp()}")
    items = [i.pk for s in rubric.sections.all() for i in s.items.all()]
    sheet = operations.save_checklist(
        title=f"日检{clock.now().timestamp()}", rubric_id=rubric.pk, item_ids=items, by=admin, tenant=tenant
    )
    row = operations.arrange_calibration(
        checklist_id=sheet.pk, place_id=make_place().pk, scorer_ids=[p.account_id for p in people],
        closes_at=NOW + timedelta(days=2), by=admin, tenant=tenant, now=NOW, **fields,
    )  # fmt: skip
    return row, [i.id for i in RubricContract.from_json(row.sheet).items()]


def hand_in(
    row: Calibration, items: list[UUID], by: Actor, tenant: Tenant, faults: dict[int, int], **more: Any
) -> None:
    marks = [
        {
            "item_id": i,
            "verdict": "fail" if n in faults else "pass",
            "faults": faults.get(n, 0),
            **more.get(f"i{n}", {}),
        }
        for n, i in enumerate(items)
    ]
    operations.submit_marks(calibration_id=row.pk, marks=marks, by=by, tenant=tenant, now=NOW)


def test_blind_until_the_last_is_in(alpha: Tenant) -> None:
    one, two = make_member(alpha), make_member(alpha)
    row, items = arranged(alpha, one, two)
    photo = make_photo(alpha, one)
    hand_in(row, items, one, alpha, {0: 3}, i0={"photo_ids": [photo.pk], "note": "三处"})
    assert boards.disputed(row, by=two) == boards.disputed(row, by=one) == []
    leader = make_member(alpha, Role.SCHOOL_LEADER)
    assert not boards.shows_evidence(two, photo.pk) and not boards.shows_evidence(leader, photo.pk)
    assert boards.shows_evidence(one, photo.pk)
    assert {s.bias for _c, s in boards.seats_shown([row.pk], by=leader)} == {None}
    with pytest.raises(StillBlind):
        admin = make_member(alpha, Role.SCHOOL_ADMIN)
        operations.reveal_calibration(calibration_id=row.pk, by=admin, tenant=alpha, now=NOW)
    hand_in(row, items, two, alpha, {0: 1})
    row.refresh_from_db()
    assert row.status == "revealed"
    (item,) = boards.disputed(row, by=two)
    assert [(o.mine, o.mark.faults) for o in item.opinions] in ([(False, 3), (True, 1)], [(True, 1), (False, 3)])
    assert boards.shows_evidence(two, photo.pk)
    assert Notice.objects.filter(title__startswith="判分校准已揭晓").count() == 2


def test_bias_is_for_oneself_and_the_head(alpha: Tenant) -> None:
    strict, mild, leader = make_member(alpha), make_member(alpha), make_member(alpha, Role.SCHOOL_LEADER)
    row, items = arranged(alpha, strict, mild)
    hand_in(row, items, strict, alpha, {0: 4, 1: 2})
    hand_in(row, items, mild, alpha, {0: 1})
    own = {s.account_id: s.bias for _c, s in boards.seats_shown([row.pk], by=mild)}
    assert own == {strict.account_id: None, mild.account_id: D("5.00")}
    assert {s.bias for _c, s in boards.seats_shown([row.pk], by=leader)} == {D("5.00"), D("-5.00")}
    admin = make_member(alpha, Role.SCHOOL_ADMIN)
    assert {s.bias for _c, s in boards.seats_shown([row.pk], by=admin)} == {None}
    assert boards.disputed(row, by=admin) == []
    assert [(t.name, t.times, t.bias) for t in boards.tendencies(by=mild)] == [(mild.name, 1, D("5.00"))]
    assert len(boards.tendencies(by=leader)) == 2
    stranger = make_member(alpha)
    assert boards.tendencies(by=stranger) == []
    with pytest.raises(NotFound):
        boards.calibration(row.pk, by=stranger)


def test_the_score_against_an_expert_is_kept(alpha: Tenant) -> None:
    expert, novice = make_member(alpha), make_member(alpha)
    row, items = arranged(alpha, novice, expert_id=expert.account_id)
    hand_in(row, items, expert, alpha, {0: 5})
    hand_in(row, items, novice, alpha, {})
    seats = {s.account_id: s for s in row.seats.all()}
    assert (seats[novice.account_id].accuracy, seats[novice.account_id].agreement) == (D("95.00"), D("75.00"))
    assert seats[expert.account_id].accuracy is None


def test_once_whole_and_in_time(alpha: Tenant) -> None:
    one, two = make_member(alpha), make_member(alpha)
    row, items = arranged(alpha, one, two)
    call = {"calibration_id": row.pk, "by": one, "tenant": alpha}
    with pytest.raises(MarksMissing):
        operations.submit_marks(**call, marks=[{"item_id": items[0], "verdict": "pass"}], now=NOW)
    assert not Mark.objects.exists()
    hand_in(row, items, one, alpha, {})
    hand_in(row, items, one, alpha, {0: 9})  # again: nothing changes
    assert not Mark.objects.filter(verdict="fail").exists()
    late = NOW + timedelta(days=2)
    with pytest.raises(CalibrationOver):
        full = [{"item_id": i, "verdict": "pass"} for i in items]
        operations.submit_marks(calibration_id=row.pk, marks=full, by=two, tenant=alpha, now=late)
    assert operations.reveal_due(tenant=alpha, now=late) == 1
    assert operations.reveal_due(tenant=alpha, now=late) == 0
    assert row.seats.get(account_id=one.account_id).bias is None  # nobody to compare with
    with pytest.raises(NotFound):
        operations.submit_marks(calibration_id=row.pk, marks=[], by=make_member(alpha), tenant=alpha, now=NOW)


def test_who_arranges_and_what_makes_no_sense(alpha: Tenant) -> None:
    one, two = make_member(alpha), make_member(alpha)
    row, _items = arranged(alpha, one, two)
    with pytest.raises(Invalid):
        arranged(alpha, one)
    with pytest.raises(Invalid):
        arranged(alpha, one, make_member(alpha, Role.FRONTLINE))
    with pytest.raises(NotAllowed):
        operations.void_calibration(calibration_id=row.pk, by=one, tenant=alpha, now=NOW)
    admin = make_member(alpha, Role.SCHOOL_ADMIN)
    assert operations.void_calibration(calibration_id=row.pk, by=admin, tenant=alpha, now=NOW).status == "void"
    assert evidence.existing([], by=one) == []
