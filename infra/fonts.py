"""Whole-face TTF of Noto Sans SC for PDF, made at set-up: `python -m infra.fonts`.

The npm package holds the face cut into about a hundred woff2 slices for browsers; a PDF made from
slices silently prints wrong characters. The slices are instantiated at a weight and merged into
var/fonts/NotoSansSC-Regular.ttf and NotoSansSC-Bold.ttf. A second run finds them made and ends at once.
"""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "node_modules" / "@fontsource-variable" / "noto-sans-sc"
WEIGHTS = {"Regular": 400, "Bold": 700}
# Layout tables do not merge across slices and are not needed to set plain lines of text.
DROPPED = [
    "GSUB",
    "GPOS",
    "GDEF",
    "BASE",
    "STAT",
    "DSIG",
    "gasp",
    "meta",
    "vhea",
    "vmtx",
    "VORG",
    "prep",
    "fpgm",
    "cvt ",
]


def target_dir() -> Path:
    return Path(os.environ.get("VAR_DIR", ROOT / "var")) / "fonts"


def _stamp() -> str:
    return f"{PACKAGE.joinpath('package.json').read_bytes().hex()[-64:]} {len(list((PACKAGE / 'files').iterdir()))} v2"


def make(style: str, target: Path) -> Path:
    """Merge all slices at one weight into one TTF; returns its path."""
    from fontTools.merge import Merger
    from fontTools.merge import Options as MergeOptions
    from fontTools.ttLib import TTFont
    from fontTools.varLib import instancer

    work = target / f".{style}"
    work.mkdir(parents=True, exist_ok=True)
    seen: set[int] = set()
    parts: list[str] = []
    # latin first: its digits and letters win over the copies in other slices
    slices = sorted((PACKAGE / "files").glob("*-wght-normal.woff2"), key=lambda p: ("latin-wght" not in p.name, p.name))
    for number, path in enumerate(slices):
        font = TTFont(path)
        font.flavor = None  # the parts are read again at once: packing and unpacking them is a third of the work
        for table in DROPPED:
            if table in font:
                del font[table]
        font = instancer.instantiateVariableFont(font, {"wght": WEIGHTS[style]}, inplace=True)
        for table in font["cmap"].tables:
            table.cmap = {code: name for code, name in table.cmap.items() if code not in seen}
        seen.update(font.getBestCmap() or {})
        part = work / f"{number:03}.ttf"
        font.save(part)
        parts.append(str(part))
    merged = Merger(options=MergeOptions(drop_tables=DROPPED)).merge(parts)
    for record in merged["name"].names:
        if record.nameID in (1, 16):
            record.string = "Noto Sans SC"
        elif record.nameID in (2, 17):
            record.string = style
        elif record.nameID == 4:
            record.string = f"Noto Sans SC {style}"
        elif record.nameID == 6:
            record.string = f"NotoSansSC-{style}"
    merged["OS/2"].usWeightClass = WEIGHTS[style]
    merged["OS/2"].fsSelection = 0x20 if style == "Bold" else 0x40
    merged["head"].macStyle = 1 if style == "Bold" else 0
    path = target / f"NotoSansSC-{style}.ttf"
    fresh = path.with_suffix(".new")
    merged.save(fresh)
    fresh.replace(path)
    for part in parts:
        Path(part).unlink()
    work.rmdir()
    return path


def main() -> int:
    if not PACKAGE.is_dir():
        print("fonts: node_modules has no @fontsource-variable/noto-sans-sc; run `npm ci` first", file=sys.stderr)
        return 1
    target = target_dir()
    target.mkdir(parents=True, exist_ok=True)
    stamp = target / "stamp"
    if (
        stamp.exists()
        and stamp.read_text() == _stamp()
        and all((target / f"NotoSansSC-{s}.ttf").exists() for s in WEIGHTS)
    ):
        return 0
    started = time.monotonic()
    with ProcessPoolExecutor(max_workers=2) as pool:
        made = list(pool.map(make, WEIGHTS, [target] * len(WEIGHTS)))
    stamp.write_text(_stamp())
    print(f"fonts: {', '.join(p.name for p in made)} in {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
