"""Sign-in and account pages, on both kinds of host."""

from django.urls import include, path

urlpatterns = [path("", include("allauth.urls"))]
