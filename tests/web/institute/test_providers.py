"""The institute's pages about property companies."""

from __future__ import annotations

import io

import openpyxl
import pytest
from django.test import Client

from identity.choices import Role
from institute.journal.models import JournalEvent
from institute.providers.models import Provider, Service
from kernel import clock
from kernel.ids import new_id
from kernel.tenancy import Tenant
from tests.factories.identity import make_member

pytestmark = pytest.mark.django_db
HERE = "/institute/providers/"
CODE, OTHER = "91350100M000100Y43", "91330000MA7DEM0X2C"


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(make_member(Role.INSTITUTE_ADMIN).account)
    return client


def make_two(alpha: Tenant, beta: Tenant) -> tuple[Provider, Provider]:
    one = Provider.objects.create(name="福建某物业", credit_code=CODE)
    two = Provider.objects.create(name="=1+1物业", credit_code=OTHER)
    for tenant in (alpha, beta):
        Service.objects.create(provider=one, school_id=tenant.school_id, contracts=2, noted_at=clock.now())
    return one, two


def test_the_list_searches_sorts_and_counts_schools(admin: Client, alpha: Tenant, beta: Tenant) -> None:
    assert "还没有物业企业" in admin.get(HERE).content.decode()
    make_two(alpha, beta)
    page = admin.get(HERE).content.decode()
    assert "福建某物业" in page and "=1+1物业" in page and '<td data-label="在服务学校" class="num">2</td>' in page
    assert "甲大学" not in page
    by_schools = admin.get(HERE + "?sort=-schools").content.decode()
    assert by_schools.index("福建某物业") < by_schools.index("=1+1物业")
    assert "=1+1物业" not in admin.get(HERE + "?search=9135").content.decode()
    assert "福建某物业" not in admin.get(HERE + "?serving=no").content.decode()
    assert "清空筛选" in admin.get(HERE + "?search=无此企业").content.decode()
    assert HERE in admin.get("/institute/").content.decode()  # in the menu


def test_a_long_list_has_pages(admin: Client) -> None:
    Provider.objects.bulk_create(Provider(name=f"物业{n:02}", credit_code=f"C{n}") for n in range(21))
    first, second = (admin.get(f"{HERE}?page={n}").content.decode() for n in (1, 2))
    assert "共 21 条" in first and "物业00" in first and "物业20" not in first
    assert "物业20" in second and "物业00" not in second


def test_the_export_holds_what_was_filtered_and_no_formula(admin: Client, alpha: Tenant, beta: Tenant) -> None:
    make_two(alpha, beta)
    rows = list(openpyxl.load_workbook(io.BytesIO(admin.get(HERE + "export.xlsx").content)).active.values)
    assert [(r[0], r[1], r[2]) for r in rows[1:]] == [("'=1+1物业", OTHER, 0), ("福建某物业", CODE, 2)]
    rows = list(openpyxl.load_workbook(io.BytesIO(admin.get(HERE + "export.xlsx?serving=yes").content)).active.values)
    assert [r[0] for r in rows[1:]] == ["福建某物业"]


def test_a_company_is_corrected_after_a_confirmation(admin: Client, alpha: Tenant, beta: Tenant) -> None:
    one, _two = make_two(alpha, beta)
    form = f"{HERE}{one.pk}/correct/"
    page = admin.get(form).content.decode()
    assert "现有 2 所学校在用" in page and "data-confirm" in page
    wrong = admin.post(form, {"name": "福建某物业", "credit_code": CODE[:-1] + "9"})
    assert wrong.status_code == 422 and "校验位不符" in wrong.content.decode()
    taken = admin.post(form, {"name": "福建某物业", "credit_code": OTHER})
    assert taken.status_code == 422 and "已登记给" in taken.content.decode()
    assert not JournalEvent.objects.filter(verb="provider.corrected").exists()
    done = admin.post(form, {"name": "福建某某物业", "credit_code": CODE.lower()})
    assert done.status_code == 302 and done["Location"] == f"{HERE}{one.pk}/"
    detail = admin.get(done["Location"]).content.decode()
    assert "由「福建某物业」更正为「福建某某物业」" in detail and "2 所" in detail
    assert admin.get(f"{HERE}{new_id()}/").status_code == 404


@pytest.mark.parametrize("role", [Role.INSTITUTE_REVIEWER, Role.INSTITUTE_ANALYST])
def test_others_of_the_institute_read_only(client: Client, alpha: Tenant, beta: Tenant, role: Role) -> None:
    one, _two = make_two(alpha, beta)
    client.force_login(make_member(role).account)
    page = client.get(f"{HERE}{one.pk}/").content.decode()
    assert "福建某物业" in page and "更正名称和代码" not in page
    assert client.get(f"{HERE}{one.pk}/correct/").status_code == 403
    assert client.post(f"{HERE}{one.pk}/correct/", {"name": "改", "credit_code": OTHER}).status_code == 403
    one.refresh_from_db()
    assert (one.name, one.credit_code) == ("福建某物业", CODE)


def test_visitors_and_school_people_see_nothing(client: Client, alpha: Tenant, beta: Tenant) -> None:
    one, _two = make_two(alpha, beta)
    paths = ("", "export.xlsx", f"{one.pk}/", f"{one.pk}/correct/")
    assert {client.get(HERE + path).status_code for path in paths} == {302}
    client.force_login(make_member(Role.SCHOOL_ADMIN, tenant=beta).account)
    for path in paths:
        answer = client.get(HERE + path)
        assert answer.status_code in {403, 404} and "福建某物业" not in answer.content.decode(), path
