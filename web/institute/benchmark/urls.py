from django.urls import path

from web.institute.benchmark import views

urlpatterns = [
    path("", views.index, name="benchmark"),
    path("export.xlsx", views.export, name="benchmark_export"),
    path("publish/", views.publish, name="benchmark_publish"),
]
