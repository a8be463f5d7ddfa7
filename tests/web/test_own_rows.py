"""One account with staff rows at two parties of a school: punches and months go to the right one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client

from identity.choices import Role
from identity.contracts import Actor
from identity.models import Account
from kernel import clock
from kernel.errors import NotAllowed
from kernel.tenancy import Tenant
from tenants.attendance import operations as attendance
from tenants.attendance import policies as attendance_policies
from tenants.attendance import queries as results
from tenants.attendance.models import Confirmation
from tenants.punches import operations, policies
from tenants.punches.models import Punch
from tests.factories.attendance import make_day
from tests.factories.findings import make_member
from tests.factories.organisation import make_post, make_staff
from tests.factories.punches import make_instance, make_punch
from tests.graphql_api.test_evaluations import ask
from tests.web.conftest import Both

pytestmark = pytest.mark.django_db


def test_the_oldest_membership_is_the_one_acted_as_and_all_rows_are_own(both: Both) -> None:
    cleaner, gardener, actor = both
    assert (actor.staff_id, actor.staff_ids) == (cleaner.pk, {cleaner.pk, gardener.pk})
    other = actor.as_staff(gardener.pk)
    assert (other.staff_id, other.staff_ids) == (gardener.pk, actor.staff_ids)
    assert actor.as_staff(uuid4()) is actor
    assert actor.is_own(gardener.pk) and not actor.is_own(uuid4()) and not actor.is_own(None)


class TestPunch:
    def punch(self, both: Both, alpha: Tenant, **more: Any) -> Punch:
        return operations.punch(client_id=uuid4(), by=both[2], tenant=alpha, now=clock.now(), **more)

    def test_it_goes_to_the_row_whose_shift_runs(self, both: Both, alpha: Tenant) -> None:
        cleaner, gardener, _actor = both
        now = clock.now()
        make_instance(cleaner, post=cleaner.post, starts_at=now + timedelta(hours=9))
        shift = make_instance(gardener, post=gardener.post, starts_at=now - timedelta(minutes=5))
        row = self.punch(both, alpha)
        assert (row.staff_id, row.post_id) == (gardener.pk, shift.post_id)

    def test_what_is_said_goes_before_the_shift(self, both: Both, alpha: Tenant) -> None:
        cleaner, gardener, _actor = both
        make_instance(gardener, post=gardener.post, starts_at=clock.now() - timedelta(minutes=5))
        assert self.punch(both, alpha, staff_id=cleaner.pk).staff_id == cleaner.pk

    def test_without_any_shift_it_is_the_one_acted_as(self, both: Both, alpha: Tenant) -> None:
        assert self.punch(both, alpha).staff_id == both[0].pk

    def test_a_stranger_s_row_is_refused(self, both: Both, alpha: Tenant) -> None:
        with pytest.raises(NotAllowed):
            self.punch(both, alpha, staff_id=make_staff().pk)
        assert not Punch.objects.exists()

    def test_sent_twice_it_stays_one_also_when_the_shift_has_changed(self, both: Both, alpha: Tenant) -> None:
        key, now = uuid4(), clock.now()
        first = operations.punch(client_id=key, by=both[2], tenant=alpha, now=now)
        make_instance(both[1], post=both[1].post, starts_at=now - timedelta(minutes=5))
        assert operations.punch(client_id=key, by=both[2], tenant=alpha, now=now).pk == first.pk
        assert Punch.objects.count() == 1

    def test_the_page_names_both_and_the_form_says_which(self, both: Both, phone: Client, alpha: Tenant) -> None:
        cleaner, gardener, _actor = both
        make_instance(gardener, post=gardener.post, starts_at=clock.now() - timedelta(minutes=5))
        seen = phone.get("/m/punch/").content.decode()
        assert "清源物业" in seen and "青禾园林" in seen and f'name="as" value="{gardener.pk}"' in seen
        seen = phone.get(f"/m/punch/?as={cleaner.pk}").content.decode()
        assert f'name="as" value="{cleaner.pk}"' in seen
        phone.post("/m/punch/", {"as": str(cleaner.pk)})
        assert Punch.objects.get().staff_id == cleaner.pk
        assert "保洁员" in phone.get("/m/punch/mine/").content.decode()

    def test_who_has_one_row_is_asked_nothing(self, alpha: Tenant) -> None:
        person = make_staff(post=make_post())
        client = Client(headers={"host": "alpha.localhost"})
        actor = make_member(alpha, Role.FRONTLINE, staff_id=person.pk)
        client.force_login(Account.objects.get(pk=actor.account_id))
        seen = client.get("/m/punch/").content.decode()
        assert 'class="own-rows"' not in seen and 'name="as"' not in seen

    def test_nobody_decides_about_their_other_row(self, both: Both, alpha: Tenant) -> None:
        cleaner, gardener, actor = both
        boss = Actor(
            account_id=actor.account_id, name="周大姐", roles=frozenset({Role.SCHOOL_SUPERVISOR}),
            school_id=alpha.school_id, staff_id=cleaner.pk, other_staff_ids=frozenset({gardener.pk}),
        )  # fmt: skip
        decide: list[Callable[..., bool]] = [policies.can_decide, attendance_policies.can_decide]
        for may in decide:
            assert not may(boss, staff_id=gardener.pk, asked_by=None)
            assert may(boss, staff_id=uuid4(), asked_by=None)
        punch = make_punch(gardener, status="refused", refusal="outside")
        counted = operations.count_refused(
            punch_ids=[punch.pk], inside_only=False, by=boss, tenant=alpha, now=clock.now()
        )
        assert counted == 0


class TestMonth:
    def lived(self, both: Both, alpha: Tenant) -> str:
        """Last month: a day here, a day there; over and all judged."""
        month = results.last_month(alpha, clock.now())
        for n, person in enumerate(both[:2]):
            make_day(alpha, person, "08:00", "18:00", day=month + timedelta(days=n), derive_at=clock.now())
        return f"{month:%Y-%m}"

    def test_each_row_has_its_own_month_and_is_confirmed_alone(self, both: Both, phone: Client, alpha: Tenant) -> None:
        cleaner, gardener, _actor = both
        month = self.lived(both, alpha)

        def seen(staff_id: UUID) -> str:
            return phone.get(f"/m/attendance/?month={month}&as={staff_id}").content.decode()

        assert "保洁员" in phone.get(f"/m/attendance/?month={month}").content.decode()
        assert "青禾园林" in seen(cleaner.pk) and "绿化工" in seen(gardener.pk)
        assert f'name="as" value="{gardener.pk}"' in seen(gardener.pk)
        answer = phone.post("/m/attendance/confirm/", {"month": month, "as": str(gardener.pk)})
        assert answer.headers["Location"].endswith(f"as={gardener.pk}")
        assert [c.staff_id for c in Confirmation.objects.all()] == [gardener.pk]

    def test_a_stranger_s_month_is_not_confirmed(self, both: Both, phone: Client, alpha: Tenant) -> None:
        month, stranger = self.lived(both, alpha), make_staff()
        phone.post("/m/attendance/confirm/", {"month": month, "as": str(stranger.pk)})
        assert not Confirmation.objects.filter(staff_id=stranger.pk).exists()
        with pytest.raises(NotAllowed):
            attendance.confirm_month(
                staff_id=stranger.pk, month=results.last_month(alpha, clock.now()), by=both[2], tenant=alpha,
                now=clock.now(),
            )  # fmt: skip

    def test_the_api_knows_both(self, both: Both, phone: Client, alpha: Tenant) -> None:
        month = f"{self.lived(both, alpha)}-01"
        for person in both[:2]:
            query = f'{{ attendanceMonth(staffId: "{person.pk}", month: "{month}") {{ instances }} }}'
            assert ask(phone, query)["attendanceMonth"] == {"instances": 1}
        said = f'mutation {{ confirmMonth(month: "{month}", staffId: "{both[1].pk}") {{ confirmedAt userErrors {{ code }} }} }}'
        assert ask(phone, said)["confirmMonth"]["userErrors"] == []
        assert Confirmation.objects.get().staff_id == both[1].pk
