"""The edge: which host leads where."""

import pytest
from django.db import connection
from django.test import Client

from institute.schools.choices import SchoolStatus
from institute.schools.models import School
from kernel.tenancy import Tenant


@pytest.mark.django_db
def test_an_unknown_host_is_404_and_says_so(client: Client) -> None:
    answer = client.get("/", headers={"host": "nobody.localhost"})
    assert answer.status_code == 404
    assert "nobody.localhost" in answer.content.decode()
    assert connection.schema_name == "public"


@pytest.mark.django_db
def test_a_school_host_asks_to_sign_in(client: Client, beta: Tenant) -> None:
    answer = client.get("/", headers={"host": "beta.localhost"})
    assert answer.status_code == 302
    assert connection.schema_name == "public"


@pytest.mark.django_db
def test_a_host_outside_our_domain_is_404_and_says_so(client: Client) -> None:
    answer = client.get("/", headers={"host": "foo.example<b>"})
    assert answer.status_code == 404
    assert "foo.example&lt;b&gt;" in answer.content.decode()


@pytest.mark.parametrize(
    ("status", "note", "told", "untold"),
    [
        (SchoolStatus.SUSPENDED, "合同到期未续", "合同到期未续", "正在开通"),
        (SchoolStatus.SEEDING, "", "正在开通", "暂停"),
        (SchoolStatus.FAILED, "SQLSTATE 53100", "还没有建成", "SQLSTATE"),
        (SchoolStatus.ARCHIVED, "", "已归档", "暂停"),
    ],
)
def test_a_school_that_is_not_open_says_what_it_is(
    client: Client, beta: Tenant, status: SchoolStatus, note: str, told: str, untold: str
) -> None:
    School.objects.filter(pk=beta.school_id).update(status=status, status_note=note)
    answer = client.get("/findings/", headers={"host": "beta.localhost"})
    page = answer.content.decode()
    assert answer.status_code == 403
    assert beta.name in page and told in page and untold not in page


@pytest.mark.django_db
def test_characters_no_text_can_hold_are_refused_at_the_door(client: Client) -> None:
    for answer in (
        client.get("/apply/?q=a%00b"),
        client.post("/enquire/", {"name": "a\x00b"}),
    ):
        assert answer.status_code == 422
        assert "控制字符" in answer.content.decode()
