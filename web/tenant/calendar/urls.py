"""Addresses of the calendar."""

from django.urls import path

from web.tenant.calendar import views

app_name = "calendar"
urlpatterns = [
    path("", views.index, name="index"),
    path("settle/", views.settle, name="settle"),
    path("export/", views.export, name="export"),
    path("import/", views.upload, name="import"),
    path("import/template/", views.template, name="template"),
    path("import/confirm/", views.confirm, name="confirm"),
    path("periods/new/", views.new_period, name="new_period"),
    path("periods/<uuid:period_id>/", views.change_period, name="change_period"),
    path("periods/<uuid:period_id>/remove/", views.remove_period, name="remove_period"),
    path("seasons/", views.seasons_page, name="seasons"),
    path("seasons/new/", views.new_season, name="new_season"),
    path("seasons/<str:code>/", views.change_season, name="change_season"),
    path("seasons/<str:code>/reset/", views.reset_season, name="reset_season"),
    path("days/<str:day>/", views.day, name="day"),
    path("days/<str:day>/clear/", views.clear_day, name="clear_day"),
]
