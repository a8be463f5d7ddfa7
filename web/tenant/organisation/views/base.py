"""What the views of the organisation share: one way to show a form, lists to choose from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from identity.contracts import Actor
from kernel.errors import DomainError, NotAllowed
from tenants.organisation import policies, queries
from web.http import SchoolRequest
from web.shared.pages import is_htmx

Choices = list[tuple[str, str]]


def crumbs(*rest: tuple[str, str] | str) -> list[dict[str, str]]:
    """组织与场所 / … : pairs (label, url name) are links, a bare word is where we are."""
    made = [{"label": "组织与场所"}]
    for part in rest:
        made.append({"label": part} if isinstance(part, str) else {"label": part[0], "url": reverse(part[1])})
    return made


def form_page(
    request: SchoolRequest,
    form: Form,
    act: Callable[[dict[str, Any]], HttpResponse],
    **context: Any,
) -> HttpResponse:
    """Show a form page; when posted and well-formed, `act` makes the domain call and answers. A refusal goes to its field."""
    if not policies.can_manage(request.actor):
        raise NotAllowed
    context = {"form": form, "submit": "保存", **context}
    if request.method == "POST":
        if form.is_valid():
            try:
                return act(form.cleaned_data)
            except DomainError as refused:
                field = next((f for f in (refused.field, f"{refused.field}_id") if f in form.fields), None)
                form.add_error(field, refused.sentence)
        template = "components/form.html" if is_htmx(request) else "organisation/form.html"
        return render(request, template, context, status=422)
    return render(request, "organisation/form.html", context)


def opt_id(text: str) -> UUID | None:
    """The id chosen in a select, or None for 「—」."""
    return UUID(text) if text else None


def party_choices(actor: Actor) -> Choices:
    return [(str(p.pk), p.name) for p in queries.parties(by=actor)]


def post_choices(actor: Actor, party_id: UUID | None = None) -> Choices:
    rows = queries.posts(by=actor, party_id=party_id)
    return [(str(p.pk), p.name if party_id else f"{p.name}（{p.party.name}）") for p in rows]


def place_choices(actor: Actor, *, kinds: tuple[str, ...] | None = None) -> Choices:
    rows = queries.places(by=actor).order_by("full_name")
    if kinds:
        rows = rows.filter(kind__in=kinds)
    return [(str(p.pk), p.full_name) for p in rows[:3000]]
