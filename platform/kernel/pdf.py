"""PDF from Typst source, in Chinese. The fonts are made at set-up by `python -m infra.fonts`."""

from __future__ import annotations

import json
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from django.conf import settings

from kernel.errors import DomainError


class NoFonts(DomainError):
    """Set-up was not finished: without the whole face a PDF would print boxes."""

    code = "pdf_fonts_missing"
    message = "打印字体还没有安装好，暂时不能生成 PDF。请联系平台管理员运行安装步骤。"


def font_dir() -> Path:
    """Where set-up puts the fonts: var/fonts, or FONT_DIR."""
    return Path(getattr(settings, "FONT_DIR", "") or settings.VAR_DIR / "fonts")


@lru_cache(maxsize=1)
def _checked(folder: Path) -> Path:
    if not (folder / "NotoSansSC-Regular.ttf").exists():
        raise NoFonts
    return folder


def render(
    source: str, data: dict[str, Any], *, files: dict[str, bytes] | None = None, form: Literal["pdf", "png"] = "pdf"
) -> bytes | list[bytes]:
    """Compile a Typst source; `data` is read in it by `json("data.json")`, `files` by name.

    Values reach the page as data, never as markup, so no name can inject Typst code. Returns the PDF,
    or one PNG per page. Raises NoFonts.
    """
    import typst

    fonts = _checked(font_dir())
    with tempfile.TemporaryDirectory(prefix="pdf-") as folder:
        root = Path(folder)
        (root / "main.typ").write_text('#set text(font: "Noto Sans SC", lang: "zh", fallback: false)\n' + source)
        (root / "data.json").write_text(json.dumps(data, ensure_ascii=False, default=str))
        for name, content in (files or {}).items():
            (root / Path(name).name).write_bytes(content)
        compiled = typst.compile(
            str(root / "main.typ"), root=str(root), font_paths=[str(fonts)], ignore_system_fonts=True, format=form,
            ppi=110.0 if form == "png" else None,
        )  # fmt: skip
    if form == "png":
        return [bytes(p) for p in compiled] if isinstance(compiled, list) else [bytes(compiled)]
    return bytes(compiled)


def pdf(source: str, data: dict[str, Any], *, files: dict[str, bytes] | None = None) -> bytes:
    """The PDF of a Typst source. Raises NoFonts."""
    made = render(source, data, files=files)
    assert isinstance(made, bytes)
    return made
