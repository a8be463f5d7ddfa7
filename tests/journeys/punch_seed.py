"""Rows for the punch's journey, made inside the running site's database: `python -m tests.journeys.punch_seed`."""

from __future__ import annotations

import json
import os
from datetime import timedelta

PASSWORD = "punch-the-clock-7"


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from identity.choices import Role
    from identity.models import Account
    from institute.schools.queries import tenant_for
    from kernel import clock
    from kernel.tenancy import school_context
    from tenants.punches.models import Unmatched
    from tests.factories.findings import make_member
    from tests.factories.organisation import make_contract, make_place, make_post, make_staff
    from tests.factories.punches import make_device, make_fence, make_instance, make_polygon, make_punch, north

    now = clock.now()
    with school_context(tenant_for("s_alpha")) as tenant:
        campus = make_place("东校区", kind="campus", code="EAST")
        gate = make_place("东门", parent=campus, kind="building", code="GATE")
        party = make_contract("清源物业服务有限公司（保安合同）")
        post = make_post("门岗保安员", party=party, line="security", certificates=["security_guard"], place=gate)
        fence = make_fence(post, name="东门")
        lat, lon = fence.latitude or 0.0, fence.longitude or 0.0
        at = [(2.0, 0.2), (4.0, 0.0), (4.6, 1.4), (3.0, 2.4), (1.8, 1.6)]
        ring = make_polygon(post, [(lon + x * 0.001, lat + y * 0.001) for x, y in at], name="西门广场")
        person = make_staff("周志刚", party=party, post=post, number="G0101")
        make_instance(person, starts_at=now - timedelta(minutes=25), grade="C", place=gate)
        make_instance(person, starts_at=now + timedelta(hours=23), grade="C", place=gate)
        for n in range(60):
            spot = north((n * 37) % 160 - 60)
            out = n % 9 == 4
            who = make_staff(f"员工{n:02d}", party=party, post=post)
            make_punch(
                who, at=now - timedelta(minutes=17 * n), post=post, place=gate, latitude=spot[0],
                longitude=spot[1] + ((n * 53) % 200 - 100) / 100_000, accuracy_m=12 + n % 9, outside_m=40.0 if out else 0.0,
                status="refused" if out else "accepted", refusal="outside" if out else "", grade="C", asked="C",
                phone_id=f"phone-{n % 50}", lacking=["security_guard"] if n % 13 == 0 else [],
            )  # fmt: skip
        device = make_device("东门人脸考勤机", place=gate, last_seen_at=now, drift_seconds=95, reported_until=now)
        make_device("第二食堂刷卡机", token="cieldev_2", verifies_person=False, last_seen_at=now - timedelta(days=3))
        for n in range(4):
            Unmatched.objects.create(device=device, seq=n, number="0093", at=now, recorded_at=now)
        names = {
            "guard": make_member(tenant, Role.FRONTLINE, name="周志刚", staff_id=person.pk, password=PASSWORD),
            "boss": make_member(tenant, Role.SCHOOL_SUPERVISOR, name="林监管", password=PASSWORD),
            "admin": make_member(tenant, Role.SCHOOL_ADMIN, name="管理员", password=PASSWORD),
        }
        for name, actor in names.items():
            Account.objects.filter(pk=actor.account_id).update(username=name)
        print(
            json.dumps(
                {"circle": str(fence.pk), "ring": str(ring.pk), "device": str(device.pk), "lat": lat, "lon": lon}
            )
        )


if __name__ == "__main__":
    main()
