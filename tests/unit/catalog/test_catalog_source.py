"""YAML 1.2 as text: words stay words, keys come once, and nothing in a file can blow up."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import limits
from models.catalog.faults import BadCatalog
from models.catalog.source import load_text


def test_on_off_yes_and_no_are_words_and_dates_are_text() -> None:
    data, _ = load_text("a: [on, off, yes, no, 2017-01-01, 12:30, y, NO]")
    assert data == {"a": ["on", "off", "yes", "no", "2017-01-01", "12:30", "y", "NO"]}


def test_plain_scalars_follow_the_core_schema() -> None:
    data, _ = load_text("a: [1, -2, 0o17, 0x1F, 1.5, .5, 1e3, true, False, null, ~, 0b1, 1_000, '1', \"true\"]")
    assert data == {"a": [1, -2, 15, 31, 1.5, 0.5, 1000.0, True, False, None, None, "0b1", "1_000", "1", "true"]}


def test_every_path_has_its_line_and_a_missing_key_that_of_its_mapping() -> None:
    _, lines = load_text("a: 1\nb:\n  - {c: 2}\n  - c:\n      d: 3\n")
    assert [lines.line(path) for path in (("a",), ("b", 0, "c"), ("b", 1), ("b", 1, "c", "d"))] == [1, 3, 4, 5]
    assert lines.line(("b", 1, "c", "nothing")) == 5
    assert lines.line(("nothing",)) == 1


@pytest.mark.parametrize(("text", "line", "words"), [
    ("a: 1\na: 2", 2, "the key 'a' is given twice (first on line 1)"),
    ("a: &x 1\nb: *x", 1, "anchors and aliases"),
    ("a: *x", 1, "anchors and aliases"),
    ("[" * 10_000, 1, "nested deeper"),
    ("{a: " * 10_000, 1, "nested deeper"),
    ("- " * 5_000, 1, "nested deeper"),
    ("a: !!python/object:x 1", 1, "the tag"),
    ("%YAML 1.1\n---\na: 1", 2, "is YAML 1.2"),
    ("a: 1\n---\nb: 2", 2, "one catalog"),
    ("a: 1\nb: .nan", 2, "infinity and NaN"),
    ("a: 1e999", 1, "too large"),
    ("a: " + "9" * 5_000, 1, "64 bits"),
    ('a: "\\ud800"', 1, "half a surrogate pair"),
    ("a: [", 1, "not YAML 1.2"),
    ("a: b: c", 1, "not YAML 1.2"),
    ("a:\n\t- b", 2, "not YAML 1.2"),
    ("1: a", 1, "is not text; quote it"),
    ("? [a]\n: 1", 1, "a key must be text"),
])
def test_what_is_no_plain_yaml_is_refused_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(BadCatalog) as caught:
        load_text(text)
    assert any(words in error["msg"] and error["line"] == line for error in caught.value.errors), caught.value.errors


@pytest.mark.parametrize("text", ["a: \ud800", "a: " + "x" * limits.CATALOG_BYTES_MAX, "a: \x00"])
def test_text_that_cannot_be_a_catalog_is_refused_before_it_is_read(text: str) -> None:
    with pytest.raises(BadCatalog):
        load_text(text)


def test_keys_and_values_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CATALOG_NODES_MAX", 5)
    load_text("a: [1, 2]")
    with pytest.raises(BadCatalog, match="more than 5 keys and values"):
        load_text("a: [1, 2, 3]")


def test_the_errors_of_a_hopeless_file_are_bounded() -> None:
    with pytest.raises(BadCatalog) as caught:
        load_text("a: 1\n" * 3_000)
    assert len(caught.value.errors) == limits.CATALOG_ERRORS_MAX
    assert "2999 errors" in caught.value.detail


_LEAVES = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text() | st.floats(
    allow_nan=False, allow_infinity=False,
)
_KEYS = st.text(max_size=20)
_TREES = st.recursive(_LEAVES, lambda inner: st.lists(inner) | st.dictionaries(_KEYS, inner), max_leaves=10)


@settings(max_examples=50)
@given(st.dictionaries(_KEYS, _TREES), st.sampled_from([None, 1]))
def test_any_json_object_reads_back_as_it_was(value: dict[str, object], indent: int | None) -> None:
    # YAML excludes DEL, which JSON does not escape.
    read, _ = load_text(json.dumps(value, indent=indent).replace("\x7f", "\\u007f"))
    assert read == value
