"""Public pages of the programme, and the applicant's own pages behind a signed link."""

from django.urls import include, path

from web.public import apply, views

urlpatterns = [
    path("", views.home, name="public_home"),
    path("library/", include("web.library.urls"), {"frame": "public"}),
    path("programme/", views.programme, name="public_programme"),
    path("honours/", views.honours, name="public_honours"),
    path("privacy/", views.privacy, name="public_privacy"),
    path("schools/", views.schools, name="public_schools"),
    path("enquire/", views.enquire, name="public_enquire"),
    path("enquire/sent/", views.enquiry_sent, name="public_enquiry_sent"),
    path("apply/", apply.guide, name="public_apply"),
    path("apply/resume/", apply.resume, name="public_resume"),
    path("apply/<str:token>/", apply.application, name="public_application"),
    path("apply/<str:token>/save/<slug:field>/", apply.save, name="public_application_save"),
    path("apply/<str:token>/documents/", apply.add_document, name="public_application_documents"),
    path("apply/<str:token>/documents/<uuid:document_id>/", apply.document, name="public_application_document"),
    path(
        "apply/<str:token>/documents/<uuid:document_id>/remove/",
        apply.remove_document,
        name="public_application_document_remove",
    ),
    path("apply/<str:token>/check/", apply.check, name="public_application_check"),
    path("apply/<str:token>/withdraw/", apply.withdraw, name="public_application_withdraw"),
    path("apply/<str:token>/link/", apply.link, name="public_application_link"),
]
