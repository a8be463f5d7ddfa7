"""Consent comes first, is separate, may be refused at no cost and taken back at once."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from identity.choices import Role
from identity.contracts import Actor
from kernel import clock
from kernel.errors import Invalid, NotAllowed
from kernel.tenancy import Tenant
from tenants.face import operations, queries, texts
from tenants.face.choices import Decision, Ended, Guardian, How, Outcome
from tenants.face.errors import AgeNotRecorded, AgeUnknown, GuardianNeeded, NotWorking, ServiceOff, TextChanged
from tenants.face.models import Consent, Deletion, Setting, Template
from tenants.organisation.models import Staff
from tenants.organisation.personal import sealed_id_card
from tenants.timeline.models import Event
from tests.factories.face import admin, make_enrolled, person_actor, switch_on
from tests.factories.organisation import make_staff
from workers.tasks.face import upkeep


def version(tenant: Tenant) -> str:
    return texts.current(clock.now().astimezone(tenant.tz).date()).version


def card(born: str) -> str:
    """An ID-card number with a true check digit."""
    body = f"440106{born}001"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11]


def decide(person: Staff, tenant: Tenant, decision: str = Decision.AGREED, **how: object) -> Consent:
    given = {"text_version": version(tenant), "is_14": True, "now": clock.now(), **how}
    return operations.decide(decision=decision, by=person_actor(person, tenant), tenant=tenant, **given)


def test_a_consent_says_which_text_who_when_and_how(alpha: Tenant) -> None:
    switch_on(alpha)
    person, now = make_staff(number="G001"), clock.now()
    row = decide(person, alpha, now=now)
    text = texts.of_version(row.text_version)
    assert text is not None
    assert (row.text_sha256, row.decided_at, row.how, row.by_name) == (text.sha256, now, How.PHONE, person.name)
    event = Event.objects.get(verb="face.agreed")
    assert "G001" in event.sentence and person.name not in event.sentence


def test_a_text_names_its_law_and_its_equal_way(alpha: Tenant) -> None:
    text = texts.current(date(2026, 11, 25))
    whole = text.summary + text.basis + "".join(sentence for _heading, sentence in text.points)
    for words in ("人脸识别技术应用安全管理办法", "个人信息保护法", "撤回", "二维码", "不满十四周岁", "24 小时"):
        assert words in whole


def test_nobody_decides_for_somebody_else(alpha: Tenant) -> None:
    switch_on(alpha)
    person = make_staff()
    for by in (admin(alpha), Actor.anonymous(), Actor.system(alpha.school_id)):
        with pytest.raises(NotAllowed):
            operations.decide(
                decision=Decision.AGREED, text_version=version(alpha), by=by, tenant=alpha, now=clock.now()
            )
    with pytest.raises(NotAllowed):
        operations.revoke(staff_id=person.pk, by=person_actor(make_staff(), alpha), tenant=alpha, now=clock.now())
    assert not Consent.objects.exists()


def test_a_token_without_the_scope_decides_nothing(alpha: Tenant) -> None:
    switch_on(alpha)
    person = make_staff()
    by = person_actor(person, alpha)
    token = Actor(
        account_id=by.account_id, name=by.name, roles=by.roles, school_id=by.school_id, staff_id=person.pk,
        scopes=frozenset({"face:read"}),
    )  # fmt: skip
    with pytest.raises(NotAllowed):
        operations.decide(decision="agreed", text_version=version(alpha), by=token, tenant=alpha, now=clock.now())


def test_an_older_text_is_not_agreed_to(alpha: Tenant) -> None:
    switch_on(alpha)
    with pytest.raises(TextChanged):
        decide(make_staff(), alpha, text_version="2019-1")


def test_an_unknown_decision_is_refused(alpha: Tenant) -> None:
    switch_on(alpha)
    with pytest.raises(Invalid):
        decide(make_staff(), alpha, "perhaps")


def test_agreeing_needs_the_service_refusing_does_not(alpha: Tenant) -> None:
    person = make_staff()
    with pytest.raises(ServiceOff):
        decide(person, alpha)
    assert decide(person, alpha, Decision.REFUSED).decision == Decision.REFUSED


def test_agreeing_twice_is_one_consent(alpha: Tenant) -> None:
    switch_on(alpha)
    person = make_staff()
    assert decide(person, alpha, key="k1").pk == decide(person, alpha, key="k1").pk == decide(person, alpha).pk
    assert Consent.objects.count() == 1


def test_a_child_does_not_consent_alone(alpha: Tenant) -> None:
    switch_on(alpha)
    born = clock.now().date() - timedelta(days=14 * 365 - 30)
    child = make_staff(id_card=card(born.strftime("%Y%m%d")))
    with pytest.raises(GuardianNeeded):
        decide(child, alpha)
    with pytest.raises(GuardianNeeded):
        operations.record_paper(
            staff_id=child.pk, decision=Decision.AGREED, text_version=version(alpha), by=admin(alpha), tenant=alpha,
            now=clock.now(),
        )  # fmt: skip
    assert not Consent.objects.exists()


def test_a_guardian_consents_on_paper_and_is_sealed(alpha: Tenant) -> None:
    switch_on(alpha)
    child = make_staff(id_card=card("20150601"))
    row = operations.record_paper(
        staff_id=child.pk, decision=Decision.AGREED, text_version=version(alpha), guardian=Guardian.MOTHER,
        guardian_name="周慧敏", by=admin(alpha), tenant=alpha, now=clock.now(),
    )  # fmt: skip
    assert (row.how, row.guardian) == (How.PAPER, Guardian.MOTHER)
    assert "周慧敏".encode() not in bytes(row.guardian_sealed or b"")
    assert "周慧敏" not in json.dumps(list(Event.objects.values("sentence", "payload")), ensure_ascii=False)


def test_who_has_no_id_card_on_record_says_that_they_are_14(alpha: Tenant) -> None:
    switch_on(alpha)
    with pytest.raises(AgeUnknown):
        decide(make_staff(), alpha, is_14=False)
    grown = make_staff(id_card=card("19850601"))
    assert decide(grown, alpha, is_14=False).decision == Decision.AGREED


def test_a_paper_without_an_id_card_needs_a_guardian_or_a_look_at_the_age(alpha: Tenant) -> None:
    switch_on(alpha)

    def paper(**more: object) -> Consent:
        given: dict = {"decision": Decision.AGREED, "text_version": version(alpha), "now": clock.now(), **more}
        return operations.record_paper(staff_id=make_staff().pk, **given, by=admin(alpha), tenant=alpha)

    with pytest.raises(AgeNotRecorded):
        paper()
    assert not Consent.objects.exists()
    assert paper(is_14=True).age == "said"
    assert paper(guardian=Guardian.FATHER, guardian_name="周强").age == "guardian"
    assert paper(decision=Decision.REFUSED).age == ""  # refusing needs nothing


def test_an_id_card_registered_later_ends_a_childs_consent_and_leaves_the_others(alpha: Tenant, pack: Path) -> None:
    switch_on(alpha)
    (child, _one), (grown, _two), (unknown, _three) = (make_enrolled(n, alpha) for n in (1, 2, 3))
    for person, born in ((child, "20150601"), (grown, "19850601")):
        type(person).objects.filter(pk=person.pk).update(**sealed_id_card(card(born), schema=alpha.schema))
    for ended in (1, 0):
        assert operations.check_ages(tenant=alpha, now=clock.now()) == ended
    assert set(Template.objects.values_list("staff_id", flat=True)) == {grown.pk, unknown.pk}
    assert Deletion.objects.get().reason == "minor"
    told = {c.staff_id: (c.ended, c.age) for c in Consent.objects.all()}
    assert told == {child.pk: ("minor", "said"), grown.pk: ("", "card"), unknown.pk: ("", "said")}
    assert Event.objects.filter(verb="face.minor").count() == 1


def test_an_id_card_that_cannot_be_opened_holds_up_no_deletion(alpha: Tenant, pack: Path) -> None:
    """Sealed under a key that is gone: the age stays unknown, and a leaver's template goes in the same upkeep."""
    switch_on(alpha)
    (damaged, _one), (child, _two), (leaver, _three) = (make_enrolled(n, alpha) for n in (1, 2, 3))
    type(damaged).objects.filter(pk=damaged.pk).update(id_card_sealed=b"\x07" + bytes(40))
    type(child).objects.filter(pk=child.pk).update(**sealed_id_card(card("20150601"), schema=alpha.schema))
    type(leaver).objects.filter(pk=leaver.pk).update(status="left", left_on=clock.now().date() - timedelta(days=2))
    upkeep.run(tenant=alpha)
    assert list(Template.objects.values_list("staff_id", flat=True)) == [damaged.pk]
    assert set(Deletion.objects.values_list("reason", flat=True)) == {"minor", "left"}


