"""A shard with a catalog and all units granted; every test ends in a validation, a restart and a re-execution."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from simulation.desk import Desk


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.check()
