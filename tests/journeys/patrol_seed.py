"""Rows for the patrol's journey, made inside the running site's database: `python -m tests.journeys.patrol_seed`."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from decimal import Decimal

PASSWORD = "walk-the-night-7"
PLACES = ("配电室", "消防控制室", "东侧楼梯", "天台门")


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
    from tenants.patrols.operations import PointDraft, QuestionDraft
    from tests.factories.findings import make_member
    from tests.factories.organisation import make_contract, make_place
    from tests.factories.patrols import due_tour, make_guard, make_route

    now = clock.now()
    with school_context(tenant_for("s_alpha")) as tenant:
        campus = make_place("东校区", kind="campus", code="XGE")
        building = make_place("1号公寓", parent=campus, kind="building", code="XGE01")
        spots = [make_place(name, parent=building, kind="point", code=f"XG{n}") for n, name in enumerate(PLACES)]
        party = make_contract("清源物业服务有限公司（安保合同）", provider_id=new_id())
        pressure = QuestionDraft("消火栓压力", "number", "MPa", Decimal("0.2"), Decimal("0.6"))
        asked = {0: [QuestionDraft("门窗是否关好")], 1: [pressure]}
        points = [
            PointDraft(
                spot.pk, "看门窗、仪表和应急灯", photo_required=n == 1, walk_seconds=60 if n else None,
                questions=asked.get(n, []),
            )
            for n, spot in enumerate(spots)
        ]  # fmt: skip
        since = (now.astimezone(tenant.tz) - timedelta(hours=1)).replace(second=0, microsecond=0)
        minute = since.hour * 60 + since.minute  # a window around now, over midnight too
        route = make_route(
            tenant, now=now - timedelta(days=1), name="东校区夜巡", party=party, points=points,
            window=(minute, minute + 180),
        )  # fmt: skip
        tour = due_tour(tenant, route, now=now)
        chief = make_member(tenant, Role.SCHOOL_SUPERVISOR, name="周明月", password=PASSWORD)
        Account.objects.filter(pk=chief.account_id).update(username="chief")
        guard = make_guard(tenant, party, name="李建国", password=PASSWORD)
        Account.objects.filter(pk=guard.account_id).update(username="guard")
        print(json.dumps({"tour": str(tour.pk), "route": str(route.pk), "codes": [spot.code for spot in spots]}))


if __name__ == "__main__":
    main()
