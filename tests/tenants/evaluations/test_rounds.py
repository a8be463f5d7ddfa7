"""A round from draft to document."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.utils import Error as DatabaseError

from identity.choices import GrantScope, Role
from identity.contracts import Actor
from kernel.errors import Invalid, NotAllowed, NotFound
from kernel.tenancy import Tenant, school_context
from tenants.evaluations import document, operations, queries
from tenants.evaluations.choices import Combine, Origin, RoundKind, RoundStatus, SourceMode
from tenants.evaluations.contracts import AreaSpec, SourceSpec
from tenants.evaluations.models import Area, Deduction, Entry, Round, Source
from tenants.findings.models import Finding
from tenants.timeline.models import Event
from tests.factories.evaluations import (
    NOW,
    OFFICE,
    USERS,
    actor,
    admin,
    any_rubric,
    closed_round,
    hand_in_all,
    make_round,
    supervisor,
)
from tests.factories.findings import make_finding
from tests.factories.organisation import make_contract, make_place
from tests.factories.rubrics import make_rubric

D = Decimal
OCTOBER = datetime(2026, 10, 12, 3, 0, tzinfo=UTC)


def items_of(row: Round) -> list[dict]:
    return [i for s in row.sheet["sections"] for i in s["items"]]


def office(row: Round) -> dict:
    return {"round_id": row.pk, "source_id": row.sources.get(mode="sheet").pk, "area_id": row.areas.first().pk}


def deduct(row: Round, tenant: Tenant, n: int = 0, **fields) -> Deduction:
    values = {"occurrences": 1, "reason": "走廊有垃圾", **fields}
    return operations.deduct(
        **office(row), item_key=items_of(row)[n]["id"], by=supervisor(tenant), tenant=tenant, now=NOW, **values
    )


def compute(row: Round, tenant: Tenant) -> Round:
    return operations.compute_round(round_id=row.pk, by=supervisor(tenant), tenant=tenant, now=NOW)


def test_the_whole_way(alpha: Tenant, django_capture_on_commit_callbacks) -> None:
    row = make_round(alpha)
    deduct(row, alpha, occurrences=4)  # items have 30 points, 1 each: 4 of the sheet
    hand_in_all(row, alpha, raw="92.5")
    row = compute(row, alpha)
    assert (row.score, row.grade, row.status) == (D("94.95"), "优秀", RoundStatus.COMPUTED)  # 96 × .7 + 92.5 × .3
    with django_capture_on_commit_callbacks() as jobs_sent:
        row = operations.close_round(round_id=row.pk, digest=row.digest, by=admin(alpha), tenant=alpha, now=NOW)
    assert row.status == RoundStatus.CLOSED and len(jobs_sent) == 1
    verbs = list(Event.objects.filter(subject_id=str(row.pk)).order_by("id").values_list("verb", flat=True))
    assert verbs == [
        "round.created", "round.opened", "round.deducted", "round.sheet_handed_in", "round.scored", "round.computed",
        "round.closed",
    ]  # fmt: skip
    assert queries.unharmed(row)


def test_the_result_opens_down_to_the_deduction(alpha: Tenant) -> None:
    rubric, party = make_rubric(), make_contract()
    place = make_place("东校区")
    item = rubric.sections.first().items.first()
    finding = make_finding(alpha, place=place, party=party, rubric_item_id=item.pk, now=OCTOBER, occurrences=3)
    row = make_round(alpha, party=party, rubric=rubric)
    hand_in_all(row, alpha)
    row = compute(row, alpha)
    source = row.result["areas"][0]["sources"][0]
    found = source["sections"][0]["items"][0]["deductions"][0]
    assert found["finding_number"] == finding.number and found["place"] == "东校区"
    assert found["cost"] == "3.00" and found["effect"] == "2.10"
    assert Deduction.objects.get(finding_id=finding.pk).cost == D("2.10")
    assert row.score == D("94.90")  # 97 × .7 + 90 × .3


def test_findings_of_others_other_times_and_other_sheets_do_not_count(alpha: Tenant) -> None:
    rubric, party = make_rubric(), make_contract()
    item = rubric.sections.first().items.first()
    ok = {"party": party, "rubric_item_id": item.pk, "now": OCTOBER}
    make_finding(alpha, **{**ok, "party": make_contract()})
    make_finding(alpha, **{**ok, "now": datetime(2026, 9, 30, 15, 59, tzinfo=UTC)})  # still 30 September here
    make_finding(alpha, **{**ok, "now": datetime(2026, 10, 28, 16, 0, tzinfo=UTC)})  # 29 October here
    make_finding(alpha, **{**ok, "rubric_item_id": None})
    make_finding(alpha, **{**ok, "rubric_item_id": make_rubric(title="另一份").sections.first().items.first().pk})
    inside = make_finding(alpha, **{**ok, "now": datetime(2026, 9, 30, 16, 0, tzinfo=UTC)})  # 1 October here
    row = make_round(alpha, party=party, rubric=rubric)
    assert list(Deduction.objects.filter(round=row).values_list("finding_id", flat=True)) == [inside.pk]


def test_taking_findings_again_changes_nothing_and_keeps_what_was_waived(alpha: Tenant) -> None:
    rubric, party = make_rubric(), make_contract()
    item = rubric.sections.first().items.first()
    finding = make_finding(alpha, party=party, rubric_item_id=item.pk, now=OCTOBER)
    row = make_round(alpha, party=party, rubric=rubric)
    taken = Deduction.objects.get(round=row)
    operations.waive_deduction(deduction_id=taken.pk, reason="不可抗力", by=admin(alpha), tenant=alpha, now=NOW)
    finding.occurrences = 5
    finding.save()
    assert operations.refresh_findings(round_id=row.pk, by=supervisor(alpha), tenant=alpha) == 1
    taken.refresh_from_db()
    assert taken.waived and taken.occurrences == 5
    hand_in_all(row, alpha)
    assert compute(row, alpha).score == D("97.00")


def test_recomputing_gives_the_same_digest(alpha: Tenant) -> None:
    row = make_round(alpha)
    for n in range(3):
        deduct(row, alpha, n, occurrences=n + 1)
    hand_in_all(row, alpha)
    first = compute(row, alpha)
    events = Event.objects.count()
    again = operations.compute_round(
        round_id=row.pk, by=admin(alpha), tenant=alpha, now=datetime(2026, 12, 1, tzinfo=UTC)
    )
    assert again.digest == first.digest and again.computed_at == first.computed_at and Event.objects.count() == events
    assert operations.recomputed_digest(again) == first.digest
    assert document.digest_of(again.result) == first.digest


def test_a_change_after_computing_asks_for_computing_again(alpha: Tenant) -> None:
    row = make_round(alpha)
    hand_in_all(row, alpha)
    seen = compute(row, alpha).digest
    deduct(row, alpha)
    row.refresh_from_db()
    assert row.status == RoundStatus.COLLECTING
    with pytest.raises(operations.NotComputed):
        operations.close_round(round_id=row.pk, by=admin(alpha), tenant=alpha, now=NOW)
    assert compute(row, alpha).digest != seen
    with pytest.raises(operations.Changed):
        operations.close_round(round_id=row.pk, digest=seen, by=admin(alpha), tenant=alpha, now=NOW)


def scored_with_finding(alpha: Tenant) -> tuple[Round, Finding]:
    party, rubric = make_contract(), make_rubric()
    item = rubric.sections.first().items.first()
    finding = make_finding(alpha, party=party, rubric_item_id=item.pk, now=OCTOBER)
    row = make_round(alpha, party=party, rubric=rubric)
    hand_in_all(row, alpha)
    return compute(row, alpha), finding


def test_a_finding_voided_or_opened_after_computing_asks_for_computing_again(alpha: Tenant) -> None:
    row, finding = scored_with_finding(alpha)
    close = {"round_id": row.pk, "digest": row.digest, "by": admin(alpha), "tenant": alpha, "now": NOW}
    Finding.objects.filter(pk=finding.pk).update(status="void")
    with pytest.raises(operations.Changed):
        operations.close_round(**close)
    assert Deduction.objects.filter(round=row).count() == 1  # the refusal changed nothing
    row = compute(row, alpha)
    make_finding(alpha, party=row.party, rubric_item_id=finding.rubric_item_id, now=OCTOBER)
    with pytest.raises(operations.Changed):
        operations.close_round(**{**close, "digest": row.digest})
    row = compute(row, alpha)
    assert operations.close_round(**{**close, "digest": row.digest}).status == RoundStatus.CLOSED


def test_a_round_closes_from_its_last_day_on_and_the_rest_of_that_day_counts_in_the_next(alpha: Tenant) -> None:
    row, finding = scored_with_finding(alpha)  # 1–28 October
    close = {"round_id": row.pk, "by": admin(alpha), "tenant": alpha}
    with pytest.raises(operations.RoundNotOver):
        operations.close_round(**close, now=datetime(2026, 10, 27, 15, 59, tzinfo=UTC))
    noon = datetime(2026, 10, 28, 4, tzinfo=UTC)
    operations.close_round(**close, now=noon)
    late = make_finding(
        alpha, party=row.party, rubric_item_id=finding.rubric_item_id, now=datetime(2026, 10, 28, 9, tzinfo=UTC)
    )
    following = operations.create_round(
        kind=RoundKind.MONTHLY, starts_on=date(2026, 10, 29), ends_on=date(2026, 10, 31), party_id=row.party_id,
        rubric_id=row.rubric_id, sources=(SourceSpec("后勤处", Decimal(100), SourceMode.SHEET, takes_findings=True),),
        by=admin(alpha), tenant=alpha,
    )  # fmt: skip
    operations.open_round(round_id=following.pk, by=admin(alpha), tenant=alpha)
    assert list(following.deductions.values_list("finding_id", flat=True)) == [late.pk]


def test_a_round_waits_for_all_sources_unless_excused(alpha: Tenant) -> None:
    row = make_round(alpha)
    operations.hand_in_sheet(**office(row), by=supervisor(alpha), tenant=alpha, now=NOW)
    with pytest.raises(operations.Incomplete) as missing:
        compute(row, alpha)
    assert "使用单位" in missing.value.sentence and missing.value.details["count"] == 1
    users = row.sources.get(name="使用单位")
    with pytest.raises(NotAllowed):
        operations.excuse_source(source_id=users.pk, reason="放假", by=supervisor(alpha), tenant=alpha)
    operations.excuse_source(source_id=users.pk, reason="放假", by=admin(alpha), tenant=alpha)
    assert compute(row, alpha).score == D("100.00")
    with pytest.raises(Invalid):
        operations.excuse_source(
            source_id=row.sources.get(name="后勤处").pk, reason="放假", by=admin(alpha), tenant=alpha
        )


def test_not_applicable_and_veto(alpha: Tenant) -> None:
    row = make_round(alpha, rubric=make_rubric(veto_item=True))
    items = items_of(row)
    cell = office(row)
    operations.mark_applicable(**cell, item_key=items[0]["id"], reason="本月停用", by=supervisor(alpha), tenant=alpha)
    deduct(row, alpha, 1, occurrences=3)  # 3 of the 30 points left of 60 → 6
    hand_in_all(row, alpha, raw="100")
    assert compute(row, alpha).score == D("95.80")
    with pytest.raises(Invalid):
        deduct(row, alpha, 1, veto=True)
    deduct(row, alpha, 3, veto=True, reason="消防通道堵塞致人受伤")
    row = compute(row, alpha)
    assert (row.score, row.grade, row.veto) == (D("59.99"), "不合格", True)
    assert row.result["before_veto"] == "95.10"


def test_areas_take_the_findings_of_their_places(alpha: Tenant) -> None:
    rubric, party = make_rubric(), make_contract()
    east, west = make_place("东校区"), make_place("西校区")
    dorm = make_place("1号公寓", parent=east)
    item = rubric.sections.first().items.first()
    for place in (dorm, east, west):
        make_finding(alpha, place=place, party=party, rubric_item_id=item.pk, now=OCTOBER)
    row = make_round(
        alpha, party=party, rubric=rubric, combine=Combine.WEIGHTS,
        areas=(AreaSpec("东", D(75), east.pk), AreaSpec("其他", D(25))),
    )  # fmt: skip
    assert sorted(Deduction.objects.filter(round=row).values_list("area__name", flat=True)) == ["东", "东", "其他"]
    hand_in_all(row, alpha, raw="100")
    row = compute(row, alpha)
    assert [a["score"] for a in row.result["areas"]] == ["98.60", "99.30"]
    assert row.score == D("98.78")  # 98.6 × .75 + 99.3 × .25 = 98.775
    effects = [D(str(d.cost)) for d in Deduction.objects.filter(round=row)]
    assert sum(effects) == D("0.53") + D("0.53") + D("0.18")  # 0.525, 0.525, 0.175, each rounded by itself


def test_the_published_example_as_a_round(alpha: Tenant) -> None:
    weights = {"使用单位": "50", "保卫处": "15", "资产管理处": "10", "教务处": "5", "环境管理科": "5", "学生处": "15"}
    row = make_round(alpha, sources=tuple(SourceSpec(name, D(w)) for name, w in weights.items()))
    points = {
        "使用单位": "96.9",
        "保卫处": "94",
        "资产管理处": "94",
        "教务处": "95",
        "环境管理科": "95",
        "学生处": "95",
    }
    for source in row.sources.all():
        operations.give_score(
            round_id=row.pk, source_id=source.pk, area_id=row.areas.get().pk, raw=D(points[source.name]),
            by=supervisor(alpha), tenant=alpha, now=NOW,
        )  # fmt: skip
    row = compute(row, alpha)
    parts = {s["name"]: s["weighted"] for s in row.result["areas"][0]["sources"]}
    assert (parts["使用单位"], parts["保卫处"], parts["资产管理处"]) == ("48.45", "14.10", "9.40")
    assert row.score == D("95.70")


def test_the_sheet_is_frozen_when_scoring_starts(alpha: Tenant) -> None:
    rubric = make_rubric()
    row = make_round(alpha, rubric=rubric, opened=False)
    rubric.sections.first().items.update(per_fault="2.00")
    row = operations.open_round(round_id=row.pk, by=admin(alpha), tenant=alpha)
    rubric.sections.first().items.update(per_fault="7.00")
    assert deduct(row, alpha).nominal == D("2.00")
    assert items_of(Round.objects.get(pk=row.pk))[0]["per_fault"] == "2.00"


# --- Refusals -------------------------------------------------------------------------------------------


def create(alpha: Tenant, **fields) -> Round:
    values = {
        "kind": RoundKind.MONTHLY, "starts_on": date(2026, 10, 1), "ends_on": date(2026, 10, 31),
        "sources": (OFFICE, USERS), "by": admin(alpha), "tenant": alpha, **fields,
    }  # fmt: skip
    values.setdefault("party_id", make_contract().pk)
    values.setdefault("rubric_id", any_rubric().pk)
    return operations.create_round(**values)


@pytest.mark.parametrize(
    ("sources", "refused"),
    [
        ((), Invalid),
        ((SourceSpec("甲", D(60)), SourceSpec("乙", D(30))), operations.WeightsOff),
        ((SourceSpec("甲", D(130)), SourceSpec("乙", D(-30))), operations.WeightsOff),
        ((SourceSpec("甲", D(50)), SourceSpec("甲 ", D(50))), Invalid),
        ((SourceSpec("甲", D(100), SourceMode.RAW, takes_findings=True),), Invalid),
    ],
)
def test_wrong_sources_are_refused(alpha: Tenant, sources: tuple, refused: type) -> None:
    with pytest.raises(refused):
        create(alpha, sources=sources)
    assert not Round.objects.exists()


def test_wrong_periods_and_areas_are_refused(alpha: Tenant) -> None:
    for fields in (
        {"ends_on": date(2026, 9, 30)},
        {"ends_on": date(2026, 11, 1)},
        {"kind": RoundKind.QUARTERLY, "ends_on": date(2027, 1, 1)},
        {"areas": (AreaSpec("东"), AreaSpec("东"))},
        {"areas": (AreaSpec("东"), AreaSpec("西"))},  # both without a place
    ):
        with pytest.raises(Invalid):
            create(alpha, **fields)
    east = make_place("东校区").pk
    with pytest.raises(operations.AreasOff):
        create(alpha, combine=Combine.WEIGHTS, areas=(AreaSpec("东", D(60), east), AreaSpec("西", D(30))))
    with pytest.raises(NotFound):
        create(alpha, areas=(AreaSpec("东", D(1), uuid4()),))
    with pytest.raises(NotFound):
        create(alpha, party_id=uuid4())


def test_the_same_round_is_not_made_twice(alpha: Tenant) -> None:
    party = make_contract().pk
    create(alpha, party_id=party)
    with pytest.raises(operations.RoundExists):
        create(alpha, party_id=party)
    assert Round.objects.count() == 1


def test_scores_out_of_range(alpha: Tenant) -> None:
    row = make_round(alpha)
    cell = {"round_id": row.pk, "source_id": row.sources.get(mode="raw").pk, "area_id": row.areas.get().pk}
    for raw in ("-1", "100.01", "96.555", "NaN"):
        with pytest.raises(Invalid):
            operations.give_score(**cell, raw=D(raw), by=supervisor(alpha), tenant=alpha, now=NOW)
    with pytest.raises(operations.WrongMode):
        operations.hand_in_sheet(**cell, by=supervisor(alpha), tenant=alpha, now=NOW)
    with pytest.raises(operations.WrongMode):
        operations.give_score(**office(row), raw=D(90), by=supervisor(alpha), tenant=alpha, now=NOW)
    assert not Entry.objects.filter(submitted_at__isnull=False).exists()


def test_one_form_submitted_twice_deducts_once(alpha: Tenant) -> None:
    row, key = make_round(alpha), uuid4()
    first = deduct(row, alpha, deduction_id=key)
    assert deduct(row, alpha, deduction_id=key).pk == first.pk == key
    assert Deduction.objects.count() == 1


def test_a_deduction_from_a_finding_cannot_be_withdrawn(alpha: Tenant) -> None:
    rubric, party = make_rubric(), make_contract()
    make_finding(alpha, party=party, rubric_item_id=rubric.sections.first().items.first().pk, now=OCTOBER)
    row = make_round(alpha, party=party, rubric=rubric)
    with pytest.raises(Invalid):
        operations.withdraw_deduction(deduction_id=Deduction.objects.get().pk, by=admin(alpha), tenant=alpha)
    mine = supervisor(alpha)
    written = operations.deduct(
        **office(row), item_key=items_of(row)[0]["id"], occurrences=1, reason="写错了", by=mine, tenant=alpha, now=NOW
    )
    with pytest.raises(NotAllowed):
        operations.withdraw_deduction(deduction_id=written.pk, by=supervisor(alpha), tenant=alpha)
    operations.withdraw_deduction(deduction_id=written.pk, by=mine, tenant=alpha)
    assert Deduction.objects.get().origin == Origin.FINDING


def test_an_empty_reason_or_place_elsewhere(alpha: Tenant, beta: Tenant) -> None:
    row = make_round(alpha)
    with pytest.raises(Invalid):
        deduct(row, alpha, reason="  ")
    with school_context(beta):
        theirs = make_place("乙校区").pk
    with pytest.raises(NotFound):
        deduct(row, alpha, place_id=theirs)
    with pytest.raises(NotFound):
        deduct(row, alpha, evidence_ids=[uuid4()])
    assert not Deduction.objects.exists()


# --- A closed round -----------------------------------------------------------------------------------------


def test_a_closed_round_refuses_every_operation(alpha: Tenant) -> None:
    row = make_round(alpha)
    taken = deduct(row, alpha)
    hand_in_all(row, alpha)
    compute(row, alpha)
    row = operations.close_round(round_id=row.pk, by=admin(alpha), tenant=alpha, now=NOW)
    boss = {"by": admin(alpha), "tenant": alpha}
    key = items_of(row)[0]["id"]
    raw = {**office(row), "source_id": row.sources.get(mode="raw").pk}
    for refused in (
        lambda: operations.close_round(round_id=row.pk, now=NOW, **boss),
        lambda: operations.compute_round(round_id=row.pk, now=NOW, **boss),
        lambda: operations.open_round(round_id=row.pk, **boss),
        lambda: operations.change_layout(round_id=row.pk, sources=(OFFICE, USERS), **boss),
        lambda: operations.delete_draft(round_id=row.pk, **boss),
        lambda: operations.refresh_findings(round_id=row.pk, **boss),
        lambda: operations.give_score(**raw, raw=D(1), now=NOW, **boss),
        lambda: operations.hand_in_sheet(**office(row), now=NOW, **boss),
        lambda: operations.mark_applicable(**office(row), item_key=key, reason="x", **boss),
        lambda: operations.deduct(**office(row), item_key=key, occurrences=1, reason="x", now=NOW, **boss),
        lambda: operations.waive_deduction(deduction_id=taken.pk, reason="x", now=NOW, **boss),
        lambda: operations.withdraw_deduction(deduction_id=taken.pk, **boss),
        lambda: operations.excuse_source(source_id=raw["source_id"], reason="x", **boss),
    ):
        with pytest.raises(operations.RoundClosed):
            refused()
    assert queries.unharmed(Round.objects.get(pk=row.pk))


def test_the_database_refuses_to_change_a_closed_round(alpha: Tenant) -> None:
    row = make_round(alpha)
    deduct(row, alpha)
    hand_in_all(row, alpha)
    compute(row, alpha)
    operations.close_round(round_id=row.pk, by=admin(alpha), tenant=alpha, now=NOW)
    for attempt in (
        lambda: Round.objects.filter(pk=row.pk).update(score=100),
        lambda: Round.objects.filter(pk=row.pk).update(status="computed"),
        lambda: Deduction.objects.filter(round=row).update(occurrences=1, waived=False),
        lambda: Deduction.objects.filter(round=row).delete(),
        lambda: Source.objects.filter(round=row).update(weight=1),
        lambda: Area.objects.filter(round=row).update(weight=2),
        lambda: Entry.objects.filter(source__round=row).update(raw=1),
        lambda: Source.objects.create(round=row, name="新", weight=1, mode="raw"),
        lambda: connection.cursor().execute("DELETE FROM evaluations_round WHERE id = %s", [row.pk]),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            attempt()
    assert queries.unharmed(Round.objects.get(pk=row.pk))


def test_half_a_round_cannot_be_closed_behind_our_back(alpha: Tenant) -> None:
    row = make_round(alpha)
    with pytest.raises(IntegrityError), transaction.atomic():
        Round.objects.filter(pk=row.pk).update(status="closed")


# --- Who may ---------------------------------------------------------------------------------------------------


def test_who_may_do_what(alpha: Tenant) -> None:
    row = make_round(alpha)
    hand_in_all(row, alpha)
    leader = actor(alpha, Role.SCHOOL_LEADER)
    company = actor(alpha, Role.PROVIDER_MANAGER, provider_id=row.party.provider_id)
    worker = actor(alpha, Role.FRONTLINE)
    for person in (leader, company, worker):
        with pytest.raises(NotAllowed):
            operations.compute_round(round_id=row.pk, by=person, tenant=alpha, now=NOW)
        with pytest.raises(NotAllowed):
            operations.hand_in_sheet(**office(row), by=person, tenant=alpha, now=NOW)
        with pytest.raises(NotAllowed):
            create(alpha, by=person)
    compute(row, alpha)
    for person in (leader, company, worker, supervisor(alpha)):
        with pytest.raises(NotAllowed):
            operations.close_round(round_id=row.pk, by=person, tenant=alpha, now=NOW)
    row.refresh_from_db()
    assert row.status == RoundStatus.COMPUTED


def test_named_scorers_only(alpha: Tenant) -> None:
    dean = actor(alpha, Role.SCHOOL_LEADER, name="教务处")
    company = actor(alpha, Role.PROVIDER_MANAGER, provider_id=uuid4())
    row = make_round(
        alpha,
        sources=(SourceSpec("教务处", D(100), scorers=((dean.account_id, "张"), (company.account_id, "物业"))),),
    )
    cell = {"round_id": row.pk, "source_id": row.sources.get().pk, "area_id": row.areas.get().pk, "raw": D(80)}
    for person in (supervisor(alpha), company):
        with pytest.raises(NotAllowed):
            operations.give_score(**cell, by=person, tenant=alpha, now=NOW)
    operations.give_score(**cell, by=dean, tenant=alpha, now=NOW)
    assert Entry.objects.get().submitted_by == dean.account_id


def test_a_company_sees_its_own_rounds_once_scoring_began(alpha: Tenant) -> None:
    ours, theirs = make_contract(), make_contract()
    company = actor(alpha, Role.PROVIDER_MANAGER, provider_id=ours.provider_id)
    make_round(alpha, party=ours, opened=False, month=9)
    mine = make_round(alpha, party=ours)
    other = make_round(alpha, party=theirs)
    deduct(other, alpha)
    deduct(mine, alpha)
    assert list(queries.rounds(by=company)) == [mine]
    assert {d.round_id for d in queries.deductions(by=company)} == {mine.pk}
    for hidden in (other.pk, uuid4(), "not-an-id"):
        with pytest.raises(NotFound):
            queries.round_of(hidden, by=company)
    with pytest.raises(NotFound):
        queries.deduction(Deduction.objects.get(round=other).pk, by=company)
    with pytest.raises(NotAllowed):
        queries.rounds(by=actor(alpha, Role.FRONTLINE))


def test_other_schools_ids_open_nothing(alpha: Tenant, beta: Tenant) -> None:
    with school_context(beta):
        theirs = make_round(beta)
        cell = office(theirs)
        key = items_of(theirs)[0]["id"]
        taken = deduct(theirs, beta)
    boss = {"by": admin(alpha), "tenant": alpha}
    for attempt in (
        lambda: queries.round_of(theirs.pk, by=admin(alpha)),
        lambda: operations.compute_round(round_id=theirs.pk, now=NOW, **boss),
        lambda: operations.close_round(round_id=theirs.pk, now=NOW, **boss),
        lambda: operations.deduct(**cell, item_key=key, occurrences=1, reason="x", now=NOW, **boss),
        lambda: operations.waive_deduction(deduction_id=taken.pk, reason="x", now=NOW, **boss),
        lambda: operations.excuse_source(source_id=cell["source_id"], reason="x", **boss),
    ):
        with pytest.raises(NotFound):
            attempt()
    mine = make_round(alpha)
    with pytest.raises(NotFound):  # our round, their source
        operations.hand_in_sheet(**{**office(mine), "source_id": cell["source_id"]}, now=NOW, **boss)
    with pytest.raises(NotFound):
        operations.hand_in_sheet(**{**office(mine), "area_id": cell["area_id"]}, now=NOW, **boss)


def test_trial_mode_is_written_into_the_document(alpha: Tenant) -> None:
    from dataclasses import replace

    row = closed_round(replace(alpha, trial=True))
    assert row.trial and row.result["trial"] is True


# --- Cost ---------------------------------------------------------------------------------------------------------


def test_the_list_costs_a_constant_number_of_queries(alpha: Tenant, django_assert_num_queries) -> None:
    party = make_contract()
    for month in (6, 7, 8, 9, 10):
        make_round(alpha, party=party, month=month)
    with django_assert_num_queries(2):
        rows = list(queries.rounds(by=admin(alpha)))
        queries.progress_of([r.pk for r in rows])


def test_computing_costs_the_same_for_few_and_many_deductions(alpha: Tenant, django_assert_max_num_queries) -> None:
    row = make_round(alpha)
    for n in range(12):
        deduct(row, alpha, n % 4)
    hand_in_all(row, alpha)
    with django_assert_max_num_queries(18):
        compute(row, alpha)


def test_the_institute_reads_only_under_a_grant_and_never_writes(alpha: Tenant) -> None:
    row = closed_round(alpha)
    open_one = make_round(alpha, month=9)

    def reader(*scopes: GrantScope) -> Actor:
        return Actor(
            account_id=uuid4(), name="研究院", roles=frozenset({Role.INSTITUTE_ANALYST}), school_id=alpha.school_id,
            grant_id=uuid4(), grant_scopes=frozenset(scopes),
        )  # fmt: skip

    allowed = reader(GrantScope.EVALUATIONS)
    assert queries.round_of(row.pk, by=allowed) == row and allowed.grant_reads == {GrantScope.EVALUATIONS}
    for other in (reader(GrantScope.FINDINGS), actor(alpha, Role.INSTITUTE_ADMIN)):
        with pytest.raises(NotAllowed):
            queries.rounds(by=other)
    source = open_one.sources.get(mode="raw")
    source.scorers = [{"id": str(allowed.account_id), "name": "研究院"}]
    source.save()
    with pytest.raises(NotAllowed):
        operations.give_score(
            round_id=open_one.pk, source_id=source.pk, area_id=open_one.areas.get().pk, raw=D(1), by=allowed,
            tenant=alpha, now=NOW,
        )  # fmt: skip
