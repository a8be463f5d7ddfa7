"""What a guest under a grant meets on each page of the school's console."""

from __future__ import annotations

import pytest
from django.urls import reverse

from identity.choices import GrantScope
from kernel.tenancy import Tenant
from tests.identity.test_grants_and_tokens import give, guest, reads
from tests.identity.test_sign_in import ALPHA
from web.navigation import SCHOOL, Entry

ENTRIES = [entry for _title, entries in SCHOOL for entry in entries]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.url_name)
def test_pages_open_to_guests_open_by_their_scope_and_are_noted(alpha: Tenant, entry: Entry) -> None:
    give(alpha, *GrantScope)
    answer = guest().get(reverse(entry.url_name, urlconf="config.urls_school"), headers=ALPHA)
    if entry.grant is not None:
        assert answer.status_code == 200
        assert [event.payload["view"] for event in reads()] == [entry.url_name]
    else:
        assert answer.status_code in (200, 302, 403)
        assert len(reads()) == (answer.status_code != 403)


@pytest.mark.parametrize("entry", [e for e in ENTRIES if e.grant], ids=lambda entry: entry.url_name)
def test_the_menu_shows_what_was_granted_and_no_more(alpha: Tenant, entry: Entry) -> None:
    assert entry.grant is not None
    give(alpha, entry.grant)
    client = guest()
    page = client.get(reverse(entry.url_name, urlconf="config.urls_school"), headers=ALPHA)
    shown = {item["url"] for section in page.context["shell"]["nav"] for item in section["items"]}
    wanted = {reverse(e.url_name, urlconf="config.urls_school") for e in ENTRIES if e.grant == entry.grant}
    assert shown == wanted
