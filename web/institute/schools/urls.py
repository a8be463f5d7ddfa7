from django.urls import path

from web.institute.schools import views

urlpatterns = [
    path("", views.index, name="schools"),
    path("export.<str:kind>", views.export, name="schools_export"),
    path("ledger/", views.ledger, name="schools_ledger"),
    path("ledger/run/", views.run_upgrade, name="schools_upgrade"),
    path("<uuid:school_id>/", views.detail, name="school"),
    path("<uuid:school_id>/opening/", views.opening, name="school_opening"),
    path("<uuid:school_id>/retry/", views.retry, name="school_retry"),
    path("<uuid:school_id>/suspend/", views.suspend, name="school_suspend"),
    path("<uuid:school_id>/resume/", views.resume, name="school_resume"),
    path("<uuid:school_id>/trial/", views.trial, name="school_trial"),
]
