"""Addresses of the inbox."""

from django.urls import path

from web.tenant.notices import views

app_name = "notices"
urlpatterns = [
    path("notices/", views.index, name="index"),
    path("notices/read-all/", views.read_all, name="read_all"),
    path("notices/<int:notice_id>/open/", views.open_notice, name="open"),
    path("m/notices/", views.phone_index, name="phone_index"),
]
