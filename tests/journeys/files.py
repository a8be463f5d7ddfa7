"""Files that people bring along, made for the journey."""

from __future__ import annotations

from pathlib import Path


def pdf(path: Path, title: str) -> str:
    """A one-page PDF."""
    from pypdf import PdfWriter

    writer = PdfWriter()
    writer.add_blank_page(width=595, height=842)
    writer.add_metadata({"/Title": title})
    with path.open("wb") as out:
        writer.write(out)
    return str(path)
