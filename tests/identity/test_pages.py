"""Members, grants and tokens in the browser's eyes, on both kinds of host."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from identity.choices import Role
from identity.models import AccessGrant, ApiToken, Invitation, Membership
from kernel import clock
from kernel.tenancy import Tenant
from tenants.timeline.models import Event
from tests.factories.identity import make_account, make_member
from tests.identity.test_sign_in import ALPHA, LOCAL


@pytest.fixture
def admin(alpha: Tenant, client: Client) -> Membership:
    member = make_member(Role.SCHOOL_ADMIN, tenant=alpha, name="管理员甲")
    client.force_login(member.account)
    return member


PAGES = ["/members/", "/members/invitations/", "/members/invite/", "/grants/", "/grants/new/", "/grants/reads/", "/tokens/", "/tokens/new/"]  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_a_school_admin_sees_each_page(admin: Membership, client: Client, path: str) -> None:
    assert client.get(path, headers=ALPHA).status_code == 200


@pytest.mark.parametrize("path", [p for p in PAGES if not p.startswith("/tokens/")])
def test_a_supervisor_sees_none_of_them(alpha: Tenant, client: Client, path: str) -> None:
    client.force_login(make_member(Role.SCHOOL_SUPERVISOR, tenant=alpha).account)
    assert client.get(path, headers=ALPHA).status_code == 403


@pytest.mark.parametrize("path", ["/institute/members/", "/institute/members/invite/", "/institute/tokens/", "/institute/tokens/new/"])  # fmt: skip
@pytest.mark.django_db
def test_the_institutes_admin_sees_the_same_pages(client: Client, path: str) -> None:
    client.force_login(make_member(Role.INSTITUTE_ADMIN).account)
    assert client.get(path, headers=LOCAL).status_code == 200


def test_the_member_list_searches_pages_and_costs_the_same_for_many(
    admin: Membership, alpha: Tenant, beta: Tenant, client: Client, django_assert_max_num_queries: object
) -> None:
    for n in range(45):
        make_member(Role.FRONTLINE, tenant=alpha, name=f"员工{n:02d}")
    make_member(Role.FRONTLINE, tenant=beta, name="别校员工")
    client.get("/members/", headers=ALPHA)
    with django_assert_max_num_queries(12):
        page = client.get("/members/?per=50", headers=ALPHA).content.decode()
    assert "共 46 条" in page and "别校员工" not in page
    found = client.get("/members/?search=员工07&role=frontline&active=yes", headers=ALPHA).content.decode()
    assert "员工07" in found and "员工08" not in found
    text = client.get("/members/export/?search=员工07", headers=ALPHA).content.decode("utf-8-sig")
    assert "员工07" in text and "员工08" not in text


def test_a_name_that_looks_like_a_formula_is_defused(admin: Membership, alpha: Tenant, client: Client) -> None:
    make_member(Role.FRONTLINE, tenant=alpha, name="=1+1")
    assert "\n'=1+1," in client.get("/members/export/", headers=ALPHA).content.decode("utf-8-sig")


def test_inviting_resending_and_revoking_from_the_page(admin: Membership, client: Client) -> None:
    wrong = client.post("/members/invite/", {"name": "赵", "email": "x", "role": "school_leader"}, headers=ALPHA)
    assert wrong.status_code == 422 and not Invitation.objects.exists()
    data = {"name": "赵一", "email": "zhao@example.org", "role": "school_leader"}
    assert client.post("/members/invite/", data, headers=ALPHA).status_code == 302
    row = Invitation.objects.get()
    assert "zhao@example.org" in client.get("/members/invitations/", headers=ALPHA).content.decode()
    client.post(f"/members/invitations/{row.pk}/resend/", headers=ALPHA)
    client.post(f"/members/invitations/{row.pk}/revoke/", headers=ALPHA)
    row.refresh_from_db()
    assert row.times_sent == 2 and row.revoked_at


def test_accepting_in_the_browser(admin: Membership, alpha: Tenant) -> None:
    from identity import operations
    from tests.factories.identity import actor_of

    invited = operations.invite(
        email="zhao@example.org", name="赵一", role=Role.SCHOOL_SUPERVISOR, tenant=alpha, by=actor_of(admin), now=clock.now()
    )  # fmt: skip
    path = invited.url.removeprefix("http://alpha.localhost:8000")
    fresh = Client()
    page = fresh.get(path, headers=ALPHA)
    assert "监管人员" in page.content.decode() and page["Referrer-Policy"] == "same-origin"
    data = {"name": "赵一", "username": "zhaoyi", "password": "a-long-walk-7", "again": "other"}
    assert fresh.post(path, data, headers=ALPHA).status_code == 422
    assert fresh.post(path, {**data, "again": data["password"]}, headers=ALPHA).status_code == 302
    assert fresh.get("/", headers=ALPHA).status_code == 200
    assert fresh.get(path, headers=ALPHA).status_code == 404


def test_the_last_admin_cannot_leave_and_nobody_stops_themselves(
    admin: Membership, alpha: Tenant, client: Client
) -> None:
    answer = client.post(f"/members/{admin.pk}/deactivate/", headers=ALPHA, follow=True)
    assert "最后一位管理员" in answer.content.decode()
    answer = client.post(f"/members/{admin.pk}/role/", {"role": "school_leader"}, headers=ALPHA)
    assert answer.status_code == 422 and "最后一位管理员" in answer.content.decode()
    second = make_member(Role.SCHOOL_ADMIN, tenant=alpha)
    answer = client.post(f"/members/{admin.pk}/deactivate/", headers=ALPHA, follow=True)
    assert "不能停用自己" in answer.content.decode()
    client.post(f"/members/{second.pk}/deactivate/", headers=ALPHA)
    second.refresh_from_db()
    assert not second.active


def test_ids_of_another_school_are_not_found(admin: Membership, beta: Tenant, client: Client) -> None:
    other = make_member(Role.FRONTLINE, tenant=beta)
    for verb in ("deactivate", "reactivate", "role", "password"):
        assert client.post(f"/members/{other.pk}/{verb}/", {"role": "frontline"}, headers=ALPHA).status_code == 404
    other.refresh_from_db()
    assert other.active and other.role == Role.FRONTLINE


def test_a_token_is_shown_once_and_revoked(admin: Membership, client: Client) -> None:
    data = {"name": "大屏", "scopes": ["findings:read"], "days": "90"}
    page = client.post("/tokens/new/", data, headers=ALPHA)
    secret = page.context["secret"]
    assert secret in page.content.decode() and "no-store" in page["Cache-Control"]
    assert secret not in client.get("/tokens/", headers=ALPHA).content.decode()
    token = ApiToken.objects.get()
    assert secret not in str(ApiToken.objects.values().get())
    client.post(f"/tokens/{token.pk}/revoke/", headers=ALPHA)
    token.refresh_from_db()
    assert token.revoked_at


def test_a_grant_is_given_and_taken_back(admin: Membership, client: Client) -> None:
    today = clock.now().astimezone(clock.SHANGHAI).date()
    data = {"scopes": ["findings"], "starts_on": today, "ends_on": today - timedelta(days=1), "reason": "核查"}
    assert client.post("/grants/new/", data, headers=ALPHA).status_code == 422
    data["ends_on"] = today + timedelta(days=400)
    assert client.post("/grants/new/", data, headers=ALPHA).status_code == 422
    data["ends_on"] = today
    assert client.post("/grants/new/", data, headers=ALPHA).status_code == 302
    grant = AccessGrant.objects.get()
    client.post(f"/grants/{grant.pk}/revoke/", headers=ALPHA)
    grant.refresh_from_db()
    assert grant.revoked_at and grant.revoked_by_name == "管理员甲"
    assert set(Event.objects.values_list("verb", flat=True)) == {"grant.given", "grant.revoked"}


def test_a_paper_password_from_the_page(admin: Membership, alpha: Tenant, client: Client) -> None:
    member = make_member(Role.FRONTLINE, tenant=alpha, account=make_account(username="alpha.5"))
    page = client.post(f"/members/{member.pk}/password/", headers=ALPHA)
    member.account.refresh_from_db()
    assert member.account.check_password(page.context["credential"].password) and member.account.initial_password
