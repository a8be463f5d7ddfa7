"""Small ONNX models with the inputs and outputs of real face models, and pictures they can read.

Weights are fixed, nothing is trained: a drawn "face" is a disc with a person's own colour pattern and a green mark
where a nose would be. The detector (SCRFD's nine outputs) finds green marks; the embedder (1×3×112×112 → 512) projects
the averaged colours; the liveness model (1×3×80×80 → probability) dislikes blue, as of a screen. They let the real
insightface code run on CPU in milliseconds; they say nothing about how well any model knows people apart.

Used by tests and by `infra/bench/face.py`.
"""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image, ImageDraw

MARK = 24  # side of the green mark, pixels of a 640 picture
HALF = 96.0  # half the side of a face's box there
KEYPOINTS = ((-32.0, -24.0), (32.0, -24.0), (0.0, 0.0), (-26.0, 30.0), (26.0, 30.0))  # eyes, nose, mouth
STRIDES = (8, 16, 32)


def _const(name: str, value: Any, kind: Any = np.float32) -> onnx.TensorProto:
    return numpy_helper.from_array(np.asarray(value, kind), name)


def _save(path: Path, nodes: list[Any], inputs: list[Any], outputs: list[Any], constants: list[Any]) -> None:
    graph = helper.make_graph(nodes, path.stem, inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def detector(path: Path, *, body: int = 0) -> None:
    """SCRFD's form: scores, boxes and five points at strides 8, 16 and 32. `body`: layers of real work for the bench."""
    nodes: list[Any] = []
    constants: list[Any] = []
    # Green-ness of a pixel: relu(G - R - B - 1) of channels that go from -1 to 1; a pure green mark gives 2.
    constants += [_const("pick", np.array([-1, 1, -1], np.float32).reshape(1, 3, 1, 1)), _const("less", [-1.0])]
    nodes.append(helper.make_node("Conv", ["input", "pick", "less"], ["raw"], kernel_shape=[1, 1]))
    nodes.append(helper.make_node("Relu", ["raw"], ["green"]))
    extra = _body(nodes, constants, body) if body else ""
    outputs: dict[str, list[str]] = {"score": [], "bbox": [], "kps": []}
    for stride in STRIDES:
        s = str(stride)
        pad = max(0, (32 - stride) // 2)
        nodes.append(
            helper.make_node(
                "AveragePool",
                ["green"],
                [f"pool{s}"],
                kernel_shape=[max(32, stride)] * 2,
                strides=[stride, stride],
                pads=[pad] * 4,
                count_include_pad=1,
            )
        )
        # The mark fills 24² of 32²: 1.125 at best. Only stride 8 speaks, so that one face is one box after NMS.
        gain = 12.0 if stride == 8 else 0.0
        shift = -12.0 * 0.7 if stride == 8 else -20.0
        constants += [_const(f"gain{s}", gain), _const(f"shift{s}", shift)]
        nodes.append(helper.make_node("Mul", [f"pool{s}", f"gain{s}"], [f"gained{s}"]))
        nodes.append(helper.make_node("Add", [f"gained{s}", f"shift{s}"], [f"logit{s}"]))
        if extra and stride == 8:
            nodes.append(helper.make_node("Add", [f"logit{s}", extra], [f"worked{s}"]))
        nodes.append(
            helper.make_node("Sigmoid", [f"worked{s}" if extra and stride == 8 else f"logit{s}"], [f"sure{s}"])
        )
        for name, width, values in (
            ("score", 1, None),
            ("bbox", 4, [HALF / stride] * 4),
            ("kps", 10, [v / stride for point in KEYPOINTS for v in point]),
        ):
            grid = f"sure{s}"
            if values is not None:
                grid = f"{name}map{s}"
                constants += [
                    _const(f"{name}w{s}", np.zeros((width, 1, 1, 1))),
                    _const(f"{name}b{s}", values),
                ]
                nodes.append(
                    helper.make_node("Conv", [f"sure{s}", f"{name}w{s}", f"{name}b{s}"], [grid], kernel_shape=[1, 1])
                )
            nodes.append(helper.make_node("Transpose", [grid], [f"{name}t{s}"], perm=[0, 2, 3, 1]))
            nodes.append(
                helper.make_node("Concat", [f"{name}t{s}", f"{name}t{s}"], [f"{name}two{s}"], axis=3)
            )  # two anchors per cell
            shape = f"{name}shape"
            if stride == STRIDES[0]:
                constants.append(_const(shape, [-1, width], np.int64))
            nodes.append(helper.make_node("Reshape", [f"{name}two{s}", shape], [f"{name}_{s}"]))
            outputs[name].append(f"{name}_{s}")
    wide = {"score": 1, "bbox": 4, "kps": 10}
    _save(
        path,
        nodes,
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, "height", "width"])],
        [
            helper.make_tensor_value_info(out, TensorProto.FLOAT, [f"n{out}", wide[name]])
            for name, outs in outputs.items()
            for out in outs
        ],
        constants,
    )


