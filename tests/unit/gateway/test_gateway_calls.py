"""What each call sends to the shards and the coordinator, and how their answers come back."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import msgpack
import pytest
from unit.gateway.doubles import DECISION, EVENT, SECRET, FakeBackend, Served, echo

from actors.gateway.batching import ShardGone
from models import canonical, ids
from models.turn.commands import Command, Reply, problem

MSGPACK = {"content-type": "application/msgpack"}


def customer_of_shard(shard: int) -> str:
    names = (f"c-{number}" for number in range(100))
    return next(name for name in names if ids.shard_of(ids.customer_key(SECRET, ids.MAIN_TENANT, name), 2) == shard)


def test_one_bad_element_harms_no_other_and_the_order_is_kept(served: Served) -> None:
    events: list[Any] = [EVENT | {"event_id": f"e-{n}", "customer_id": f"c-{n % 3}"} for n in range(6)]
    events[1:1] = [3, {"event_id": "bad", "customer_id": "c-1"}]
    results = served.ask("POST", "/v1/events", json={"events": events}).json()["results"]
    assert [(one["event_id"], one["status"]) for one in results] == [
        ("e-0", "applied"), (None, "rejected"), ("bad", "rejected"), *((f"e-{n}", "applied") for n in range(1, 6)),
    ]
    assert results[2]["error"]["status"] == 422
    assert {error["loc"][0] for error in results[2]["error"]["errors"]} == {"type", "time"}
    for customer in ("c-0", "c-1", "c-2"):
        sent = [c.body["event_id"] for c in served.backend.commands if c.customer_id == customer]
        assert sent == sorted(sent)


def test_every_command_goes_to_the_shard_of_its_customer(served: Served) -> None:
    events = [EVENT | {"event_id": f"e-{n}", "customer_id": f"c-{n}"} for n in range(20)]
    served.ask("POST", "/v1/events", json={"events": events})
    assert {shard for shard, _ in served.backend.batches} == {0, 1}
    for shard, commands in served.backend.batches:
        assert {ids.shard_of(command.customer, 2) for command in commands} == {shard}


def test_a_shard_that_is_gone_rejects_its_own_elements_only(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    async def half(shard: int, commands: list[Command]) -> list[Reply]:
        if shard == 1:
            raise ValueError("broken")
        return await echo(shard, commands)

    served.backend.handle = half
    mixed = [EVENT | {"customer_id": customer_of_shard(0)}, EVENT | {"customer_id": customer_of_shard(1)}]
    response = served.ask("POST", "/v1/events", json={"events": mixed})
    assert response.status_code == 200
    assert [one["status"] for one in response.json()["results"]] == ["applied", "rejected"]
    assert response.json()["results"][1]["error"]["status"] == 500
    assert served.ask("POST", "/v1/events", json={"events": mixed[1:]}).status_code == 500


def test_a_missing_request_id_is_made_and_told_to_shard_and_caller_alike(served: Served) -> None:
    body = served.ask("POST", "/v1/decisions", json=DECISION).json()["body"]
    assert len(body["request_id"]) == 32
    assert served.backend.commands[0].request_id == body["request_id"]


def test_json_and_msgpack_ask_the_same_and_are_answered_as_they_like(served: Served) -> None:
    asked = DECISION | {"request_id": "r"}
    as_json = served.ask("POST", "/v1/decisions", json=asked)
    packed = served.ask("POST", "/v1/decisions", content=msgpack.packb(asked), headers=MSGPACK)
    crossed = served.ask(
        "POST", "/v1/decisions", content=msgpack.packb(asked), headers=MSGPACK | {"accept": "application/json"}
    )
    assert packed.headers["content-type"] == "application/msgpack"
    assert msgpack.unpackb(packed.content) == as_json.json()
    assert crossed.content == as_json.content
    bodies = [command.body for command in served.backend.commands]
    assert bodies[0] == bodies[1] == bodies[2]


def test_a_problem_for_a_msgpack_caller_is_msgpack(served: Served) -> None:
    response = served.ask("POST", "/v1/decisions", content=msgpack.packb({}), headers=MSGPACK)
    assert response.headers["content-type"] == "application/problem+msgpack"
    assert msgpack.unpackb(response.content)["status"] == 422


def test_a_shards_refusal_comes_back_with_its_status(served: Served) -> None:
    async def full(_: int, commands: list[Command]) -> list[Reply]:
        return [Reply(503, canonical.pack(problem(503, "full", "later", request_id=c.request_id))) for c in commands]

    served.backend.handle = full
    response = served.ask("POST", "/v1/decisions", json=DECISION)
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert response.headers["content-type"] == "application/problem+json"
    item = served.ask("POST", "/v1/events", json={"events": [EVENT]}).json()["results"][0]
    assert (item["status"], item["error"]["status"]) == ("rejected", 503)


def test_a_restarting_shard_is_asked_again_within_the_deadline(served: Served) -> None:
    fails = [ShardGone("died")]

    async def once_gone(shard: int, commands: list[Command]) -> list[Reply]:
        if fails:
            raise fails.pop()
        return await echo(shard, commands)

    served.backend.handle = once_gone
    assert served.ask("POST", "/v1/decisions", json=DECISION).status_code == 200
    first, second = served.backend.batches
    assert first == second


def test_a_deadline_that_passes_is_504_with_the_callers_id(served: Served) -> None:
    async def never(_: int, commands: list[Command]) -> list[Reply]:
        await asyncio.get_running_loop().create_future()
        return []

    served.backend.handle = never
    response = served.ask("POST", "/v1/decisions", json=DECISION | {"deadline_ms": 10, "request_id": "mine"})
    assert response.status_code == 504
    assert response.json()["request_id"] == "mine"


def test_a_decision_that_may_wait_for_a_version_holds_up_no_other(served: Served) -> None:
    async def wait_for_versions(shard: int, commands: list[Command]) -> list[Reply]:
        if any(command.body["min_state_version"] for command in commands):
            await asyncio.get_running_loop().create_future()
        return await echo(shard, commands)

    async def run() -> list[int]:
        async with served.client() as client:
            waits = [
                asyncio.create_task(client.post(
                    "/v1/decisions", json=DECISION | {"min_state_version": 99, "deadline_ms": 500, "request_id": f"{n}"}
                )) for n in range(4)
            ]
            await asyncio.sleep(0)
            quick = await client.post("/v1/decisions", json=DECISION | {"deadline_ms": 400})
            return [quick.status_code, *[(await wait).status_code for wait in waits]]

    served.backend.handle = wait_for_versions
    assert asyncio.run(run()) == [200, 504, 504, 504, 504]


def test_a_version_that_the_shard_found_missing_at_the_deadline_is_412(served: Served) -> None:
    async def wait_for_the_deadline(_: int, commands: list[Command]) -> list[Reply]:
        deadline: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        left_s = max(0.0, commands[0].deadline_ms / 1_000 - time.time())
        asyncio.get_running_loop().call_later(left_s + 0.01, deadline.set_result, None)
        await deadline
        return [Reply(412, canonical.pack({"status": 412, "title": "not reached"}))]

    served.backend.handle = wait_for_the_deadline
    response = served.ask("POST", "/v1/decisions", json=DECISION | {"min_state_version": 9, "deadline_ms": 30})
    assert response.status_code == 412


def test_an_outcome_finds_its_shard_by_its_decision(served: Served) -> None:
    key = ids.customer_key(SECRET, ids.MAIN_TENANT, "c-7")
    outcome = {"outcome_id": "o-1", "decision_id": ids.decision_id(key, b"seed"), "action": "a", "type": "click",
               "time": "2026-11-02T18:00:00Z"}
    unknown = outcome | {"outcome_id": "o-2", "decision_id": "d-nonsense"}
    results = served.ask("POST", "/v1/outcomes", json={"outcomes": [outcome, unknown]}).json()["results"]
    assert [one["status"] for one in results] == ["applied", "rejected"]
    assert "unknown decision" in results[1]["error"]["detail"]
    assert [command.customer for command in served.backend.commands] == [key]


def test_imported_events_get_their_position_as_id(served: Served) -> None:
    row = {key: value for key, value in EVENT.items() if key != "event_id"}
    body = {"source": "tills", "first_position": 41, "events": [row, {}, row]}
    results = served.ask("POST", "/v1/history", json=body).json()["results"]
    assert [(one["event_id"], one["status"]) for one in results] == [
        ("tills:41", "applied"), ("tills:42", "rejected"), ("tills:43", "applied"),
    ]
    assert [command.kind for command in served.backend.commands] == ["history", "history"]


@pytest.mark.parametrize(("method", "url", "kind", "body", "sent"), [
    ("GET", "/v1/customers/a%2Fb%20%C3%A9", "profile", None, {}),
    ("DELETE", "/v1/customers/a%2Fb%20%C3%A9", "erase", None, {}),
    ("GET", "/v1/customers/a%2Fb%20%C3%A9/timeline?limit=7&before=3.1", "timeline", None,
     {"limit": 7, "before": "3.1"}),
    ("PUT", "/v1/customers/a%2Fb%20%C3%A9/attributes", "attributes", {"n": 1, "gone": None}, {"n": 1.0, "gone": None}),
    ("PUT", "/v1/customers/a%2Fb%20%C3%A9/consent", "consent", {"marketing": True}, {"marketing": True}),
])
def test_calls_about_one_customer_take_any_id_in_the_path(
    served: Served, method: str, url: str, kind: str, body: Any, sent: dict[str, Any]
) -> None:
    response = served.ask(method, url, json=body)
    assert response.json() == {"kind": kind, "customer_id": "a/b é", "body": sent}


@pytest.mark.parametrize(("method", "url", "body", "asked"), [
    ("GET", "/v1/budgets", None, ("budgets", ())),
    ("PUT", "/v1/budgets/pool", {"cap": 7}, ("set_cap", ({"budget": "pool", "cap": 7},))),
    ("GET", "/v1/clock", None, ("clock", ())),
    ("PUT", "/v1/clock", {"time": "1970-01-01T00:00:01Z"}, ("set_clock", ({"time_ms": 1_000},))),
    ("POST", "/v1/scorers/sha256:ab:promote", None, ("change_roles", ({"change": "promote", "version": "sha256:ab"},))),
    ("POST", "/v1/scorers/sha256%3Aab%3Aretire", None,
     ("change_roles", ({"change": "retire", "version": "sha256:ab"},))),
    ("POST", "/v1/scorers/v:shadow", None, ("change_roles", ({"change": "shadow", "version": "v"},))),
    ("POST", "/v1/scorers/v:canary", {"share": 0.05},
     ("change_roles", ({"change": "canary", "version": "v", "share": 0.05},))),
    ("GET", "/v1/experiments", None, ("experiments", ())),
    ("GET", "/v1/experiments/a%2Fb", None, ("experiment", ({"id": "a/b"},))),
    ("POST", "/v1/scorers:rollback", None, ("change_roles", ({"change": "rollback"},))),
])
def test_what_all_customers_share_is_the_coordinators(
    served: Served, method: str, url: str, body: Any, asked: tuple[str, tuple[Any, ...]]
) -> None:
    assert served.ask(method, url, json=body).json() == {"asked": asked[0]}
    assert served.backend.coordinator_calls == [asked]


def test_a_catalog_is_told_with_its_version_and_not_again_to_who_has_it(served: Served) -> None:
    told = {"catalog_version": "sha256:0", "catalog": {"name": "shop"}}
    served.backend.coordinator_answer = [200, told]
    answer = served.ask("GET", "/v1/catalog")
    assert (answer.json(), answer.headers["etag"]) == (told, 'W/"sha256:0"')
    assert served.backend.coordinator_calls == [("catalog", ({"known": []},))]
    served.backend.coordinator_answer = [200, {"catalog_version": "sha256:0"}]
    again = served.ask("GET", "/v1/catalog", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert served.backend.coordinator_calls[-1] == ("catalog", ({"known": ["sha256:0"]},))
    served.backend.coordinator_answer = [200, {**told, "catalog_version": "sha256:1"}]
    other = served.ask("GET", "/v1/catalog", headers={"if-none-match": 'W/"sha256:0"'})
    assert (other.status_code, other.json()["catalog_version"]) == (200, "sha256:1")


def test_the_coordinators_refusals_carry_the_id_of_the_request(served: Served) -> None:
    served.backend.coordinator_answer = [503, problem(503, "Shards are behind", "ask again")]
    response = served.ask("PUT", "/v1/clock", json={"time": "1970-01-01T00:00:01Z"})
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert len(response.json()["request_id"]) == 32


def test_the_walls_clock_cannot_be_set(tmp_path: Any) -> None:
    served = Served(tmp_path, clock="wall")
    assert served.ask("PUT", "/v1/clock", json={"time": "2026-01-01T00:00:00Z"}).status_code == 409
    assert served.backend.coordinator_calls == []


def test_a_coordinator_that_restarts_is_503_and_decisions_go_on(tmp_path: Any) -> None:
    class Headless(FakeBackend):
        async def coordinator(self, method: str, *args: Any) -> bytes:
            raise ShardGone("restarting")

    served = Served(tmp_path, Headless())
    response = served.ask("GET", "/v1/budgets")
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert served.ask("POST", "/v1/decisions", json=DECISION).status_code == 200


def test_server_timing_tells_where_the_time_went(served: Served) -> None:
    stages = dict(
        part.strip().split(";dur=") for part in
        served.ask("POST", "/v1/decisions", json=DECISION).headers["server-timing"].split(",")
    )
    assert set(stages) == {"gateway", "shard", "commit"}
    assert (stages["shard"], stages["commit"]) == ("2.500", "0.500")
    assert 0 <= float(stages["gateway"]) < 1_000


@pytest.mark.parametrize(("query", "as_of", "policies"), [
    ("policies=true", None, True), ("as_of=37", {"version": 37, "time_ms": None}, False),
    ("as_of=2026-11-02T18:00:00Z&policies=true", {"version": None, "time_ms": 1_793_642_400_000}, True),
])
def test_a_customer_then_is_asked_beside_the_turns(served: Served, query: str, as_of: Any, policies: bool) -> None:
    assert served.ask("GET", f"/v1/customers/c-1?{query}").status_code == 200
    (command,) = served.backend.commands
    assert (command.kind, command.body) == ("standing", {"as_of": as_of, "policies": policies})


def test_a_question_about_the_past_is_a_dry_run_with_its_moment(served: Served) -> None:
    for as_of in (37, "2026-11-02T18:00:00Z", None):
        assert served.ask("POST", "/v1/explanations", json=DECISION | {"as_of": as_of}).status_code == 200
    first, second, third = served.backend.commands
    assert [command.kind for command in (first, second, third)] == ["explain_past", "explain_past", "decision"]
    assert first.body == {**third.body, "request_id": first.body["request_id"],
                          "as_of": {"version": 37, "time_ms": None}}
    assert second.body["as_of"] == {"version": None, "time_ms": 1_793_642_400_000}
    assert first.body["dry_run"]


def test_a_past_decision_is_found_by_its_id_alone(served: Served) -> None:
    key = ids.customer_key(SECRET, ids.MAIN_TENANT, "c-1")
    decision_id = ids.decision_id(key, b"seed")
    assert served.ask("GET", f"/v1/decisions/{decision_id}").status_code == 200
    assert served.ask("POST", f"/v1/decisions/{decision_id}:rerun").status_code == 200
    asked = [(command.kind, command.customer, command.body) for command in served.backend.commands]
    assert asked == [(kind, key, {"decision_id": decision_id}) for kind in ("past_decision", "rerun")]
    assert served.ask("GET", "/v1/decisions/nonsense").status_code == 404
    assert served.ask("POST", "/v1/decisions/nonsense:rerun").status_code == 404
    assert served.ask("GET", f"/v1/decisions/{decision_id}:rerun").status_code == 405
