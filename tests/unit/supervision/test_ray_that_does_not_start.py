"""A Ray that does not start, or cannot be joined, is told in one line."""

from __future__ import annotations

from typing import Any

import pytest
import ray

from cluster.launch import join_ray
from models.errors import KairosError


@pytest.mark.parametrize(("address", "said"), [
    ("local", "Ray does not start here: The current node timed out during startup. Try again"),
    ("10.0.0.1:6379", "cannot join the Ray cluster at 10.0.0.1:6379: The current node timed out"),
])
def test_a_node_that_is_too_slow_to_start_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, address: str, said: str
) -> None:
    def too_slow(**_: Any) -> None:
        raise Exception("The current node timed out during startup.\nmore")  # as Ray does

    monkeypatch.setattr(ray, "init", too_slow)
    with pytest.raises(KairosError) as caught:
        join_ray(address)
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)
