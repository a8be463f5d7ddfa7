"""Who the face journey needs, as JSON: an admin and a worker of school alpha, the service switched on."""

from __future__ import annotations

import json

import django


def main() -> dict[str, str]:
    from identity.choices import Role
    from institute.schools.queries import tenant_for
    from kernel import jobs
    from kernel.tenancy import public_context, school_context
    from tests.factories.face import switch_on
    from tests.factories.identity import PASSWORD, make_account, make_member
    from tests.factories.organisation import make_staff

    jobs.register_sender(lambda name, payload: None)
    with public_context():
        tenant = tenant_for("s_alpha")
        worker = make_account("周师傅", username="face-worker")
        admin = make_account("罗管理", username="face-admin")
        make_member(Role.SCHOOL_ADMIN, tenant=tenant, account=admin)
    with school_context(tenant):
        person = make_staff("周师傅", number="G001", account_id=worker.pk)
        for n, name in enumerate(("钱一一", "孙二二", "李三三", "王小明"), start=2):
            make_staff(name, number=f"G00{n}")
        switch_on(tenant)
    with public_context():
        make_member(Role.FRONTLINE, tenant=tenant, account=worker, staff_id=person.pk)
    return {"password": PASSWORD, "staff": str(person.pk)}


if __name__ == "__main__":
    django.setup()
    print(json.dumps(main()))
