"""People, posts and shifts for the roster's journey, in the running site: `python -m tests.journeys.roster_seed`."""

from __future__ import annotations

import json
import os
from datetime import timedelta

PASSWORD = "paint-the-weeks-7"


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from identity.choices import Role
    from identity.models import Account
    from institute.schools.queries import tenant_for
    from kernel import clock
    from kernel.tenancy import school_context
    from tests.factories.findings import make_member
    from tests.factories.organisation import make_contract, make_place, make_post, make_staff
    from tests.factories.rosters import make_assignment, make_coverage, make_shift

    with school_context(tenant_for("s_alpha")) as tenant:
        today = clock.now().astimezone(tenant.tz).date()
        monday = today + timedelta(days=7 - today.weekday())  # a week that is still to come
        campus = make_place("东校区", kind="campus", code="ROSE")
        hall = make_place("图书馆", parent=campus, kind="building", code="ROSE01")
        party = make_contract("清源物业服务有限公司（安保合同）")
        gate = make_post("南门岗", party=party, line="security", place=campus)
        desk = make_post("图书馆值班台", party=party, line="security", place=campus)
        make_coverage(gate, persons=1, span=(480, 1200))
        early, late = (
            make_shift("早班", code="早", spans=((480, 840),)),
            make_shift("晚班", code="B", spans=((840, 1200),)),
        )
        people = [
            make_staff(name, party=party, post=gate, number=f"RO-{n}")
            for n, name in enumerate(("安一", "白二", "曹三"))
        ]
        people.append(make_staff("邓四", party=party, post=desk, number="RO-3"))
        make_assignment(tenant, day=monday + timedelta(days=6), staff=people[0], shift=early, published=False)
        admin = make_member(tenant, Role.SCHOOL_ADMIN, name="周明月", password=PASSWORD)
        Account.objects.filter(pk=admin.account_id).update(username="roster-admin")
        print(
            json.dumps(
                {
                    "monday": monday.isoformat(), "early": str(early.pk), "late": str(late.pk), "gate": str(gate.pk),
                    "desk": str(desk.pk), "campus": str(campus.pk), "hall": str(hall.pk),
                }
            )
        )  # fmt: skip


if __name__ == "__main__":
    main()
