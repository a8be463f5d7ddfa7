"""A school's pages: one include per feature."""

from django.urls import include, path, re_path

from web.live import live
from web.tenant.home import views
from web.tenant.jobs import views as jobs
from web.tenant.organisation.views import places

urlpatterns = [
    path("", views.home, name="home"),
    path("live/", live, name="live"),
    path("library/", include("web.library.urls"), {"frame": "school"}),
    path("m/library/", include("web.library.urls", namespace="phone_library"), {"frame": "phone"}),
    path("rubrics/", include("web.tenant.rubrics.urls")),
    path("files/labels/", places.labels_file, name="labels_file"),
    path("files/jobs/<uuid:job_id>/", jobs.download, name="job_file"),
    path("files/", include("web.tenant.evidence.urls")),
    path("", include("web.tenant.findings.urls")),
    path("", include("web.tenant.punches.urls")),
    path("", include("web.tenant.duty.urls")),
    path("", include("web.tenant.inspections.urls")),
    path("", include("web.tenant.attendance.urls")),
    path("", include("web.tenant.patrols.urls")),
    path("", include("web.tenant.notices.urls")),
    path("", include("web.tenant.timeline.urls")),
    path("", include("web.tenant.phone.urls")),
    path("", include("web.tenant.rosters.urls")),
    path("organisation/", include("web.tenant.organisation.urls")),
    path("calendar/", include("web.tenant.calendar.urls")),
    path("", include("web.tenant.face.urls")),
    path("jobs/", include("web.tenant.jobs.urls")),
    re_path(r"^q/(?P<code>[A-Za-z0-9-]{2,24})/?$", places.scan, name="scan"),
    path("evaluations/", include("web.tenant.evaluations.urls")),
    path("members/", include("web.tenant.members.urls")),
    path("grants/", include("web.tenant.grants.urls")),
    path("tokens/", include("web.tenant.tokens.urls")),
    path("benchmark/", include("web.tenant.benchmark.urls")),
]
