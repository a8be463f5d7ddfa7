"""The phone's start page."""

from django.urls import path

from web.tenant.phone import views

app_name = "phone"
urlpatterns = [path("m/", views.home, name="home")]
