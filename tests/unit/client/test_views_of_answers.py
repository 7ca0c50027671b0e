"""What the server says, typed: the contract's fields by name, everything else kept, nothing writable."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from unit.client.scripted import Script, built, packed, said

from cluster.client import Decision, OutcomeResult, answers
from cluster.client.codec import JSON, MSGPACK, decode
from models.errors import BadInput
from models.messages import answers as contract

BODY: dict[str, Any] = {
    "decision_id": "d-1", "request_id": "r-1", "customer_id": "ann", "time": "2026-01-01T00:00:00Z",
    "state_version": 3, "catalog_version": "sha256:1", "scorer_version": None, "control_group": None,
    "degraded": False, "dry_run": False, "mood": "sunny",
    "placements": [{"placement": "hero", "items": [
        {"rank": 1, "action": "a", "treatment": "t", "fallback": False, "content": {"title": "x"}, "propensity": 0.1,
         "priority": 0.2, "selection_probability": 1.0, "hold_expires": None, "colour": "red"}]},
        {"placement": "strip", "items": []}],
}


def test_fields_of_the_contract_are_attributes_and_unknown_ones_are_kept() -> None:
    reply = packed(200, BODY)
    decision = Script([reply]).play(built(lambda kairos: kairos.decide("ann", "web", ["hero"])))
    assert (decision.decision_id, decision.state_version, decision.scorer_version) == ("d-1", 3, None)
    assert [filled.placement for filled in decision.placements] == ["hero", "strip"]
    (item,) = decision.items
    assert (item.action, item.content["title"], item.data["colour"]) == ("a", "x", "red")
    assert decision.data["mood"] == "sunny"
    assert decision.raw == reply.body
    assert decision.explanation is None


def test_a_view_cannot_be_written() -> None:
    decision = Decision(BODY)
    with pytest.raises(AttributeError):
        decision.degraded = True  # type: ignore[misc]
    with pytest.raises(AttributeError):
        decision.mood = "x"  # type: ignore[attr-defined]


def test_a_field_that_the_server_did_not_send_is_named() -> None:
    with pytest.raises(AttributeError, match="no 'decision_id'"):
        _ = Decision({"request_id": "r"}).decision_id


def test_what_an_outcome_does_not_say_has_the_contracts_default() -> None:
    result = OutcomeResult({"outcome_id": "o", "status": "applied", "state_version": 4})
    assert (result.late, result.funded, result.error) == (False, True, None)


@pytest.mark.parametrize("name", [
    "Decision", "Item", "PlacementFilled", "Explanation", "Customer", "EventResult", "OutcomeResult", "TimelineItem",
])
def test_every_field_that_the_server_documents_can_be_read(name: str) -> None:
    documented = getattr(contract, name).model_fields
    assert [field for field in documented if not hasattr(getattr(answers, name), field)] == []


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
def test_times_may_be_datetimes_with_an_offset(codec: Any) -> None:
    encoded = codec.encode({"time": datetime(2026, 1, 2, tzinfo=UTC), "who": ("a", "b")})
    assert codec.decode(encoded) == {"time": "2026-01-02T00:00:00+00:00", "who": ["a", "b"]}
    with pytest.raises(BadInput, match="no offset"):
        codec.encode({"time": datetime(2026, 1, 2)})
    with pytest.raises(BadInput, match="object cannot be sent"):
        codec.encode({"what": object()})


@pytest.mark.parametrize("media", ["application/problem+msgpack", "application/msgpack; v=1"])
def test_the_media_type_tells_how_an_answer_is_read(media: str) -> None:
    assert decode(media, MSGPACK.encode({"a": 1})) == {"a": 1}
    assert said(200, {"a": 1}).value() == {"a": 1}


def test_the_client_loads_neither_ray_nor_the_engine() -> None:
    heavy = "{'ray', 'numpy', 'pyarrow', 'xgboost', 'pydantic', 'httpx', 'starlette'}"
    code = f"import cluster.client, sys; print(sorted({heavy} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