def _body(nodes: list[Any], constants: list[Any], layers: int) -> str:
    """Convolutions as a small detector has them, whose result is multiplied by almost nothing and added."""
    rng = np.random.default_rng(5)
    constants.append(_const("stem", rng.normal(0, 0.1, (16, 3, 3, 3))))
    nodes.append(helper.make_node("Conv", ["input", "stem"], ["w0"], kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4))
    constants.append(_const("stem2", rng.normal(0, 0.1, (40, 16, 3, 3))))
    nodes.append(
        helper.make_node("Conv", ["w0", "stem2"], ["w1"], kernel_shape=[3, 3], strides=[4, 4], pads=[1, 1, 1, 1])
    )
    last = "w1"
    for n in range(layers):
        constants.append(_const(f"bw{n}", rng.normal(0, 0.05, (40, 40, 3, 3))))
        nodes.append(helper.make_node("Conv", [last, f"bw{n}"], [f"bc{n}"], kernel_shape=[3, 3], pads=[1] * 4))
        nodes.append(helper.make_node("Relu", [f"bc{n}"], [f"br{n}"]))
        last = f"br{n}"
    constants += [_const("tinyw", np.full((1, 40, 1, 1), 1e-9))]
    nodes.append(helper.make_node("Conv", [last, "tinyw"], ["tiny"], kernel_shape=[1, 1]))
    constants += [_const("low", -1.0), _const("high", 1.0), _const("nothing", 1e-6)]
    nodes.append(helper.make_node("Clip", ["tiny", "low", "high"], ["clipped"]))
    nodes.append(helper.make_node("Mul", ["clipped", "nothing"], ["extra"]))
    return "extra"


def embedder(path: Path, *, seed: int = 7, dimension: int = 512, body: int = 0) -> None:
    """ArcFace's form: n×3×112×112 → n×512. A projection of the 7×7 averaged colours; another seed is another model."""
    rng = np.random.default_rng(seed)
    keep = np.ones((3, 7, 7), np.float32)
    keep[:, 3:6, 2:5] = 0  # the green mark is everybody's
    weights = rng.normal(0, 1, (3 * 49, dimension)).astype(np.float32) * keep.reshape(-1, 1)
    nodes = [
        helper.make_node("AveragePool", ["data"], ["pooled"], kernel_shape=[16, 16], strides=[16, 16]),
        helper.make_node("ReduceMean", ["pooled"], ["mean"], axes=[2, 3], keepdims=1),
        helper.make_node("Sub", ["pooled", "mean"], ["centred"], name="centre"),
        helper.make_node("Flatten", ["centred"], ["flat"], axis=1),
        helper.make_node("MatMul", ["flat", "weights"], ["plain" if body else "embedding"]),
    ]
    constants = [_const("weights", weights)]
    if body:
        last, channels = "data", 3
        for n in range(body):
            wide = 64 if n == 0 else 128
            stride = 2 if n in (0, 1, 3) else 1
            constants.append(_const(f"ew{n}", rng.normal(0, 0.05, (wide, channels, 3, 3))))
            nodes.append(
                helper.make_node(
                    "Conv", [last, f"ew{n}"], [f"ec{n}"], kernel_shape=[3, 3], strides=[stride] * 2, pads=[1] * 4
                )
            )
            nodes.append(helper.make_node("Relu", [f"ec{n}"], [f"er{n}"]))
            last, channels = f"er{n}", wide
        constants += [_const("ep", rng.normal(0, 1e-6, (channels, dimension)))]
        nodes += [
            helper.make_node("GlobalAveragePool", [last], ["eg"]),
            helper.make_node("Flatten", ["eg"], ["ef"], axis=1),
            helper.make_node("MatMul", ["ef", "ep"], ["noise"]),
            helper.make_node("Clip", ["noise", "elow", "ehigh"], ["quiet"]),
            helper.make_node("Add", ["plain", "quiet"], ["embedding"]),
        ]
        constants += [_const("elow", -0.01), _const("ehigh", 0.01)]
    _save(
        path,
        nodes,
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, ["n", 3, 112, 112])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", dimension])],
        constants,
    )


