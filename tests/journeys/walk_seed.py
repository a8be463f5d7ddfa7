"""Rows for the walk's journey, made inside the running site's database: `python -m tests.journeys.walk_seed`."""

from __future__ import annotations

import json
import os
from datetime import timedelta


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
    from tenants.rubrics.models import Item
    from tests.factories.findings import make_finding, make_member, make_photo, make_submitted
    from tests.factories.inspections import make_done
    from tests.factories.organisation import make_contract, make_department, make_line, make_place
    from tests.factories.rubrics import make_rubric

    now = clock.now()
    with school_context(tenant_for("s_alpha")) as tenant:
        provider = new_id()
        people = {
            "walker": make_member(tenant, Role.SCHOOL_SUPERVISOR, name="周明月", password="walk-the-house-7"),
            "fixer": make_member(
                tenant, Role.PROVIDER_MANAGER, name="陈大力", provider_id=provider, password="walk-the-house-7"
            ),
            "admin": make_member(tenant, Role.SCHOOL_ADMIN, name="管理员", password="walk-the-house-7"),
        }
        for name, actor in people.items():
            Account.objects.filter(pk=actor.account_id).update(username=name)
        campus = make_place("东校区", kind="campus", code="EAST")
        building = make_place("1号公寓", parent=campus, kind="building", code="EAST01")
        floor = make_place("3层", parent=building, kind="floor", code="EAST0103")
        make_place("2号公寓", parent=campus, kind="building", code="EAST02")
        party = make_contract("清源物业服务有限公司（保洁合同）", provider_id=provider)
        make_line("cleaning", party=party)
        make_line("greening", party=make_department("绿化科"))
        rubric = make_rubric(title="校园保洁考核表", weights=(60, 40), items_each=3, veto_item=True)
        texts = [
            ("楼道、楼梯地面干净，无积水、烟头和纸屑", "逐层查看两端和中部，蹲下看墙角"),
            ("卫生间无异味，便池、洗手台无污垢", "推门闻味，看便池内壁和台面接缝"),
            ("垃圾桶外壁清洁，垃圾不超过三分之二", "看桶身和桶口，打开看满溢程度"),
            ("门窗玻璃明亮，窗台无积灰", "用白纸擦拭窗台一次"),
            ("宣传栏、标识牌完好清洁", "看有无破损、小广告"),
            ("消防通道畅通，无杂物堆放", "从头走到尾，推开每一道防火门"),
        ]
        for item, (text, method) in zip(Item.objects.order_by("section__position", "position"), texts, strict=True):
            item.text, item.method, item.basis = text, method, "校园保洁服务合同 附件二"
            item.save()
        walker = people["walker"]
        old = make_finding(
            tenant, by=walker, place=floor, party=party, title="3 层东侧楼道有积水", now=now - timedelta(days=9),
            photo_ids=[make_photo(tenant, walker, seed=11).pk],
        )  # fmt: skip
        make_submitted(
            tenant, by=walker, party=party, fixer=people["fixer"], place=campus, title="北门垃圾桶满溢",
            now=now - timedelta(days=2), photo_ids=[make_photo(tenant, walker, seed=12).pk],
        )  # fmt: skip
        for n in range(3):
            make_done(tenant, by=walker, place=building, party=party, rubric=rubric, now=now - timedelta(days=20 + n))
        for n in range(24):
            make_finding(
                tenant, by=walker, place=building, party=party, title=f"楼梯扶手积灰（第 {n + 1} 处）",
                severity=["minor", "major", "critical"][n % 3], now=now - timedelta(hours=30 + n),
            )  # fmt: skip
        print(json.dumps({"building": str(building.pk), "rubric": str(rubric.pk), "old": str(old.pk)}))


if __name__ == "__main__":
    main()
