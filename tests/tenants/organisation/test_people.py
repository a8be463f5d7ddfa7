"""Parties, posts, people and certificates."""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection

from identity.choices import Role
from identity.models import Account
from identity.queries import actor_for
from kernel.errors import Invalid, NotAllowed, NotFound
from kernel.tenancy import Tenant, school_context
from tenants.organisation import errors, operations, queries
from tenants.organisation.models import Certificate, LineSetting, Staff
from tenants.timeline.models import Event
from tests.factories.identity import school_actor
from tests.factories.organisation import make_certificate, make_contract, make_department, make_post, make_staff
from tests.tenants.organisation.test_queries import ADMIN, actor

PHONE, ID_CARD = "13800138000", "11010519491231002X"
NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


def contract(tenant: Tenant, **changes: object):
    fields: dict = {
        "provider_id": uuid4(),
        "name": "明净物业（东校区）",
        "number": "HT-2026-01",
        "lines": ["dormitory", "cleaning"],
        "starts_on": date(2026, 1, 1),
        "ends_on": date(2028, 12, 31),
        "monthly_fee": Decimal("120000.50"),
        **changes,
    }
    return operations.add_contract(**fields, by=ADMIN, tenant=tenant)


def test_a_contract_has_lines_and_a_period(alpha: Tenant) -> None:
    party = contract(alpha)
    assert party.contract.lines == ["cleaning", "dormitory"]  # in the order of the lines, not of the clicks
    with pytest.raises(errors.ContractNumberTaken):
        contract(alpha, name="别的")
    with pytest.raises(errors.PartyNameTaken):
        contract(alpha, number="HT-2")
    with pytest.raises(errors.PeriodBackwards):
        contract(alpha, name="倒", number="HT-3", ends_on=date(2025, 1, 1))
    for lines in ([], ["cleaning", "nonsense"]):
        with pytest.raises(errors.NoLine):
            contract(alpha, name="空", number="HT-4", lines=lines)


def test_a_line_belongs_to_the_kind_its_mode_says(alpha: Tenant) -> None:
    company, office = make_contract(), make_department()
    operations.set_line(line="cleaning", mode="outsourced", party_id=company.pk, by=ADMIN, tenant=alpha)
    with pytest.raises(errors.LineNeedsParty):
        operations.set_line(line="cleaning", mode="self_run", party_id=company.pk, by=ADMIN, tenant=alpha)
    operations.set_line(line="cleaning", mode="self_run", party_id=office.pk, by=ADMIN, tenant=alpha)
    assert LineSetting.objects.count() == 1 and queries.party_of_line("cleaning") == office
    operations.set_party_active(party_id=office.pk, active=False, by=ADMIN, tenant=alpha)
    assert queries.party_of_line("cleaning") is None
    with pytest.raises(errors.PartyClosed):
        operations.set_line(line="cleaning", mode="self_run", party_id=office.pk, by=ADMIN, tenant=alpha)


def test_a_new_school_starts_its_lines_at_once_and_only_once(alpha: Tenant) -> None:
    operations.set_line(line="security", mode="self_run", by=ADMIN, tenant=alpha)
    modes = {"security": "outsourced", "cleaning": "outsourced"}
    assert len(operations.start_lines(modes=modes, by=ADMIN, tenant=alpha)) == 1
    assert operations.start_lines(modes=modes, by=ADMIN, tenant=alpha) == []
    assert {line: row.mode for line, row in queries.line_settings(by=ADMIN).items()} == {
        "security": "self_run", "cleaning": "outsourced",
    }  # fmt: skip
    assert [e.sentence for e in Event.objects.filter(verb="line.started")] == ["条线运营方式：保洁（外包物业）"]
    for wrong in ({"laundry": "mixed"}, {"cleaning": "guess"}):
        with pytest.raises(Invalid):
            operations.start_lines(modes=wrong, by=ADMIN, tenant=alpha)


