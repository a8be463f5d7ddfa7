"""Pages of a list: 20, 50 or 100 rows; a bad page number falls to the nearest one."""

from typing import Any

from django.core.paginator import Page, Paginator

SIZES = (20, 50, 100)


def page_of(rows: Any, *, number: str | int | None, size: str | int | None) -> "Page[Any]":
    """Return one page of a queryset or list. A `size` outside SIZES becomes 20."""
    text = str(size or "")
    wanted = int(text) if text.isdigit() and int(text) in SIZES else SIZES[0]
    return Paginator(rows, wanted).get_page(number or 1)
