"""Public pages of the programme."""

from django.http import HttpResponse
from django.shortcuts import render

from web.http import PublicRequest


def home(request: PublicRequest) -> HttpResponse:
    return render(request, "public/home.html")
