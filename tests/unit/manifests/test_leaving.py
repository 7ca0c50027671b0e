"""A pod that ends tells Ray so and waits until its node holds nothing of Kairos."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from typing import Any

from unit.manifests.reading import KUBERNETES

SPEC = importlib.util.spec_from_file_location("leave", KUBERNETES / "leave.py")
assert SPEC is not None
assert SPEC.loader is not None
leaving: Any = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(leaving)


class Cluster:
    """Two nodes; a shard leaves the drained one with every look, and its gateway one look after the last of them."""

    def __init__(self, shards: int, coordinator: bool = False, gateways: int = 0) -> None:
        self.commands: list[list[str]] = []
        self.now = 0.0
        self._left = shards
        self._coordinator = coordinator
        self._gateways = gateways
        self._drains = False

    def run(self, command: Sequence[str]) -> str:
        self.commands.append(list(command))
        if command[0] == "ray":
            self._drains = True
            return ""
        if self._drains:
            self._gateways = self._gateways if self._left else 0
            self._left = max(0, self._left - 1)
            self._coordinator = self._coordinator and self._left > 0
        return json.dumps({"nodes": [
            {"id": "aa", "address": "10.0.0.1", "shards": list(range(self._left)), "coordinator": self._coordinator,
             "gateways": self._gateways},
            {"id": "bb", "address": "10.0.0.2", "shards": [9], "coordinator": False, "gateways": 1},
        ]})

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def leave(self, own_ip: str = "10.0.0.1", seconds: float = 100.0) -> bool:
        done: bool = leaving.leave(
            "head:6379", own_ip, seconds, self.run, monotonic=lambda: self.now, sleep=self.sleep,
        )
        return done


def test_it_drains_its_own_node_and_waits_for_every_shard() -> None:
    cluster = Cluster(4, coordinator=True)
    assert cluster.leave()
    (drain,) = (command for command in cluster.commands if command[0] == "ray")
    assert drain[drain.index("--node-id") + 1] == "aa"
    assert drain[drain.index("--deadline-remaining-seconds") + 1] == "100"
    assert cluster.now == 3.0


def test_it_waits_for_its_gateway_too_which_answers_clients() -> None:
    cluster = Cluster(4, gateways=1)
    assert cluster.leave()
    assert cluster.now == 4.0


def test_it_goes_when_its_time_is_up() -> None:
    cluster = Cluster(1_000)
    assert not cluster.leave(seconds=5.0)
    assert cluster.now == 5.0


def test_a_pod_that_ray_does_not_know_any_more_just_goes() -> None:
    cluster = Cluster(4)
    assert cluster.leave("10.0.0.9")
    assert [command[0] for command in cluster.commands] == ["kairos"]


def test_ray_still_has_the_command_and_the_words_that_it_uses() -> None:
    from ray.scripts.scripts import drain_node

    options = {name for parameter in drain_node.params for name in parameter.opts}
    used = {"--address", "--node-id", "--reason", "--reason-message", "--deadline-remaining-seconds"}
    assert used <= options
    (reason,) = (parameter for parameter in drain_node.params if parameter.name == "reason")
    assert leaving._REASON in reason.type.choices
