"""API tokens of a school: the views are one for both sides (web/accounts/tokens.py)."""

from django.urls import path

from web.accounts import tokens as views

app_name = "tokens"
urlpatterns = [
    path("", views.index, name="index"),
    path("new/", views.new, name="new"),
    path("console/", views.console, name="console"),
    path("<uuid:token_id>/revoke/", views.revoke, name="revoke"),
]
