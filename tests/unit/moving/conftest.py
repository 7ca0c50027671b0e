"""Settings without the environment's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cluster.settings import Settings, load_settings


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Settings]:
    """As from flags alone."""
    monkeypatch.chdir(tmp_path)

    def given(**flags: Any) -> Settings:
        return load_settings(**flags)

    return given
