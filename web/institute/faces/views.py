"""How many face templates the platform keeps, school by school: a number, never whose."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from institute.schools import queries
from web.http import PublicRequest, signed_in
from web.institute.faces.forms import FacesFilter
from web.shared.pages import paginate, render_list

HOME = {"label": "工作台", "url": "/institute/"}

NEAR = 0.8  # of the number that must be filed: time to prepare


@require_safe
@signed_in
def index(request: PublicRequest) -> HttpResponse:
    form = FacesFilter(request.GET or None)
    chosen = form.cleaned_data if form.is_bound and form.is_valid() else {}
    rows = queries.face_counts_for(request.actor, **chosen)
    total, limit = queries.face_total(), queries.FACES_TO_FILE
    context = {
        "title": "人脸信息",
        "lead": "各校存储的人脸特征数量，由各校定时上报；研究院看不到任何人的人脸信息。",
        "crumbs": [HOME, {"label": "学校", "url": reverse("institute:schools")}, {"label": "人脸信息"}],
        "form": form,
        "page_obj": paginate(request, rows),
        "total": total,
        "limit": limit,
        "percent": min(100, total * 100 // limit),
        "must": total >= limit,
        "near": NEAR * limit <= total < limit,
    }
    return render_list(request, "faces/index.html", "faces/_rows.html", context)
