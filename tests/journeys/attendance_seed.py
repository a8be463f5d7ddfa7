"""People and a shift for the attendance journey, as JSON: `python -m tests.journeys.attendance_seed people|shift`."""

from __future__ import annotations

import json
import sys
from datetime import timedelta

import django


def people() -> dict[str, str]:
    """An admin, a supervisor and a worker of school alpha; the face service is on."""
    from identity.choices import Role
    from institute.schools.queries import tenant_for
    from kernel.tenancy import public_context, school_context
    from tests.factories.face import switch_on
    from tests.factories.identity import PASSWORD, make_account, make_member
    from tests.factories.organisation import make_contract, make_place, make_post, make_staff
    from tests.factories.punches import make_fence

    with public_context():
        tenant = tenant_for("s_alpha")
        accounts = {n: make_account(name, username=n) for n, name in (("att-worker", "吴师傅"), ("att-boss", "林监管"))}
        make_member(Role.SCHOOL_SUPERVISOR, tenant=tenant, account=accounts["att-boss"])
    with school_context(tenant):
        place = make_place("南校区", kind="campus")
        party = make_contract("南苑物业（宿舍合同）", lines=["dormitory"])
        post = make_post("南苑值班员", party=party, line="dormitory", place=place)
        fence = make_fence(post, name="南苑值班室")
        person = make_staff("吴师傅", number="ATT1", party=party, post=post, account_id=accounts["att-worker"].pk)
        switch_on(tenant)
    with public_context():
        make_member(Role.FRONTLINE, tenant=tenant, account=accounts["att-worker"], staff_id=person.pk)
    return {"password": PASSWORD, "lat": str(fence.latitude), "lon": str(fence.longitude)}


def shift() -> dict[str, str]:
    """A shift of the worker, rostered by the school's own operations: it began 24 to 25 minutes ago, asks for one
    punch at its start, and is over in one to two minutes. Its punch windows are those the roster gives it."""
    from identity.contracts import Actor
    from institute.schools.queries import tenant_for
    from kernel import clock
    from kernel.tenancy import school_context
    from tenants.organisation.models import Staff
    from tenants.rosters import operations as rosters
    from tenants.rosters.choices import Grade
    from tenants.rosters.models import ShiftInstance
    from tenants.rosters.operations.setup import SegmentInput

    now, tenant = clock.now(), tenant_for("s_alpha")
    local = now.astimezone(tenant.tz).replace(second=0, microsecond=0)
    starts, ends = local - timedelta(minutes=24), local + timedelta(minutes=2)
    begin = starts.hour * 60 + starts.minute
    given = {"by": Actor.system(tenant.school_id), "tenant": tenant, "now": now}
    with school_context(tenant):
        person = Staff.objects.select_related("post").get(number="ATT1")
        assert person.post_id is not None
        rosters.set_terms(post_id=person.post_id, grade=Grade.B, hourly_rate=None, **given)
        row = rosters.save_shift(
            name="晚间巡守", code="巡", today=local.date(),
            segments=[SegmentInput(begin, begin + (ends - starts) // timedelta(minutes=1), needs_out=False)], **given,
        )  # fmt: skip
        cell = rosters.CellChange(person.pk, starts.date(), (rosters.Item(row.pk),))
        done = rosters.change_cells(cells=[cell], published=True, **given)
        assert not done.refused, done.refused
        instance = ShiftInstance.objects.get()
    return {
        "instance": str(instance.pk),
        "month": f"{instance.day:%Y-%m}",
        "starts": f"{starts:%H:%M}",
        "at": f"{starts - timedelta(minutes=3):%Y-%m-%dT%H:%M}",
    }


if __name__ == "__main__":
    django.setup()
    from kernel import jobs

    jobs.register_sender(lambda name, payload: None)
    print(json.dumps({"people": people, "shift": shift}[sys.argv[1]]()))
