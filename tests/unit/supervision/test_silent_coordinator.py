"""A coordinator is lost when it has left a question unanswered for too long, and only then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import ray
from ray.exceptions import ActorUnavailableError, GetTimeoutError

from actors.stores.interface import Installation
from cluster import actors_of
from cluster.actors_of import Actors
from cluster.settings import Settings
from models import limits

LOST_S = limits.SHARD_SILENT_MS_MAX / limits.SECOND_MS


class Coordinator:
    """What its handle does; Ray is only asked whether the answer is there."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s, self.asked = 0.0, 0
        self.answers, self.refuses, self.is_alive, self.is_there = True, False, True, True
        self.ping = self
        monkeypatch.setattr(actors_of.time, "monotonic", lambda: self.now_s)
        monkeypatch.setattr(actors_of, "actor_of", lambda name: self if self.is_there else None)
        monkeypatch.setattr(actors_of, "place_of", lambda handle: ("a", self.is_alive))
        monkeypatch.setattr(ray, "get", self._get)

    def remote(self) -> object:
        self.asked += 1
        return object()

    def _get(self, question: object, timeout: float) -> Any:
        assert timeout == 0
        if self.refuses:
            raise ActorUnavailableError("it starts", b"0" * 16)
        if not self.answers:
            raise GetTimeoutError
        return None


@pytest.fixture
def coordinator(monkeypatch: pytest.MonkeyPatch) -> Coordinator:
    return Coordinator(monkeypatch)


@pytest.fixture
def actors(tmp_path: Path) -> Actors:
    return Actors(Settings(data_dir=tmp_path), Installation("n", 1, 64, 1, "files"))


def test_it_is_lost_after_the_stated_time_without_an_answer_and_asked_once(
    actors: Actors, coordinator: Coordinator
) -> None:
    coordinator.answers = False
    assert not actors.coordinator_is_lost()
    coordinator.now_s = LOST_S
    assert not actors.coordinator_is_lost()
    coordinator.now_s += 0.1
    assert actors.coordinator_is_lost()
    assert coordinator.asked == 1


def test_a_seldom_look_is_no_silence(actors: Actors, coordinator: Coordinator) -> None:
    assert not actors.coordinator_is_lost()
    coordinator.now_s, coordinator.answers = 10 * LOST_S, False
    assert not actors.coordinator_is_lost()
    coordinator.now_s += LOST_S / 2
    assert not actors.coordinator_is_lost()


def test_an_answer_ends_its_silence(actors: Actors, coordinator: Coordinator) -> None:
    coordinator.answers = False
    assert not actors.coordinator_is_lost()
    coordinator.now_s, coordinator.answers = 10 * LOST_S, True
    assert not actors.coordinator_is_lost()
    coordinator.answers = False
    assert not actors.coordinator_is_lost()


@pytest.mark.parametrize("state", ["is_alive", "is_there"])
def test_while_ray_starts_it_it_is_not_lost(actors: Actors, coordinator: Coordinator, state: str) -> None:
    coordinator.answers = False
    assert not actors.coordinator_is_lost()
    coordinator.now_s = 10 * LOST_S
    setattr(coordinator, state, False)
    assert not actors.coordinator_is_lost()
    setattr(coordinator, state, True)
    assert not actors.coordinator_is_lost()
    coordinator.now_s += LOST_S + 0.1
    assert actors.coordinator_is_lost()


def test_a_call_that_fails_is_no_answer_and_is_asked_again(actors: Actors, coordinator: Coordinator) -> None:
    coordinator.refuses = True
    assert not actors.coordinator_is_lost()
    coordinator.now_s = LOST_S + 0.1
    assert actors.coordinator_is_lost()
    assert coordinator.asked == 2
