"""The play's events have the time they are played at, and keep it when an earlier day is played afterwards."""

from __future__ import annotations

from datetime import timedelta

from kernel import clock
from kernel.tenancy import Tenant
from tenants.timeline.models import Event
from tenants.timeline.operations import record
from tests.factories.findings import make_finding, make_member
from workers.demo.school.stamps import played, put_in_order, stamp


def test_a_stamp_is_for_what_came_since_the_last(alpha: Tenant) -> None:
    now, by = clock.now(), make_member(alpha)
    found = make_finding(alpha, by=by)
    stamp(now - timedelta(days=9))
    record(verb="patrol.walked", sentence="昨夜的巡更", subject=found, by=by)
    stamp(now - timedelta(hours=10))
    record(verb="duty.signed_on", sentence="四天前的上岗", subject=found, by=by)
    stamp(now - timedelta(days=4))
    when = dict(Event.objects.filter(verb__in=["patrol.walked", "duty.signed_on"]).values_list("verb", "at"))
    assert when == {"patrol.walked": now - timedelta(hours=10), "duty.signed_on": now - timedelta(days=4)}
    assert not Event.objects.filter(subject_id=str(found.pk), at__gt=now - timedelta(hours=1)).exists()


def test_a_timeline_is_in_the_order_of_its_times(alpha: Tenant) -> None:
    now, by = clock.now(), make_member(alpha)
    found = make_finding(alpha, by=by)
    stamp(now - timedelta(days=1))
    for days in (2, 9, 5):  # each feature is played on its own
        played(
            now - timedelta(days=days), lambda now, **given: record(**given), verb=f"patrol.day{days}", sentence="巡更",
            subject=found, by=by,
        )  # fmt: skip
    put_in_order()
    after = record(verb="patrol.today", sentence="巡更", subject=found, by=by)
    events = Event.objects.filter(verb__startswith="patrol.")
    assert [e.verb for e in events.order_by("id")] == ["patrol.day9", "patrol.day5", "patrol.day2", "patrol.today"]
    assert list(Event.objects.order_by("id")) == list(Event.objects.order_by("at")) and after.pk