def liveness(path: Path) -> None:
    """The addon's form: n×3×80×80 in 0..1 → n probabilities. Blue all over, as of a screen, is not alive."""
    nodes = [
        helper.make_node("Conv", ["input", "w", "b"], ["raw"], kernel_shape=[1, 1]),
        helper.make_node("Relu", ["raw"], ["blue"]),
        helper.make_node("ReduceMean", ["blue"], ["much"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Mul", ["much", "gain"], ["gained"]),
        helper.make_node("Add", ["gained", "shift"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["live"]),
    ]
    _save(
        path,
        nodes,
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 3, 80, 80])],
        [helper.make_tensor_value_info("live", TensorProto.FLOAT, ["n"])],
        [
            _const("w", np.array([-1, -1, 1], np.float32).reshape(1, 3, 1, 1)),
            _const("b", [0.0]),
            _const("gain", -40.0),
            _const("shift", 4.0),
        ],
    )


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def make_pack(
    folder: Path, *, seed: int = 7, live: bool = True, threshold: float = 0.5, body: tuple[int, int] = (0, 0)
) -> Path:
    """A folder with models and `pack.json`; `body` = (detector, embedder) layers of real work. Returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    detector(folder / "det.onnx", body=body[0])
    embedder(folder / "rec.onnx", seed=seed, body=body[1])
    manifest: dict[str, Any] = {
        "format": 1,
        "name": "测试模型（固定权重，不能识别真人）",
        "licence": "仅用于自动化测试，由测试代码生成",
        "threshold": threshold,
        "margin": 0.1,
        "smallest_face": 80,
        "detector": {"file": "det.onnx", "sha256": sha256(folder / "det.onnx"), "size": [640, 640], "threshold": 0.5},
        "embedder": {"file": "rec.onnx", "sha256": sha256(folder / "rec.onnx"), "dimension": 512},
    }
    if live:
        liveness(folder / "liveness.onnx")
        manifest["liveness"] = {
            "file": "liveness.onnx", "sha256": sha256(folder / "liveness.onnx"), "threshold": 0.8,
        }  # fmt: skip
    (folder / "pack.json").write_text(json.dumps(manifest, ensure_ascii=False, indent=1), encoding="utf-8")
    return folder


# --- Pictures ----------------------------------------------------------------------------------------


def draw(person: int, *, image: Image.Image, at: tuple[int, int], noise: int = 0, unit: float = 1.0) -> None:
    """One face of `person` with its nose at `at`; `noise` is the seed of another light."""
    rng = np.random.default_rng(1000 + person)
    colours = rng.integers(30, 200, (7, 7, 3))
    colours[:, :, 1] = np.minimum(colours[:, :, 1], 150)  # nothing as green as the mark
    if noise:
        colours = np.clip(colours + np.random.default_rng(noise).integers(-25, 25, colours.shape), 0, 255)
    cell = round(30 * unit)
    pen = ImageDraw.Draw(image)
    left, top = at[0] - cell * 7 // 2, at[1] - cell * 4
    for row in range(7):
        for column in range(7):
            x, y = left + column * cell, top + row * cell
            pen.rectangle([x, y, x + cell - 1, y + cell - 1], fill=tuple(int(c) for c in colours[row, column]))
    half = MARK * unit / 2
    pen.rectangle([at[0] - half, at[1] - half, at[0] + half - 1, at[1] + half - 1], fill=(0, 255, 0))


def picture(
    *people: int, size: int = 640, noise: int = 0, screen: bool = False, off: tuple[int, int] = (0, 0)
) -> Image.Image:
    """People side by side in a grey room, as an RGB picture; `screen` makes it look filmed from a display."""
    room = (60, 60, 200) if screen else (128, 120, 118)
    image = Image.new("RGB", (640, 640), room)
    for n, person in enumerate(people):
        x = 320 if len(people) == 1 else 160 + n * 320
        draw(person, image=image, at=(x + off[0], 320 + off[1]), noise=noise)
    return image.resize((size, size), Image.Resampling.NEAREST) if size != 640 else image


def photo(*people: int, quality: int = 92, kind: str = "JPEG", **how: Any) -> bytes:
    """`picture` as the bytes of a file."""
    out = io.BytesIO()
    picture(*people, **how).save(out, kind, quality=quality)
    return out.getvalue()


def frame(person: int) -> bytes:
    """One JPEG of 640 × 480 as a phone's camera sends it; several in a row are an .mjpeg that Chromium takes for a camera."""
    out = io.BytesIO()
    picture(person).crop((0, 80, 640, 560)).save(out, "JPEG", quality=95)
    return out.getvalue()
