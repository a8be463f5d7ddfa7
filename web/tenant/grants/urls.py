"""What the school lets the institute read."""

from django.urls import path

from web.tenant.grants import views

app_name = "grants"
urlpatterns = [
    path("", views.index, name="index"),
    path("new/", views.new, name="new"),
    path("reads/", views.reads, name="reads"),
    path("<uuid:grant_id>/revoke/", views.revoke, name="revoke"),
]
