"""The demo's punches come out of the rosters through the real operations."""

from __future__ import annotations

from datetime import timedelta

from identity.choices import Role
from kernel import clock
from kernel.tenancy import Tenant
from tenants.punches.models import Appeal, Fence, Punch, Unmatched
from tests.factories.findings import make_member
from tests.factories.organisation import make_post, make_staff
from tests.factories.punches import make_instance
from workers.demo.school import punches
from workers.demo.schools import PLANS, People


def test_punches_follow_the_rosters(alpha: Tenant) -> None:
    now = clock.now()
    dormitory, gate = make_post("公寓值班员"), make_post("门岗保安员", certificates=["security_guard"])
    for post in (dormitory, gate):
        for _person in range(4):
            person = make_staff(post=post)
            for day in range(1, 9):
                make_instance(person, starts_at=now - timedelta(days=day, minutes=30))
    admin = make_member(alpha, Role.SCHOOL_ADMIN)
    worker = make_member(alpha, Role.FRONTLINE)
    make_staff(post=dormitory, account_id=worker.account_id)
    boss = make_member(alpha)
    who = People(admin=admin, leader=admin, supervisors=(boss, boss), provider=admin)
    for _again in range(2):
        punches.make(PLANS[0], who, alpha, now=now, seed=1)
    sources = set(Punch.objects.values_list("source", flat=True))
    assert sources == {"device", "phone", "voucher"}
    assert Punch.objects.filter(status="accepted").count() > 80 and Punch.objects.filter(status="refused").exists()
    assert Punch.objects.exclude(lacking=[]).exists() and Unmatched.objects.count() == 6
    assert Fence.objects.count() == 3 and Appeal.objects.exists()
