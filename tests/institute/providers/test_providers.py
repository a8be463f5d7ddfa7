"""Property companies: correcting what all schools see, and counting the schools they serve."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest

from identity.choices import Role
from institute.journal.models import JournalEvent
from institute.providers import operations, queries
from institute.providers.models import Provider, Service
from kernel import clock
from kernel.errors import Invalid, NotAllowed, NotFound
from kernel.ids import new_id
from kernel.tenancy import Tenant, public_context, school_context
from tenants.organisation import operations as organisation
from tenants.organisation.models import Party
from tests.factories.identity import institute_actor, school_actor
from workers.tasks.organisation import tell_companies

CODE, OTHER = "91350100M000100Y43", "91330000MA7DEM0X2C"

pytestmark = pytest.mark.django_db


def make_provider(name: str = "福建某物业", code: str = CODE) -> Provider:
    return Provider.objects.create(name=name, credit_code=code)


def contract(tenant: Tenant, provider: Provider, *, starts_on: date, ends_on: date) -> Party:
    with school_context(tenant):
        return organisation.add_contract(
            provider_id=provider.pk, name=f"合同{uuid4().hex[:6]}", number=uuid4().hex[:8], lines=["cleaning"],
            starts_on=starts_on, ends_on=ends_on, by=school_actor(tenant), tenant=tenant,
        )  # fmt: skip


def schools_of(provider: Provider) -> int:
    with public_context():
        row: Any = queries.listed_provider(provider.pk, by=institute_actor())
        return int(row.schools)


def test_name_and_code_are_corrected_and_noted_once() -> None:
    row, admin = make_provider(), institute_actor()
    ref = operations.correct_provider(provider_id=row.pk, name=" 福建  某某物业", credit_code=OTHER.lower(), by=admin)
    assert (ref.name, ref.credit_code) == ("福建 某某物业", OTHER)
    operations.correct_provider(provider_id=row.pk, name="福建 某某物业", credit_code=OTHER, by=admin)
    (event,) = JournalEvent.objects.filter(subject_id=str(row.pk))
    assert event.verb == "provider.corrected" and event.payload["old"] == {"name": "福建某物业", "credit_code": CODE}
    assert "福建 某某物业" in event.sentence and CODE in event.sentence and OTHER in event.sentence


def test_a_code_of_another_company_is_refused_with_its_name() -> None:
    row, other = make_provider(), make_provider("另一家物业", OTHER)
    with pytest.raises(operations.CreditCodeTaken) as refused:
        operations.correct_provider(provider_id=row.pk, name=row.name, credit_code=OTHER, by=institute_actor())
    assert other.name in refused.value.sentence
    row.refresh_from_db()
    assert row.credit_code == CODE and not JournalEvent.objects.exists()


def test_a_wrong_code_an_empty_name_and_an_unknown_company_are_refused() -> None:
    row, by = make_provider(), institute_actor()
    with pytest.raises(operations.CreditCodeWrong):
        operations.correct_provider(provider_id=row.pk, name=row.name, credit_code=CODE[:-1] + "9", by=by)
    with pytest.raises(Invalid):
        operations.correct_provider(provider_id=row.pk, name=" ", by=by)
    with pytest.raises(NotFound):
        operations.correct_provider(provider_id=new_id(), name="某物业", by=by)
    row.refresh_from_db()
    assert (row.name, row.credit_code) == ("福建某物业", CODE)


def test_only_the_institutes_admin_corrects(alpha: Tenant) -> None:
    row = make_provider()
    others = [institute_actor(Role.INSTITUTE_REVIEWER), institute_actor(Role.INSTITUTE_ANALYST), school_actor(alpha)]
    others.append(school_actor(alpha, Role.PROVIDER_MANAGER, provider_id=row.pk))
    for by in others:
        with pytest.raises(NotAllowed):
            operations.correct_provider(provider_id=row.pk, name="改名", credit_code=OTHER, by=by)
    row.refresh_from_db()
    assert (row.name, row.credit_code) == ("福建某物业", CODE)


def test_schools_with_a_contract_running_today_are_counted(alpha: Tenant, beta: Tenant) -> None:
    row, today = make_provider(), clock.now().astimezone(alpha.tz).date()
    year = timedelta(days=365)
    running = contract(alpha, row, starts_on=today, ends_on=today)
    contract(alpha, row, starts_on=today - year, ends_on=today + year)
    contract(beta, row, starts_on=today - year, ends_on=today - timedelta(days=1))  # over
    contract(beta, row, starts_on=today + timedelta(days=1), ends_on=today + year)  # not yet
    assert (tell_companies(alpha), tell_companies(alpha), tell_companies(beta)) == (1, 1, 0)
    assert schools_of(row) == 1
    assert Service.objects.get().contracts == 2
    contract(beta, row, starts_on=today, ends_on=today + year)
    tell_companies(beta)
    assert schools_of(row) == 2
    with school_context(alpha):
        for party in Party.objects.filter(provider_id=row.pk):
            organisation.set_party_active(party_id=party.pk, active=False, by=school_actor(alpha), tenant=alpha)
    tell_companies(alpha)
    assert schools_of(row) == 1 and not Service.objects.filter(school_id=alpha.school_id).exists()
    assert running.provider_id == row.pk


def test_a_contract_asks_for_the_count(alpha: Tenant, django_capture_on_commit_callbacks: object) -> None:
    today = clock.now().date()
    with django_capture_on_commit_callbacks() as sent:  # type: ignore[operator]
        contract(alpha, make_provider(), starts_on=today, ends_on=today)
    assert any("organisation.note_companies" in str(job) for job in sent)


def test_the_list_filters_by_whether_they_serve(alpha: Tenant) -> None:
    idle, busy, by = make_provider(), make_provider("在服务物业", OTHER), institute_actor(Role.INSTITUTE_ANALYST)
    operations.note_services(school_id=alpha.school_id, contracts={busy.pk: 1, new_id(): 3}, now=clock.now())
    assert list(queries.providers(by=by, serving=True)) == [busy]
    assert list(queries.providers(by=by, serving=False)) == [idle]
    with pytest.raises(NotAllowed):
        queries.providers(by=school_actor(alpha))
