"""What every form of the pages keeps to."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from django import forms
from django.utils import timezone

WEB = Path(__file__).resolve().parents[2] / "web"


def fields() -> Iterator[tuple[str, forms.Field]]:
    for path in sorted([*WEB.rglob("forms.py"), *WEB.rglob("forms/*.py")]):
        module = importlib.import_module(".".join(path.relative_to(WEB.parent).with_suffix("").parts))
        for kind in vars(module).values():
            if isinstance(kind, type) and issubclass(kind, forms.BaseForm) and kind.__module__ == module.__name__:
                for name, field in kind.base_fields.items():  # type: ignore[attr-defined]
                    yield f"{module.__name__}.{kind.__name__}.{name}", field


def test_a_moment_is_written_as_the_browser_reads_it() -> None:
    """`datetime-local` shows nothing for any other format: the value on record would be lost when a form is saved."""
    moment = datetime(2026, 11, 26, 4, 5, 6, tzinfo=UTC)
    found = [(at, f) for at, f in fields() if getattr(f.widget, "input_type", "") == "datetime-local"]
    assert len(found) >= 6
    with timezone.override("Asia/Shanghai"):
        shown = {at: field.widget.format_value(field.prepare_value(moment)) for at, field in found}
    assert {at: value for at, value in shown.items() if value != "2026-11-26T12:05"} == {}
