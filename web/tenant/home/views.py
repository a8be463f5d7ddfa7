"""A school's start page."""

from django.http import HttpResponse
from django.shortcuts import render

from web.http import SchoolRequest, signed_in


@signed_in
def home(request: SchoolRequest) -> HttpResponse:
    return render(request, "home/home.html")
