"""Addresses of rosters, in the console and on the phone."""

from django.urls import path

from web.tenant.rosters.views import grid, imports, requests, setup

app_name = "rosters"
urlpatterns = [
    path("rosters/", grid.index, name="index"),
    path("rosters/save/", grid.save, name="save"),
    path("rosters/publish/", grid.publish, name="publish"),
    path("rosters/copy/", grid.copy, name="copy"),
    path("rosters/export/", grid.export, name="export"),
    path("rosters/import/", imports.upload, name="import_upload"),
    path("rosters/import/template/", imports.template, name="import_template"),
    path("rosters/imports/<uuid:job_id>/", imports.show, name="import"),
    path("rosters/imports/<uuid:job_id>/confirm/", imports.confirm, name="import_confirm"),
    path("rosters/requests/", requests.index, name="requests"),
    path("rosters/leaves/<uuid:leave_id>/", requests.leave, name="leave"),
    path("rosters/leaves/<uuid:leave_id>/decide/", requests.decide_leave, name="decide_leave"),
    path("rosters/leaves/<uuid:leave_id>/withdraw/", requests.withdraw_leave, name="withdraw_leave"),
    path("rosters/swaps/<uuid:swap_id>/decide/", requests.decide_swap, name="decide_swap"),
    path("rosters/forecast/", setup.forecast, name="forecast"),
    path("rosters/shifts/", setup.shifts, name="shifts"),
    path("rosters/shifts/new/", setup.new_shift, name="new_shift"),
    path("rosters/shifts/<uuid:shift_id>/change/", setup.change_shift, name="change_shift"),
    path("rosters/shifts/<uuid:shift_id>/retire/", setup.retire_shift, name="retire_shift"),
    path("rosters/rules/", setup.rules, name="rules"),
    path("rosters/rules/new/", setup.new_rule, name="new_rule"),
    path("rosters/coverage/", setup.coverage, name="coverage"),
    path("rosters/coverage/<uuid:post_id>/terms/", setup.terms, name="terms"),
    path("rosters/coverage/<uuid:post_id>/new/", setup.new_coverage, name="new_coverage"),
    path("rosters/coverage/<uuid:post_id>/<uuid:coverage_id>/", setup.change_coverage, name="change_coverage"),
    path("rosters/coverage/remove/<uuid:coverage_id>/", setup.remove_coverage, name="remove_coverage"),
    path("rosters/patterns/", setup.patterns, name="patterns"),
    path("rosters/patterns/new/", setup.new_pattern, name="new_pattern"),
    path("rosters/patterns/<uuid:pattern_id>/", setup.pattern, name="pattern"),
    path("rosters/patterns/<uuid:pattern_id>/change/", setup.change_pattern, name="change_pattern"),
    path("rosters/patterns/<uuid:pattern_id>/retire/", setup.retire_pattern, name="retire_pattern"),
    path("rosters/patterns/<uuid:pattern_id>/use/", setup.use_pattern, name="use_pattern"),
    path("rosters/uses/<uuid:use_id>/end/", setup.end_use, name="end_use"),
    path("rosters/uses/<uuid:use_id>/remake/", setup.remake, name="remake"),
    path("m/roster/", requests.phone_roster, name="phone_roster"),
    path("m/roster/leave/", requests.phone_leave, name="phone_leave"),
    path("m/roster/requests/", requests.phone_requests, name="phone_requests"),
    path("m/roster/swap/<uuid:assignment_id>/", requests.phone_swap, name="phone_swap"),
    path("m/roster/swaps/<uuid:swap_id>/answer/", requests.answer_swap, name="answer_swap"),
    path("m/roster/swaps/<uuid:swap_id>/withdraw/", requests.withdraw_swap, name="withdraw_swap"),
]
