"""Addresses of duty: console under duty/, phone under m/duty/, the signed webhook of camera systems under hooks/."""

from django.urls import path

from tenants.duty import policies
from web.live import register_topic
from web.tenant.duty import delivery, lists, phone, reporting, views

register_topic("duty", policies.can_watch)

app_name = "duty"
urlpatterns = [
    path("duty/", views.index, name="index"),
    path("duty/board/", views.board, name="board"),
    path("duty/call/", views.call, name="call"),
    path("duty/posts/", views.posts, name="posts"),
    path("duty/posts/<uuid:post_id>/", views.post, name="post"),
    path("duty/posts/<uuid:post_id>/log/", lists.log, name="log"),
    path("duty/posts/<uuid:post_id>/log/export.xlsx", lists.export_log, name="export_log"),
    path("duty/posts/<uuid:post_id>/log/note/", views.note, name="note"),
    path("duty/stints/<uuid:stint_id>/end/", views.end_stint, name="end_stint"),
    path("duty/calls/", views.calls, name="calls"),
    path("duty/calls/export.xlsx", views.export, name="export"),
    path("duty/calls/<uuid:call_id>/", views.one_call, name="one_call"),
    path("duty/calls/<uuid:call_id>/judge/", views.judge, name="judge"),
    path("duty/anomalies/", lists.anomalies, name="anomalies"),
    path("duty/anomalies/export.xlsx", lists.export_anomalies, name="export_anomalies"),
    path("duty/anomalies/new/", reporting.new, name="new_anomaly"),
    path("duty/anomalies/<uuid:anomaly_id>/", views.anomaly, name="anomaly"),
    path("duty/anomalies/<uuid:anomaly_id>/take/", views.take, name="take"),
    path("duty/anomalies/<uuid:anomaly_id>/close/", views.close, name="close"),
    path("duty/anomalies/<uuid:anomaly_id>/finding/", views.to_finding, name="to_finding"),
    path("duty/handovers/", lists.handovers, name="handovers"),
    path("duty/delivery/", delivery.delivery, name="delivery"),
    path("duty/handovers/export.xlsx", lists.export_handovers, name="export_handovers"),
    path("duty/gaps/", lists.gaps, name="gaps"),
    path("duty/gaps/export.xlsx", lists.export_gaps, name="export_gaps"),
    path("duty/gaps/posts/", lists.post_minutes, name="post_minutes"),
    path("duty/gaps/posts/export.xlsx", lists.export_post_minutes, name="export_post_minutes"),
    path("duty/cameras/", views.cameras, name="cameras"),
    path("duty/cameras/<uuid:camera_report_id>/", views.report, name="report"),
    path("hooks/cameras/<uuid:camera_system_id>/", views.hook, name="hook"),
    path("m/duty/", phone.home, name="phone"),
    path("m/duty/ringing/", phone.ringing, name="ringing"),
    path("m/duty/on/", phone.sign_on, name="sign_on"),
    path("m/duty/off/", phone.sign_off, name="sign_off"),
    path("m/duty/away/", phone.away, name="away"),
    path("m/duty/back/", phone.back, name="back"),
    path("m/duty/report/", phone.report, name="phone_report"),
    path("m/duty/close/<uuid:anomaly_id>/", phone.close, name="phone_close"),
    path("m/duty/handover/", phone.handover, name="handover"),
    path("m/duty/items/<uuid:handover_item_id>/", phone.item, name="item"),
    path("m/duty/calls/<uuid:call_id>/", phone.call, name="phone_call"),
    path("m/duty/calls/<uuid:call_id>/seen/", phone.seen, name="seen"),
    path("m/duty/calls/<uuid:call_id>/open/", phone.open_call, name="open_call"),
]
