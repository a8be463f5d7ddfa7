"""Punches through the API: a person's own, a supervisor's, a batch; constant cost."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from identity.choices import Role
from kernel import clock
from kernel.tenancy import Tenant
from tenants.punches import importing
from tenants.punches.models import PhotoCheck, Punch
from tests.factories.findings import make_member
from tests.factories.organisation import make_place, make_post, make_staff
from tests.factories.punches import HERE, make_device, make_fence, make_instance, make_punch
from tests.graphql_api.test_findings import ERRORS, ask, signed

NOW = clock.now()
POSITION = {"latitude": HERE[0], "longitude": HERE[1], "accuracyM": 10, "fixAgeS": 1}


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


def test_punch_refusal_appeal_and_decision_by_api(alpha: Tenant) -> None:
    person = make_staff(post=make_post(place=make_place(code="API-1")))
    make_instance(person)
    make_fence(person.post)
    worker = signed(make_member(alpha, Role.FRONTLINE, staff_id=person.pk))
    boss = signed(make_member(alpha))
    shift = ask(worker, "{ nextShifts { postName grade } punchClock }")
    assert shift["nextShifts"] == [{"postName": person.post.name, "grade": "C"}]
    take = "mutation($c: UUID!, $p: PositionInput, $k: ClockInput) { punch(clientId: $c, position: $p, clock: $k) " \
        "{ punch { id status grade refusal why nextStep clock post { name } staff { number } } %s } }" % ERRORS  # fmt: skip
    timed = {"anchor": shift["punchClock"], "elapsedMs": 50, "monotonic": True}
    told = ask(worker, take, c=uuid4(), p={**POSITION, "latitude": HERE[0] + 1}, k=timed)["punch"]["punch"]
    assert (told["status"], told["refusal"], told["clock"]) == ("refused", "outside", "anchored")
    assert told["staff"]["number"] == person.number and "申诉" in told["nextStep"]
    made = ask(
        worker,
        "mutation($i: BigInt!) { appealPunch(punchId: $i, text: \"地下室定位不准\") { appeal { id status } %s } }" % ERRORS,
        i=told["id"],
    )["appealPunch"]["appeal"]  # fmt: skip
    decide = "mutation($a: UUID!) { decidePunchAppeal(appealId: $a, granted: true) { appeal { status } %s } }" % ERRORS
    assert ask(worker, decide, a=made["id"])["decidePunchAppeal"]["userErrors"][0]["code"] == "not_allowed"
    assert ask(boss, decide, a=made["id"])["decidePunchAppeal"]["appeal"] == {"status": "granted"}
    assert Punch.objects.get().status == "accepted"


@pytest.mark.parametrize("said", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "2026-03-02T08:00:00"])
def test_a_moment_of_another_age_or_without_a_zone_is_refused_and_breaks_no_list(alpha: Tenant, said: str) -> None:
    person, device = make_staff(post=make_post()), make_device()
    make_instance(person)
    worker = signed(make_member(alpha, Role.FRONTLINE, staff_id=person.pk))
    take = "mutation($c: UUID!, $k: ClockInput) { punch(clientId: $c, clock: $k) { punch { id } %s } }" % ERRORS
    told = ask(worker, take, c=uuid4(), k={"recordedAt": said})["punch"]
    assert told["punch"] is None and "带时区" in told["userErrors"][0]["message"]
    assert not Punch.objects.exists()
    admin = signed(make_member(alpha, Role.SCHOOL_ADMIN))
    batch = "mutation($d: UUID!, $r: [RecordInput!]!, $s: DateTime) { ingestPunches(deviceId: $d, records: $r, " \
        "sentAt: $s) { result { accepted rejected { index } } %s } }" % ERRORS  # fmt: skip
    records = [{"number": person.number, "recordedAt": at} for at in (said, NOW.isoformat())]
    result = ask(admin, batch, d=device.pk, r=records)["ingestPunches"]["result"]
    assert result == {"accepted": 1, "rejected": [{"index": 0}]}  # the good one is taken
    refused = ask(admin, batch, d=device.pk, r=records[1:], s=said)["ingestPunches"]
    assert refused["result"] is None and Punch.objects.count() == 1


def test_vouch_and_batch_by_api(alpha: Tenant) -> None:
    person, device = make_staff(post=make_post()), make_device()
    make_fence(person.post)
    boss, admin = signed(make_member(alpha)), signed(make_member(alpha, Role.SCHOOL_ADMIN))
    vouch = "mutation($s: UUID!, $c: UUID!, $p: PositionInput) { vouchPunch(staffId: $s, clientId: $c, position: $p) " \
        "{ punch { grade vouchedOnSite } %s } }" % ERRORS  # fmt: skip
    told = ask(boss, vouch, s=person.pk, c=uuid4(), p=POSITION)["vouchPunch"]["punch"]
    assert told == {"grade": "A", "vouchedOnSite": True}
    batch = "mutation($d: UUID!, $r: [RecordInput!]!) { ingestPunches(deviceId: $d, records: $r) { result { " \
        "acknowledged accepted duplicates unknownNumbers { number count } rejected { index } } %s } }" % ERRORS  # fmt: skip
    records = [
        {"seq": 1, "number": person.number, "recordedAt": NOW.isoformat()},
        {"seq": 2, "number": "??", "recordedAt": NOW.isoformat()},
        {"seq": -3, "number": person.number, "recordedAt": NOW.isoformat()},
    ]
    assert ask(boss, batch, d=device.pk, r=records)["ingestPunches"]["userErrors"][0]["code"] == "not_allowed"
    assert ask(admin, batch, d=device.pk, r=records)["ingestPunches"]["result"] == {
        "acknowledged": 2, "accepted": 1, "duplicates": 0, "unknownNumbers": [{"number": "??", "count": 1}],
        "rejected": [{"index": 2}],
    }  # fmt: skip
    assert ask(admin, batch, d=device.pk, r=records)["ingestPunches"]["result"]["duplicates"] == 2


def test_people_see_their_own_only_and_ten_cost_as_much_as_one(alpha: Tenant) -> None:
    mine = make_punch(post=make_post())
    me = signed(make_member(alpha, Role.FRONTLINE, staff_id=mine.staff_id))
    boss = signed(make_member(alpha))
    query = "{ punches(first: 50) { edges { node { id staff { name } post { name } place { name } photo { url } " \
        "appeals { text } } } } }"  # fmt: skip
    with CaptureQueriesContext(
        connection,
    ) as one:
        ask(boss, query)
    for n in range(10):
        make_punch(make_staff(post=make_post()), at=NOW - timedelta(minutes=n), place=make_place())
    with CaptureQueriesContext(connection) as many:
        assert len(ask(boss, query)["punches"]["edges"]) == 11
    assert len(many) <= len(one) + 2
    seen = ask(me, query)["punches"]["edges"]
    assert [int(e["node"]["id"]) for e in seen] == [mine.pk]
    other = Punch.objects.exclude(pk=mine.pk).first()
    assert other is not None
    assert ask(me, "query($i: BigInt!) { punch(id: $i) { id } }", i=other.pk)["punch"] is None


def test_the_hint_of_a_used_photo_is_for_the_office_and_judged_there(alpha: Tenant) -> None:
    person = make_staff(post=make_post())
    me = make_member(alpha, Role.FRONTLINE, staff_id=person.pk)
    first, again = (make_punch(person) for _ in range(2))
    PhotoCheck.objects.create(punch=again, photo_id=uuid4(), earlier_id=first.pk, state="alike", asked_at=clock.now())
    query = "query($i: BigInt!) { punch(id: $i) { photoCheck { state earlierId } } }"
    assert ask(signed(me), query, i=again.pk)["punch"] == {"photoCheck": None}
    boss = signed(make_member(alpha))
    assert ask(boss, query, i=again.pk)["punch"] == {"photoCheck": {"state": "alike", "earlierId": first.pk}}
    said = "mutation($i: BigInt!) { judgePunchPhoto(punchId: $i, same: false) { punch { photoCheck { state } } userErrors { code } } }"
    assert ask(boss, said, i=again.pk)["judgePunchPhoto"] == {
        "punch": {"photoCheck": {"state": "cleared"}}, "userErrors": []
    }  # fmt: skip


def test_a_devices_file_is_imported_by_api_and_its_numbers_begin_again(alpha: Tenant) -> None:
    person, device = make_staff(number="G900", post=make_post()), make_device()
    admin = signed(make_member(alpha, Role.SCHOOL_ADMIN))
    text = "序号,工号,时间,方向\n7,G900,2026-03-02 08:01:00,上班\n8,G900,昨天,\n".encode("gb18030")
    start = "mutation($d: UUID!, $c: String!) { startPunchImport(deviceId: $d, fileName: \"三月.csv\", content: $c) { job { id } %s } }" % ERRORS  # fmt: skip
    confirm = "mutation($i: UUID!) { confirmPunchImport(jobId: $i) { job { id } %s } }" % ERRORS
    assert ask(admin, start, d=device.pk, c="?")["startPunchImport"]["userErrors"][0]["code"] == "invalid"
    job = ask(admin, start, d=device.pk, c=base64.b64encode(text).decode())["startPunchImport"]["job"]
    assert ask(admin, confirm, i=job["id"])["confirmPunchImport"]["userErrors"][0]["code"] == "import_not_checked"
    importing.check_job(job_id=job["id"], tenant=alpha, clock=clock.now)
    told = ask(admin, "query($i: UUID!) { job(id: $i) { state result } }", i=job["id"])["job"]
    assert (told["state"], told["result"]["counts"]["new"], told["result"]["counts"]["wrong"]) == ("done", 1, 1)
    assert not Punch.objects.exists()
    applying = ask(admin, confirm, i=job["id"])["confirmPunchImport"]["job"]
    importing.apply_job(job_id=applying["id"], tenant=alpha, clock=clock.now)
    assert Punch.objects.get().staff == person
    reset = "mutation($d: UUID!) { resetPunchDevice(deviceId: $d) { device { id } %s } }" % ERRORS
    boss = signed(make_member(alpha, Role.FRONTLINE, staff_id=person.pk))
    assert ask(boss, reset, d=device.pk)["resetPunchDevice"]["userErrors"][0]["code"] in {"not_allowed", "not_found"}
    assert ask(admin, reset, d=device.pk)["resetPunchDevice"]["device"] == {"id": str(device.pk)}
    device.refresh_from_db()
    assert device.seq_base == 7
