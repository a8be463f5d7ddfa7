"""The model pack: a folder with ONNX files and `pack.json`, named by `settings.FACE_MODEL_PACK`.

The platform brings no model and never fetches one: whoever runs it puts a pack there whose licence allows the use.
Files are known by their SHA-256; a file that is missing or changed makes the pack unusable, and each is named.

    {"format": 1, "name": "…", "licence": "who allows what, until when", "threshold": 0.42, "margin": 0.08,
     "detector": {"file": "det.onnx", "sha256": "…", "size": [640, 640], "threshold": 0.5},
     "embedder": {"file": "rec.onnx", "sha256": "…", "dimension": 512},
     "liveness": {"file": "liveness.onnx", "sha256": "…", "threshold": 0.8},
     "smallest_face": 80}

`liveness`, `margin`, `size`, the detector's threshold and `smallest_face` may be left out.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from kernel.errors import DomainError

MANIFEST = "pack.json"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PLAIN_NAME = re.compile(r"[\w.-]+\.onnx")


class NoPack(DomainError):
    code = "face_no_pack"
    message = _("本平台没有配置人脸模型，人脸服务暂不可用。请使用“扫码＋拍照＋定位”或由主管确认，效力相同。")


@dataclass(frozen=True, slots=True)
class Part:
    """One file of the pack, as the manifest says it must be."""

    label: str
    path: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class Pack:
    """A manifest that was read. `model_hash` is what templates are tied to: vectors of other models do not compare."""

    folder: Path
    name: str
    licence: str
    detector: Part
    embedder: Part
    liveness: Part | None
    threshold: float
    margin: float
    liveness_threshold: float | None
    detector_size: tuple[int, int]
    detector_threshold: float
    smallest_face: int  # pixels, shorter side of the box
    dimension: int

    @property
    def model_hash(self) -> str:
        return self.embedder.sha256

    @property
    def parts(self) -> list[Part]:
        return [part for part in (self.detector, self.embedder, self.liveness) if part]


@dataclass(frozen=True, slots=True)
class State:
    """What stands on the settings page: `pack` is what the manifest says, usable when there are no `problems`."""

    configured: bool
    pack: Pack | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def ready(self) -> bool:
        return self.pack is not None and not self.problems


def state() -> State:
    """The configured pack, checked. Files are hashed once and again when they change on disk."""
    folder = settings.FACE_MODEL_PACK
    if not folder:
        return State(configured=False)
    try:
        pack = _read(Path(folder).expanduser().absolute())
    except ValueError as wrong:
        return State(configured=True, problems=[str(wrong)])
    return State(configured=True, pack=pack, problems=[p for part in pack.parts if (p := _problem(part))])


def usable() -> Pack:
    """The configured pack. Raises NoPack when there is none, or anything is missing or changed."""
    found = state()
    if not found.ready or found.pack is None:
        raise NoPack
    return found.pack


def _problem(part: Part) -> str:
    if not part.path.is_file():
        return f"缺少{part.label}文件 {part.path.name}"
    seen = part.path.stat()
    if _sha256(part.path, seen.st_size, seen.st_mtime_ns) != part.sha256:
        return f"{part.label}文件 {part.path.name} 的校验值与 {MANIFEST} 不符，可能被替换或损坏"
    return ""


@lru_cache(maxsize=32)
def _sha256(path: Path, _size: int, _changed: int) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _read(folder: Path) -> Pack:
    """Raises ValueError with one Chinese sentence."""
    manifest = folder / MANIFEST
    if not manifest.is_file():
        raise ValueError(f"模型目录 {folder} 里没有 {MANIFEST}")
    try:
        raw = json.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ValueError(f"{MANIFEST} 不是可读的 JSON 文件") from None
    if not isinstance(raw, dict) or raw.get("format") != 1:
        raise ValueError(f"{MANIFEST} 的 format 必须是 1")
    name, licence = (str(raw.get(key) or "").strip() for key in ("name", "licence"))
    if not name or not licence:
        raise ValueError(f"{MANIFEST} 必须写明 name 和 licence（谁许可、许可什么用途）")
    liveness = _part(folder, raw, "liveness", "活体检测") if raw.get("liveness") else None
    detector, embedder = _part(folder, raw, "detector", "人脸检测"), _part(folder, raw, "embedder", "特征提取")
    size = raw["detector"].get("size", [640, 640])
    if not isinstance(size, list) or len(size) != 2 or not all(type(n) is int and 32 <= n <= 2048 for n in size):
        raise ValueError("detector.size 必须是两个 32 到 2048 之间的整数")
    return Pack(
        folder=folder,
        name=name[:80],
        licence=licence[:500],
        detector=detector,
        embedder=embedder,
        liveness=liveness,
        threshold=_number(raw, "threshold", -1, 1),
        margin=_number(raw, "margin", 0, 1, 0.05),
        liveness_threshold=_number(raw["liveness"], "threshold", 0, 1) if liveness else None,
        detector_size=(size[0], size[1]),
        detector_threshold=_number(raw["detector"], "threshold", 0, 1, 0.5),
        smallest_face=int(_number(raw, "smallest_face", 16, 2000, 80)),
        dimension=int(_number(raw["embedder"], "dimension", 8, 4096, 512)),
    )


def _part(folder: Path, raw: dict[str, Any], key: str, label: str) -> Part:
    value = raw.get(key)
    file = str(value.get("file", "")) if isinstance(value, dict) else ""
    sha256 = str(value.get("sha256", "")) if isinstance(value, dict) else ""
    if not _PLAIN_NAME.fullmatch(file):
        raise ValueError(f"{MANIFEST} 的 {key}.file 必须是本目录下的 .onnx 文件名")
    if not _SHA256.fullmatch(sha256):
        raise ValueError(f"{MANIFEST} 的 {key}.sha256 必须是 64 位小写十六进制")
    return Part(label, folder / file, sha256)


def _number(raw: dict[str, Any], key: str, least: float, most: float, default: float | None = None) -> float:
    value = raw.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise ValueError(f"{MANIFEST} 的 {key} 必须是 {least:g} 到 {most:g} 之间的数")
    return float(value)
