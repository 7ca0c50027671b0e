"""One gateway per test."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.gateway.doubles import Served


@pytest.fixture
def served(tmp_path: Path) -> Served:
    return Served(tmp_path)
