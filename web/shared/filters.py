"""Filters of lists: what was asked for and understood, and what was not, in words."""

from __future__ import annotations

from typing import Any

from django.forms import BaseForm


def given(form: BaseForm) -> dict[str, Any]:
    """The filters that could be read; a wrong or missing one counts as empty, and `not_understood` says so."""
    form.is_valid()
    cleaned = form.cleaned_data if form.is_bound else {}
    return {name: cleaned.get(name, field.to_python("")) for name, field in form.fields.items()}


PERIODS = (("from_day", "until_day"), ("first", "last"))


def not_understood(form: BaseForm) -> list[str]:
    """A sentence for each filter that the list below does not follow, and for a period that ends before it begins."""
    if not form.is_bound:
        return []
    found = [
        f"“{form.fields[name].label}”填写有误，没有按它筛选，请改正后再查。"
        for name in form.errors
        if name in form.fields
    ]
    for begins, ends in PERIODS:
        since, until = form.cleaned_data.get(begins), form.cleaned_data.get(ends)
        if since and until and since > until:
            found.append("“日期从”晚于“到”，没有这样的日期，请调换后再查。")
    return found
