"""打卡范围: the list by post, and the drawing on a plane of metres (no map tiles from anywhere)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from kernel import clock
from kernel.errors import DomainError, NotAllowed
from tenants.punches import operations, policies, queries
from tenants.punches.choices import FenceShape
from tenants.punches.models import Fence
from web.http import SchoolRequest, signed_in
from web.shared.pages import go
from web.tenant.punches.forms import FenceForm
from web.tenant.punches.views import CRUMBS


@require_safe
@signed_in
def index(request: SchoolRequest) -> HttpResponse:
    posts = queries.posts_with_fences(by=request.actor)
    by_post: dict[UUID, list[Fence]] = {}
    for row in queries.fences(by=request.actor):
        by_post.setdefault(row.post_id, []).append(row)
    for post in posts:
        post.fence_rows = by_post.get(post.pk, [])  # type: ignore[attr-defined]
    bare = sum(not by_post.get(post.pk) for post in posts)
    context = {
        "title": "打卡范围",
        "lead": f"{bare} 个岗位还没有画范围：那里的定位不能作为佐证，也不会被判在范围外"
        if bare
        else "每个岗位都有范围",
        "crumbs": [*CRUMBS, {"label": "打卡范围"}],
        "posts": posts,
        "may_manage": policies.can_manage_fences(request.actor),
    }
    return render(request, "punches/fences.html", context)


def _initial(row: Fence | None, post: str) -> dict[str, Any]:
    if row is None:
        return {"post": post, "shape": FenceShape.CIRCLE, "radius_m": 100, "active": True}
    return {
        "post": str(row.post_id), "name": row.name, "shape": row.shape, "latitude": row.latitude,
        "longitude": row.longitude, "radius_m": row.radius_m, "active": row.active,
        "corners": "\n".join(f"{lat:.6f},{lon:.6f}" for lon, lat in row.polygon),
    }  # fmt: skip


@signed_in
def edit(request: SchoolRequest, fence_id: UUID | None = None) -> HttpResponse:
    by = request.actor
    if not policies.can_manage_fences(by):
        raise NotAllowed
    row = queries.fence(fence_id, by=by) if fence_id else None
    asked = request.GET.get("post", "")
    form = FenceForm(request.POST or None, by=by, initial=_initial(row, asked))
    if request.method == "POST" and form.is_valid():
        data = dict(form.cleaned_data)
        post, corners = UUID(data.pop("post")), data.pop("corners")
        try:
            saved = operations.save_fence(
                fence_id=fence_id, post_id=post, polygon=corners, by=by, tenant=request.school, now=clock.now(), **data
            )
        except DomainError as refused:
            form.add_error(refused.field if refused.field in form.fields else None, refused.sentence)
        else:
            gap = queries.off_the_mark(saved, by=by)
            if gap is None:
                return go(request, "punches:fences", said="打卡范围已保存")
            said = (
                f"范围已保存，但这个岗位最近的打卡定位没有一次在范围内，最近的差 {gap:.0f} 米。请核对坐标："
                "从高德、腾讯、百度地图抄来的会偏几百米，请到现场点“用当前位置”。"
            )
            return go(request, "punches:fence", saved.pk, said=said, tone="warn")
    shown = str(row.post_id) if row else asked
    known = {value for value, _label in form.fields["post"].choices}  # type: ignore[attr-defined]
    context = {
        "title": row.name if row else "新的打卡范围",
        "lead": "圆形拖中心和边，多边形拖各个角；也可以直接改数字",
        "crumbs": [
            *CRUMBS,
            {"label": "打卡范围", "url": reverse("punches:fences")},
            {"label": row.name if row else "新建"},
        ],
        "form": form,
        "fence": row,
        "dots": queries.dots(UUID(shown), by=by) if shown and shown in known else [],
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "punches/fence.html", context, status=status)


@require_POST
@signed_in
def drop(request: SchoolRequest, fence_id: UUID) -> HttpResponse:
    operations.drop_fence(fence_id=fence_id, by=request.actor, tenant=request.school)
    return go(request, "punches:fences", said="打卡范围已删除")
