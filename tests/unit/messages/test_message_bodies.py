"""The message models: strict, bounded, and exact in their internal forms."""

from __future__ import annotations

import math
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from models import limits
from models.messages.configuration import Cap, Clock
from models.messages.customers import Attributes, Consent
from models.messages.decisions import DECISION_EXAMPLE, DecisionRequest
from models.messages.events import EVENT_EXAMPLE, Event, HistoryEvent
from models.messages.fields import check_free, time_ms
from models.messages.outcomes import OUTCOME_EXAMPLE, Outcome

EVENT_MS = 1_793_660_591_000


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def errors(model: type[BaseModel], body: Any) -> list[tuple[Any, ...]]:
    """Where the model says the body is wrong."""
    with pytest.raises(ValidationError) as caught:
        model.model_validate(body)
    return [error["loc"] for error in caught.value.errors()]


def test_the_contract_examples_are_valid_and_become_their_internal_forms() -> None:
    event = Event.model_validate(EVENT_EXAMPLE).to_command_body()
    assert event == {
        "event_id": "b-9001", "customer_id": "hh-1229", "type": "basket", "time_ms": EVENT_MS, "channel": "pos",
        "properties": {"total": 41.17, "departments": ["DAIRY", "PRODUCE"]},
    }
    decision = DecisionRequest.model_validate(DECISION_EXAMPLE).to_command_body("made")
    assert decision["request_id"] == "r-1"
    assert decision["placements"] == [{"id": "home_hero", "count": 1}, {"id": "home_strip", "count": 3}]
    assert decision["event"] == {
        "event_id": "e-77", "type": "page_view", "time_ms": None, "channel": "web", "properties": {},
    }
    outcome = Outcome.model_validate(OUTCOME_EXAMPLE).to_command_body()
    assert (outcome["type"], outcome["customer_id"], outcome["value"]) == ("impression", None, None)


def test_a_request_without_ids_takes_the_one_that_was_made_for_it() -> None:
    asked = {"customer_id": "c", "channel": "web", "placements": [{"id": "p"}], "event": {"type": "view"}}
    body = DecisionRequest.model_validate(asked).to_command_body("made")
    assert body["request_id"] == body["event"]["event_id"] == "made"
    assert body["min_state_version"] is None
    assert body["deadline_ms"] == limits.DEADLINE_MS_DEFAULT


@pytest.mark.parametrize(("field", "value"), [
    ("customer_id", ""), ("customer_id", "x" * 100_000), ("customer_id", 7), ("channel", None), ("placements", []),
    ("placements", [{"id": "p", "count": 0}]), ("placements", [{"id": "p", "count": -1}]),
    ("placements", [{"id": "p", "count": True}]), ("placements", [{"id": "p", "count": "2"}]),
    ("placements", [{"id": "p", "count": 2.0}]), ("placements", "p"), ("context", []), ("context", {"a": math.nan}),
    ("context", {"a": [{"b": math.inf}]}), ("context", {"a": b"raw"}), ("context", {1: "a"}),
    ("context", {"a": "x" * limits.EVENT_PROPERTIES_BYTES_MAX}), ("context", {"a": nested(40)}),
    ("context", {"a": 2**63}), ("dry_run", "yes"), ("dry_run", 1), ("deadline_ms", 9), ("deadline_ms", 10_001),
    ("deadline_ms", 100.5), ("min_state_version", -1), ("exclude", "a"), ("exclude", ["x"] * 1_001), ("surprise", 1),
    ("event", {"type": "view", "time": "2026-11-02T18:03:11"}), ("event", {}), ("request_id", ""),
])
def test_a_wrong_field_of_a_decision_is_named(field: str, value: Any) -> None:
    asked = {"customer_id": "c", "channel": "web", "placements": [{"id": "p"}], field: value}
    assert {loc[0] for loc in errors(DecisionRequest, asked)} == {field}


