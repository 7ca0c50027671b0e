"""Another catalog on a live installation: tried in the process that counts, its rules in a child process first."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from support.server import Server, eventually, fresh

STRIP = {"channel": "web", "placements": [{"id": "home_strip"}]}


@pytest.fixture(autouse=True)
def counting(server: Server) -> None:
    """The process that counts is there: readiness does not wait for it."""
    eventually("Insight tells", lambda: server.client.get("/v1/live").status_code == 200)


def _few_asked(server: Server) -> tuple[dict[str, Any], dict[str, Any]]:
    live = server.get("/v1/catalog")["catalog"]
    candidate = copy.deepcopy(live)
    feedback = next(one for one in candidate["actions"] if one["id"] == "ask_feedback")
    feedback["eligibility"] = "profile.baskets_28d >= 100"
    return live, candidate


def test_it_tells_who_would_get_something_else_and_the_live_catalog_stays(server: Server) -> None:
    live, candidate = _few_asked(server)
    names = [fresh("c") for _ in range(3)]
    decided = [server.decide(name, "web", "home_strip") for name in names]
    asked = [{"customer_id": name, **STRIP} for name in names]
    same = server.post("/v1/whatif", {"catalog": live, "requests": asked})
    assert (same["asked"], same["changed"], same["skipped"], same["notes"]) == (3, 0, [], [])
    told = server.post("/v1/whatif", {"catalog": candidate, "requests": asked})
    assert told["live_version"] == same["catalog_version"] == decided[0]["catalog_version"] != told["catalog_version"]
    shown = [bool(result["live"]["placements"][0]["items"]) for result in told["results"]]
    assert told["changed"] == sum(shown)
    assert all(
        "its eligibility rule `profile.baskets_28d >= 100` does not hold for this customer" in one["why"]
        for result in told["results"] for one in result["differences"]
    )
    assert [result["newcomer"] for result in told["results"]] == [False] * 3
    assert server.get("/v1/catalog")["catalog_version"] == told["live_version"]
    assert all(len(server.timeline(name)) == 1 for name in names)


def test_those_decided_for_lately_can_be_sampled(server: Server) -> None:
    live, _ = _few_asked(server)
    name = fresh("c")
    server.decide(name, "web", "home_strip")

    def is_sampled() -> bool:
        told = server.post("/v1/whatif", {"catalog": live, "sample": {"size": 50, "channel": "web"}})
        assert told["changed"] == 0
        return name in {result["customer_id"] for result in told["results"]}

    eventually("the newest decision is in the sample", is_sampled)


def test_errors_of_a_catalog_in_text_have_their_lines(server: Server) -> None:
    text = "catalog: 1\nname: x\ncurrency: USD\ntimezone: Nowhere/At_all\nchannels: []\nplacements: []\nactions: []\n"
    answer = server.client.post("/v1/whatif", json={"catalog": text, "sample": {}})
    assert answer.status_code == 422
    errors = {tuple(error["loc"]): error["line"] for error in answer.json()["errors"]}
    assert errors["catalog", "timezone"] == 4
    published = server.client.put("/v1/catalog", params={"dry_run": "true"}, content=text)
    assert {("catalog", *error["loc"]): error["line"] for error in published.json()["errors"]} == errors
