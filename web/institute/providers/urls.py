from django.urls import path

from web.institute.providers import views

urlpatterns = [
    path("", views.index, name="providers"),
    path("export.xlsx", views.export, name="providers_export"),
    path("<uuid:provider_id>/", views.detail, name="provider"),
    path("<uuid:provider_id>/correct/", views.correct, name="provider_correct"),
]
