"""Addresses of photos and files."""

from django.urls import path

from web.tenant.evidence import views

app_name = "evidence"
urlpatterns = [
    path("", views.upload, name="upload"),
    path("<uuid:evidence_id>/", views.serve, name="file"),
    path("<uuid:evidence_id>/thumb/", views.thumb, name="thumb"),
]
