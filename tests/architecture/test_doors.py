"""The domain opens no door itself: it knows neither HTTP nor templates."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOMAIN = ["platform/kernel", "platform/identity", "platform/institute", "tenants", "standards_library"]
HTTP = re.compile(r"^\s*(from|import) django\.(http|shortcuts|template|urls|views)\b", re.MULTILINE)


@pytest.mark.parametrize("shelf", DOMAIN)
def test_no_http_in_the_domain(shelf: str) -> None:
    found = [str(p) for p in (ROOT / shelf).rglob("*.py") if HTTP.search(p.read_text())]
    assert found == []


def test_only_the_edge_enters_a_school() -> None:
    """`set_schema` and django-tenants' own context managers appear nowhere but in kernel.tenancy."""
    crossing = re.compile(r"\bset_schema\(|\bset_tenant\(|\bschema_context\b|\btenant_context\b")
    shelves = [*DOMAIN, "graphql/graphql_api", "workers", "web", "platform/config"]
    found = [
        str(p)
        for shelf in shelves
        for p in (ROOT / shelf).rglob("*.py")
        if p.name != "tenancy.py" and crossing.search(p.read_text())
    ]
    assert found == []