def test_a_party_with_people_is_not_closed(alpha: Tenant) -> None:
    party = make_department()
    person = make_staff(party=party)
    with pytest.raises(errors.PartyHasStaff):
        operations.set_party_active(party_id=party.pk, active=False, by=ADMIN, tenant=alpha)
    operations.leave(staff_id=person.pk, left_on=date(2026, 11, 1), now=NOW, by=school_actor(alpha), tenant=alpha)
    operations.set_party_active(party_id=party.pk, active=False, by=ADMIN, tenant=alpha)
    assert not queries.party(party.pk).active


def test_posts_are_named_once_in_a_party(alpha: Tenant) -> None:
    party = make_department()
    post = operations.add_post(
        party_id=party.pk,
        name="电工",
        line="equipment",
        headcount=3,
        certificates=["electrician"],
        by=ADMIN,
        tenant=alpha,
    )
    with pytest.raises(errors.PostNameTaken):
        operations.add_post(party_id=party.pk, name="电工", line="repair", headcount=1, by=ADMIN, tenant=alpha)
    make_staff(post=post)
    with pytest.raises(errors.PostHasStaff):
        operations.close_post(post_id=post.pk, by=ADMIN, tenant=alpha, now=datetime(2026, 11, 20, 4, tzinfo=UTC))
    operations.change_post(
        post_id=post.pk, name="维修电工", line="repair", headcount=4, certificates=[], by=ADMIN, tenant=alpha
    )
    post.refresh_from_db()
    assert (post.name, post.headcount, post.certificates) == ("维修电工", 4, [])


def test_personal_numbers_are_checked_and_nowhere_in_clear(alpha: Tenant) -> None:
    party = make_department()
    person = operations.add_staff(
        number="G001", name="张三", party_id=party.pk, phone="+86 138-0013-8000", id_card="１１０１０５19491231002x",
        by=ADMIN, tenant=alpha,
    )  # fmt: skip
    assert (person.phone_masked, person.id_card_masked) == ("138****8000", "11**************2X")
    with connection.cursor() as cursor:
        for table in ("organisation_staff", "timeline_event"):
            cursor.execute(f"SELECT string_agg(t::text, '\n') FROM {table} t")
            dump = cursor.fetchone()[0]
            assert PHONE not in dump and ID_CARD not in dump
            for number in (PHONE, ID_CARD):
                assert number.encode().hex() not in dump
    assert "张三" not in "".join(Event.objects.values_list("sentence", flat=True))


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("phone", "12345", "手机号"),
        ("phone", "+1 202 555 0143", "中国大陆"),
        ("id_card", "110105194912310021", "校验位"),
        ("id_card", "110105194913310021", "不存在"),
        ("id_card", "110105491231002", "18 位"),
        ("id_card", "1.10105E+17", "科学计数"),
        ("id_card", "1101051949123100AX", "17 位数字"),
    ],
)
def test_wrong_numbers_are_refused_with_the_reason(alpha: Tenant, field: str, value: str, words: str) -> None:
    with pytest.raises((errors.PhoneWrong, errors.IdCardWrong)) as refused:
        operations.add_staff(
            number="G001", name="张三", party_id=make_department().pk, by=ADMIN, tenant=alpha, **{field: value}
        )
    assert refused.value.field == field and words in refused.value.sentence and value not in refused.value.sentence
    assert not Staff.objects.exists()


def test_one_person_is_there_once(alpha: Tenant) -> None:
    party = make_department()
    make_staff("甲", party=party, number="G001", id_card=ID_CARD)
    with pytest.raises(errors.StaffNumberTaken):
        operations.add_staff(number="G001", name="乙", party_id=party.pk, by=ADMIN, tenant=alpha)
    with pytest.raises(errors.IdCardTaken):
        operations.add_staff(number="G002", name="乙", party_id=party.pk, id_card=ID_CARD, by=ADMIN, tenant=alpha)
    other = make_post(party=make_department())
    with pytest.raises(errors.PostElsewhere):
        operations.add_staff(number="G003", name="丙", party_id=party.pk, post_id=other.pk, by=ADMIN, tenant=alpha)


