"""Addresses of findings: console under findings/, phone under m/findings/."""

from django.urls import path

from web.tenant.findings.views import lists, pages, settings, steps

app_name = "findings"
urlpatterns = [
    path("findings/", lists.index, name="index"),
    path("findings/export.xlsx", lists.export, name="export"),
    path("findings/create/", pages.create, name="create"),
    path("findings/extensions/", lists.extensions, name="extensions"),
    path("findings/rules/", settings.rules, name="rules"),
    path("findings/<uuid:finding_id>/", pages.detail, name="detail"),
    path("findings/<uuid:finding_id>/start/", steps.start, name="start"),
    path("findings/<uuid:finding_id>/submit/", steps.submit, name="submit"),
    path("findings/<uuid:finding_id>/verify/", steps.verify, name="verify"),
    path("findings/<uuid:finding_id>/reopen/", steps.reopen, name="reopen"),
    path("findings/<uuid:finding_id>/void/", steps.void, name="void"),
    path("findings/<uuid:finding_id>/comment/", steps.comment, name="comment"),
    path("findings/<uuid:finding_id>/verifier/", steps.verifier, name="verifier"),
    path("findings/<uuid:finding_id>/deadline/", steps.deadline, name="deadline"),
    path("findings/<uuid:finding_id>/owner/", steps.owner, name="owner"),
    path("findings/<uuid:finding_id>/conclude/", steps.conclude, name="conclude"),
    path("findings/<uuid:finding_id>/extension/", steps.ask_extension, name="ask_extension"),
    path("findings/<uuid:finding_id>/extension/<uuid:extension_id>/", steps.answer_extension, name="answer_extension"),
    path("m/findings/", lists.phone_index, name="phone_index"),
    path("m/findings/new/", pages.new, name="new"),
    path("m/findings/<uuid:finding_id>/", pages.phone_detail, name="phone_detail"),
]
