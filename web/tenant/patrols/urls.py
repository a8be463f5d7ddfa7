"""Addresses of patrols: console under patrols/, the walk under m/patrols/."""

from django.urls import path

from web.tenant.patrols import phone, rules, views

app_name = "patrols"
urlpatterns = [
    path("patrols/", views.index, name="index"),
    path("patrols/export/", views.export, name="export"),
    path("patrols/rules/", rules.rules, name="rules"),
    path("patrols/routes/", views.routes, name="routes"),
    path("patrols/routes/new/", views.route_new, name="route_new"),
    path("patrols/routes/<uuid:route_id>/", views.route_edit, name="route_edit"),
    path("patrols/routes/<uuid:route_id>/close/", views.route_close, name="route_close"),
    path("patrols/tours/<uuid:tour_id>/", views.tour, name="tour"),
    path("patrols/tours/<uuid:tour_id>/explain/", views.explain, name="explain"),
    path("patrols/tours/<uuid:tour_id>/review/", views.review, name="review"),
    path("patrols/tours/<uuid:tour_id>/reschedule/", views.reschedule, name="reschedule"),
    path("m/patrols/", phone.index, name="phone_index"),
    path("m/patrols/<uuid:tour_id>/", phone.walk, name="walk"),
    path("m/patrols/<uuid:tour_id>/start/", phone.start, name="start"),
    path("m/patrols/<uuid:tour_id>/scan/", phone.scan, name="scan"),
    path("m/patrols/<uuid:tour_id>/finish/", phone.finish, name="finish"),
]