def test_changing_keeps_numbers_that_are_not_given(alpha: Tenant) -> None:
    person = make_staff(phone=PHONE, id_card=ID_CARD)
    fields = {"number": person.number, "name": "李四", "party_id": person.party_id}
    operations.change_staff(staff_id=person.pk, **fields, now=NOW, by=ADMIN, tenant=alpha)
    person.refresh_from_db()
    assert person.name == "李四" and person.phone_masked == "138****8000" and "lisi" in person.pinyin
    operations.change_staff(staff_id=person.pk, **fields, now=NOW, phone="", by=ADMIN, tenant=alpha)
    person.refresh_from_db()
    assert person.phone_masked == "" and person.phone_sealed is None and person.id_card_masked
    assert Event.objects.filter(verb="staff.changed").first().payload["changed"] == ["phone"]


def test_each_look_at_a_number_is_on_the_timeline(alpha: Tenant) -> None:
    person = make_staff(phone=PHONE, id_card=ID_CARD)
    assert operations.reveal(staff_id=person.pk, what="id_card", by=ADMIN, tenant=alpha) == ID_CARD
    event = Event.objects.get(verb="staff.revealed")
    assert event.account_id == ADMIN.account_id and event.payload == {"what": "id_card"} and "身份证" in event.sentence
    supervisor, manager = actor(Role.SCHOOL_SUPERVISOR), actor(Role.PROVIDER_MANAGER, provider_ids=frozenset({uuid4()}))
    with pytest.raises(NotAllowed):
        operations.reveal(staff_id=person.pk, what="phone", by=supervisor, tenant=alpha)
    with pytest.raises(NotFound):
        operations.reveal(staff_id=person.pk, what="phone", by=manager, tenant=alpha)
    myself = actor(Role.FRONTLINE, staff_id=person.pk)
    assert operations.reveal(staff_id=person.pk, what="phone", by=myself, tenant=alpha) == PHONE
    assert Event.objects.filter(verb="staff.revealed").count() == 2


def test_logins_are_opened_once_and_end_with_the_work(alpha: Tenant) -> None:
    admin = school_actor(alpha)
    people = [make_staff(n) for n in ("甲", "乙")]
    ids = [p.pk for p in people]
    told = operations.open_logins(staff_ids=ids, now=NOW, by=admin, tenant=alpha)
    assert len(told) == 2 and all(c.username.startswith("alpha.") and c.password for c in told)
    assert operations.open_logins(staff_ids=ids, now=NOW, by=admin, tenant=alpha) == []
    account = Account.objects.get(pk=told[0].account_id)
    today = date(2026, 11, 22)
    assert actor_for(account, school_id=alpha.school_id, today=today).staff_id == told[0].staff_id
    operations.leave(staff_id=told[0].staff_id, left_on=date(2026, 11, 1), now=NOW, by=admin, tenant=alpha)
    assert not actor_for(account, school_id=alpha.school_id, today=today).roles
    person = Staff.objects.get(pk=told[0].staff_id)
    operations.bring_back(staff_id=person.pk, party_id=person.party_id, now=NOW, by=admin, tenant=alpha)
    assert actor_for(account, school_id=alpha.school_id, today=today).roles == {Role.FRONTLINE}
    operations.leave(staff_id=person.pk, left_on=date(2026, 11, 1), now=NOW, by=admin, tenant=alpha)
    operations.forget(staff_id=person.pk, now=NOW, by=admin, tenant=alpha)
    account.refresh_from_db()
    assert account.name == "已删除" and person.number not in account.username and not account.is_active


def test_who_left_is_forgotten_after_180_days(alpha: Tenant) -> None:
    person = make_staff("张三", phone=PHONE, id_card=ID_CARD)
    make_certificate(person)
    with pytest.raises(errors.ForgetTooEarly):
        operations.forget(staff_id=person.pk, now=NOW, by=school_actor(alpha), tenant=alpha)
    operations.leave(staff_id=person.pk, left_on=date(2026, 6, 1), now=NOW, by=school_actor(alpha), tenant=alpha)
    person.refresh_from_db()
    assert person.forget_on == date(2026, 11, 28)
    assert operations.forget_due(now=NOW, tenant=alpha) == 0
    assert operations.forget_due(now=datetime(2026, 11, 27, 16, 0, tzinfo=UTC), tenant=alpha) == 1  # midnight here
    person.refresh_from_db()
    assert (person.name, person.phone_sealed, person.id_card_index, person.phone_masked) == ("已删除", None, None, "")
    assert not Certificate.objects.exists() and Staff.objects.filter(number=person.number).exists()
    with pytest.raises(errors.AlreadyForgotten):
        operations.bring_back(
            staff_id=person.pk, party_id=person.party_id, now=NOW, by=school_actor(alpha), tenant=alpha
        )


