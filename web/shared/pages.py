"""Small helpers for views: partial or whole page, redirects, toasts, paging."""

import json
from typing import Any, Final, Literal

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme

PAGE_SIZES: Final = (20, 50, 100)
Tone = Literal["ok", "info", "warn", "bad"]
_LEVELS: Final[dict[Tone, int]] = {
    "ok": messages.SUCCESS,
    "info": messages.INFO,
    "warn": messages.WARNING,
    "bad": messages.ERROR,
}


def is_htmx(request: HttpRequest) -> bool:
    """Say whether htmx asks (and wants a fragment or a header, not a page)."""
    return request.headers.get("HX-Request") == "true"


def render_list(
    request: HttpRequest, template: str, rows: str, context: dict[str, Any], rows_id: str = "rows"
) -> HttpResponse:
    """Render the rows alone when htmx asks for them into `#rows_id`, else the whole page.

    Both stand at one address, hence Vary: without it the browser's Back shows bare rows. With the rows comes what of
    the filter was not understood.
    """
    wants_rows = is_htmx(request) and request.headers.get("HX-Target", "").endswith(f"#{rows_id}")
    context = {"rows_id": rows_id, **context}
    response = render(request, rows if wants_rows else template, context)
    if wants_rows and isinstance(context.get("form"), BaseForm):
        response.content += render_to_string("components/filter_said.html", {**context, "oob": True}).encode()
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response


def paginate(request: HttpRequest, rows: Any) -> Page[Any]:
    """Return the page `?page=` asks for, with `?per=` of PAGE_SIZES rows; a page too far is the last one."""
    asked = request.GET.get("per", "")
    per = int(asked) if asked.isascii() and asked.isdigit() and int(asked) in PAGE_SIZES else PAGE_SIZES[0]
    return Paginator(rows, per).get_page(request.GET.get("page"))


def go(request: HttpRequest, to: Any, *args: Any, said: str = "", tone: Tone = "ok", **kwargs: Any) -> HttpResponse:
    """Send the browser to another page, with or without htmx; `said` is a toast on that page."""
    if said:
        messages.add_message(request, _LEVELS[tone], said)
    url = resolve_url(to, *args, **kwargs)
    if is_htmx(request):
        return HttpResponse(headers={"HX-Redirect": url})
    return HttpResponseRedirect(url)


def say(response: HttpResponse, said: str, tone: Tone = "ok", *, close_drawer: bool = False) -> HttpResponse:
    """Let a fragment bring a toast with it, and close the drawer it was asked from."""
    triggers: dict[str, Any] = json.loads(response.get("HX-Trigger", "{}"))
    triggers["toast"] = {"text": said, "tone": tone}
    if close_drawer:
        triggers["drawer:close"] = True
    response["HX-Trigger"] = json.dumps(triggers)
    return response


def safe_next(request: HttpRequest, default: str) -> str:
    """Return `next` of the request if it stays on this host, else `default`."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    ours = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if ours else default
