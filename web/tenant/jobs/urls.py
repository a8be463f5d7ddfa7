"""Addresses of jobs."""

from django.urls import path

from web.tenant.jobs import views

app_name = "jobs"
urlpatterns = [
    path("", views.index, name="index"),
    path("<uuid:job_id>/progress/", views.progress, name="progress"),
    path("<uuid:job_id>/download/", views.download, name="download"),
]
