"""GraphiQL: for members of both hosts, only where the schema may be read, without loosening the page's policy."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from identity.choices import Role
from identity.models import Account
from kernel.tenancy import Tenant
from tests.factories.identity import institute_actor
from tests.graphql_api.test_evaluations import at_school, browser

ROOT = Path(__file__).resolve().parents[2]
SCHOOL, INSTITUTE = "/tokens/console/", "/institute/tokens/console/"


def at_institute(role: Role = Role.INSTITUTE_ADMIN) -> Client:
    return browser("", Account.objects.get(pk=institute_actor(role).account_id))


@pytest.mark.parametrize("role", [Role.SCHOOL_ADMIN, Role.SCHOOL_LEADER, Role.FRONTLINE])
def test_members_of_a_school_have_it(alpha: Tenant, role: Role) -> None:
    page = at_school(alpha, role).get(SCHOOL)
    assert page.status_code == 200 and 'id="graphiql"' in page.content.decode()


def test_members_of_the_institute_have_it(db: None) -> None:
    admin = at_institute()
    assert 'id="graphiql"' in admin.get(INSTITUTE).content.decode()
    assert INSTITUTE in admin.get("/institute/tokens/").content.decode()


def test_it_is_not_there_where_the_schema_may_not_be_read(alpha: Tenant, settings: Any) -> None:
    settings.GRAPHQL_INTROSPECTION = False
    boss, admin = at_school(alpha), at_institute()
    assert (boss.get(SCHOOL).status_code, admin.get(INSTITUTE).status_code) == (404, 404)
    assert SCHOOL not in boss.get("/tokens/").content.decode()


def test_strangers_are_sent_to_sign_in(alpha: Tenant, beta: Tenant) -> None:
    assert Client(headers={"host": "alpha.localhost"}).get(SCHOOL)["Location"].startswith("/accounts/login/")
    elsewhere = at_school(beta)
    assert elsewhere.get(SCHOOL, headers={"host": "alpha.localhost"}).status_code == 403


def test_its_policy_is_the_one_of_every_page_and_no_script_stands_in_it(alpha: Tenant) -> None:
    boss = at_school(alpha)
    page, other = boss.get(SCHOOL), boss.get("/tokens/")
    body = page.content.decode()
    nonce = re.search(r'data-nonce="([^"]+)"', body)
    assert nonce

    def policy(answer: Any) -> str:
        return re.sub(r" 'nonce-[^']+'", "", answer["Content-Security-Policy"])

    assert policy(page) == policy(other) and f"'nonce-{nonce[1]}'" in page["Content-Security-Policy"]
    assert all(re.search(r"\ssrc=", tag) for tag in re.findall(r"<script\b[^>]*>", body)) and "<style" not in body


def test_its_query_runs_as_written(alpha: Tenant) -> None:
    for client, path in ((at_school(alpha), SCHOOL), (at_institute(), INSTITUTE)):
        query = client.get(path).context["example"]
        answer = client.post("/graphql/", json.dumps({"query": query}), content_type="application/json").json()
        assert answer["data"]["me"]["name"] and "errors" not in answer


def test_the_bundle_is_loaded_on_its_page_only_and_brings_no_fonts(alpha: Tenant) -> None:
    source = "frontend/src/graphiql.ts"
    templates = [p for p in (ROOT / "web").rglob("*.html") if source in p.read_text()]
    assert [p.name for p in templates] == ["console.html"]
    manifest = json.loads((ROOT / "frontend" / "dist" / "manifest.json").read_text())
    entry = manifest[source]
    importers = [name for name, part in manifest.items() if entry["file"] in part.get("imports", ())]
    styles = [(ROOT / "frontend" / "dist" / name).read_text() for name in entry["css"]]
    assert entry["isEntry"] and importers == [] and not any("data:font" in style for style in styles)
