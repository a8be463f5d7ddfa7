"""Addresses of inspections: console under inspections/, the walk under m/inspections/."""

from django.urls import path

from web.tenant.inspections import boards, checklists, exports, views

app_name = "inspections"
urlpatterns = [
    path("inspections/", views.index, name="index"),
    path("inspections/export.xlsx", exports.walks, name="export"),
    path("inspections/coverage/export.xlsx", exports.coverage, name="export_coverage"),
    path("inspections/last/", views.last, name="last"),
    path("inspections/coverage/", views.coverage, name="coverage"),
    path("inspections/checklists/", checklists.index, name="checklists"),
    path("inspections/checklists/export.xlsx", exports.checklists, name="export_checklists"),
    path("inspections/checklists/new/<uuid:rubric_id>/", checklists.new, name="checklist_new"),
    path("inspections/checklists/<uuid:checklist_id>/", checklists.detail, name="checklist"),
    path("inspections/checklists/<uuid:checklist_id>/edit/", checklists.edit, name="checklist_edit"),
    path("inspections/checklists/<uuid:checklist_id>/copy/", checklists.copy, name="checklist_copy"),
    path("inspections/checklists/<uuid:checklist_id>/drop/", checklists.drop, name="checklist_drop"),
    path("inspections/checklists/<uuid:checklist_id>/restore/", checklists.restore, name="checklist_restore"),
    path("inspections/week/", boards.week, name="week"),
    path("inspections/week/targets/", boards.target, name="target"),
    path("inspections/week/propose/", boards.propose, name="propose"),
    path("inspections/week/<uuid:programme_id>/accept/", boards.accept, name="accept"),
    path("inspections/week/<uuid:programme_id>/add/", boards.add_stop, name="add_stop"),
    path("inspections/week/stops/<uuid:stop_id>/", boards.change_stop, name="change_stop"),
    path("calibrations/", boards.calibrations, name="calibrations"),
    path("calibrations/new/", boards.arrange, name="arrange"),
    path("calibrations/proposed/", boards.arrange_proposed, name="arrange_proposed"),
    path("calibrations/<uuid:calibration_id>/", boards.calibration, name="calibration"),
    path("calibrations/<uuid:calibration_id>/<str:action>/", boards.end_calibration, name="end_calibration"),
    path("m/calibrations/<uuid:calibration_id>/", boards.score, name="score"),
    path("m/inspections/week/", boards.phone_week, name="phone_week"),
    path("inspections/<uuid:inspection_id>/", views.detail, name="detail"),
    path("inspections/<uuid:inspection_id>/problems/", views.problems, name="problems"),
    path("m/inspections/", views.phone_index, name="phone_index"),
    path("m/inspections/start/", views.start, name="start"),
    path("m/inspections/<uuid:inspection_id>/", views.walk, name="walk"),
    path("m/inspections/<uuid:inspection_id>/answer/<uuid:item_id>/", views.answer, name="answer"),
    path("m/inspections/<uuid:inspection_id>/clear/<uuid:item_id>/", views.clear, name="clear"),
    path("m/inspections/<uuid:inspection_id>/recheck/<uuid:finding_id>/", views.recheck, name="recheck"),
    path("m/inspections/<uuid:inspection_id>/pass-rest/<uuid:section_id>/", views.pass_rest, name="pass_rest"),
    path("m/inspections/<uuid:inspection_id>/finish/", views.finish, name="finish"),
    path("m/inspections/<uuid:inspection_id>/cancel/", views.cancel, name="cancel"),
]
