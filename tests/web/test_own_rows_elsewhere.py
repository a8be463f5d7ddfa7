"""One account with staff rows at two parties: rosters, requests, duty, calls, patrols, findings and faces know both."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from identity import operations as identity
from identity.choices import Role
from identity.contracts import Actor
from identity.models import Account, Membership
from kernel import clock
from kernel.errors import NotAllowed, NotFound
from kernel.ids import new_id
from kernel.tenancy import Tenant
from tenants.duty import operations as duty
from tenants.duty import queries as on_duty
from tenants.duty.errors import AlreadyOn, NotYourParty
from tenants.duty.models import Anomaly, DutyPost, Stint, Summons
from tenants.face import texts
from tenants.face.models import Consent
from tenants.findings import policies as finding_policies
from tenants.findings import queries as findings
from tenants.notices.models import Notice
from tenants.organisation import operations as organisation
from tenants.organisation import queries as people
from tenants.organisation.errors import LoginNotShared
from tenants.organisation.models import Staff
from tenants.patrols import operations as patrols
from tenants.patrols.models import Tour
from tenants.punches.models import Punch
from tenants.rosters import operations as rosters
from tenants.rosters import queries as roster
from tenants.rosters.models import Leave, Swap
from tests.factories.duty import Guard, answer, make_duty_post, make_guard, make_sent, sign_on
from tests.factories.face import switch_on
from tests.factories.findings import make_finding, make_member
from tests.factories.organisation import make_party, make_post, make_staff
from tests.factories.patrols import due_tour, make_route
from tests.factories.punches import make_instance
from tests.factories.rosters import make_assignment, make_rest
from tests.graphql_api.test_evaluations import ask
from tests.web.conftest import Both
from tests.web.test_findings import signed

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = str(tmp_path)


class TestRoster:
    def test_both_rosters_are_one_list_with_the_employer_beside_each(
        self, both: Both, phone: Client, alpha: Tenant
    ) -> None:
        cleaner, gardener, _actor = both
        day = clock.now().astimezone(alpha.tz).date() + timedelta(days=1)
        make_assignment(alpha, day=day, staff=cleaner)
        make_assignment(alpha, day=day, staff=gardener)
        make_assignment(alpha, day=day, staff=make_staff(post=make_post("别人的岗")))
        seen = phone.get("/m/roster/").content.decode()
        assert "清源物业" in seen and "青禾园林" in seen and "绿化工" in seen and "别人的岗" not in seen
        query = f'{{ roster(firstDay: "{day}", lastDay: "{day}") {{ edges {{ node {{ staff {{ id }} }} }} }} }}'
        told = {e["node"]["staff"]["id"] for e in ask(phone, query)["roster"]["edges"]}
        assert told == {str(cleaner.pk), str(gardener.pk)}

    def test_who_has_one_row_reads_no_employer(self, alpha: Tenant) -> None:
        person = make_staff(post=make_post(party=make_party("contract", "清源物业")))
        make_assignment(alpha, day=clock.now().astimezone(alpha.tz).date() + timedelta(days=1), staff=person)
        seen = signed(make_member(alpha, Role.FRONTLINE, staff_id=person.pk)).get("/m/roster/").content.decode()
        assert "清源物业" not in seen

    def test_a_leave_is_asked_as_the_row_chosen(self, both: Both, phone: Client, alpha: Tenant) -> None:
        _cleaner, gardener, _actor = both
        day = (clock.now() + timedelta(days=3)).astimezone(alpha.tz).date().isoformat()
        page = phone.get(f"/m/roster/leave/?as={gardener.pk}").content.decode()
        assert 'class="own-rows"' in page and f'name="as" value="{gardener.pk}"' in page
        form = {"kind": "personal", "first": day, "last": day, "first_part": "am", "last_part": "pm"}
        phone.post("/m/roster/leave/", {**form, "as": str(gardener.pk)})
        assert phone.post("/m/roster/leave/", {**form, "as": str(make_staff().pk)}).status_code == 403
        phone.post("/m/roster/leave/", form)  # without a word: as whom they act
        assert [row.staff_id for row in Leave.objects.order_by("asked_at")] == [gardener.pk, both[0].pk]
        seen = phone.get("/m/roster/requests/").content.decode()
        assert "清源物业" in seen and "青禾园林" in seen

    def test_a_leave_from_one_shift_belongs_to_the_row_of_the_shift(
        self, both: Both, phone: Client, alpha: Tenant
    ) -> None:
        cleaner, gardener, _actor = both
        day = clock.now().astimezone(alpha.tz).date() + timedelta(days=2)
        shift = make_assignment(alpha, day=day, staff=gardener)
        page = phone.get(f"/m/roster/leave/?shift={shift.pk}&as={cleaner.pk}").content.decode()
        assert 'class="own-rows"' not in page
        phone.post(f"/m/roster/leave/?shift={shift.pk}", {"kind": "personal", "as": str(cleaner.pk)})
        assert Leave.objects.get().staff_id == gardener.pk

    def test_a_stranger_s_leave_is_not_asked_by_the_api(self, both: Both, phone: Client) -> None:
        said = (
            'mutation($s: UUID!) { askLeave(kind: "personal", startsAt: "2030-01-01T00:00:00+08:00",'
            ' endsAt: "2030-01-02T00:00:00+08:00", staffId: $s) { userErrors { code } } }'
        )
        for staff_id, errors in ((make_staff().pk, [{"code": "not_allowed"}]), (both[1].pk, [])):
            assert ask(phone, said, s=str(staff_id))["askLeave"]["userErrors"] == errors

    def test_swaps_asked_of_either_row_are_answered(self, both: Both, phone: Client, alpha: Tenant) -> None:
        _cleaner, gardener, actor = both
        now = clock.now()
        day = now.astimezone(alpha.tz).date() + timedelta(days=3)
        mate = make_staff("同事", post=gardener.post)
        given = make_assignment(alpha, day=day, staff=mate, post=gardener.post)
        make_rest(staff=gardener, day=day)
        asking = make_member(alpha, Role.FRONTLINE, staff_id=mate.pk)
        swap = rosters.ask_swap(assignment_id=given.pk, taker_id=gardener.pk, by=asking, tenant=alpha, now=now)
        assert Notice.objects.filter(account_id=actor.account_id, occasion=f"swap.asked:{swap.pk}").exists()
        assert roster.own_open_requests(actor) == 1
        assert "同事" in phone.get("/m/roster/requests/").content.decode()
        phone.post(f"/m/roster/swaps/{swap.pk}/answer/", {"accept": "yes"})
        assert Swap.objects.get().status == "accepted"
        edges = ask(phone, "{ shiftSwaps { edges { node { id } } } }")["shiftSwaps"]["edges"]
        assert [e["node"]["id"] for e in edges] == [str(swap.pk)]

    def test_nobody_swaps_with_themselves(self, alpha: Tenant) -> None:
        post = make_post(party=make_party("contract"))
        one, two = make_staff("两份合同", post=post), make_staff("两份合同", post=post)
        actor = Actor(
            account_id=new_id(), name="两份合同", roles=frozenset({Role.FRONTLINE}), school_id=alpha.school_id,
            staff_id=one.pk, other_staff_ids=frozenset({two.pk}),
        )  # fmt: skip
        day = clock.now().astimezone(alpha.tz).date() + timedelta(days=3)
        given = make_assignment(alpha, day=day, staff=one, post=post)
        make_assignment(alpha, day=day, staff=two, post=post)
        assert roster.swap_partners(by=actor, assignment=given) == []
        assert roster.colleagues(by=actor, day=day, post_ids=[post.pk]) == {}


class TestDuty:
    @pytest.fixture
    def posts(self, both: Both) -> tuple[DutyPost, DutyPost]:
        return make_duty_post(name="值班室", party=both[0].party), make_duty_post(name="苗圃", party=both[1].party)

    def test_the_post_says_as_whom_one_signs_on(
        self, both: Both, posts: tuple[DutyPost, DutyPost], phone: Client, alpha: Tenant
    ) -> None:
        seen = phone.get("/m/duty/").content.decode()
        assert '<optgroup label="清源物业"><option' in seen and '<optgroup label="青禾园林"><option' in seen
        phone.post("/m/duty/on/", {"post": str(posts[1].pk)})
        assert Stint.objects.get().staff_id == both[1].pk
        seen = phone.get("/m/duty/").content.decode()
        assert "青禾园林" in seen and "/m/duty/off/" in seen
        phone.post("/m/duty/report/", {"kind": "fault", "text": "水泵漏水"})
        assert Anomaly.objects.get().holder_id == both[1].pk
        phone.post(f"/m/duty/close/{Anomaly.objects.get().pk}/", {"result": "已更换垫圈"})
        phone.post("/m/duty/off/")
        assert Stint.objects.get().signed_off_at is not None

    def test_the_code_at_the_post_punches_for_the_same_row(
        self, both: Both, posts: tuple[DutyPost, DutyPost], alpha: Tenant
    ) -> None:
        now = clock.now()
        make_instance(both[0], post=both[0].post, starts_at=now - timedelta(minutes=5))
        make_instance(both[1], post=posts[1].post, starts_at=now - timedelta(minutes=5))
        place = posts[1].post.place
        assert place is not None
        duty.sign_on(post_id=posts[1].pk, place_code=place.code, by=both[2], tenant=alpha, now=now)
        assert [row.staff_id for row in Punch.objects.all()] == [both[1].pk]

    def test_one_stands_in_one_place_whichever_row(
        self, both: Both, posts: tuple[DutyPost, DutyPost], alpha: Tenant
    ) -> None:
        now = clock.now()
        first = duty.sign_on(post_id=posts[0].pk, by=both[2], tenant=alpha, now=now)
        with pytest.raises(AlreadyOn):
            duty.sign_on(post_id=posts[1].pk, by=both[2], tenant=alpha, now=now)
        assert duty.sign_on(post_id=posts[0].pk, by=both[2], tenant=alpha, now=now).pk == first.pk
        duty.sign_off(by=both[2], tenant=alpha, now=now)
        assert duty.sign_on(post_id=posts[1].pk, by=both[2], tenant=alpha, now=now).staff_id == both[1].pk

    def test_a_post_of_neither_party_is_refused(self, both: Both, alpha: Tenant) -> None:
        with pytest.raises(NotYourParty):
            duty.sign_on(post_id=make_duty_post().pk, by=both[2], tenant=alpha, now=clock.now())
        assert not Stint.objects.exists()

    def test_of_two_contracts_with_one_company_the_rostered_one_signs_on(self, alpha: Tenant) -> None:
        post = make_duty_post()
        now = clock.now()
        one, two = (make_staff("两份合同", party=post.post.party) for _ in range(2))
        actor = make_member(alpha, Role.FRONTLINE, staff_id=one.pk)
        actor = Actor(
            account_id=actor.account_id, name="两份合同", roles=actor.roles, school_id=alpha.school_id,
            staff_id=one.pk, other_staff_ids=frozenset({two.pk}),
        )  # fmt: skip
        shift = make_instance(two, post=post.post, starts_at=now - timedelta(minutes=5))
        stint = duty.sign_on(post_id=post.pk, by=actor, tenant=alpha, now=now)
        assert (stint.staff_id, stint.instance_id) == (two.pk, shift.pk)

    def test_what_is_handed_to_the_other_row_is_received(
        self, both: Both, posts: tuple[DutyPost, DutyPost], phone: Client, alpha: Tenant
    ) -> None:
        now = clock.now()
        mate = make_guard(alpha, party=both[1].party)
        sign_on(alpha, posts[1], mate, now=now)
        duty.report_anomaly(kind="fault", text="水泵漏水", by=mate.actor, tenant=alpha, now=now)
        make_instance(both[1], post=posts[1].post, starts_at=now + timedelta(hours=1))
        given = duty.offer_handover(receiver_id=both[1].pk, by=mate.actor, tenant=alpha, now=now)
        assert Notice.objects.filter(
            account_id=both[2].account_id, occasion=f"duty.handover:{given.pk}"
        ).exists()  # fmt: skip
        [item] = on_duty.offered_to(both[2])
        phone.post(f"/m/duty/items/{item.pk}/", {"verdict": "accept"})
        assert Anomaly.objects.get().holder_id == both[1].pk
        assert [row.pk for row in on_duty.held_by(both[2])] == [item.anomaly_id]


class TestCalls:
    def test_a_call_for_the_other_row_rings_and_is_answered(self, both: Both, phone: Client, alpha: Tenant) -> None:
        post = make_duty_post(party=both[1].party)
        now = clock.now()
        duty.sign_on(post_id=post.pk, by=both[2], tenant=alpha, now=now)
        call = make_sent(alpha, post, now=now, reached=False)
        [rings] = phone.get("/m/duty/ringing/").json()["calls"]
        assert rings["id"] == str(call.pk)
        assert Notice.objects.filter(account_id=both[2].account_id, subject_id=str(call.pk)).exists()
        phone.post(rings["seen"])
        done = answer(alpha, call, Guard(both[1], both[2]), now=now + timedelta(seconds=40))
        assert (done.staff_id, done.on_duty, done.place_ok) == (both[1].pk, True, True)
        call.refresh_from_db()
        assert (call.outcome, Summons.objects.get().delivered_by) == ("on_post", "phone")
        assert phone.get("/m/duty/ringing/").json() == {"calls": []}

    def test_a_call_of_strangers_is_neither_seen_nor_answered(self, both: Both, phone: Client, alpha: Tenant) -> None:
        post = make_duty_post()
        guard = make_guard(alpha, party=post.post.party)
        now = clock.now()
        sign_on(alpha, post, guard, now=now)
        call = make_sent(alpha, post, now=now)
        assert phone.get("/m/duty/ringing/").json() == {"calls": []}
        with pytest.raises(NotFound):
            duty.open_call(call_id=call.pk, by=both[2], tenant=alpha, now=now)


class TestPatrol:
    def test_the_tour_is_walked_as_the_row_of_its_party(self, both: Both, phone: Client, alpha: Tenant) -> None:
        now = clock.now()
        routes = [make_route(alpha, now=now, party=person.party) for person in both[:2]]
        tours = [due_tour(alpha, route, now=now) for route in routes]
        seen = phone.get("/m/patrols/").content.decode()
        assert "清源物业" in seen and "青禾园林" in seen
        for tour in tours:
            patrols.start_tour(tour_id=tour.pk, at=now, by=both[2], tenant=alpha, now=now)
        walkers = {row.pk: row.walker_staff_id for row in Tour.objects.filter(pk__in=[t.pk for t in tours])}
        assert walkers == {tours[0].pk: both[0].pk, tours[1].pk: both[1].pk}

    def test_a_stranger_s_tour_is_not_there(self, both: Both, alpha: Tenant) -> None:
        now = clock.now()
        tour = due_tour(alpha, make_route(alpha, now=now, party=make_party("contract")), now=now)
        with pytest.raises(NotFound):
            patrols.start_tour(tour_id=tour.pk, at=now, by=both[2], tenant=alpha, now=now)


def test_findings_of_both_parties_are_theirs_to_mend(both: Both, alpha: Tenant) -> None:
    boss = make_member(alpha)
    rows = [make_finding(alpha, by=boss, party=person.party) for person in both[:2]]
    stranger = make_finding(alpha, by=boss, party=make_party("contract"))
    assert {row.pk for row in findings.visible(both[2])} == {row.pk for row in rows}
    own = people.own_party_ids(both[2])
    assert all(finding_policies.can_fix(both[2], row, own_party_ids=own) for row in rows)
    assert not finding_policies.can_fix(both[2], stranger, own_party_ids=own)


class TestFace:
    def test_consent_is_each_employer_s_own(self, both: Both, phone: Client, alpha: Tenant) -> None:
        switch_on(alpha)
        _cleaner, gardener, _actor = both
        version = texts.current(clock.now().date()).version
        assert 'class="own-rows"' in phone.get("/m/face/").content.decode()
        went = phone.post("/m/face/decide/", {"decision": "refused", "text_version": version, "as": str(gardener.pk)})
        assert went.headers["Location"].endswith(f"?as={gardener.pk}")
        assert [row.staff_id for row in Consent.objects.all()] == [gardener.pk]
        assert "您选择了不使用人脸" in phone.get(f"/m/face/?as={gardener.pk}").content.decode()
        assert "您选择了不使用人脸" not in phone.get("/m/face/").content.decode()

    def test_the_api_asks_as_whom_and_refuses_a_stranger_s_row(self, both: Both, phone: Client, alpha: Tenant) -> None:
        switch_on(alpha)
        version = texts.current(clock.now().date()).version
        said = (
            f'mutation($s: UUID) {{ decideFace(decision: "refused", textVersion: "{version}", staffId: $s)'
            " { consent { decision } userErrors { code } } }"
        )
        refused = ask(phone, said, s=str(make_staff().pk))["decideFace"]
        assert refused["userErrors"] == [{"code": "not_allowed"}] and not Consent.objects.exists()
        assert ask(phone, said, s=str(both[1].pk))["decideFace"]["userErrors"] == []
        assert Consent.objects.get().staff_id == both[1].pk
        mine = "query($s: UUID) { myFace(staffId: $s) { consent { decision } } }"
        assert ask(phone, mine, s=str(both[1].pk))["myFace"]["consent"] == {"decision": "refused"}
        assert ask(phone, mine)["myFace"]["consent"] is None


class TestSharedLogin:
    @pytest.fixture
    def admin(self, alpha: Tenant) -> Actor:
        return make_member(alpha, Role.SCHOOL_ADMIN)

    def test_the_second_row_signs_in_with_the_login_of_the_first(self, alpha: Tenant, admin: Actor) -> None:
        first, second = (make_staff("郑师傅", party=make_party("contract")) for _ in range(2))
        now = clock.now()
        [login] = organisation.open_logins(staff_ids=[first.pk], now=now, by=admin, tenant=alpha)
        office = signed(admin)
        assert "同一人另有账号" in office.get(f"/organisation/staff/{second.pk}/").content.decode()
        office.post(f"/organisation/staff/{second.pk}/login/", {"number": first.number})
        second.refresh_from_db()
        assert second.account_id == login.account_id
        rows = Membership.objects.filter(account_id=login.account_id).order_by("created_at")
        assert [row.staff_id for row in rows] == [first.pk, second.pk]
        seen = office.get(f"/organisation/staff/{second.pk}/").content.decode()
        assert first.number in seen and "共用" in seen and "同一人另有账号" not in seen

    def test_another_person_s_login_is_refused(self, alpha: Tenant, admin: Actor) -> None:
        other, second = make_staff("王师傅", party=make_party()), make_staff("郑师傅", party=make_party())
        now = clock.now()
        organisation.open_logins(staff_ids=[other.pk], now=now, by=admin, tenant=alpha)
        nobody = make_staff("郑师傅", party=make_party())  # without a login
        for number in (other.number, nobody.number, "没有这个号"):
            with pytest.raises(LoginNotShared):
                organisation.share_login(staff_id=second.pk, number=number, by=admin, tenant=alpha, now=now)
        with pytest.raises(NotAllowed):
            organisation.share_login(
                staff_id=second.pk, number=other.number, by=make_member(alpha), tenant=alpha, now=now
            )  # fmt: skip
        assert Staff.objects.get(pk=second.pk).account_id is None

    def test_by_the_api(self, alpha: Tenant, admin: Actor) -> None:
        first, second = (make_staff("郑师傅", party=make_party("contract")) for _ in range(2))
        organisation.open_logins(staff_ids=[first.pk], now=clock.now(), by=admin, tenant=alpha)
        said = "mutation($s: UUID!, $n: String!) { shareStaffLogin(staffId: $s, number: $n) { userErrors { code } } }"
        assert ask(signed(admin), said, s=str(second.pk), n=first.number)["shareStaffLogin"]["userErrors"] == []
        assert Staff.objects.get(pk=second.pk).account_id is not None

    def test_an_invitation_for_a_second_row_takes_nothing_from_the_first(self, alpha: Tenant, both: Both) -> None:
        person = make_staff("周大姐", party=both[0].party)
        account = Account.objects.get(pk=both[2].account_id)
        invited = identity.invite(
            email=account.email, name="周大姐", role=Role.FRONTLINE, tenant=alpha, staff_id=person.pk,
            by=make_member(alpha, Role.SCHOOL_ADMIN), now=clock.now(),
        )  # fmt: skip
        identity.accept_with_account(
            token=invited.url.rstrip("/").rsplit("/", 1)[1], account_id=account.pk, school_id=alpha.school_id,
            now=clock.now(),
        )  # fmt: skip
        rows = Membership.objects.filter(account=account, active=True).values_list("staff_id", flat=True)
        assert set(rows) == {both[0].pk, both[1].pk, person.pk}

    def test_forgetting_one_row_leaves_the_login_to_the_other(self, alpha: Tenant, both: Both) -> None:
        account = Account.objects.get(pk=both[2].account_id)
        Account.objects.filter(pk=account.pk).update(email="")
        admin = make_member(alpha, Role.SCHOOL_ADMIN)
        identity.close_staff_access(staff_ids=[both[0].pk], tenant=alpha, by=admin, now=clock.now())
        assert not identity.forget_staff_account(staff_id=both[0].pk, tenant=alpha, by=admin)
        account.refresh_from_db()
        assert account.is_active and account.name != "已删除"
        identity.close_staff_access(staff_ids=[both[1].pk], tenant=alpha, by=admin, now=clock.now())
        assert identity.forget_staff_account(staff_id=both[1].pk, tenant=alpha, by=admin)
