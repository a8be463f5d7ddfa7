"""Addresses that must stand at the root of a school's host: include this in `config.urls_school`."""

from django.urls import path

from web.shared import pwa

urlpatterns = [
    path("sw.js", pwa.service_worker, name="service_worker"),
    path("m/manifest.webmanifest", pwa.manifest, name="manifest"),
]
