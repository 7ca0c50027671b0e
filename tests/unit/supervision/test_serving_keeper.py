"""Serve's applications come back when they are missing, one attempt at a time, with a pause after one that failed."""

from __future__ import annotations

from cluster.supervision.serving import ServingKeeper


class Serve:
    def __init__(self) -> None:
        self.missing: list[str] = []
        self.asked: list[list[str]] = []
        self.deployed = 0
        self.fails = False
        self.now_s = 0.0

    def deploy(self, only: list[str]) -> None:
        self.deployed += 1
        self.asked.append(only)
        if self.fails:
            raise RuntimeError("no replica started")
        self.missing = []

    def keeper(self) -> ServingKeeper:
        return ServingKeeper(lambda: list(self.missing), self.deploy, clock=lambda: self.now_s)


def look(keeper: ServingKeeper, serve: Serve, at_s: float) -> None:
    serve.now_s = at_s
    keeper.look()
    keeper.wait(10.0)


def test_nothing_is_deployed_while_everything_is_there() -> None:
    serve = Serve()
    look(serve.keeper(), serve, 0.0)
    assert serve.deployed == 0


def test_what_is_missing_is_deployed_once_and_nothing_else_is_replaced() -> None:
    serve = Serve()
    keeper = serve.keeper()
    serve.missing = ["kairos"]
    for at_s in (0.0, 1.0, 6.0, 12.0):
        look(keeper, serve, at_s)
    assert (serve.deployed, keeper.deployed) == (1, 1)
    assert serve.asked == [["kairos"]]


def test_an_attempt_that_fails_is_repeated_after_a_pause() -> None:
    serve = Serve()
    keeper = serve.keeper()
    serve.missing, serve.fails = ["kairos"], True
    look(keeper, serve, 0.0)
    look(keeper, serve, 6.0)
    assert serve.deployed == 1
    serve.fails = False
    look(keeper, serve, 11.0)
    assert (serve.deployed, keeper.deployed) == (2, 1)


def test_everything_is_deployed_on_demand_though_nothing_is_missing() -> None:
    serve = Serve()
    keeper = serve.keeper()
    look(keeper, serve, 0.0)
    keeper.demand()
    look(keeper, serve, 0.5)
    assert serve.deployed == 1
    assert serve.asked == [[]]
