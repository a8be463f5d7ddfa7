"""Addresses of the face service: console under face/, phone under m/face/."""

from django.urls import path

from web.tenant.face import phone, views

app_name = "face"
urlpatterns = [
    path("face/", views.index, name="index"),
    path("face/settings/", views.settings, name="settings"),
    path("face/people/", views.people, name="people"),
    path("face/people/export.xlsx", views.export, name="export"),
    path("face/people/<uuid:staff_id>/", views.person, name="person"),
    path("face/people/<uuid:staff_id>/paper/", views.paper, name="paper"),
    path("face/people/<uuid:staff_id>/revoke/", views.revoke, name="revoke"),
    path("face/people/<uuid:staff_id>/delete/", views.delete, name="delete"),
    path("face/people/<uuid:staff_id>/photo/", views.photo, name="photo"),
    path("face/deletions/", views.deletions, name="deletions"),
    path("face/batch/", views.batch_new, name="batch_new"),
    path("face/batch/<uuid:job_id>/", views.batch, name="batch"),
    path("m/face/", phone.mine, name="mine"),
    path("m/face/decide/", phone.decide, name="decide"),
    path("m/face/enrol/", phone.enrol, name="enrol"),
    path("m/face/trial/", phone.trial, name="trial"),
    path("m/face/checks/<uuid:check_id>/", phone.check, name="check"),
    path("m/face/revoke/", phone.revoke_mine, name="revoke_mine"),
    path("m/face/delete/", phone.delete_mine, name="delete_mine"),
]
