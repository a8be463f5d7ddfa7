"""The institute's start page."""

from django.http import HttpResponse
from django.shortcuts import render

from web.http import PublicRequest, signed_in


@signed_in
def home(request: PublicRequest) -> HttpResponse:
    return render(request, "institute/home.html")
