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
    """A shift of the worker that began 24 minutes ago, asks for one punch at its start, and is over in a minute."""
    from institute.schools.queries import tenant_for
    from kernel import clock
    from kernel.tenancy import school_context
    from tenants.organisation.models import Staff
    from tests.factories.punches import make_instance

    now = clock.now()
    with school_context(tenant_for("s_alpha")):
        person = Staff.objects.select_related("post__place").get(number="ATT1")
        row = make_instance(
            person, starts_at=now - timedelta(minutes=24), ends_at=now + timedelta(seconds=75), grade="B",
            place=person.post.place if person.post else None, needs_out=False,
        )  # fmt: skip
        type(row).objects.filter(pk=row.pk).update(
            in_until=now + timedelta(minutes=10), out_from=now + timedelta(minutes=11)
        )
        starts = row.starts_at.astimezone(clock.SHANGHAI)
    return {
        "instance": str(row.pk),
        "starts": f"{starts:%H:%M}",
        "at": f"{starts - timedelta(minutes=3):%Y-%m-%dT%H:%M}",
    }


if __name__ == "__main__":
    django.setup()
    from kernel import jobs

    jobs.register_sender(lambda name, payload: None)
    print(json.dumps({"people": people, "shift": shift}[sys.argv[1]]()))
