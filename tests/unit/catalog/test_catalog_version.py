"""A version is the content: the same catalog has the same version, whatever its order of keys or its format."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import limits
from models.catalog.check import check_data, check_text, compile_catalog
from models.catalog.plan import Plan
from models.catalog.schema.fields import duration_text, parse_duration_ms


def shuffled(value: Any, draw: Any) -> Any:
    if isinstance(value, dict):
        keys = draw(st.permutations(sorted(value)))
        return {key: shuffled(value[key], draw) for key in keys}
    if isinstance(value, list):
        return [shuffled(item, draw) for item in value]
    return value


@settings(max_examples=5)
@given(st.data())
def test_the_order_of_keys_changes_neither_version_nor_bytes(example: Plan, data: Any) -> None:
    plan = check_data(shuffled(example.catalog, data.draw))
    assert plan.version == example.version
    assert json.dumps(plan.catalog) == json.dumps(example.catalog)


def test_a_logged_catalog_compiles_to_the_same_plan(example: Plan) -> None:
    again = compile_catalog(json.loads(json.dumps(example.catalog)))
    assert (again.version, again.catalog) == (example.version, example.catalog)
    assert (again.actions, again.policies, again.features) == (example.actions, example.policies, example.features)
    assert [rule.source for rule in again.rules] == [rule.source for rule in example.rules]


def test_json_is_a_catalog_too(example: Plan) -> None:
    assert check_text(json.dumps(example.catalog, indent=2)).version == example.version


@pytest.mark.parametrize(("old", "new"), [
    ("value: 2\n", "value: 3\n"), ("content: {}}\n  - id", "content: {a: 1}}\n  - id"), ("24h", "25h"),
    ("small", "Small"),
])
def test_other_content_is_another_version(small: str, old: str, new: str) -> None:
    assert check_text(small.replace(old, new)).version != check_text(small).version


def test_a_null_is_as_good_as_nothing_and_a_whole_number_as_good_as_its_float(small: str) -> None:
    version = check_text(small).version
    assert check_text(small.replace("direction: inbound", "direction: inbound, consent: null")).version == version
    assert check_text(small.replace("value: 2", "value: 2.0")).version == version


_TEXT = st.text(alphabet=st.characters(codec="utf-8"))
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(_TEXT, inner), max_leaves=5,
)


@settings(max_examples=25)
@given(st.dictionaries(_TEXT, _JSON, max_size=5))
def test_content_survives_the_round_trip(example: Plan, content: dict[str, Any]) -> None:
    catalog = json.loads(json.dumps(example.catalog))
    catalog["actions"][0]["treatments"][0]["content"] = content
    plan = check_data(catalog)
    assert plan.actions[0].treatments[0].content == content
    assert compile_catalog(plan.catalog).version == plan.version


@given(st.integers(1, 10**6), st.sampled_from(["s", "m", "h", "d"]))
def test_a_duration_reads_as_its_milliseconds_and_writes_back(count: int, unit: str) -> None:
    unit_ms = {"s": limits.SECOND_MS, "m": limits.MINUTE_MS, "h": limits.HOUR_MS, "d": limits.DAY_MS}[unit]
    span_ms = parse_duration_ms(f"{count}{unit}")
    assert span_ms == count * unit_ms
    assert parse_duration_ms(duration_text(span_ms)) == span_ms


@given(st.text())
def test_what_is_no_duration_is_refused(text: str) -> None:
    if not (text[:-1].isascii() and text[:-1].isdigit() and text[-1:] in tuple("smhd") and len(text) < 11):
        with pytest.raises(ValueError, match="not a duration"):
            parse_duration_ms(text)


def test_a_feature_whose_definition_changed_has_another_hash_and_a_renamed_one_has_not(small: str) -> None:
    first = check_text(small).features[0]
    assert check_text(small.replace("window: 7d", "window: 8d")).features[0].definition != first.definition
    assert check_text(small.replace("baskets_7d", "baskets")).features[0].definition == first.definition
