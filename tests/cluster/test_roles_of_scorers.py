"""Roles change on a live installation under steady load, over Serve: nothing fails, and no decision goes without."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from support.server import Server, eventually, fresh
from support.trained_scorers import trained
from typer.testing import CliRunner

from actors.scorer_registry import FOLDER, ScorerRegistry
from cluster.cli import app

FEATURES = ("profile.baskets_28d", "action.value")


class Load:
    """Decisions of several callers, one after the other, for as long as it lasts."""

    def __init__(self, server: Server, callers: int) -> None:
        self._server = server
        self._over = threading.Event()
        self.answers: list[tuple[int, Any]] = []
        self._callers = [threading.Thread(target=self._call) for _ in range(callers)]

    def _call(self) -> None:
        headers = {"authorization": f"Bearer {self._server.key}"}
        with httpx.Client(base_url=self._server.url, headers=headers, timeout=30.0) as client:
            while not self._over.wait(0.01):
                body = {"customer_id": fresh("roles"), "channel": "app", "placements": [{"id": "app_card"}]}
                answer = client.post("/v1/decisions", json={**body, "request_id": fresh("r"), "dry_run": True})
                self.answers.append((answer.status_code, answer.json()))

    @contextmanager
    def under_way(self) -> Iterator[Load]:
        for caller in self._callers:
            caller.start()
        try:
            yield self
        finally:
            self._over.set()
            for caller in self._callers:
                caller.join()

    def more(self, count: int = 12) -> list[Any]:
        """The next decisions."""
        begin = len(self.answers)
        eventually("decisions go on", lambda: len(self.answers) >= begin + count)
        return [body for _, body in self.answers[begin:]]


@pytest.fixture
def champions_as_before(server: Server) -> Iterator[None]:
    """Other tests of this installation find the champion that they left."""
    eventually("the coordinator answers", lambda: server.client.get("/v1/scorers").status_code == 200)
    before = server.get("/v1/scorers")["champion"]
    yield
    while (now := server.get("/v1/scorers"))["champion"] != before:
        assert now["history"], "the champion of before is out of reach"
        server.post("/v1/scorers:rollback", None)


def registered(server: Server) -> set[str]:
    answer = server.client.get("/v1/scorers")
    return {row["version"] for row in answer.json()["scorers"]} if answer.status_code == 200 else set()


def scorer_cli(server: Server, *arguments: str) -> Any:
    done = CliRunner().invoke(app, ["scorer", *arguments, "--data-dir", str(server.data_dir), "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


@pytest.mark.usefixtures("champions_as_before")
def test_roles_change_under_load_and_a_cut_file_leaves_the_champion(server: Server) -> None:
    registry = ScorerRegistry(server.data_dir)
    one, two, cut = (trained(seed, FEATURES) for seed in (11, 12, 13))
    for scorer in (one, two, cut):
        registry.register(scorer.model, scorer.manifest)
    first, second, third = (scorer.manifest.version for scorer in (one, two, cut))
    eventually("the scorers are registered", lambda: {first, second, third} <= registered(server))
    path = server.data_dir / FOLDER / third / cut.manifest.file
    path.write_bytes(path.read_bytes()[:-50])

    def undegraded() -> bool:
        return not any(server.decide(fresh("c"), "app", "app_card", dry_run=True)["degraded"] for _ in range(6))

    eventually("the scorer answers every shard", undegraded)
    with Load(server, 3).under_way() as load:
        server.post(f"/v1/scorers/{first}:promote", None)
        assert {body["scorer_version"] for body in load.more()[3:]} == {first}
        server.post(f"/v1/scorers/{second}:canary", {"share": 0.5})
        assert {body["scorer_version"] for body in load.more(24)[3:]} == {first, second}
        server.post(f"/v1/scorers/{second}:promote", None)
        server.post(f"/v1/scorers/{first}:shadow", None)
        refused = server.client.post(f"/v1/scorers/{third}:promote")
        assert (refused.status_code, "cut short" in refused.json()["detail"]) == (422, True)
        assert {body["scorer_version"] for body in load.more()[3:]} == {second}
        assert server.get("/v1/scorers")["champion"] == second
        assert scorer_cli(server, "rollback")["version"] == first
        assert {body["scorer_version"] for body in load.more()[3:]} == {first}
        assert server.post(f"/v1/scorers/{second}:retire", None)["role"] == "retired"
        load.more()
    roles = {row["version"]: row["role"] for row in scorer_cli(server, "list")["scorers"]}
    assert (roles[first], roles[second], roles[third]) == ("champion", "retired", "registered")
    assert [body for status, body in load.answers if status != 200] == []
    degraded = [body["scorer_version"] for _, body in load.answers if body["degraded"]]
    # Each change of a role would cost every shard's next decisions their scores; a busy machine costs one now and then.
    assert len(degraded) <= len(load.answers) / 100, f"{len(degraded)} of {len(load.answers)} went without their scores"
