"""Generated shards answer to the byte as they did when their answers were written down."""

from __future__ import annotations

import json

import pytest
from unit.turn.golden import FILE, SEEDS, Playing

GOLDEN = json.loads(FILE.read_text())


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_generated_shard_answers_as_it_did(seed: int) -> None:
    assert Playing(seed).play() == GOLDEN[str(seed)]
