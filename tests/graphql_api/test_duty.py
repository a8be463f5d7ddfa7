"""Duty through the API: a whole duty by mutations, constant cost of lists, nothing that tells when a call comes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from identity.choices import Role
from kernel import clock
from kernel.tenancy import Tenant
from tenants.duty import operations
from tenants.duty.models import Call, CameraReport
from tests.factories.duty import make_coverage, make_duty_post, make_guard, make_sent, report, sign_on
from tests.factories.findings import make_member
from tests.graphql_api.test_findings import ask, signed, upload

NOW = clock.now()
ERRORS = "userErrors { code field message }"


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


def test_a_whole_duty_by_api(alpha: Tenant) -> None:
    duty = make_duty_post()
    guard, relief = (make_guard(alpha, party=duty.post.party, name=n) for n in ("甲", "乙"))
    chief, phone, second = signed(make_member(alpha)), signed(guard.actor), signed(relief.actor)
    on = "mutation($p: UUID!) { signOnDuty(postId: $p) { stint { id } %s } }" % ERRORS
    for client in (phone, second):
        assert ask(client, on, p=duty.pk)["signOnDuty"]["userErrors"] == []
    issue = "mutation($p: [UUID!]!) { issueCalls(postIds: $p) { calls { id status } %s } }" % ERRORS
    assert ask(phone, issue, p=[duty.pk])["issueCalls"]["userErrors"][0]["code"] == "not_allowed"
    [call] = ask(chief, issue, p=[duty.pk])["issueCalls"]["calls"]
    operations.send_due(tenant=alpha, now=clock.now())
    opened = ask(phone, "mutation($c: UUID!) { openCall(callId: $c) { nonce summons { challenge } } }", c=call["id"])
    photo = upload(phone, 5)
    answered = ask(
        phone,
        "mutation($c: UUID!, $n: String!, $f: UUID, $code: String) { answerCall(callId: $c, nonce: $n, photoId: $f,"
        " placeCode: $code) { summons { late placeOk photo { id } } %s } }" % ERRORS,
        c=call["id"], n=opened["openCall"]["nonce"], f=photo, code=duty.post.place.code if duty.post.place else "",
    )["answerCall"]  # fmt: skip
    assert answered == {"summons": {"late": False, "placeOk": True, "photo": {"id": photo}}, "userErrors": []}
    seen = ask(chief, "query($c: UUID!) { presenceCall(id: $c) { outcome outcomeLabel sentLate } }", c=call["id"])
    # One of two on duty is enough at a post that needs one.
    assert seen["presenceCall"] == {"outcome": "on_post", "outcomeLabel": "在岗", "sentLate": False}
    made = ask(
        phone, 'mutation { reportDutyAnomaly(kind: "alarm", text: "烟感报警") { anomaly { id holder { name } } } }'
    )["reportDutyAnomaly"]["anomaly"]
    assert made["holder"]["name"] == "甲"
    assert (
        ask(phone, "mutation { signOffDuty { %s } }" % ERRORS)["signOffDuty"]["userErrors"][0]["code"]
        == "handover_open"
    )
    handed = ask(
        phone,
        "mutation($r: UUID!) { offerHandover(receiverId: $r) { handover { id items { id status } } %s } }" % ERRORS,
        r=relief.staff.pk,
    )["offerHandover"]["handover"]
    item = handed["items"][0]["id"]
    accept = "mutation($i: UUID!) { answerHandoverItem(handoverItemId: $i, accept: true) { item { status } } }"
    assert ask(second, accept, i=item)["answerHandoverItem"]["item"]["status"] == "accepted"
    off = ask(phone, "mutation { signOffDuty { stint { signedOffAt } %s } }" % ERRORS)["signOffDuty"]
    assert off["userErrors"] == [] and off["stint"]["signedOffAt"]
    check = "query($p: UUID!) { dutyLogCheck(postId: $p) { whole what } dutyLog(postId: $p) { totalCount } }"
    told = ask(chief, check, p=duty.pk)
    assert told["dutyLogCheck"] == {"whole": True, "what": None}
    assert told["dutyLog"]["totalCount"] >= 6


def test_lists_cost_the_same_however_long(alpha: Tenant) -> None:
    by = make_member(alpha)
    client = signed(by)
    query = """{ presenceCalls(first: 50) { edges { node { id post { name place { name } } summons { person { name } } } } }
      dutyAnomalies(first: 50) { edges { node { number holder { name } post { name } files { id } } } }
      dutyPosts(first: 50) { edges { node { post { name party { name } } } } }
      dutyCockpit { posts { name on { name } shortfalls { needed } lastCall { outcome } openCall { status } } } }"""

    def more(n: int) -> None:
        for _ in range(n):
            duty = make_duty_post()
            make_coverage(duty.post)
            guard = make_guard(alpha, party=duty.post.party)
            sign_on(alpha, duty, guard, now=NOW - timedelta(minutes=30))
            report(alpha, guard, now=NOW)
            make_sent(alpha, duty, by=by, now=NOW)

    def cost() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert ask(client, query)["dutyCockpit"]["posts"]
        return len(asked)

    more(2)
    cost()
    few = cost()
    more(6)
    assert cost() == few


def test_no_field_tells_of_a_random_call_before_it_goes_out(alpha: Tenant) -> None:
    duty = make_duty_post(calls_per_day=3)
    guard = make_guard(alpha, party=duty.post.party)
    sign_on(alpha, duty, guard, now=NOW - timedelta(minutes=30))
    row = Call.objects.create(post=duty.post, kind="random", day=NOW.date(), slot=0, due_at=NOW)
    for by in (make_member(alpha), guard.actor):
        told = ask(
            signed(by),
            "query($c: UUID!) { presenceCall(id: $c) { id } presenceCalls { totalCount }"
            " dutyCockpit { posts { openCall { dueAt } lastCall { dueAt } randomUsed randomMean } } }",
            c=row.pk,
        )
        assert (told["presenceCall"], told["presenceCalls"]["totalCount"]) == (None, 0)
        assert told["dutyCockpit"]["posts"][0]["openCall"] is None
        seen = (0, 3) if by.staff_id is None else (None, None)
        assert (told["dutyCockpit"]["posts"][0]["randomUsed"], told["dutyCockpit"]["posts"][0]["randomMean"]) == seen


def test_camera_systems_and_the_chain_are_read_and_written(alpha: Tenant) -> None:
    duty = make_duty_post()
    admin, chief, guard = (
        signed(make_member(alpha, Role.SCHOOL_ADMIN)),
        signed(make_member(alpha)),
        signed(make_guard(alpha, party=duty.post.party).actor),
    )
    add = 'mutation { addCameraSystem(name: "视频平台") { system { id name active } secret %s } }' % ERRORS
    assert ask(chief, add)["addCameraSystem"]["userErrors"][0]["code"] == "not_allowed"
    made = ask(admin, add)["addCameraSystem"]
    assert made["secret"] and made["system"]["active"]
    off = (
        "mutation($c: UUID!) { setCameraSystemActive(cameraSystemId: $c, active: false) { system { active } %s } }"
        % ERRORS
    )
    assert ask(admin, off, c=made["system"]["id"])["setCameraSystemActive"]["system"] == {"active": False}
    report = CameraReport.objects.create(
        system_id=made["system"]["id"],
        message_id="m1",
        post=duty.post,
        kind="off_post",
        at=NOW,
        text="无人",
        received_at=NOW,
    )
    seen = '{ cameraSystems { edges { node { name active } } } cameraReports(status: "new") { edges { node { id system post { name } } } } }'
    told = ask(chief, seen)
    assert [e["node"] for e in told["cameraSystems"]["edges"]] == [{"name": "视频平台", "active": False}]
    [node] = [e["node"] for e in told["cameraReports"]["edges"]]
    assert node == {"id": str(report.pk), "system": "视频平台", "post": {"name": duty.post.name}}
    judge = (
        'mutation($r: UUID!) { judgeCameraReport(cameraReportId: $r, confirmed: false, note: "雨衣挂在椅子上") '
        "{ report { status judgedNote } %s } }" % ERRORS
    )
    assert ask(chief, judge, r=report.pk)["judgeCameraReport"]["report"]["status"] == "rejected"
    assert (
        "errors"
        in guard.post(
            "/graphql/", {"query": "{ cameraReports { totalCount } }"}, content_type="application/json"
        ).json()
    )
    change = (
        'mutation($p: UUID!) { configureDutyPost(postId: $p, chain: [{afterMinutes: 10, rung: "leader"},'
        ' {afterMinutes: 0, rung: "manager"}]) { dutyPost { chain { afterMinutes rung } quiet } %s } }' % ERRORS
    )
    changed = ask(chief, change, p=duty.pk)["configureDutyPost"]["dutyPost"]
    assert changed["chain"] == [{"afterMinutes": 0, "rung": "manager"}, {"afterMinutes": 10, "rung": "leader"}]
    wrong = change.replace('"leader"', '"dean"')
    assert ask(chief, wrong, p=duty.pk)["configureDutyPost"]["userErrors"][0]["field"] == "chain"


def test_the_gaps_of_a_day_and_what_is_not_sealed_yet(alpha: Tenant) -> None:
    duty = make_duty_post(name="西门岗")
    make_coverage(duty.post, start_minute=0, end_minute=60)
    guard = make_guard(alpha, party=duty.post.party)
    sign_on(alpha, duty, guard, now=NOW)
    chief = signed(make_member(alpha))
    day = (NOW - timedelta(days=2)).astimezone(alpha.tz).date().isoformat()
    query = "query($d: Date!, $p: UUID!) { dutyShortfalls(day: $d) { post { name } minutes short { needed present declared } }"
    told = ask(chief, query + " dutyLogCheck(postId: $p) { whole unsealed } }", d=day, p=duty.pk)
    [gap] = told["dutyShortfalls"]
    assert gap == {
        "post": {"name": "西门岗"}, "minutes": 60, "short": {"needed": 1, "present": 0, "declared": False},
    }  # fmt: skip
    assert told["dutyLogCheck"] == {"whole": True, "unsealed": 1}


def test_minutes_below_the_minimum_by_post(alpha: Tenant) -> None:
    duty = make_duty_post(name="西门岗")
    make_coverage(duty.post, start_minute=0, end_minute=1440, persons=2)
    sign_on(alpha, duty, make_guard(alpha, party=duty.post.party), now=NOW)
    sign_on(alpha, duty, make_guard(alpha, party=duty.post.party), now=NOW + timedelta(minutes=30))
    query = "query($d: Date!, $u: Date!) { dutyPostMinutes(fromDay: $d, untilDay: $u) "
    query += "{ post { name } wanted known short share } }"
    first, last = ((NOW + timedelta(days=n)).astimezone(alpha.tz).date().isoformat() for n in (-1, 1))
    [row] = ask(signed(make_member(alpha)), query, d=first, u=last)["dutyPostMinutes"]
    assert row["post"] == {"name": "西门岗"} and row["wanted"] > row["known"]
    assert (row["known"], row["short"], row["share"]) == (30, 30, 100.0)
