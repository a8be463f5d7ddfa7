"""Addresses of punches: console under punches/, phone under m/punch/, devices under api/punches/."""

from django.urls import path

from web.tenant.punches import api, devices, fences, imports, phone, views

app_name = "punches"
urlpatterns = [
    path("punches/", views.index, name="index"),
    path("punches/export.xlsx", views.export, name="export"),
    path("punches/<int:punch_id>/", views.detail, name="detail"),
    path("punches/<int:punch_id>/photo/", views.judge_photo, name="judge_photo"),
    path("punches/appeals/<uuid:appeal_id>/", views.decide, name="decide"),
    path("punches/devices/", devices.index, name="devices"),
    path("punches/devices/new/", devices.new, name="device_new"),
    path("punches/devices/<uuid:device_id>/", devices.detail, name="device"),
    path("punches/devices/<uuid:device_id>/switch/", devices.switch, name="device_switch"),
    path("punches/devices/<uuid:device_id>/token/", devices.token, name="device_token"),
    path("punches/devices/<uuid:device_id>/reset/", devices.reset, name="device_reset"),
    path("punches/devices/<uuid:device_id>/number/", devices.number, name="device_number"),
    path("punches/fences/", fences.index, name="fences"),
    path("punches/fences/new/", fences.edit, name="fence_new"),
    path("punches/fences/<uuid:fence_id>/", fences.edit, name="fence"),
    path("punches/fences/<uuid:fence_id>/drop/", fences.drop, name="fence_drop"),
    path("punches/retention/", views.retention, name="retention"),
    path("punches/import/", imports.upload, name="import_upload"),
    path("punches/import/template/", imports.template, name="import_template"),
    path("punches/import/<uuid:job_id>/", imports.show, name="import"),
    path("punches/import/<uuid:job_id>/confirm/", imports.confirm, name="import_confirm"),
    path("m/punch/", phone.home, name="phone"),
    path("m/punch/recent/", phone.recent, name="recent"),
    path("m/punch/mine/", phone.mine, name="mine"),
    path("m/punch/mine/<int:punch_id>/appeal/", phone.appeal, name="appeal"),
    path("m/punch/vouch/", phone.vouch, name="vouch"),
    path("m/clock", phone.clock_anchor, name="clock"),
    path("api/punches/batch", api.batch, name="batch"),
]
