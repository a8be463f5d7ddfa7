from django.urls import path

from web.tenant.evaluations import views

app_name = "evaluations"
urlpatterns = [
    path("", views.index, name="index"),
    path("export.xlsx", views.export, name="export"),
    path("new/", views.new, name="new"),
    path("<uuid:round_id>/", views.detail, name="detail"),
    path("<uuid:round_id>/print/", views.printed, name="print"),
    path("<uuid:round_id>/export.xlsx", views.export_round, name="export_round"),
    path("<uuid:round_id>/layout/", views.layout, name="layout"),
    path("<uuid:round_id>/<str:action>/", views.act, name="act"),
    path("<uuid:round_id>/score/<uuid:source_id>/<uuid:area_id>/", views.score, name="score"),
    path("<uuid:round_id>/score/<uuid:source_id>/<uuid:area_id>/raw/", views.give_score, name="give_score"),
    path("<uuid:round_id>/score/<uuid:source_id>/<uuid:area_id>/hand-in/", views.hand_in, name="hand_in"),
    path("<uuid:round_id>/score/<uuid:source_id>/<uuid:area_id>/<uuid:item>/mark/", views.mark, name="mark"),
    path("<uuid:round_id>/score/<uuid:source_id>/<uuid:area_id>/<uuid:item>/deduct/", views.deduct, name="deduct"),
    path("deductions/<uuid:deduction_id>/waive/", views.waive, name="waive"),
    path("deductions/<uuid:deduction_id>/withdraw/", views.withdraw, name="withdraw"),
    path("sources/<uuid:source_id>/excuse/", views.excuse, name="excuse"),
]
