"""Rows for the journey of a duty, made inside the running site's database: `python -m tests.journeys.duty_seed`."""

from __future__ import annotations

import json
import os
from datetime import timedelta

PASSWORD = "watch-the-gate-7"


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from identity.choices import Role
    from identity.models import Account
    from institute.schools.queries import tenant_for
    from kernel import clock
    from kernel.ids import new_id
    from kernel.tenancy import school_context
    from tests.factories.duty import Guard, make_coverage, make_duty_post, sign_on
    from tests.factories.findings import make_member
    from tests.factories.organisation import make_contract, make_place, make_staff

    now = clock.now()
    with school_context(tenant_for("s_alpha")) as tenant:
        campus = make_place("东校区", kind="campus", code="DUTYE")
        building = make_place("1号公寓", parent=campus, kind="building", code="DUTYE01")
        party = make_contract("清源物业服务有限公司（安保合同）", provider_id=new_id())
        duty = make_duty_post(name="1号公寓值班室", party=party, place=building)
        make_coverage(duty.post, persons=1)
        gate = make_duty_post(name="南门岗", party=party, place=campus)
        make_coverage(gate.post, persons=2)
        chief = make_member(tenant, Role.SCHOOL_SUPERVISOR, name="周明月", password=PASSWORD)
        Account.objects.filter(pk=chief.account_id).update(username="chief")
        guards = {}
        for login, name in (("guard", "李建国"), ("next", "王秀英")):
            staff = make_staff(name, party=party, number=f"BA-{login}")
            actor = make_member(tenant, Role.FRONTLINE, staff_id=staff.pk, name=name, password=PASSWORD)
            Account.objects.filter(pk=actor.account_id).update(username=login)
            staff.account_id = actor.account_id
            staff.save(update_fields=["account_id"])
            guards[login] = Guard(staff, actor)
        sign_on(tenant, gate, _other(tenant, party), now=now - timedelta(hours=3))
        print(json.dumps({"post": str(duty.pk), "code": building.code, "next": str(guards["next"].staff.pk)}))


def _other(tenant: object, party: object) -> object:
    from tests.factories.duty import make_guard

    return make_guard(tenant, party=party, name="孙大勇")  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
