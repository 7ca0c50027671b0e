"""Settings without the environment's, and places of a test's own."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from unit.moving.rebuilding import new_place

from cluster.settings import Settings, load_settings


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Settings]:
    """As from flags alone."""
    monkeypatch.chdir(tmp_path)

    def given(**flags: Any) -> Settings:
        return load_settings(**flags)

    return given


@pytest.fixture
def data_dir(lived: Any, tmp_path: Path) -> Path:
    """A copy of what the module lived in."""
    return Path(shutil.copytree(lived[0], tmp_path / "data"))


@pytest.fixture
def new(lived: Any, tmp_path: Path) -> Path:
    """A data directory with nothing but the master key of that."""
    return new_place(lived[0], tmp_path / "new")
