"""A catalog as text that people edit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.console.views.catalog_diff import diff
from cluster.console.views.catalog_text import catalog_text
from cluster.console.views.rule_edit import put_rule
from models.catalog.check import check_text
from models.catalog.source import load_text
from models.errors import BadInput

EXAMPLE = (Path(__file__).resolve().parents[3] / "cluster" / "example_catalog.yaml").read_text()

scalars = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(blacklist_categories=("Cs",)), max_size=12)
    | st.sampled_from(["yes", "null", "1e3", "~", "- a", "a: b", "#x", " a", "a ", "0x1F", "é", "a\x85b", "\ufeff", ""])
)
keys = st.text(st.characters(blacklist_categories=("Cs",)), max_size=8)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(["name", "actions", "a b", "1", "true"]), values, min_size=1, max_size=3))
def test_what_is_written_reads_back_as_the_same_data(data: dict[str, Any]) -> None:
    assert load_text(catalog_text(data))[0] == data


def test_the_text_of_a_catalog_is_the_same_catalog_and_short_things_stand_on_one_line() -> None:
    plan = check_text(EXAMPLE)
    text = catalog_text(plan.catalog)
    assert check_text(text).version == plan.version
    assert "  - {id: web, direction: inbound, hold_ttl: 30m}\n" in text
    assert max(map(len, text.splitlines())) < 250


def test_a_changed_line_is_marked_where_it_differs() -> None:
    found = diff("a\nb\ncap: 5000\nd\n", "a\nb\ncap: 9000\nd\n")
    (hunk,) = found.hunks
    (row,) = [row for row in hunk if row.kind != "same"]
    assert row.kind == "changed"
    assert row.old is not None
    assert row.new is not None
    assert [(piece.text, piece.marked) for piece in row.new.pieces] == [("cap: ", False), ("9000", True)]
    assert (row.old.number, row.new.number, found.added, found.removed) == (3, 3, 1, 1)


def test_equal_texts_have_no_difference() -> None:
    assert diff("a\nb\n", "a\nb\n").is_empty


lines = st.lists(st.sampled_from(["a", "b", "c", "d", "e f"]), max_size=40)


@given(lines, lines)
def test_a_diff_holds_every_line_that_was_taken_out_or_put_in(old: list[str], new: list[str]) -> None:
    found = diff("\n".join(old), "\n".join(new))
    rows = [row for hunk in found.hunks for row in hunk]
    assert sum(row.old is not None and row.kind != "same" for row in rows) == found.removed
    assert sum(row.new is not None and row.kind != "same" for row in rows) == found.added
    assert len(old) - found.removed == len(new) - found.added
    for row in rows:
        for side, text in ((row.old, old), (row.new, new)):
            if side is not None:
                assert "".join(piece.text for piece in side.pieces) == text[side.number - 1]
    numbers = [row.old.number for row in rows if row.old]
    assert numbers == sorted(set(numbers))


def test_what_a_page_cannot_show_is_counted() -> None:
    found = diff("\n".join(f"old {n}" for n in range(9_000)), "\n".join(f"new {n}" for n in range(9_000)))
    assert found.left_out == 7_000
    assert sum(len(hunk) for hunk in found.hunks) == 2_000


@pytest.mark.parametrize("gate", ["eligibility", "suitability", "context_weight"])
@pytest.mark.parametrize("text", [EXAMPLE, json.dumps(load_text(EXAMPLE)[0]), catalog_text(load_text(EXAMPLE)[0])])
def test_a_rule_is_put_in_and_nothing_else_changes(text: str, gate: str) -> None:
    changed, line = put_rule(text, "dairy_coupon", gate, 'segments.loyal && "x" != "<script>"')
    data, expected = load_text(changed)[0], load_text(text)[0]
    action = next(each for each in expected["actions"] if each["id"] == "dairy_coupon")
    action[gate] = 'segments.loyal && "x" != "<script>"'
    assert data == expected
    assert gate in changed.splitlines()[line - 1]
    assert [row for row in text.splitlines() if "#" in row and gate not in row] == [
        row for row in changed.splitlines() if "#" in row and gate not in row
    ]


def test_a_rule_replaces_a_block_of_several_lines() -> None:
    text = "actions:\n  - id: a\n    eligibility: >-\n      segments.loyal &&\n      true\n    group: g # stays\n"
    changed, line = put_rule(text, "a", "eligibility", "false")
    assert changed == 'actions:\n  - id: a\n    eligibility: "false"\n    group: g # stays\n'
    assert line == 3


@pytest.mark.parametrize(("action", "gate", "rule", "words"), [
    ("nobody", "eligibility", "true", "no action 'nobody'"),
    ("dairy_coupon", "budget", "true", "takes no rule"),
    ("dairy_coupon", "eligibility", " ", "the rule is empty"),
])
def test_a_rule_that_has_no_place_is_refused_in_words(action: str, gate: str, rule: str, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        put_rule(EXAMPLE, action, gate, rule)


def test_a_rule_is_not_put_into_what_is_no_yaml() -> None:
    with pytest.raises(BadInput, match="not YAML yet"):
        put_rule("actions: [", "a", "eligibility", "true")
