"""The pack is configuration: what is missing or changed is named, and nothing else stops."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from tenants.face import engine, pack
from tests.factories import face_models


def changed(folder: Path, **what: object) -> None:
    file = folder / "pack.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **what}))


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return face_models.make_pack(tmp_path / "own")


def problems(folder: Path) -> str:
    with override_settings(FACE_MODEL_PACK=str(folder)):
        state = pack.state()
    assert not state.ready
    return "；".join(state.problems)


def test_a_whole_pack_is_ready(own: Path) -> None:
    with override_settings(FACE_MODEL_PACK=str(own)):
        assert pack.state().ready
        out = io.StringIO()
        call_command("face_models", "check", "--load", stdout=out)
    assert "校验值相符" in out.getvalue() and "仅用于自动化测试" in out.getvalue()


def test_none_is_no_error() -> None:
    out = io.StringIO()
    with override_settings(FACE_MODEL_PACK=""):
        assert pack.state() == pack.State(configured=False)
        call_command("face_models", "check", stdout=out)
    assert "其他打卡方式不受影响" in out.getvalue()


def test_a_missing_and_a_changed_file_are_named(own: Path) -> None:
    (own / "rec.onnx").unlink()
    with (own / "det.onnx").open("ab") as file:
        file.write(b"x")
    told = problems(own)
    assert "缺少特征提取文件 rec.onnx" in told and "det.onnx 的校验值" in told
    err = io.StringIO()
    with override_settings(FACE_MODEL_PACK=str(own)), pytest.raises(CommandError):
        call_command("face_models", "check", stderr=err, stdout=io.StringIO())
    assert "rec.onnx" in err.getvalue()


def test_a_file_changed_while_running_is_noticed(own: Path) -> None:
    with override_settings(FACE_MODEL_PACK=str(own)):
        assert engine.current().look(face_models.picture(1)).outcome == ""
        (own / "liveness.onnx").write_bytes(b"another model")
        with pytest.raises(pack.NoPack):
            engine.current()


@pytest.mark.parametrize(
    ("what", "word"),
    [
        ({"format": 2}, "format"),
        ({"licence": ""}, "licence"),
        ({"threshold": "high"}, "threshold"),
        ({"threshold": True}, "threshold"),
        ({"detector": {"file": "../det.onnx", "sha256": "0" * 64}}, "detector.file"),
        ({"embedder": {"file": "rec.onnx", "sha256": "short"}}, "embedder.sha256"),
        ({"embedder": None}, "embedder.file"),
    ],
)
def test_a_manifest_that_is_wrong_says_where(own: Path, what: dict[str, object], word: str) -> None:
    changed(own, **what)
    assert word in problems(own)


def test_a_folder_without_manifest_or_with_garbage(own: Path, tmp_path: Path) -> None:
    assert "pack.json" in problems(tmp_path)
    (own / "pack.json").write_text("{")
    assert "JSON" in problems(own)
    (own / "pack.json").write_text("[]")
    assert "format" in problems(own)


def test_the_pack_changes_the_engine(own: Path, tmp_path: Path) -> None:
    other = face_models.make_pack(tmp_path / "other", seed=11)
    with override_settings(FACE_MODEL_PACK=str(own)):
        first = engine.current()
        assert engine.current() is first  # loaded once per process
    with override_settings(FACE_MODEL_PACK=str(other)):
        assert engine.current() is not first
