"""Applications through the API of the public host, from the first answer to the decision."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from identity.choices import Role
from identity.contracts import Actor
from identity.models import Account, Mail
from institute.applications import links
from institute.applications.models import Application, Criterion
from institute.schools.models import School
from kernel import clock
from kernel.tenancy import Tenant
from tests.factories.applications import (
    PDF,
    admin,
    analyst,
    answers,
    assign,
    fill,
    make_accepted,
    make_draft,
    make_scored,
    make_submitted,
    reviewer,
)
from tests.factories.identity import make_member

pytestmark = pytest.mark.django_db


def ask(client: Client, query: str, **variables: Any) -> dict[str, Any]:
    return client.post(
        "/graphql/", {"query": query, "variables": variables}, content_type="application/json",
        headers={"accept": "application/json"},
    ).json()  # fmt: skip


def sign_in(actor: Actor) -> Client:
    client = Client()
    client.force_login(Account.objects.get(pk=actor.account_id))
    return client


def mutate(client: Client, mutation: str, fields: str = "", /, **inline: str) -> dict[str, Any]:
    """Run one mutation with literal arguments (GraphQL text)."""
    said = ", ".join(f"{k}: {v}" for k, v in inline.items())
    answer = ask(client, f"mutation {{ {mutation}({said}) {{ {fields} userErrors {{ code field message }} }} }}")
    assert "errors" not in answer, answer
    return answer["data"][mutation]


def q(text: object) -> str:
    return '"' + str(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def test_a_school_applies_by_token_and_is_selected(client: Client, settings: Any) -> None:
    settings.MEDIA_ROOT = settings.VAR_DIR / "media-api"
    started = mutate(client, "startApplication", "number token", name=q("接口示例大学"), email=q("api@example.org"))
    number, token = started["number"], started["token"]
    application = Application.objects.get(number=number)
    mailed = links.make(
        application_id=application.pk, version=1, now=clock.now(), mailed=application.contact_email_index
    )
    assert mutate(client, "submitApplication", token=q(token))["userErrors"][0]["code"] == "incomplete"
    mutate(client, "openApplication", token=q(mailed))
    listed = ", ".join(f"{{field: {q(f)}, value: {q(v)}}}" for f, v in answers(77, name="接口示例大学").items())
    saved = mutate(client, "saveApplicationAnswers", "saved { field hint at }", token=q(token), answers=f"[{listed}]")
    assert {s["hint"] for s in saved["saved"]} == {""}
    for n, kind in enumerate(("letter", "legal", "service")):
        content = base64.b64encode(PDF + f"%{n}\n%%EOF".encode()).decode()
        done = mutate(
            client, "uploadApplicationDocument", "document { name }", token=q(token), kind=q(kind),
            name=q(f"../{kind}.exe"), contentBase64=q(content),
        )  # fmt: skip
        assert done["document"] == {"name": f"{kind}.pdf"}
    sent = mutate(client, "submitApplication", "application { status mode lineModes { line mode } }", token=q(token))
    assert (sent["application"]["status"], sent["application"]["mode"]) == ("submitted", "mixed")
    mine = ask(
        client, """query($t: String!) { myApplication(token: $t) { number contactPhone checks { done } steps { verb }
        documents { id name contentBase64 } } }""", t=token,
    )["data"]["myApplication"]  # fmt: skip
    assert mine["contactPhone"] == "13900000000" and all(c["done"] for c in mine["checks"])
    assert mine["documents"][0]["contentBase64"] is None
    file = ask(
        client, "query($t: String!, $d: UUID!) { myApplicationDocument(token: $t, id: $d) { contentBase64 } }",
        t=token, d=mine["documents"][0]["id"],
    )["data"]["myApplicationDocument"]  # fmt: skip
    assert base64.b64decode(file["contentBase64"]).startswith(b"%PDF-")

    by = admin()
    boss, pk = sign_in(by), q(application.pk)
    assert (
        mutate(boss, "acceptApplication", "application { status }", applicationId=pk)["application"]["status"]
        == "accepted"
    )
    people = [reviewer(), reviewer()]
    for who in people:
        mutate(boss, "assignReviewer", applicationId=pk, accountId=q(who.account_id))
    for who in people:
        own = sign_in(who)
        sheet = ask(
            own, "query($id: UUID!) { mySheet(applicationId: $id) { assignmentId lines { code points } } }",
            id=str(application.pk),
        )["data"]["mySheet"]  # fmt: skip
        lines = ", ".join(f'{{code: {q(li["code"])}, points: "91.5"}}' for li in sheet["lines"])
        mutate(
            own,
            "saveSheet",
            assignmentId=q(sheet["assignmentId"]),
            lines=f"[{lines}]",
            comment=q("好"),
            recommendation=q("approved"),
        )
        sealed = ask(boss, "query($id: UUID!) { application(id: $id) { result { mean } } }", id=str(application.pk))
        assert sealed["data"]["application"]["result"] is None
        assert mutate(own, "submitSheet", assignmentId=q(sheet["assignmentId"]))["userErrors"] == []
    opened = ask(
        boss, """query($id: UUID!) { application(id: $id) { status result { mean sheets { reviewerName total lines { points } } }
        assignments { reviewerName submittedAt } events { verb actorName } contactPhoneMasked } }""",
        id=str(application.pk),
    )["data"]["application"]  # fmt: skip
    assert opened["result"]["mean"] == "91.50" and opened["contactPhoneMasked"] == "139****0000"
    decided = mutate(
        boss, "decideApplication", "application { status }", applicationId=pk, verdict=q("approved"), reason=q("好"),
        slug=q("jieko"),
    )  # fmt: skip
    assert decided["application"]["status"] == "approved" and School.objects.filter(slug="jieko").exists()


def test_a_conflicted_reviewer_finds_nothing_here(client: Client) -> None:
    by, friend = admin(), reviewer("独立评估研究中心")
    application, _ = make_accepted(by)
    assign(application, friend, by)
    other = sign_in(friend)
    query = "query($id: UUID!) { applications { totalCount edges { node { id } } } application(id: $id) { name } }"
    assert ask(other, query, id=str(application.pk))["data"]["applications"]["totalCount"] == 1
    mutate(other, "declareConflict", applicationId=q(application.pk), reason=q("亲属在该校任职"))
    answer = ask(other, query, id=str(application.pk))
    assert answer["data"] == {"applications": {"totalCount": 0, "edges": []}, "application": None}
    assert answer["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    document = application.documents.first()
    file = ask(
        other, "query($a: UUID!, $d: UUID!) { applicationDocument(applicationId: $a, id: $d) { name } }",
        a=str(application.pk), d=str(document.pk),
    )  # fmt: skip
    assert file["data"]["applicationDocument"] is None
    assert (
        ask(other, "query($id: UUID!) { mySheet(applicationId: $id) { comment } }", id=str(application.pk))["data"][
            "mySheet"
        ]
        is None
    )


def test_outsiders_read_nothing(client: Client) -> None:
    application, _ = make_submitted()
    for query in (
        "{ applications { totalCount } }", "{ enquiries { totalCount } }",
        f'{{ application(id: "{application.pk}") {{ name }} }}', "{ criteria { code } }",
        f'{{ applicationCandidates(applicationId: "{application.pk}") {{ name }} }}',
    ):  # fmt: skip
        answer = ask(client, query)
        assert answer["errors"][0]["extensions"]["code"] == "NOT_ALLOWED", answer
    assert (
        mutate(client, "acceptApplication", applicationId=q(application.pk))["userErrors"][0]["code"] == "not_allowed"
    )
    assert ask(client, '{ myApplication(token: "x") { name } }')["errors"][0]["extensions"]["code"] == "LINK_INVALID"


def test_analysts_read_results_but_write_nothing() -> None:
    by = admin()
    application, _ = make_scored(by)
    eyes = sign_in(analyst())
    answer = ask(eyes, "query($id: UUID!) { application(id: $id) { result { mean } assignments { id } events { verb } } }",
                 id=str(application.pk))["data"]["application"]  # fmt: skip
    assert answer == {"result": {"mean": "85.00"}, "assignments": None, "events": None}
    refused = mutate(eyes, "decideApplication", applicationId=q(application.pk), verdict=q("rejected"), reason=q("x"))
    assert refused["userErrors"][0]["code"] == "not_allowed"


def test_a_list_with_nested_rows_costs_a_constant_number_of_queries(django_assert_max_num_queries: Any) -> None:
    by = admin()
    for _ in range(3):
        make_scored(by)
    boss = sign_in(by)
    query = """{ applications(first: 20) { edges { node { name checks { done } documents { name } assignments { id }
        events { verb } result { mean } } } } }"""
    ask(boss, query)  # session, content types
    with django_assert_max_num_queries(22) as three:
        assert "errors" not in ask(boss, query)
    make_scored(by)
    with django_assert_max_num_queries(len(three.captured_queries)):
        answer = ask(boss, query)
    assert len(answer["data"]["applications"]["edges"]) == 4


def test_the_sealed_sheet_is_nowhere_in_the_schema() -> None:
    by = admin()
    application, _ = make_accepted(by)
    one, two = reviewer(), reviewer()
    task = assign(application, one, by)
    assign(application, two, by)
    fill(task, one, "77.77")
    everything = """{ applications { edges { node { name status result { mean } events { sentence note verb }
        assignments { reviewerName submittedAt } } } } }"""
    for who in (by, two, analyst()):
        client = sign_in(who)
        assert "77.77" not in str(ask(client, everything)) and "可以入选" not in str(ask(client, everything))
    assert Criterion.objects.exists()


def test_enquiries(client: Client) -> None:
    asked = mutate(
        client, "askEnquiry", topic=q("trial"), name=q("赵老师"), email=q("z@example.org"), message=q("想看演示")
    )
    assert asked["userErrors"][0]["field"] == "message"
    mutate(
        client, "askEnquiry", topic=q("trial"), name=q("赵老师"), email=q("z@example.org"), message=q("想看系统演示")
    )
    by = admin()
    boss = sign_in(by)
    node = ask(boss, '{ enquiries(status: "new") { edges { node { id email status } } } }')["data"]["enquiries"][
        "edges"
    ][0]["node"]
    assert node["email"] == "z@example.org"
    mutate(boss, "giveEnquiry", enquiryId=q(node["id"]), ownerId=q(by.account_id))
    done = mutate(
        boss, "replyToEnquiry", "enquiry { status reply ownerName }", enquiryId=q(node["id"]), reply=q("可以预约")
    )
    assert done["enquiry"] == {"status": "answered", "reply": "可以预约", "ownerName": by.name}
    assert Mail.objects.filter(to="z@example.org", subject="关于您咨询事项的回复").count() == 1
    mutate(boss, "closeEnquiry", enquiryId=q(node["id"]), why=q("已办结"))
    again = mutate(boss, "closeEnquiry", enquiryId=q(node["id"]), why=q("再关"))
    assert again["userErrors"][0]["code"] == "enquiry_closed"


def test_links_are_sent_again_without_telling_who_applied(client: Client) -> None:
    application, _ = make_draft(complete=False)
    before = Mail.objects.count()
    same = [
        mutate(client, "sendApplicationLink", number=q(application.number), email=q(email))
        for email in ("stranger@example.org", application.contact_email.upper())
    ]
    assert same[0] == same[1] == {"userErrors": []} and Mail.objects.count() == before + 1


def test_more_time_for_the_missing_papers_and_who_stays_away(client: Client) -> None:
    by = admin()
    application, _token = make_submitted(name="青禾示例大学")
    reviewer("青禾示例大学")
    office = sign_in(by)
    mutate(office, "returnApplication", applicationId=q(application.pk), items='["申报函缺少公章"]')
    day = (clock.now() + timedelta(days=40)).date()
    made = mutate(
        office, "extendApplicationFix", "application { fixDueOn }", applicationId=q(application.pk), fixDueOn=q(day)
    )
    assert made == {"application": {"fixDueOn": f"{day}"}, "userErrors": []}
    query = "query($id: UUID!) { application(id: $id) { conflicts { kind reason } events { verb } } }"
    found = ask(office, query, id=str(application.pk))["data"]["application"]
    assert [c["kind"] for c in found["conflicts"]] == ["employer"]
    assert "application.fix_extended" in {e["verb"] for e in found["events"]}
    seen = ask(sign_in(analyst()), query, id=str(application.pk))["data"]["application"]
    assert seen["conflicts"] is None


def test_a_frontline_password_is_reset_once_and_only_by_the_schools_admin(client: Client, alpha: Tenant) -> None:
    worker = make_member(Role.FRONTLINE, tenant=alpha)
    Account.objects.filter(pk=worker.account_id).update(email="")
    boss = Client(headers={"host": "alpha.localhost"})
    boss.force_login(make_member(Role.SCHOOL_ADMIN, tenant=alpha).account)
    made = mutate(boss, "resetMemberPassword", "username password", membershipId=q(worker.pk))
    worker.account.refresh_from_db()
    assert worker.account.check_password(made["password"]) and worker.account.initial_password
    other = Client(headers={"host": "alpha.localhost"})
    other.force_login(make_member(Role.SCHOOL_SUPERVISOR, tenant=alpha).account)
    refused = mutate(other, "resetMemberPassword", "password", membershipId=q(worker.pk))
    assert refused["password"] is None and refused["userErrors"][0]["code"] == "not_allowed"
    assert mutate(sign_in(admin()), "resetMemberPassword", "password", membershipId=q(worker.pk))["password"] is None
