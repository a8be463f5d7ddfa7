"""The institute's console. Each feature includes its own urls below."""

from django.urls import include, path

from web.institute import views

app_name = "institute"
urlpatterns = [
    path("", views.home, name="home"),
    path("", include("web.institute.applications.urls")),
    path("library/", include("web.library.urls"), {"frame": "institute"}),
    path("schools/", include("web.institute.schools.urls")),
    path("providers/", include("web.institute.providers.urls")),
    path("faces/", include("web.institute.faces.urls")),
    path("members/", include("web.institute.members.urls")),
    path("tokens/", include("web.institute.tokens.urls")),
    path("benchmark/", include("web.institute.benchmark.urls")),
]