def test_who_left_may_return_in_time(alpha: Tenant) -> None:
    person = make_staff("张三", phone=PHONE)
    operations.leave(staff_id=person.pk, left_on=date(2026, 6, 1), now=NOW, by=school_actor(alpha), tenant=alpha)
    with pytest.raises(errors.StaffGone):
        operations.leave(staff_id=person.pk, left_on=date(2026, 6, 2), now=NOW, by=school_actor(alpha), tenant=alpha)
    operations.bring_back(staff_id=person.pk, party_id=person.party_id, now=NOW, by=school_actor(alpha), tenant=alpha)
    person.refresh_from_db()
    assert (person.status, person.forget_on, person.phone_masked) == ("active", None, "138****8000")


class TestLeavingAhead:
    """A last day that is told beforehand changes nothing until it is over."""

    LAST = date(2026, 11, 25)

    def at(self, alpha: Tenant, day: int, hour: int) -> datetime:
        return datetime(2026, 11, day, hour, tzinfo=alpha.tz)

    def test_works_and_signs_in_until_noon_after_the_last_day(self, alpha: Tenant) -> None:
        admin, person = school_actor(alpha), make_staff()
        (told,) = operations.open_logins(staff_ids=[person.pk], now=NOW, by=admin, tenant=alpha)
        account = Account.objects.get(pk=told.account_id)
        operations.leave(staff_id=person.pk, left_on=self.LAST, now=NOW, by=admin, tenant=alpha)
        person.refresh_from_db()
        assert (person.status, person.left_on, person.employment_changed_at) == ("active", self.LAST, NOW)
        assert operations.part_due(now=self.at(alpha, 26, 11), tenant=alpha) == 0  # a night shift may end then
        assert actor_for(account, school_id=alpha.school_id, today=self.LAST).staff_id == person.pk
        assert operations.part_due(now=self.at(alpha, 26, 12), tenant=alpha) == 1
        person.refresh_from_db()
        assert (person.status, person.left_on) == ("left", self.LAST)
        assert not actor_for(account, school_id=alpha.school_id, today=self.LAST).roles
        assert operations.part_due(now=self.at(alpha, 27, 12), tenant=alpha) == 0
        assert (
            Event.objects.filter(verb="staff.leaving").count() == Event.objects.filter(verb="staff.left").count() == 1
        )

    def test_the_day_can_be_moved_and_taken_back(self, alpha: Tenant) -> None:
        admin, person = school_actor(alpha), make_staff()
        for left_on in (self.LAST, date(2026, 11, 30)):
            operations.leave(staff_id=person.pk, left_on=left_on, now=NOW, by=admin, tenant=alpha)
        assert operations.part_due(now=self.at(alpha, 27, 12), tenant=alpha) == 0
        operations.bring_back(staff_id=person.pk, party_id=person.party_id, now=NOW, by=admin, tenant=alpha)
        person.refresh_from_db()
        assert (person.status, person.left_on, person.forget_on) == ("active", None, None)
        assert operations.part_due(now=datetime(2027, 1, 1, tzinfo=UTC), tenant=alpha) == 0

    def test_a_moved_date_of_joining_is_noted_and_another_change_is_not(self, alpha: Tenant) -> None:
        person = make_staff()
        fields = {"number": person.number, "name": "李四", "party_id": person.party_id}
        operations.change_staff(staff_id=person.pk, **fields, now=NOW, by=ADMIN, tenant=alpha)
        person.refresh_from_db()
        assert person.employment_changed_at is None
        operations.change_staff(staff_id=person.pk, **fields, hired_on=self.LAST, now=NOW, by=ADMIN, tenant=alpha)
        person.refresh_from_db()
        assert person.employment_changed_at == NOW


