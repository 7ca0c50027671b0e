"""What Ray Serve says of its replicas, in the status: asked now and then, and never waited for by many."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from unit.gateway.doubles import Served

from actors.gateway.replicas import Replicas
from models import limits

ROW = {"application": "kairos", "deployment": "Gateway", "state": "healthy", "running": 2, "replicas": 2}


class Controller:
    def __init__(self) -> None:
        self.asked = 0
        self.error: Exception | None = None
        self.now_s = 5.0

    def __call__(self) -> list[dict[str, Any]]:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return [ROW]


def test_many_who_ask_are_one_question_and_it_is_believed_for_a_while() -> None:
    async def run() -> None:
        controller = Controller()
        replicas = Replicas(controller, lambda: controller.now_s)
        assert await asyncio.gather(*(replicas.told() for _ in range(9))) == [[ROW]] * 9
        controller.now_s += limits.SERVING_BELIEVED_MS / 1_000 - 0.1
        assert (await replicas.told(), controller.asked) == ([ROW], 1)
        controller.now_s += 0.2
        assert (await replicas.told(), controller.asked) == ([ROW], 2)

    asyncio.run(run())


def test_a_controller_that_is_away_is_not_known_and_asked_again_later() -> None:
    async def run() -> None:
        controller = Controller()
        controller.error = ConnectionError("gone")
        replicas = Replicas(controller, lambda: controller.now_s)
        assert await replicas.told() is None
        controller.error = None
        controller.now_s += 10
        assert await replicas.told() == [ROW]

    asyncio.run(run())


def test_a_controller_that_is_silent_holds_nobody_up(monkeypatch: Any) -> None:
    monkeypatch.setattr("actors.gateway.replicas._ANSWER_S_MAX", 0.01)
    answer = threading.Event()

    def silent() -> list[dict[str, Any]]:
        answer.wait(10)
        return [ROW]

    async def run() -> None:
        replicas = Replicas(silent)
        try:
            assert await replicas.told() is None
        finally:
            answer.set()

    asyncio.run(run())


def test_the_status_shows_them(served: Served) -> None:
    assert served.ask("GET", "/v1/status").json()["serving"] is None

    async def told() -> list[dict[str, Any]]:
        return [ROW]

    served.services.serving = told
    assert served.ask("GET", "/v1/status").json()["serving"] == [ROW]
