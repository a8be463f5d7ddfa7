"""The edge: which host leads where."""

import pytest
from django.db import connection
from django.test import Client

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
