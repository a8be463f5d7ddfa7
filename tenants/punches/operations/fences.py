"""Fences of posts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from shapely.geometry import Polygon
from shapely.validation import explain_validity

from identity.contracts import Actor
from kernel.errors import Invalid, NotAllowed, NotFound
from kernel.tenancy import Tenant
from tenants.organisation import queries as organisation
from tenants.punches import policies
from tenants.punches.choices import FenceShape
from tenants.punches.errors import FenceNameTaken, FenceShapeWrong
from tenants.punches.fences import LEAST_RADIUS_M, MOST_AREA_M2, MOST_CORNERS, MOST_RADIUS_M, polygon_of
from tenants.punches.models import Fence
from tenants.timeline.operations import record


def _on_earth(latitude: Any, longitude: Any) -> tuple[float, float]:
    try:
        lat, lon = float(latitude), float(longitude)
    except (TypeError, ValueError) as wrong:
        raise FenceShapeWrong(field="shape") from wrong
    if not (math.isfinite(lat) and math.isfinite(lon) and abs(lat) <= 85 and abs(lon) <= 180):
        raise FenceShapeWrong(field="shape")
    return lat, lon


def _corners(polygon: Sequence[Any]) -> list[list[float]]:
    """The ring without its repeated end, checked: simple, of some area, not too large. Raises FenceShapeWrong."""
    if not isinstance(polygon, list | tuple) or not 3 <= len(polygon) <= MOST_CORNERS + 1:
        raise FenceShapeWrong(field="shape")
    ring: list[list[float]] = []
    for corner in polygon:
        if not isinstance(corner, list | tuple) or len(corner) != 2:
            raise FenceShapeWrong(field="shape")
        lat, lon = _on_earth(corner[1], corner[0])
        if [lon, lat] not in ring:
            ring.append([lon, lat])
    if not 3 <= len(ring) <= MOST_CORNERS:
        raise FenceShapeWrong(field="shape")
    plane: Polygon = polygon_of([(lon, lat) for lon, lat in ring])
    if explain_validity(plane) != "Valid Geometry" or not 25 <= plane.area <= MOST_AREA_M2:
        raise FenceShapeWrong(field="shape")
    return ring


@transaction.atomic
def save_fence(
    *,
    post_id: UUID,
    name: str,
    shape: str,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    fence_id: UUID | None = None,
    latitude: float | None = None,
    longitude: float | None = None,
    radius_m: int | None = None,
    polygon: Sequence[Any] = (),
    active: bool = True,
) -> Fence:
    """Make or change a fence of a post. Later punches are judged by it; earlier ones keep their result.

    Raises NotAllowed, NotFound, Invalid (name, shape), FenceShapeWrong, FenceNameTaken.
    """
    if not policies.can_manage_fences(by):
        raise NotAllowed
    post = organisation.post(post_id, by=by)
    name = " ".join(name.split())
    if not 1 <= len(name) <= 40:
        raise Invalid("请给范围起一个 40 字以内的名称，如“东门”。", field="name")
    if shape not in FenceShape.values:
        raise Invalid("请选择圆形或多边形。", field="shape")
    row = Fence(post_id=post.pk, created_at=now) if fence_id is None else _locked(fence_id)
    row.post_id, row.name, row.shape, row.active = post.pk, name, shape, active
    if shape == FenceShape.CIRCLE:
        row.latitude, row.longitude = _on_earth(latitude, longitude)
        if radius_m is None or not LEAST_RADIUS_M <= radius_m <= MOST_RADIUS_M:
            raise FenceShapeWrong(field="radius_m")
        row.radius_m, row.polygon = radius_m, []
    else:
        row.latitude = row.longitude = row.radius_m = None
        row.polygon = _corners(polygon)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as taken:
        raise FenceNameTaken(field="name") from taken
    what = f"圆形，半径 {row.radius_m} 米" if row.shape == FenceShape.CIRCLE else f"{len(row.polygon)} 个角的多边形"
    record(
        verb="fence.saved", sentence=f"打卡范围「{name}」（{post.name}）：{what}{'' if active else '，停用'}"[:300],
        subject=row, by=by, post_id=post.pk, party_id=post.party_id,
    )  # fmt: skip
    return row


def _locked(fence_id: UUID) -> Fence:
    row = Fence.objects.select_for_update(of=("self",)).filter(pk=fence_id).first()
    if row is None:
        raise NotFound
    return row


@transaction.atomic
def drop_fence(*, fence_id: UUID, by: Actor, tenant: Tenant) -> None:
    """Remove a fence. Punches keep the distance they were judged by. Raises NotAllowed, NotFound."""
    if not policies.can_manage_fences(by):
        raise NotAllowed
    row = _locked(fence_id)
    record(verb="fence.dropped", sentence=f"删除打卡范围「{row.name}」", subject=row, by=by, post_id=row.post_id)
    row.delete()
