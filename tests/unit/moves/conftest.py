"""The fixture of every test of moves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from unit.moves.rig import Moves


@pytest.fixture
def moves(tmp_path: Path) -> Iterator[Moves]:
    rig = Moves(tmp_path)
    yield rig
    rig.shared.close()