@pytest.mark.parametrize("text", [
    "2026-11-02T18:03:11", "2026-11-02", "1893-11-02T18:03:11Z", "2226-11-02T18:03:11Z", "2026-13-02T18:03:11Z",
    "2026-11-02T18:03:11+25:00", "20261102T180311Z", "2026-W45-1T18:03:11Z", "now", "", "1970-01-01T00:00:00+05:00",
    "2026-11-02T18:03:11Z ", "2026-11-02T18:03:60Z",
])
def test_a_time_that_is_not_rfc_3339_or_out_of_bounds_is_refused(text: str) -> None:
    assert errors(Clock, {"time": text}) == [("time",)]


@pytest.mark.parametrize("text", [
    "2026-11-02T18:03:11-05:00", "2026-11-02T23:03:11Z", "2026-11-02t23:03:11z", "2026-11-02T23:03:11.000999Z",
])
def test_one_instant_is_one_number_however_it_is_written(text: str) -> None:
    assert time_ms(text) == EVENT_MS


def test_an_outcome_names_a_decision_or_a_customer_but_not_both() -> None:
    without = {key: value for key, value in OUTCOME_EXAMPLE.items() if key != "decision_id"}
    assert errors(Outcome, without) == [()]
    assert errors(Outcome, OUTCOME_EXAMPLE | {"customer_id": "c"}) == [()]
    assert Outcome.model_validate(without | {"customer_id": "c", "decision_id": None}).customer_id == "c"


@pytest.mark.parametrize(("field", "value"), [
    ("type", "none"), ("type", "bought"), ("value", math.nan), ("value", math.inf), ("value", "1"), ("value", 1e300),
    ("value", True), ("action", None), ("time", 1_762_124_591),
])
def test_a_wrong_field_of_an_outcome_is_named(field: str, value: Any) -> None:
    assert {loc[0] for loc in errors(Outcome, OUTCOME_EXAMPLE | {field: value})} == {field}


@pytest.mark.parametrize("cap", [-1, 1.5, "5", True, None, 2**53])
def test_a_cap_is_a_whole_number_that_is_not_negative(cap: Any) -> None:
    assert errors(Cap, {"cap": cap}) == [("cap",)]


def test_attributes_are_a_flat_map_and_numbers_become_doubles() -> None:
    changes = Attributes.model_validate({"n": 3, "b": True, "s": "x", "gone": None}).to_command_body()
    assert changes == {"n": 3.0, "b": True, "s": "x", "gone": None}
    assert [type(value) for value in changes.values()] == [float, bool, str, type(None)]


@pytest.mark.parametrize("value", [math.nan, math.inf, b"x", [1], {"a": 1}, "x" * 1_025])
def test_an_attribute_that_is_no_plain_value_is_refused(value: Any) -> None:
    assert errors(Attributes, {"a": value}) == [("a",)]


@pytest.mark.parametrize("given_", ["yes", 1, None])
def test_consent_is_true_or_false(given_: Any) -> None:
    assert {loc[0] for loc in errors(Consent, {"marketing": given_})} == {"marketing"}


def test_the_position_of_an_imported_event_is_its_id() -> None:
    row = {key: value for key, value in EVENT_EXAMPLE.items() if key != "event_id"}
    body = HistoryEvent.model_validate(row).to_command_body("tills-2017", 12)
    assert (body["event_id"], body["time_ms"]) == ("tills-2017:12", EVENT_MS)


def test_the_depth_of_what_is_free_is_bounded_without_recursion() -> None:
    check_free(nested(limits.BODY_DEPTH_MAX - 1))
    with pytest.raises(ValueError, match="nested deeper"):
        check_free(nested(100_000))


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(min_size=1, max_size=8), plain, max_size=6))
def test_what_json_can_say_passes_unchanged(properties: dict[str, Any]) -> None:
    body = Event.model_validate(EVENT_EXAMPLE | {"properties": properties}).to_command_body()
    assert msgpack.packb(body["properties"]) == msgpack.packb(properties)
