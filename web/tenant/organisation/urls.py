"""Addresses of the organisation."""

from django.urls import path

from web.tenant.organisation.views import certificates, imports, parties, places, staff

app_name = "organisation"
urlpatterns = [
    path("places/", places.tree, name="places"),
    path("places/new/", places.add, name="new_campus"),
    path("places/export/", places.export, name="export_places"),
    path("places/labels/", places.print_labels, name="labels"),
    path("places/<uuid:place_id>/", places.place, name="place"),
    path("places/<uuid:place_id>/branch/", places.branch, name="branch"),
    path("places/<uuid:place_id>/new/", places.add, name="new_place"),
    path("places/<uuid:place_id>/floors/", places.floors, name="floors"),
    path("places/<uuid:place_id>/change/", places.change, name="change_place"),
    path("places/<uuid:place_id>/move/", places.move, name="move_place"),
    path("places/<uuid:place_id>/switch/", places.switch, name="switch_place"),
    path("places/<uuid:place_id>/qr.svg", places.qr, name="qr"),
    path("contracts/", parties.contracts, name="contracts"),
    path("contracts/new/", parties.new_contract, name="new_contract"),
    path("contracts/export/", parties.export_contracts, name="export_contracts"),
    path("departments/", parties.departments, name="departments"),
    path("departments/new/", parties.new_department, name="new_department"),
    path("parties/<uuid:party_id>/", parties.party, name="party"),
    path("parties/<uuid:party_id>/change/", parties.change_party, name="change_party"),
    path("parties/<uuid:party_id>/switch/", parties.switch_party, name="switch_party"),
    path("lines/", parties.lines, name="lines"),
    path("lines/<str:line>/", parties.set_line, name="set_line"),
    path("posts/", parties.posts, name="posts"),
    path("posts/new/", parties.new_post, name="new_post"),
    path("posts/export/", parties.export_posts, name="export_posts"),
    path("posts/<uuid:post_id>/change/", parties.change_post, name="change_post"),
    path("posts/<uuid:post_id>/close/", parties.close_post, name="close_post"),
    path("staff/", staff.index, name="staff"),
    path("staff/new/", staff.new, name="new_staff"),
    path("staff/export/", staff.export, name="export_staff"),
    path("staff/logins/", staff.open_logins, name="open_logins"),
    path("staff/<uuid:staff_id>/login/", staff.share_login, name="share_login"),
    path("staff/<uuid:staff_id>/", staff.person, name="person"),
    path("staff/<uuid:staff_id>/change/", staff.change, name="change_staff"),
    path("staff/<uuid:staff_id>/leave/", staff.leave, name="leave"),
    path("staff/<uuid:staff_id>/back/", staff.bring_back, name="bring_back"),
    path("staff/<uuid:staff_id>/forget/", staff.forget, name="forget"),
    path("staff/<uuid:staff_id>/show/<str:what>/", staff.reveal, name="reveal"),
    path("staff/<uuid:staff_id>/certificates/new/", staff.new_certificate, name="new_certificate"),
    path(
        "staff/<uuid:staff_id>/certificates/<uuid:certificate_id>/", staff.change_certificate, name="change_certificate"
    ),
    path(
        "staff/<uuid:staff_id>/certificates/<uuid:certificate_id>/remove/",
        staff.remove_certificate,
        name="remove_certificate",
    ),
    path("certificates/", certificates.index, name="certificates"),
    path("certificates/export/", certificates.export, name="export_certificates"),
    path("import/<str:what>/", imports.upload, name="import_upload"),
    path("import/<str:what>/template/", imports.template, name="import_template"),
    path("imports/<uuid:job_id>/", imports.show, name="import"),
    path("imports/<uuid:job_id>/confirm/", imports.confirm, name="import_confirm"),
]