def test_an_upload_that_cannot_be_removed_holds_up_no_deletion(
    alpha: Tenant, pack: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> int:
        raise OSError

    switch_on(alpha)
    leaver, _template = make_enrolled(1, alpha)
    type(leaver).objects.filter(pk=leaver.pk).update(status="left", left_on=clock.now().date() - timedelta(days=2))
    monkeypatch.setattr(operations, "drop_photos", broken)
    with pytest.raises(OSError):
        upkeep.run(tenant=alpha)
    assert not Template.objects.exists() and Deletion.objects.get().reason == "left"


def test_revoking_deletes_at_once_and_leaves_a_record(alpha: Tenant, pack: Path) -> None:
    switch_on(alpha)
    person, template = make_enrolled(1, alpha)
    other, _kept = make_enrolled(2, alpha)
    operations.revoke(staff_id=person.pk, by=person_actor(person, alpha), tenant=alpha, now=clock.now())
    assert list(Template.objects.values_list("staff_id", flat=True)) == [other.pk]
    record = Deletion.objects.get()
    assert (record.staff_number, record.reason, record.template_id) == (person.number, "revoked", template.pk)
    consent = Consent.objects.get(staff=person)
    assert (consent.ended, consent.ended_by_name) == (Ended.REVOKED, person.name)
    assert Event.objects.filter(verb="face.revoked").count() == 1


def test_revoking_twice_does_nothing_more(alpha: Tenant, pack: Path) -> None:
    switch_on(alpha)
    person, _template = make_enrolled(1, alpha)
    for _ in range(2):
        operations.revoke(staff_id=person.pk, by=person_actor(person, alpha), tenant=alpha, now=clock.now())
    assert (Deletion.objects.count(), Event.objects.filter(verb="face.revoked").count()) == (1, 1)


def test_a_refusal_after_an_agreement_is_a_revocation(alpha: Tenant, pack: Path) -> None:
    switch_on(alpha)
    person, _template = make_enrolled(1, alpha)
    decide(person, alpha, Decision.REFUSED)
    assert not Template.objects.exists()
    assert Consent.objects.get(ended_at__isnull=False).ended == Ended.REVOKED
    assert queries.standing_consent(person.pk, today=clock.now().date()) is None


def test_a_text_that_renews_asks_everybody_again(
    alpha: Tenant, pack: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    switch_on(alpha)
    person, _template = make_enrolled(1, alpha)
    raw = json.loads(texts.FILE.read_text())
    newer = {**raw[-1], "version": "2026-9", "effective_on": "2026-02-01"}
    for renews, still in ((False, True), (True, False)):
        file = tmp_path / f"{renews}.json"
        file.write_text(json.dumps([*raw, {**newer, "renews": renews}]))
        monkeypatch.setattr(texts, "FILE", file)
        texts.versions.cache_clear()
        today = clock.now().date()
        assert texts.current(today).version == "2026-9"
        assert (queries.standing_consent(person.pk, today=today) is not None) is still
        assert (person.pk in queries.ready_people([person.pk], today=today)) is still
    texts.versions.cache_clear()


def test_who_left_cannot_agree(alpha: Tenant) -> None:
    switch_on(alpha)
    person = make_staff()
    Staff.objects.filter(pk=person.pk).update(status="left", left_on=date(2026, 11, 1))
    with pytest.raises(NotWorking):
        decide(person, alpha)


def test_without_the_assessment_there_is_no_service(alpha: Tenant) -> None:
    from tenants.face.errors import AssessmentMissing

    common = {"enabled": True, "photo_days": 0, "by": admin(alpha), "tenant": alpha, "now": clock.now()}
    with pytest.raises(AssessmentMissing):
        operations.configure(assessed_on=None, **common)
    with pytest.raises(Invalid):
        operations.configure(assessed_on=clock.now().date() + timedelta(days=3), **common)
    assert not Setting.objects.exists()


def test_only_the_admin_switches_the_service(alpha: Tenant) -> None:
    leader = Actor(account_id=None, name="领导", roles=frozenset({Role.SCHOOL_LEADER}), school_id=alpha.school_id)
    with pytest.raises(NotAllowed):
        operations.configure(
            enabled=True, assessed_on=date(2026, 1, 1), photo_days=0, by=leader, tenant=alpha, now=clock.now()
        )


def test_a_revoked_person_is_not_checked(alpha: Tenant, pack: Path) -> None:
    switch_on(alpha)
    person, _template = make_enrolled(1, alpha)
    operations.revoke(staff_id=person.pk, by=person_actor(person, alpha), tenant=alpha, now=clock.now())
    check_id = operations.request_check(
        staff_id=person.pk, picture=b"x", purpose="punch", by=person_actor(person, alpha), tenant=alpha,
        now=clock.now(),
    )  # fmt: skip
    assert queries.result_of(check_id).outcome == Outcome.NO_CONSENT
