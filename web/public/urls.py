"""Public pages of the programme."""

from django.urls import path

from web.public import views

urlpatterns = [path("", views.home, name="public_home")]
