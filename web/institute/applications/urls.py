"""Applications, reviewers, criteria and enquiries in the institute's console."""

from django.urls import path

from web.institute.applications import enquiries, reviews, views

urlpatterns = [
    path("applications/", views.index, name="applications"),
    path("applications/export.xlsx", views.export, name="applications_export"),
    path("applications/criteria/", reviews.criteria, name="criteria"),
    path("applications/reviewers/", reviews.reviewers, name="reviewers"),
    path("applications/reviewers/<uuid:account_id>/", reviews.reviewer, name="reviewer"),
    path("applications/<uuid:application_id>/", views.detail, name="application"),
    path("applications/<uuid:application_id>/accept/", views.accept, name="application_accept"),
    path("applications/<uuid:application_id>/return/", views.return_once, name="application_return"),
    path("applications/<uuid:application_id>/extend/", views.extend_fix, name="application_extend"),
    path("applications/<uuid:application_id>/assign/", views.assign, name="application_assign"),
    path("applications/<uuid:application_id>/replace/<uuid:assignment_id>/", views.replace, name="application_replace"),
    path("applications/<uuid:application_id>/conflict/", views.conflict, name="application_conflict"),
    path("applications/<uuid:application_id>/decide/", views.decide, name="application_decide"),
    path("applications/<uuid:application_id>/contact/", views.contact, name="application_contact"),
    path(
        "applications/<uuid:application_id>/documents/<uuid:document_id>/", views.document, name="application_document"
    ),
    path("applications/<uuid:application_id>/sheet/", reviews.sheet, name="application_sheet"),
    path("applications/<uuid:application_id>/sheet/save/", reviews.save_sheet, name="application_sheet_save"),
    path("enquiries/", enquiries.index, name="enquiries"),
    path("enquiries/export.xlsx", enquiries.export, name="enquiries_export"),
    path("enquiries/<uuid:enquiry_id>/", enquiries.detail, name="enquiry"),
    path("enquiries/<uuid:enquiry_id>/give/", enquiries.give, name="enquiry_give"),
    path("enquiries/<uuid:enquiry_id>/reply/", enquiries.reply, name="enquiry_reply"),
    path("enquiries/<uuid:enquiry_id>/close/", enquiries.close, name="enquiry_close"),
]
