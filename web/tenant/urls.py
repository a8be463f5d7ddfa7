"""A school's pages: one include per feature."""

from django.urls import path

from web.tenant.home import views

urlpatterns = [path("", views.home, name="home")]
