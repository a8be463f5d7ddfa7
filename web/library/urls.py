"""Addresses of the reader; included once per frame with its own namespace (see web/library/views.py)."""

from django.urls import path

from web.library import views

app_name = "library"
urlpatterns = [
    path("", views.index, name="index"),
    path("export.xlsx", views.export, name="export"),
    path("requirements/<str:key>/", views.requirement, name="requirement"),
    path("documents/", views.documents, name="documents"),
    path("documents/<str:key>/", views.document, name="document"),
    path("superseded/", views.superseded, name="superseded"),
    path("templates/", views.templates, name="templates"),
    path("templates/<str:key>/", views.template, name="template"),
    path("unchecked/", views.gaps, name="gaps"),
    path("unchecked/export.xlsx", views.export_gaps, name="export_gaps"),
]
