"""The institute's console. Each feature includes its own urls below."""

from django.urls import path

from web.institute import views

app_name = "institute"
urlpatterns = [path("", views.home, name="home")]
