from django.urls import path

from web.tenant.benchmark import views

app_name = "benchmark"
urlpatterns = [path("", views.index, name="index")]
