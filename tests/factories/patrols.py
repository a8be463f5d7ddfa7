"""Routes and tours for tests. Run inside a school (`alpha`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from identity.choices import Role
from identity.contracts import Actor
from kernel.anchors import Counted, anchor
from kernel.ids import new_id
from kernel.tenancy import Tenant
from tenants.organisation.models import Party
from tenants.patrols import operations
from tenants.patrols.models import Route, Stop, Tour
from tenants.patrols.operations import PointDraft, QuestionDraft, ScanDraft, WindowDraft
from tests.factories.findings import make_member
from tests.factories.organisation import make_contract, make_place, make_staff


def make_route(
    tenant: Tenant,
    *,
    now: datetime,
    party: Party | None = None,
    points: int | Sequence[PointDraft] = 3,
    questions: Sequence[QuestionDraft] = (),
    window: tuple[int, int] = (0, 1440),
    **fields: Any,
) -> Route:
    """A route of so many new places (or the given ones), walked all day every day unless said otherwise, made by the operation itself."""
    if isinstance(points, int):
        building = make_place(parent=make_place())
        points = [
            PointDraft(place_id=make_place(parent=building, kind="point").pk, questions=questions)
            for _n in range(points)
        ]
    return operations.save_route(
        **{
            "name": f"夜巡{new_id().hex[-6:]}",
            "party_id": (party or make_contract(lines=["security"])).pk,
            "line": "security",
            "ordered": True,
            "points": points,
            "windows": [WindowDraft(*window)],
            "by": make_member(tenant),
            "tenant": tenant,
            "now": now,
            **fields,
        }
    )


def make_guard(tenant: Tenant, party: Party, *, name: str | None = None, **account: Any) -> Actor:
    """A frontline worker of the party, with an account."""
    staff = make_staff(name, party=party) if name else make_staff(party=party)
    actor = make_member(tenant, Role.FRONTLINE, staff_id=staff.pk, **({"name": name} if name else {}), **account)
    staff.account_id = actor.account_id
    staff.save(update_fields=["account_id"])
    return actor


def due_tour(tenant: Tenant, route: Route, *, now: datetime) -> Tour:
    """The route's tour whose window holds `now`."""
    operations.make_tours(tenant=tenant, now=now)
    return Tour.objects.filter(route=route, starts_at__lte=now, ends_at__gt=now).get()


def anchored(tenant: Tenant, at: datetime) -> Counted:
    """What a phone says that knows the server's clock: it was done at `at`."""
    return Counted(anchor(schema=tenant.schema, now=at), elapsed_ms=0, monotonic=True)


def walk(
    tenant: Tenant, tour: Tour, by: Actor, *, at: datetime, gaps: Sequence[int], photos: Sequence[Any] = (), **seen: Any
) -> Tour:
    """Start, scan as many points as there are gaps (seconds before each), and finish."""
    operations.start_tour(tour_id=tour.pk, at=at, by=by, tenant=tenant, now=at)
    stops = list(Stop.objects.filter(tour=tour).select_related("point__place").order_by("position"))
    for n, (stop, gap) in enumerate(zip(stops, gaps, strict=False)):
        at += timedelta(seconds=gap)
        draft = ScanDraft(
            **{
                "at": at,
                "counted": anchored(tenant, at),
                "code": stop.point.place.code,
                "photo_ids": photos[n : n + 1],
                **seen,
            }
        )
        operations.scan(tour_id=tour.pk, seen=draft, by=by, tenant=tenant, now=at)
    return operations.finish_tour(tour_id=tour.pk, at=at, by=by, tenant=tenant, now=at)
