"""A school's host: its console, its phone pages, its API."""

from django.urls import include, path

urlpatterns = [
    path("accounts/", include("web.accounts.urls")),
    path("graphql/", include("graphql_api.urls_school")),
    path("", include("web.shared.urls")),
    path("", include("web.tenant.urls")),
]
handler404 = "web.shared.errors.not_found"
handler403 = "web.shared.errors.forbidden"
handler400 = "web.shared.errors.bad_request"
handler500 = "web.shared.errors.server_error"
