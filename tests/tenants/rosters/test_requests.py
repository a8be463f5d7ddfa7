"""Leave, swap and cover: asked, agreed, decided by somebody else."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from identity.choices import Role
from identity.contracts import Actor
from kernel.errors import Invalid, NotAllowed, NotFound
from kernel.tenancy import Tenant
from tenants.notices.models import Notice
from tenants.organisation.models import Staff
from tenants.rosters import operations, policies, queries
from tenants.rosters.errors import (
    CertificateLacking,
    LeaveOverlaps,
    LeaveWrong,
    MonthFrozen,
    OwnRequest,
    RequestClosed,
    ShiftsOverlap,
    SwapUnfit,
)
from tenants.rosters.models import Assignment, Leave, ShiftInstance, Swap
from tests.factories.findings import make_member
from tests.factories.organisation import make_certificate, make_party, make_post, make_staff
from tests.factories.rosters import instances_of, make_assignment, make_rest, make_shift

NOW = datetime(2026, 6, 15, 4, tzinfo=UTC)
DAY = date(2026, 6, 20)


def worker(tenant: Tenant, person: Staff) -> Actor:
    actor = make_member(tenant, Role.FRONTLINE, staff_id=person.pk, name=person.name)
    Staff.objects.filter(pk=person.pk).update(account_id=actor.account_id)
    person.account_id = actor.account_id
    return actor


@pytest.fixture
def admin(alpha: Tenant) -> Actor:
    return make_member(alpha, Role.SCHOOL_ADMIN)


def ask(tenant: Tenant, by: Actor, part: str = "day", **more: object) -> Leave:
    starts, ends = operations.half_day(DAY, part, tenant)
    return operations.ask_leave(
        **{"kind": "personal", "starts_at": starts, "ends_at": ends, **more}, by=by, tenant=tenant, now=NOW
    )  # type: ignore[arg-type]


def test_a_half_day_is_asked_and_approved_and_cancels_no_shift(alpha: Tenant, admin: Actor) -> None:
    person = make_staff(post=make_post())
    me = worker(alpha, person)
    row = make_assignment(alpha, day=DAY, staff=person)
    leave = ask(alpha, me, "am")
    assert leave.ends_at - leave.starts_at == timedelta(hours=12)
    assert Notice.objects.filter(account_id=admin.account_id, occasion=f"leave.asked:{leave.pk}").exists()
    operations.decide_leave(leave_id=leave.pk, approve=True, by=admin, tenant=alpha, now=NOW)
    assert queries.approved_leaves([person.pk], leave.starts_at, leave.ends_at) == [leave]
    assert len(instances_of(row)) == 1
    assert Notice.objects.filter(account_id=me.account_id, occasion=f"leave.decided:{leave.pk}").exists()


def test_nobody_decides_what_they_asked_for(alpha: Tenant, admin: Actor) -> None:
    person = make_staff(post=make_post())
    behalf = ask(alpha, admin, staff_id=person.pk)
    with pytest.raises(OwnRequest):
        operations.decide_leave(leave_id=behalf.pk, approve=True, by=admin, tenant=alpha, now=NOW)
    behalf.refresh_from_db()
    assert behalf.status == "pending"
    operations.decide_leave(
        leave_id=behalf.pk, approve=True, by=make_member(alpha, Role.SCHOOL_SUPERVISOR), tenant=alpha, now=NOW
    )


def test_a_supervisor_who_is_staff_does_not_decide_their_own_leave(alpha: Tenant) -> None:
    person = make_staff(post=make_post())
    me = make_member(alpha, Role.SCHOOL_SUPERVISOR, staff_id=person.pk)
    leave = ask(alpha, make_member(alpha, Role.SCHOOL_ADMIN), staff_id=person.pk)
    with pytest.raises(OwnRequest):
        operations.decide_leave(leave_id=leave.pk, approve=True, by=me, tenant=alpha, now=NOW)


def test_a_refusal_says_why_and_is_final(alpha: Tenant, admin: Actor) -> None:
    leave = ask(alpha, worker(alpha, make_staff(post=make_post())))
    with pytest.raises(Invalid):
        operations.decide_leave(leave_id=leave.pk, approve=False, by=admin, tenant=alpha, now=NOW)
    operations.decide_leave(leave_id=leave.pk, approve=False, note="人手不够", by=admin, tenant=alpha, now=NOW)
    with pytest.raises(RequestClosed):
        operations.decide_leave(leave_id=leave.pk, approve=True, by=admin, tenant=alpha, now=NOW)


def test_leaves_do_not_overlap_but_two_halves_do_stand(alpha: Tenant) -> None:
    me = worker(alpha, make_staff(post=make_post()))
    ask(alpha, me, "am")
    ask(alpha, me, "pm")
    with pytest.raises(LeaveOverlaps):
        ask(alpha, me)
    with pytest.raises(LeaveWrong):
        ask(alpha, me, ends_at=datetime(2026, 6, 1, tzinfo=UTC))


def test_the_same_key_asks_once(alpha: Tenant) -> None:
    me = worker(alpha, make_staff(post=make_post()))
    assert ask(alpha, me, client_key="k") == ask(alpha, me, client_key="k")
    assert Leave.objects.count() == 1


def test_a_worker_asks_for_nobody_else_and_sees_nobody_elses(alpha: Tenant) -> None:
    me, other = worker(alpha, make_staff(post=make_post())), make_staff(post=make_post())
    with pytest.raises(NotAllowed):
        ask(alpha, me, staff_id=other.pk)
    leave = ask(alpha, worker(alpha, other))
    assert not queries.leaves(by=me).exists()
    with pytest.raises(NotFound):
        operations.withdraw_leave(leave_id=leave.pk, by=me, tenant=alpha, now=NOW)


def test_confirmed_months_take_no_leave_any_more(alpha: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policies, "_freezes", [lambda cells: [c for c in cells if c[1].month == 6]])
    with pytest.raises(MonthFrozen):
        ask(alpha, worker(alpha, make_staff(post=make_post())))


def test_an_approved_leave_can_be_taken_back_until_it_is_over(alpha: Tenant, admin: Actor) -> None:
    me = worker(alpha, make_staff(post=make_post()))
    leave = ask(alpha, me)
    operations.decide_leave(leave_id=leave.pk, approve=True, by=admin, tenant=alpha, now=NOW)
    with pytest.raises(RequestClosed):
        operations.withdraw_leave(leave_id=leave.pk, by=me, tenant=alpha, now=NOW + timedelta(days=9))
    operations.withdraw_leave(leave_id=leave.pk, by=me, tenant=alpha, now=NOW)
    leave.refresh_from_db()
    assert leave.status == "withdrawn"


# --- Swap and cover ------------------------------------------------------------------------------


class Pair:
    def __init__(self, tenant: Tenant, **post: object) -> None:
        self.tenant = tenant
        self.post = make_post("门岗", **post)  # type: ignore[arg-type]
        self.a, self.b = make_staff("甲", post=self.post), make_staff("乙", post=self.post)
        if post.get("certificates"):
            make_certificate(self.a, kind="electrician")
        self.by_a, self.by_b = worker(tenant, self.a), worker(tenant, self.b)
        self.given = make_assignment(tenant, day=DAY, staff=self.a, shift=make_shift("早班"))

    def ask(self, counter: Assignment | None = None) -> Swap:
        return operations.ask_swap(
            assignment_id=self.given.pk, taker_id=self.b.pk, counter_id=counter.pk if counter else None,
            by=self.by_a, tenant=self.tenant, now=NOW,
        )  # fmt: skip

    def agreed(self, counter: Assignment | None = None) -> Swap:
        swap = self.ask(counter)
        return operations.answer_swap(swap_id=swap.pk, accept=True, by=self.by_b, tenant=self.tenant, now=NOW)


def test_a_swap_is_agreed_then_approved_then_the_shifts_change_hands(alpha: Tenant, admin: Actor) -> None:
    p = Pair(alpha)
    counter = make_assignment(alpha, day=DAY + timedelta(days=1), staff=p.b, shift=make_shift("晚班"))
    make_rest(staff=p.b, day=DAY)
    swap = p.agreed(counter)
    assert Assignment.objects.filter(cancelled_at__isnull=False).count() == 0  # nothing yet
    operations.decide_swap(swap_id=swap.pk, approve=True, by=admin, tenant=alpha, now=NOW)
    live = ShiftInstance.objects.filter(cancelled_at__isnull=True).order_by("day")
    assert [(i.day, i.staff_id) for i in live] == [(DAY, p.b.pk), (DAY + timedelta(days=1), p.a.pk)]
    assert not Assignment.objects.filter(shift__isnull=True, cancelled_at__isnull=True).exists()


def test_cover_leaves_the_giver_free(alpha: Tenant, admin: Actor) -> None:
    p = Pair(alpha)
    operations.decide_swap(swap_id=p.agreed().pk, approve=True, by=admin, tenant=alpha, now=NOW)
    [live] = Assignment.objects.filter(cancelled_at__isnull=True)
    assert (live.staff, live.source) == (p.b, "cover")


def test_without_the_colleagues_consent_nothing_is_decided(alpha: Tenant, admin: Actor) -> None:
    p = Pair(alpha)
    swap = p.ask()
    with pytest.raises(RequestClosed):
        operations.decide_swap(swap_id=swap.pk, approve=True, by=admin, tenant=alpha, now=NOW)
    with pytest.raises(NotFound):
        operations.answer_swap(swap_id=swap.pk, accept=True, by=p.by_a, tenant=alpha, now=NOW)
    operations.answer_swap(swap_id=swap.pk, accept=False, by=p.by_b, tenant=alpha, now=NOW)
    assert instances_of(p.given)


def test_neither_of_the_two_approves(alpha: Tenant) -> None:
    p = Pair(alpha)
    swap = p.agreed()
    for person in (p.a, p.b):
        boss = make_member(alpha, Role.SCHOOL_SUPERVISOR, staff_id=person.pk)
        with pytest.raises(OwnRequest):
            operations.decide_swap(swap_id=swap.pk, approve=True, by=boss, tenant=alpha, now=NOW)


def test_a_taker_without_the_certificate_is_refused(alpha: Tenant) -> None:
    with pytest.raises(CertificateLacking):
        Pair(alpha, certificates=["electrician"]).ask()
    assert not Swap.objects.exists()


def test_who_works_at_that_time_is_not_asked_to_stand_in(alpha: Tenant) -> None:
    p = Pair(alpha)
    same = make_assignment(alpha, day=DAY, staff=p.b, shift=p.given.shift, post=p.given.post)
    with pytest.raises(ShiftsOverlap) as refused:
        p.ask()
    assert "6月20日" in refused.value.sentence and not Swap.objects.exists()
    with pytest.raises(ShiftsOverlap):  # the night before reaches into it
        Assignment.objects.filter(pk=same.pk).update(cancelled_at=NOW)
        ShiftInstance.objects.filter(assignment=same).update(cancelled_at=NOW)
        make_assignment(alpha, day=DAY - timedelta(days=1), staff=p.b, shift=make_shift(spans=[(1320, 1980)]))
        p.ask()


def test_the_shift_given_in_return_is_no_obstacle(alpha: Tenant, admin: Actor) -> None:
    p = Pair(alpha)
    counter = make_assignment(alpha, day=DAY, staff=p.b, shift=make_shift("午班", spans=[(600, 1080)]))
    operations.decide_swap(swap_id=p.agreed(counter).pk, approve=True, by=admin, tenant=alpha, now=NOW)
    live = Assignment.objects.filter(cancelled_at__isnull=True)
    assert {a.staff_id: str(a.shift) for a in live} == {p.b.pk: "早班", p.a.pk: "午班"}


def test_a_draft_of_the_taker_gives_way_to_the_approved_swap(alpha: Tenant, admin: Actor) -> None:
    p = Pair(alpha)
    draft = make_assignment(
        alpha, day=DAY, staff=p.b, shift=p.given.shift, post=p.given.post, published=False
    )  # the same shift at the same post
    later = make_assignment(alpha, day=DAY + timedelta(days=1), staff=p.b, shift=p.given.shift, published=False)
    operations.decide_swap(swap_id=p.agreed().pk, approve=True, by=admin, tenant=alpha, now=NOW)
    draft.refresh_from_db()
    assert draft.cancelled_at
    done = operations.publish(first=DAY, last=DAY + timedelta(days=1), by=admin, tenant=alpha, now=NOW)
    assert (done.assignments, done.refused) == ([later], [])


def test_a_swap_into_an_overlap_is_refused_at_approval_and_changes_nothing(alpha: Tenant, admin: Actor) -> None:
    p = Pair(alpha)
    swap = p.agreed()
    make_assignment(alpha, day=DAY, staff=p.b, shift=make_shift(spans=[(600, 700)]))
    with pytest.raises(ShiftsOverlap):
        operations.decide_swap(swap_id=swap.pk, approve=True, by=admin, tenant=alpha, now=NOW)
    swap.refresh_from_db()
    assert swap.status == "accepted" and instances_of(p.given)


def test_a_shift_that_changed_meanwhile_cannot_be_swapped(alpha: Tenant, admin: Actor) -> None:
    p = Pair(alpha)
    swap = p.agreed()
    operations.change_cells(
        cells=[operations.CellChange(p.a.pk, DAY, (operations.Item(None),))], by=admin, tenant=alpha, now=NOW
    )
    with pytest.raises(SwapUnfit):
        operations.decide_swap(swap_id=swap.pk, approve=True, by=admin, tenant=alpha, now=NOW)


def test_only_colleagues_of_the_party_and_days_to_come(alpha: Tenant) -> None:
    p = Pair(alpha)
    with pytest.raises(NotFound):
        operations.ask_swap(
            assignment_id=p.given.pk, taker_id=make_staff(party=make_party()).pk, by=p.by_a, tenant=alpha, now=NOW
        )
    with pytest.raises(SwapUnfit):
        operations.ask_swap(
            assignment_id=p.given.pk, taker_id=p.b.pk, by=p.by_a, tenant=alpha, now=NOW + timedelta(days=30)
        )
    with pytest.raises(NotAllowed):
        operations.ask_swap(assignment_id=p.given.pk, taker_id=p.a.pk, by=p.by_b, tenant=alpha, now=NOW)
    assert uuid4() and p.ask().status == "asked"
    with pytest.raises(SwapUnfit):
        p.ask()


def test_a_worker_sees_colleagues_of_the_same_post_by_name_only(alpha: Tenant) -> None:
    p = Pair(alpha)
    make_assignment(alpha, day=DAY, staff=p.b, shift=make_shift("早二"))
    elsewhere = make_assignment(alpha, day=DAY, staff=make_staff("丙", post=make_post()))
    assert elsewhere.post_id
    seen = queries.colleagues(by=p.by_a, day=DAY, post_ids=[p.post.pk, elsewhere.post_id])
    assert seen == {p.post.pk: [("乙", "早二")]}
    assert [a.staff_id for a in queries.assignments(by=p.by_a, first=DAY, last=DAY)] == [p.a.pk]


# --- Results are asked for at once ---------------------------------------------------------------


def asked(callbacks: list[Any]) -> list[tuple[str, dict[str, Any]]]:
    """The jobs that wait for the commit, for results only."""
    return [c.args for c in callbacks if isinstance(c, partial) and c.args[0] == "attendance.derive_dirty"]


def test_an_approved_leave_asks_for_results_and_a_refused_one_does_not(
    alpha: Tenant, admin: Actor, django_capture_on_commit_callbacks: Any
) -> None:
    person = make_staff(post=make_post())
    me = worker(alpha, person)
    later = datetime(2026, 6, 20, 4, tzinfo=UTC)
    for approve in (False, True):
        row = ask(alpha, me)
        with django_capture_on_commit_callbacks() as callbacks:
            operations.decide_leave(leave_id=row.pk, approve=approve, note="请改期", by=admin, tenant=alpha, now=later)
        assert len(asked(callbacks)) == approve
    payload = asked(callbacks)[0][1]
    assert payload == {
        "schema": "s_alpha", "staff_ids": [str(person.pk)], "from_day": "2026-06-18", "until_day": "2026-06-21",
    }  # fmt: skip
    with django_capture_on_commit_callbacks() as callbacks:
        operations.withdraw_leave(leave_id=row.pk, by=me, tenant=alpha, now=later)
    assert len(asked(callbacks)) == 1


def test_changed_and_published_rosters_ask_for_results_and_drafts_and_the_future_do_not(
    alpha: Tenant, admin: Actor, django_capture_on_commit_callbacks: Any
) -> None:
    person, shift = make_staff(post=make_post()), make_shift()
    today = NOW.astimezone(alpha.tz).date()
    late = today + timedelta(days=2)
    cells = [operations.CellChange(person.pk, day, (operations.Item(shift.pk),)) for day in (today, late)]
    by: dict[str, Any] = {"by": admin, "tenant": alpha, "now": NOW}
    with django_capture_on_commit_callbacks() as callbacks:
        operations.change_cells(cells=cells, **by)
    assert asked(callbacks) == []  # drafts
    with django_capture_on_commit_callbacks() as callbacks:
        operations.publish(first=today, last=late, **by)
    assert [p["until_day"] for _name, p in asked(callbacks)] == [(today + timedelta(days=1)).isoformat()]
    with django_capture_on_commit_callbacks() as callbacks:
        operations.change_cells(cells=[operations.CellChange(person.pk, late, ())], **by)
    assert asked(callbacks) == []  # a day that has not come
    with django_capture_on_commit_callbacks() as callbacks:
        operations.change_cells(cells=[operations.CellChange(person.pk, today, ())], **by)
    assert len(asked(callbacks)) == 1


def test_a_swap_asks_for_the_results_of_both(
    alpha: Tenant, admin: Actor, django_capture_on_commit_callbacks: Any
) -> None:
    post = make_post()
    one, two = make_staff(post=post), make_staff(post=post)
    me, other = worker(alpha, one), worker(alpha, two)
    day = NOW.astimezone(alpha.tz).date() + timedelta(days=1)
    row = operations.ask_swap(
        assignment_id=make_assignment(alpha, day=day, staff=one).pk, taker_id=two.pk, by=me, tenant=alpha, now=NOW
    )
    operations.answer_swap(swap_id=row.pk, accept=True, by=other, tenant=alpha, now=NOW)
    with django_capture_on_commit_callbacks() as callbacks:
        operations.decide_swap(swap_id=row.pk, approve=True, by=admin, tenant=alpha, now=NOW)
    assert [set(p["staff_ids"]) for _name, p in asked(callbacks)] == [{str(one.pk), str(two.pk)}]


@pytest.mark.parametrize(
    ("starts", "ends", "said"),
    [
        ((15, 0), (16, 0), "6月15日全天"),
        ((15, 0), (15, 12), "6月15日上午"),
        ((15, 12), (16, 0), "6月15日下午"),
        ((15, 0), (18, 0), "6月15日—6月17日全天"),
        ((15, 12), (18, 0), "6月15日下午—6月17日"),
        ((15, 0), (17, 12), "6月15日—6月17日上午"),
        ((15, 12), (17, 12), "6月15日下午—6月17日上午"),
        ((15, 8), (15, 17), "6月15日 08:00—17:00"),
        ((15, 22), (16, 6), "6月15日 22:00—6月16日 06:00"),
        ((15, 8), (16, 0), "6月15日 08:00—6月16日 00:00"),
    ],
)
def test_a_leave_is_said_in_days_and_half_days(
    alpha: Tenant, starts: tuple[int, int], ends: tuple[int, int], said: str
) -> None:
    a, b = (datetime(2026, 6, day, hour, tzinfo=alpha.tz) for day, hour in (starts, ends))
    assert operations.when_text(a, b, alpha) == said
