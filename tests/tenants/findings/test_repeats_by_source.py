"""复发指纹 for what duty, cameras and patrols find: the same again at the same place is known as such."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from kernel.clock import SHANGHAI
from kernel.tenancy import Tenant
from tenants.duty import operations as duty_operations
from tenants.duty.choices import AnomalyKind
from tenants.duty.models import CameraReport, CameraSystem, DutyPost
from tenants.findings import operations
from tenants.findings.choices import Category
from tenants.findings.models import Finding
from tenants.organisation.models import Post
from tenants.patrols import operations as patrol_operations
from tenants.patrols.operations import QuestionDraft, ScanDraft
from tests.factories import patrols
from tests.factories.duty import make_duty_post, make_guard, make_sent, sign_on
from tests.factories.findings import make_finding, make_member, make_photo
from tests.factories.organisation import make_place

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=SHANGHAI)
HOUR = timedelta(hours=1)


def closed(alpha: Tenant, found: Finding, *, now: datetime) -> Finding:
    """Fixed and verified, with all a repeat is asked for."""
    fixer = make_member(alpha)
    operations.submit_fix(
        finding_id=found.pk, photo_ids=[make_photo(alpha, fixer).pk], root_cause="值班表空档，没有安排替班的人。",
        by=fixer, tenant=alpha, now=now,
    )  # fmt: skip
    return operations.verify_pass(
        finding_id=found.pk, by=make_member(alpha), tenant=alpha, now=now, consequence="nothing", lesson="加强检查"
    )


def test_a_second_off_post_at_the_same_post(alpha: Tenant) -> None:
    duty = make_duty_post(off_post_after=1)
    sign_on(alpha, duty, make_guard(alpha, party=duty.post.party), now=NOW - HOUR)
    seen = []
    for n in range(2):
        call = make_sent(alpha, duty, now=NOW + n * HOUR)
        duty_operations.decide_due(tenant=alpha, now=NOW + n * HOUR + HOUR / 2)
        call.refresh_from_db()
        seen.append(closed(alpha, Finding.objects.get(pk=call.finding_id), now=NOW + n * HOUR + HOUR / 2))
    assert [f.category for f in seen] == [Category.ABSENT, Category.ABSENT]
    assert [f.repeat_of_id for f in seen] == [None, seen[0].pk]


def missed_call(alpha: Tenant, duty: DutyPost, *, now: datetime) -> Finding:
    """A call nobody answered, and the finding of the 脱岗 it makes."""
    call = make_sent(alpha, duty, now=now)
    duty_operations.decide_due(tenant=alpha, now=now + timedelta(minutes=8))
    call.refresh_from_db()
    return Finding.objects.get(pk=call.finding_id)


def test_off_post_again_and_again_while_the_first_is_open(alpha: Tenant) -> None:
    duty = make_duty_post(off_post_after=1)
    sign_on(alpha, duty, make_guard(alpha, party=duty.post.party), now=NOW - HOUR)
    minutes = (0, 20, 60, 120)
    seen = [missed_call(alpha, duty, now=NOW + timedelta(minutes=m)) for m in minutes]
    assert [(f.repeat_of_id, f.repeats) for f in seen] == [
        (None, 0), (None, 0), (seen[1].pk, 1), (seen[2].pk, 2),
    ]  # fmt: skip
    assert {(f.post_id, f.incident) for f in seen} == {(duty.post_id, "off_post")}


def test_another_post_of_the_same_campus_is_no_repeat(alpha: Tenant) -> None:
    gate = make_duty_post(name="东门岗", off_post_after=1)
    power = make_duty_post(name="配电值班", party=gate.post.party, off_post_after=1)
    Post.objects.update(place=None)
    make_place(kind="campus")
    for duty in (gate, power):
        duty.post.refresh_from_db()
        sign_on(alpha, duty, make_guard(alpha, party=duty.post.party), now=NOW - HOUR)
    first = closed(alpha, missed_call(alpha, gate, now=NOW), now=NOW + HOUR)
    other = missed_call(alpha, power, now=NOW + 2 * HOUR)
    again = missed_call(alpha, gate, now=NOW + 3 * HOUR)
    assert first.place_id == other.place_id == again.place_id
    assert (other.repeat_of_id, again.repeat_of_id) == (None, first.pk)


def test_another_trouble_at_the_post_is_no_repeat(alpha: Tenant) -> None:
    duty = make_duty_post(off_post_after=1)
    sign_on(alpha, duty, make_guard(alpha, party=duty.post.party), now=NOW - HOUR)
    first = missed_call(alpha, duty, now=NOW)
    where = {"place": first.place, "party": duty.post.party, "line": first.line, "category": Category.ABSENT}
    for n, other in enumerate(
        ({"incident": "short", "post_id": duty.post_id}, {"incident": "missed"}, {"post_id": duty.post_id}, {})
    ):
        assert make_finding(alpha, **where, **other, now=NOW + (n + 1) * HOUR).repeat_of_id is None


def test_a_call_answered_after_all_leaves_no_repeat_of_it(alpha: Tenant) -> None:
    duty = make_duty_post(off_post_after=1)
    sign_on(alpha, duty, make_guard(alpha, party=duty.post.party), now=NOW - HOUR)
    first, second = (missed_call(alpha, duty, now=NOW + n * HOUR) for n in range(2))
    assert second.repeat_of_id == first.pk
    operations.take_back(
        finding_id=first.pk, reason="照片后到", by=make_member(alpha), tenant=alpha, now=NOW + 2 * HOUR
    )
    second.refresh_from_db()
    assert (second.repeat_of_id, second.repeats) == (None, 0)


@pytest.mark.parametrize(("kind", "again"), [("off_post", True), ("other", False)])
def test_a_second_camera_report(alpha: Tenant, kind: str, again: bool) -> None:
    duty = make_duty_post()
    camera = CameraSystem.objects.create(name="公寓视频平台", secret_sealed=b"x")
    seen = []
    for n in range(2):
        row = CameraReport.objects.create(
            system=camera, message_id=f"m{n}", post=duty.post, kind=kind, at=NOW, received_at=NOW, text="无人"
        )
        row = duty_operations.judge_report(
            report_id=row.pk, confirmed=True, note="回看录像属实", by=make_member(alpha), tenant=alpha, now=NOW
        )
        seen.append(closed(alpha, Finding.objects.get(pk=row.finding_id), now=NOW))
    assert (seen[1].repeat_of_id == seen[0].pk) is again


@pytest.mark.parametrize(("kind", "again"), [(AnomalyKind.FAULT, True), (AnomalyKind.ELSE, False)])
def test_a_second_duty_anomaly(alpha: Tenant, kind: AnomalyKind, again: bool) -> None:
    duty = make_duty_post()
    guard = make_guard(alpha, party=duty.post.party)
    sign_on(alpha, duty, guard, now=NOW)
    seen = []
    for n in range(2):
        row = duty_operations.report_anomaly(kind=kind, text=f"第 {n} 次", by=guard.actor, tenant=alpha, now=NOW)
        row = duty_operations.to_finding(anomaly_id=row.pk, by=make_member(alpha), tenant=alpha, now=NOW)
        seen.append(closed(alpha, Finding.objects.get(pk=row.finding_id), now=NOW))
    assert (seen[1].repeat_of_id == seen[0].pk) is again


def test_a_second_bad_answer_by_the_category_of_its_question(alpha: Tenant) -> None:
    asked = [QuestionDraft("门窗是否关好"), QuestionDraft("地面是否干净", category=Category.HYGIENE)]
    route = patrols.make_route(alpha, now=NOW, questions=asked)
    guard = patrols.make_guard(alpha, route.party)
    point = route.points.get(position=0, removed_at__isnull=True)
    door, floor = point.questions.order_by("position")
    seen = []
    for n, answers in enumerate((["no", "yes"], ["yes", "no"], ["no", "yes"])):
        at = NOW + timedelta(days=n)
        tour = patrols.due_tour(alpha, route, now=at)
        draft = ScanDraft(
            at=at, code=point.place.code, answers=dict(zip((str(door.pk), str(floor.pk)), answers, strict=True))
        )
        patrol_operations.scan(tour_id=tour.pk, seen=draft, by=guard, tenant=alpha, now=at)
        seen.append(closed(alpha, Finding.objects.get(source_id=tour.pk), now=at))
    assert [f.category for f in seen] == [Category.SAFETY, Category.HYGIENE, Category.SAFETY]
    assert [f.repeat_of_id for f in seen] == [None, None, seen[0].pk]


def test_a_second_tour_missed_without_a_word(alpha: Tenant) -> None:
    patrols.make_route(alpha, now=NOW, window=(13 * 60, 14 * 60))
    seen: list[Finding] = []
    for n in range(2):
        patrol_operations.make_tours(tenant=alpha, now=NOW + timedelta(days=n))
        over = NOW + timedelta(days=n + 3, hours=4)
        patrol_operations.sweep(tenant=alpha, now=over)
        found = Finding.objects.exclude(pk__in=[f.pk for f in seen]).order_by("found_at", "number").first()
        assert found is not None
        seen.append(closed(alpha, found, now=over))
    assert [f.category for f in seen] == [Category.ABSENT, Category.ABSENT]
    assert [f.repeat_of_id for f in seen] == [None, seen[0].pk]
