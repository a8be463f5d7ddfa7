"""Addresses of attendance: console under attendance/, phone under m/attendance/."""

from django.urls import path

from tenants.attendance.policies import can_watch
from web.live import register_topic
from web.tenant.attendance import phone, views

register_topic("presence", can_watch)

app_name = "attendance"
urlpatterns = [
    path("attendance/", views.board, name="board"),
    path("attendance/board/rows/", views.board_rows, name="board_rows"),
    path("attendance/sheet/", views.sheet, name="sheet"),
    path("attendance/sheet/export/", views.export, name="export"),
    path("attendance/sheet/close/", views.close, name="close"),
    path("attendance/results/", views.results, name="results"),
    path("attendance/results/export.xlsx", views.export_results, name="export_results"),
    path("attendance/shifts/<uuid:instance_id>/", views.detail, name="detail"),
    path("attendance/shifts/<uuid:instance_id>/correct/", views.correct, name="correct"),
    path("attendance/coverage/", views.coverage, name="coverage"),
    path("attendance/corrections/", views.corrections, name="corrections"),
    path("attendance/corrections/<uuid:correction_id>/decide/", views.decide, name="decide"),
    path("attendance/suspects/", views.suspects, name="suspects"),
    path("attendance/suspects/<uuid:suspect_id>/decide/", views.decide_suspect, name="decide_suspect"),
    path("m/attendance/", phone.month, name="phone"),
    path("m/attendance/confirm/", phone.confirm, name="phone_confirm"),
    path("m/attendance/shifts/<uuid:instance_id>/", phone.shift, name="phone_shift"),
    path("m/attendance/corrections/<uuid:correction_id>/withdraw/", phone.withdraw, name="withdraw"),
]
