"""``POST /v1/whatif`` on a whole installation in one process."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from simulation.catalog import catalog
from support.in_process import SECRET
from unit.gateway.doubles import Served
from unit.whatif.installation import Installation
from unit.whatif.trials import action

from actors.insight import what_if
from models import canonical, ids, limits
from models.ids import customer_key
from models.turn.commands import problem

Scenario = Callable[[Installation], Awaitable[None]]


def _calm() -> dict[str, Any]:
    """Nothing is drawn, so that two asks of the live catalog agree."""
    data = copy.deepcopy(catalog())
    data["arbitration"]["exploration"] = {"method": "none", "share": 0.0}
    return data


@asynccontextmanager
async def installed(place: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Installation]:
    made = Installation(place, monkeypatch)
    await made.start()
    try:
        await made.publish(_calm())
        yield made
    finally:
        await made.stop()


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Scenario], None]:
    def play(scenario: Scenario) -> None:
        async def run() -> None:
            async with asyncio.timeout(60), installed(tmp_path, monkeypatch) as made:
                await scenario(made)

        asyncio.run(run())

    return play


def _asked(customer: str, *placements: str, channel: str = "web", **more: Any) -> dict[str, Any]:
    return {"customer_id": customer, "channel": channel, "placements": [{"id": one} for one in placements], **more}


def _dearer_help() -> dict[str, Any]:
    data = _calm()
    action(data, "survey")["value"] = 50.0
    action(data, "survey")["treatments"].append({"id": "survey_strip", "placement": "strip", "content": {"t": "s"}})
    action(data, "survey").pop("applicability")
    return data


async def _customers_facts(made: Installation, shard: int) -> list[Any]:
    """All that was ever written about customers."""
    return [row["g"] for row in canonical.unpack(await made.shard(shard, "journal"))["rows"] if row["g"]]


async def _what_if(made: Installation, body: dict[str, Any]) -> dict[str, Any]:
    answer = await made.ask("POST", "/v1/whatif", body)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_the_live_side_is_what_an_explanation_shows_and_nothing_is_changed(play: Callable[[Scenario], None]) -> None:
    async def scenario(made: Installation) -> None:
        names = [f"c-{number}" for number in range(8)]
        for number, name in enumerate(names[:6]):
            event = {"event_id": f"e{number}", "customer_id": name, "type": "basket", "time": "2026-01-01T00:00:00Z",
                     "properties": {"total": 10.0 * number}}
            await made.ask("POST", "/v1/events", {"events": [event]})
            await made.ask("POST", "/v1/decisions", _asked(name, "hero"))
        journals = [await _customers_facts(made, shard) for shard in range(2)]
        requests = [_asked(name, "hero", "strip", context={"page": "/help"}) for name in names]
        told = await _what_if(made, {"catalog": _dearer_help(), "requests": requests})
        assert [await _customers_facts(made, shard) for shard in range(2)] == journals
        assert [result["customer_id"] for result in told["results"]] == names
        assert [result["newcomer"] for result in told["results"]] == [False] * 6 + [True] * 2
        held_out = sum(result["live"]["control_group"] is not None for result in told["results"])
        assert (told["asked"], told["changed"], told["skipped"]) == (8, 8 - held_out, [])
        for request, result in zip(requests, told["results"], strict=True):
            explained = (await made.ask("POST", "/v1/explanations", request)).json()
            assert result["live"]["placements"] == explained["placements"]
        why = {one["why"] for result in told["results"] for one in result["differences"]}
        assert any("'survey' was kept out before: no treatment for hero, strip; it has one now" in one for one in why)
        same = await _what_if(made, {"catalog": _calm(), "requests": requests})
        assert (same["changed"], same["notes"]) == (0, [])
        assert same["catalog_version"] == same["live_version"] == told["live_version"] != told["catalog_version"]

    play(scenario)


def test_a_sample_is_of_the_callers_own_tenant_and_of_the_channel_asked_for(play: Callable[[Scenario], None]) -> None:
    async def scenario(made: Installation) -> None:
        for tenant in ("main", "other"):
            for number in range(3):
                request = _asked(f"{tenant}-{number}", "hero" if number else "script",
                                 channel="web" if number else "desk")
                logged = {"request_id": "r", "context": {}, "event": None, "exclude": [], "dry_run": False,
                          "explain": False, **request, "placements": [{**request["placements"][0], "count": 1}]}
                made.lately += [(customer_key(SECRET, tenant, request["customer_id"]), logged)] * 2

        async def sampled(tenant: str, **sample: Any) -> list[str]:
            body = {"catalog": _calm(), "sample": sample}
            answer = await made.ask("POST", "/v1/whatif", body, key=made.key_of(tenant))
            assert answer.status_code == 200, answer.text
            return [result["customer_id"] for result in answer.json()["results"]]

        assert await sampled("main") == ["main-0", "main-1", "main-2"]
        assert await sampled("other", size=2) == ["other-0", "other-1"]
        assert await sampled("other", channel="desk") == ["other-0"]
        assert await sampled("third") == []

    play(scenario)


def test_a_customer_id_means_the_callers_own_customer(play: Callable[[Scenario], None]) -> None:
    async def scenario(made: Installation) -> None:
        await made.ask("PUT", "/v1/customers/anna/attributes", {"staff": True})
        told = await _what_if(made, {"catalog": _calm(), "requests": [_asked("anna", "hero")]})
        assert not told["results"][0]["newcomer"]
        foreign = await made.ask(
            "POST", "/v1/whatif", {"catalog": _calm(), "requests": [_asked("anna", "hero")]}, key=made.key_of("other")
        )
        assert foreign.json()["results"][0]["newcomer"]

    play(scenario)


def test_who_was_erased_or_cannot_be_reached_is_skipped_with_the_reason(play: Callable[[Scenario], None]) -> None:
    async def scenario(made: Installation) -> None:
        for name in ("anna", "ben"):
            await made.ask("PUT", f"/v1/customers/{name}/attributes", {"staff": True})
        await made.ask("DELETE", "/v1/customers/anna")
        body = {"catalog": _calm(), "requests": [_asked("anna", "hero"), _asked("ben", "hero")]}
        told = await _what_if(made, body)
        assert told["skipped"] == [{"customer_id": "anna", "reason": "this customer was erased"}]
        assert [result["customer_id"] for result in told["results"]] == ["ben"]
        shard = {name: ids.shard_of(customer_key(SECRET, "main", name), 2) for name in ("c-0", "c-1", "c-2", "c-3")}
        assert set(shard.values()) == {0, 1}
        made.away = {0}
        told = await _what_if(made, {"catalog": _calm(), "requests": [_asked(name, "hero") for name in shard]})
        reason = "the shard of this customer does not answer; ask again in a moment"
        assert told["skipped"] == [{"customer_id": n, "reason": reason} for n, at in shard.items() if at == 0]
        made.away = {0, 1}
        answer = await made.ask("POST", "/v1/whatif", body)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")

    play(scenario)


def test_only_so_many_are_under_way_and_only_for_so_long(
    play: Callable[[Scenario], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(made: Installation) -> None:
        body = {"catalog": _calm(), "requests": [_asked("anna", "hero")]}
        answers = await asyncio.gather(*[made.ask("POST", "/v1/whatif", body) for _ in range(6)])
        refused = [answer for answer in answers if answer.status_code == 429]
        assert all(answer.headers["retry-after"] == "1" for answer in refused)
        assert {answer.status_code for answer in answers} <= {200, 429}
        made.what_if.under_way = limits.WHAT_IFS_AT_ONCE_MAX
        assert (await made.ask("POST", "/v1/whatif", body)).status_code == 429
        made.what_if.under_way = 0
        monkeypatch.setattr(what_if.limits, "WHAT_IF_MS_MAX", -1)
        told = await _what_if(made, body)
        assert [one["reason"] for one in told["skipped"]] == ["there was no time left; ask for fewer at once"]

    play(scenario)


def test_catalogs_stay_compiled_within_a_bound_and_are_told_once(play: Callable[[Scenario], None]) -> None:
    async def scenario(made: Installation) -> None:
        for number in range(limits.WHAT_IF_PLANS_KEPT_MAX + 3):
            other = {**_calm(), "name": f"n{number}"}
            told = await _what_if(made, {"catalog": other, "requests": [_asked("anna", "hero")]})
            assert told["changed"] == 0
        assert len(made.what_if._plans) == limits.WHAT_IF_PLANS_KEPT_MAX
        assert told["live_version"] in made.what_if._plans
        assert [method for _, method in made.calls if method not in ("status", "figures")] == (
            ["snapshots"] * (limits.WHAT_IF_PLANS_KEPT_MAX + 3)
        )

    play(scenario)


def _text(data: dict[str, Any]) -> str:
    return yaml.safe_dump(json.loads(json.dumps(data)), sort_keys=False)  # without aliases, which are refused


@pytest.fixture
def served(tmp_path: Path) -> Served:
    served = Served(tmp_path)
    served.backend.coordinator_answer = [200, {"budgets": []}]
    served.backend.insight_answers["what_if"] = [200, {"results": []}]
    return served


def _post(served: Served, body: Any, key: str | None = None, **more: Any) -> httpx.Response:
    return served.ask("POST", "/v1/whatif", key, json=body, **more)


def test_errors_of_a_catalog_lie_below_it_with_their_lines_where_it_is_text(served: Served) -> None:
    data = _calm()
    action(data, "gift")["group"] = "nowhere"
    requests = [_asked("anna", "hero")]
    for sent, has_lines in ((_text(data), True), (data, False)):
        answer = _post(served, {"catalog": sent, "requests": requests})
        assert answer.status_code == 422
        (error,) = answer.json()["errors"]
        assert error["loc"] == ["catalog", "actions", 2, "group"]
        assert ("line" in error) is has_lines
    line = _post(served, {"catalog": _text(data), "requests": requests}).json()["errors"][0]["line"]
    assert "group: nowhere" in _text(data).splitlines()[line - 1]
    assert served.backend.insight_calls == []


def test_both_scopes_are_needed_before_anything_is_read(served: Served) -> None:
    body = {"catalog": _calm(), "requests": [_asked("anna", "hero")]}
    for scopes, lacking in ((("config:read",), "profiles:read"), (("profiles:read",), "config:read")):
        answer = _post(served, {"nonsense": 1}, served.key(*scopes))
        assert (answer.status_code, lacking in answer.json()["detail"]) == (403, True)
    assert _post(served, body, served.key("config:read", "profiles:read")).status_code == 200
    assert [method for method, _ in served.backend.insight_calls] == ["what_if"]


@pytest.mark.parametrize(("body", "status", "loc"), [
    ({"catalog": {}}, 422, []),
    ({"catalog": {}, "requests": [_asked("a", "hero")], "sample": {}}, 422, []),
    ({"catalog": {}, "requests": None, "sample": None}, 422, []),
    ({"catalog": 5, "sample": {}}, 422, ["catalog"]),
    ({"catalog": "a: [", "sample": {}}, 422, ["catalog"]),
    ({"catalog": {}, "sample": {"size": limits.WHAT_IF_REQUESTS_MAX + 1}}, 422, ["sample", "size"]),
    ({"catalog": {}, "requests": []}, 422, ["requests"]),
    ({"catalog": {}, "requests": [_asked("a", "hero")] * (limits.WHAT_IF_REQUESTS_MAX + 1)}, 422, ["requests"]),
    ({"catalog": {}, "requests": [_asked("a", "hero", colour="red")]}, 422, ["requests", 0, "colour"]),
    ({"catalog": {}, "requests": [_asked("a", "hero", event={"type": "x", "customer_id": "b"})]}, 422,
     ["requests", 0, "event", "customer_id"]),
    ({"catalog": "x: " + "y" * limits.CATALOG_BYTES_MAX, "sample": {}}, 413, None),
    ({"catalog": {"x": "y" * limits.CATALOG_BYTES_MAX}, "sample": {}}, 413, None),
    ({"catalog": "x: " + "y" * limits.WHAT_IF_BODY_BYTES_MAX, "sample": {}}, 413, None),
])
def test_what_cannot_be_tried_is_refused_with_the_place(served: Served, body: Any, status: int, loc: Any) -> None:
    answer = _post(served, body)
    assert answer.status_code == status, answer.text
    if loc:
        assert answer.json()["errors"][0]["loc"][: len(loc)] == loc
    assert served.backend.insight_calls == []


def test_what_insight_and_the_coordinator_refuse_is_answered_as_refused(served: Served) -> None:
    body = {"catalog": _calm(), "sample": {"size": 3}}
    for status in (429, 503):
        served.backend.insight_answers["what_if"] = [status, problem(status, "t", "later")]
        answer = _post(served, body)
        assert (answer.status_code, answer.headers["retry-after"]) == (status, "1")
    served.backend.insight_answers.clear()
    assert _post(served, body).status_code == 503
    served.backend.coordinator_answer = [404, problem(404, "t", "no catalog is live")]
    assert _post(served, body).status_code == 404


def test_a_request_without_ids_is_given_some_and_is_handed_on_as_its_callers(served: Served) -> None:
    event = {"type": "basket", "properties": {"total": 1.0}}
    body = {"catalog": _calm(), "requests": [_asked("anna", "hero", event=event), _asked("ben", "hero")]}
    assert _post(served, body).status_code == 200
    ((_, (told,)),) = served.backend.insight_calls
    commands = told["commands"]
    assert [command[2] for command in commands] == ["anna", "ben"]
    assert commands[0][3]["request_id"] != commands[1][3]["request_id"]
    assert commands[0][3]["event"]["event_id"] == commands[0][3]["request_id"]
    assert (told["tenant"], told["tag"], told["sample"]) == ("main", ids.tenant_tag(SECRET, "main"), None)
