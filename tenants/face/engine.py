"""The only module that knows insightface, onnxruntime and numpy: pictures to vectors, vectors to scores.

Libraries and models are loaded at the first use, once per process. Nothing is ever downloaded: insightface is handed
descriptors of files that were checked (`tenants.face.pack`), never a name it could look up.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tenants.face import pack as packs
from tenants.face.choices import Outcome
from tenants.face.pack import Pack

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

CLEARLY_LARGER = 4.0  # times the area of the next face: somebody passing behind does not spoil a picture


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen in one picture. `outcome` is "" when there is one good face; `vector` is float32, length one."""

    outcome: str
    vector: bytes = field(default=b"", repr=False)
    quality: float = 0.0
    liveness: float | None = None


@dataclass(frozen=True, slots=True)
class Nearest:
    """The best of many for one vector, and how far it stands before the second."""

    index: int
    score: float
    margin: float


class Engine:
    """One pack, loaded. Inference is one at a time: threads of a process share sessions and cores."""

    def __init__(self, pack: Pack, *, threads: int = 0) -> None:
        import onnxruntime
        from insightface.addons.liveness import Liveness
        from insightface.app import FaceAnalysis
        from insightface.model_zoo.package_manifest import (
            ModelPackageDescriptor,
            ModelTaskDescriptor,
            normalize_preprocessing,
        )

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        if threads:
            options.intra_op_num_threads = threads
        how: dict[str, Any] = {"providers": ["CPUExecutionProvider"], "sess_options": options}
        tasks = {}
        for task, part, std in (("detection", pack.detector, 128.0), ("recognition", pack.embedder, 127.5)):
            tasks[task] = ModelTaskDescriptor(
                task=task,
                file=part.path.name,
                path=part.path,
                package_path=pack.folder,
                metadata={"preprocessing": normalize_preprocessing({"mean": 127.5, "std": std})},
                sha256=part.sha256,  # checked again by insightface right before the session is made
            )
        described = ModelPackageDescriptor(
            name=pack.name, path=pack.folder, manifest_path=pack.folder / packs.MANIFEST, tasks=tasks
        )
        self.pack = pack
        # "observe": a score is wanted beside a failed liveness, too; what counts is decided here, not there.
        self.app = FaceAnalysis(name=described, liveness_mode="observe", **how)
        if pack.liveness:
            self.app.addons["liveness"] = Liveness(pack.liveness.path, threshold=pack.liveness_threshold, **how)
        self.app.prepare(ctx_id=0, det_thresh=pack.detector_threshold, det_size=pack.detector_size)
        self._turn = threading.Lock()

    def look(self, image: Image.Image) -> Look:
        """Find the one face of an upright RGB picture and take its vector."""
        import numpy as np

        pixels = np.ascontiguousarray(np.asarray(image)[:, :, ::-1])  # insightface reads BGR
        with self._turn:
            faces = self.app.get(pixels)
        if not faces:
            return Look(Outcome.NO_FACE)
        areas = [float((f.bbox[2] - f.bbox[0]) * (f.bbox[3] - f.bbox[1])) for f in faces]
        order = sorted(range(len(faces)), key=lambda i: -areas[i])
        face = faces[order[0]]
        if len(order) > 1 and areas[order[0]] < CLEARLY_LARGER * areas[order[1]]:
            return Look(Outcome.SEVERAL)
        if min(face.bbox[2] - face.bbox[0], face.bbox[3] - face.bbox[1]) < self.pack.smallest_face:
            return Look(Outcome.TOO_SMALL)
        live = face.liveness
        liveness = None if live is None else live["live_score"]
        if live is not None and not live["is_live"]:
            # A crop that leaves the picture cannot be judged: the person is asked to stand in the middle.
            outcome = Outcome.NOT_LIVE if live["status"] == "ok" else Outcome.OFF_CENTRE
            return Look(outcome, _unit(face.embedding).tobytes(), float(face.det_score), liveness)
        return Look("", _unit(face.embedding).tobytes(), float(face.det_score), liveness)

    def embed(self, crops: Sequence[Any]) -> Any:
        """Vectors (n × dimension, length one) of aligned BGR crops of 112 × 112, in one run."""
        with self._turn:
            return _unit(self.app.models["recognition"].get_feat(list(crops)))


def _unit(rows: Any) -> Any:
    import numpy as np

    rows = np.asarray(rows, dtype=np.float32)
    return rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12)


def score(one: bytes, other: bytes) -> float:
    """Cosine of two vectors, -1 to 1."""
    import numpy as np

    return float(np.dot(np.frombuffer(one, np.float32), np.frombuffer(other, np.float32)))


class Matrix:
    """All vectors of a school for one model, to find one among many (1:N). Not used by punches: those are 1:1."""

    def __init__(self, vectors: Sequence[bytes], dimension: int) -> None:
        import numpy as np

        self._rows = np.frombuffer(b"".join(vectors), np.float32).reshape(len(vectors), dimension)

    def __len__(self) -> int:
        return len(self._rows)

    def nearest(self, vector: bytes) -> Nearest | None:
        """The best row and its lead over the second; None when there is no row. One matrix product."""
        import numpy as np

        if not len(self._rows):
            return None
        scores: np.ndarray[Any, Any] = self._rows @ np.frombuffer(vector, np.float32)
        best = int(scores.argmax())
        top = float(scores[best])
        if len(scores) == 1:
            return Nearest(best, top, 2.0)
        scores[best] = -2.0
        return Nearest(best, top, top - float(scores.max()))


_loaded: list[Engine] = []
_loading = threading.Lock()


def current() -> Engine:
    """The engine of the configured pack, loaded at the first call. Raises NoPack."""
    pack = packs.usable()
    with _loading:
        if not _loaded or _loaded[0].pack != pack:
            _loaded[:] = [Engine(pack)]
        return _loaded[0]
