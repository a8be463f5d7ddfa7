"""A model pack made once per run; tests that name `pack` run with it configured."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import override_settings

from tests.factories import face_models


@pytest.fixture(scope="session")
def pack_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return face_models.make_pack(tmp_path_factory.mktemp("pack"))


@pytest.fixture
def pack(pack_folder: Path) -> Iterator[Path]:
    with override_settings(FACE_MODEL_PACK=str(pack_folder)):
        yield pack_folder
