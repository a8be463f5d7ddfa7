"""Addresses of findings: console under findings/, phone under m/findings/."""

from django.urls import path

from web.tenant.findings import views

app_name = "findings"
urlpatterns = [
    path("findings/", views.index, name="index"),
    path("findings/export.xlsx", views.export, name="export"),
    path("findings/create/", views.create, name="create"),
    path("findings/rules/", views.rules, name="rules"),
    path("findings/<uuid:finding_id>/", views.detail, name="detail"),
    path("findings/<uuid:finding_id>/start/", views.start, name="start"),
    path("findings/<uuid:finding_id>/submit/", views.submit, name="submit"),
    path("findings/<uuid:finding_id>/verify/", views.verify, name="verify"),
    path("findings/<uuid:finding_id>/reopen/", views.reopen, name="reopen"),
    path("findings/<uuid:finding_id>/void/", views.void, name="void"),
    path("findings/<uuid:finding_id>/comment/", views.comment, name="comment"),
    path("findings/<uuid:finding_id>/verifier/", views.verifier, name="verifier"),
    path("findings/<uuid:finding_id>/deadline/", views.deadline, name="deadline"),
    path("m/findings/", views.phone_index, name="phone_index"),
    path("m/findings/new/", views.new, name="new"),
    path("m/findings/<uuid:finding_id>/", views.phone_detail, name="phone_detail"),
]
