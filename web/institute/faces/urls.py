from django.urls import path

from web.institute.faces import views

urlpatterns = [path("", views.index, name="faces")]
