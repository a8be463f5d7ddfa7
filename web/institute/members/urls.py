"""The institute's members: the views are one for both sides (web/accounts/members.py)."""

from django.urls import path

from web.accounts import members as views

app_name = "members"
urlpatterns = [
    path("", views.index, name="index"),
    path("export/", views.export, name="export"),
    path("invite/", views.invite, name="invite"),
    path("invitations/", views.invitations, name="invitations"),
    path("invitations/<uuid:invitation_id>/resend/", views.resend, name="resend"),
    path("invitations/<uuid:invitation_id>/revoke/", views.revoke, name="revoke"),
    path("<uuid:membership_id>/role/", views.role, name="role"),
    path("<uuid:membership_id>/deactivate/", views.deactivate, name="deactivate"),
    path("<uuid:membership_id>/reactivate/", views.reactivate, name="reactivate"),
]
