"""Addresses of the timeline."""

from django.urls import path

from web.tenant.timeline import views

app_name = "timeline"
urlpatterns = [
    path("timeline/", views.index, name="index"),
    path("timeline/export.xlsx", views.export, name="export"),
]