def test_certificates_have_sensible_dates_and_one_owner(alpha: Tenant) -> None:
    person, other = make_staff("甲"), make_staff("乙")
    fields = {"kind": "electrician", "number": "T440106", "issued_on": date(2025, 1, 1)}
    row = operations.add_certificate(
        staff_id=person.pk, **fields, review_on=date(2028, 1, 1), expires_on=date(2031, 1, 1), by=ADMIN, tenant=alpha
    )
    with pytest.raises(errors.CertificateTaken):
        operations.add_certificate(staff_id=other.pk, **fields, by=ADMIN, tenant=alpha)
    with pytest.raises(errors.CertificateDates):
        operations.change_certificate(
            certificate_id=row.pk, **fields, expires_on=date(2024, 1, 1), by=ADMIN, tenant=alpha
        )
    assert list(queries.expiring(by=ADMIN, until=date(2028, 1, 1))) == [row]
    operations.remove_certificate(certificate_id=row.pk, by=ADMIN, tenant=alpha)
    assert not Certificate.objects.exists()


def test_people_without_a_required_certificate_are_found(alpha: Tenant) -> None:
    post = make_post(certificates=["electrician"])
    with_it, without, late = (make_staff(n, post=post) for n in "甲乙丙")
    make_certificate(with_it, kind="electrician", expires_on=date(2027, 1, 1))
    make_certificate(late, kind="electrician", expires_on=date(2026, 11, 1))
    today = date(2026, 11, 22)
    assert set(queries.staff(by=ADMIN, certificate="missing", today=today)) == {without, late}
    assert list(queries.staff(by=ADMIN, certificate="expired", today=today)) == [late]
    assert list(queries.staff(by=ADMIN, certificate="soon", today=today)) == [with_it]


@pytest.mark.parametrize("role", [r for r in Role if r != Role.SCHOOL_ADMIN])
def test_only_the_admin_changes_people(alpha: Tenant, role: Role) -> None:
    person, other = make_staff(), actor(role)
    certificate = make_certificate(person)
    day = date(2026, 1, 1)
    attempts = [
        lambda: operations.add_staff(number="N", name="新", party_id=person.party_id, by=other, tenant=alpha),
        lambda: operations.change_staff(
            staff_id=person.pk, number="N", name="新", party_id=person.party_id, now=NOW, by=other, tenant=alpha
        ),
        lambda: operations.leave(staff_id=person.pk, left_on=day, now=NOW, by=other, tenant=alpha),
        lambda: operations.forget(staff_id=person.pk, now=NOW, by=other, tenant=alpha),
        lambda: operations.open_logins(staff_ids=[person.pk], now=NOW, by=other, tenant=alpha),
        lambda: operations.remove_certificate(certificate_id=certificate.pk, by=other, tenant=alpha),
        lambda: operations.add_department(name="新", by=other, tenant=alpha),
        lambda: operations.set_party_active(party_id=person.party_id, active=False, by=other, tenant=alpha),
        lambda: operations.set_line(line="cleaning", mode="mixed", by=other, tenant=alpha),
    ]
    for attempt in attempts:
        with pytest.raises(NotAllowed):
            attempt()
    assert not Event.objects.exists()


def test_another_schools_people_are_out_of_reach(alpha: Tenant, beta: Tenant) -> None:
    with school_context(beta):
        theirs = make_staff(id_card=ID_CARD)
        certificate = make_certificate(theirs)
    for attempt in (
        lambda: operations.leave(
            staff_id=theirs.pk, left_on=date(2026, 1, 1), now=NOW, by=school_actor(alpha), tenant=alpha
        ),
        lambda: operations.reveal(staff_id=theirs.pk, what="id_card", by=ADMIN, tenant=alpha),
        lambda: operations.remove_certificate(certificate_id=certificate.pk, by=ADMIN, tenant=alpha),
        lambda: operations.add_staff(number="N", name="新", party_id=theirs.party_id, by=ADMIN, tenant=alpha),
    ):
        with pytest.raises(NotFound):
            attempt()
    make_staff(id_card=ID_CARD)  # the same card here: schools know nothing of each other
