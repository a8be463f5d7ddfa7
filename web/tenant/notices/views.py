"""The inbox, in the console and on the phone."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from kernel import clock
from tenants.notices import operations, queries
from tenants.notices.choices import NoticeKind
from web.http import SchoolRequest, signed_in
from web.shared.pages import go, paginate, render_list, safe_next

TONES = {NoticeKind.TODO: "info", NoticeKind.LATE: "bad", NoticeKind.INFO: "muted"}


def _tabs(request: SchoolRequest, url: str, unread: bool) -> list[dict[str, object]]:
    count = queries.unread_count(request.actor)
    return [
        {"label": "未读", "url": url, "active": unread, "count": count},
        {"label": "全部", "url": f"{url}?all=1", "active": not unread, "count": None},
    ]


def _list(request: SchoolRequest, template: str, url: str, **extra: object) -> HttpResponse:
    unread = "all" not in request.GET
    context = {
        "title": "消息",
        "tabs": _tabs(request, url, unread),
        "page_obj": paginate(request, queries.inbox(by=request.actor, unread=unread)),
        "tones": TONES,
        "unread": unread,
        "here": url,
        **extra,
    }
    return render_list(request, template, "notices/_rows.html", context)


@require_safe
@signed_in
def index(request: SchoolRequest) -> HttpResponse:
    return _list(request, "notices/index.html", reverse("notices:index"), crumbs=[{"label": "消息"}])


@require_safe
@signed_in
def phone_index(request: SchoolRequest) -> HttpResponse:
    return _list(
        request, "notices/phone_index.html", reverse("notices:phone_index"), back=reverse("phone:home"), phone=True
    )


@require_POST
@signed_in
def open_notice(request: SchoolRequest, notice_id: int) -> HttpResponse:
    """Mark it read and go where it leads; on the phone to the phone's page."""
    row = queries.one(notice_id=notice_id, by=request.actor)
    operations.mark_read(by=request.actor, now=clock.now(), notice_id=row.pk)
    phone = request.POST.get("phone") == "1" and row.path.startswith("/findings/")
    return go(request, f"/m{row.path}" if phone else row.path)


@require_POST
@signed_in
def read_all(request: SchoolRequest) -> HttpResponse:
    count = operations.mark_read(by=request.actor, now=clock.now())
    return go(request, safe_next(request, reverse("notices:index")), said=f"已读 {count} 条")
