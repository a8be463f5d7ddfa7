"""查岗送达: where the school's calls are sent besides the phone's page."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from kernel import clock
from kernel.errors import Invalid, NotAllowed
from tenants.duty import operations, policies, queries
from web.http import SchoolRequest, signed_in
from web.shared.pages import go
from web.tenant.duty.views import CRUMB


@signed_in
def delivery(request: SchoolRequest) -> HttpResponse:
    """The school's delivery service: address, switch, and a secret that is shown once."""
    hook = queries.delivery_hook(by=request.actor)
    may = policies.can_manage_hook(request.actor)
    made, refused = None, ""
    given = request.POST if request.method == "POST" else None
    if given is not None:
        if not may:
            raise NotAllowed
        try:
            made = operations.set_hook(
                url=given.get("url", ""), active=given.get("active") == "1", new_secret=given.get("new_secret") == "1",
                by=request.actor, tenant=request.school, now=clock.now(),
            )  # fmt: skip
            if not made.secret:
                return go(request, "duty:delivery", said="已保存")
            hook = made.hook
        except Invalid as wrong:
            refused = wrong.sentence
    context = {
        "title": "查岗送达",
        "lead": "查岗发出时，除手机页面外再通知学校自己的电话或机器人服务",
        "crumbs": [CRUMB, {"label": "值班岗", "url": reverse("duty:posts")}, {"label": "查岗送达"}],
        "hook": hook,
        "url": given.get("url", "") if given is not None else hook.url if hook else "",
        "active": given.get("active") == "1" if given is not None else hook is None or hook.active,
        "made": made,
        "may": may,
        "refused": refused,
    }
    response = render(request, "duty/delivery.html", context, status=422 if refused else 200)
    if made:
        response["Cache-Control"] = "no-store"
    return response
