"""What rules read, and that evaluating one never raises."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import limits
from models.catalog.rules import (
    compile_rule,
    evaluate,
    evaluate_or_error,
    number,
    refusal,
    rule_context,
    strange_names,
)
from models.catalog.tokens import reads, tokens


@pytest.mark.parametrize(("source", "profile", "roots"), [
    ("profile.a > 1 && profile['b'] == \"profile.c\"", {"a", "b"}, {"profile"}),
    ("has(profile.a)", {"a"}, {"profile"}),
    ("profile . a", {"a"}, {"profile"}),
    ("profile[\"a\"]", {"a"}, {"profile"}),
    ("profile[r'a']", {"a"}, {"profile"}),
    ("(profile).a", None, {"profile"}),
    ("profile[context.key]", None, {"profile", "context"}),
    ("profile['a' + 'b']", None, {"profile"}),
    ("'a' in profile", None, {"profile"}),
    ("profile.map(k, k)", None, {"profile"}),
    ("profile.a.b.c", {"a"}, {"profile"}),
    ("event.profile.a == 1", frozenset(), {"event"}),
    ("event.items.exists(profile, profile.z == 1)", frozenset(), {"event"}),
    ("event.items.exists(i, i.z == profile.a) && profile.b", {"a", "b"}, {"event", "profile"}),
    ("event.items.exists(profile, true) || profile.a", {"a"}, {"event", "profile"}),
    ("'it''s profile.x' == '// profile.y' // profile.z", frozenset(), frozenset()),
    ("'\\'profile.x' == profile.a", {"a"}, {"profile"}),
    ("r'\\' == profile.a", {"a"}, {"profile"}),
    ("'''\nprofile.x' ''' == profile.a", {"a"}, {"profile"}),
    ("b'profile.x' == profile.a", {"a"}, {"profile"}),
    ("{'profile': 1}.profile == 1 ? now : world.x", frozenset(), {"now", "world"}),
    ("size(segments) > 1", frozenset(), {"segments"}),
    ("'a'in[profile.a]", {"a"}, {"profile"}),
])
def test_the_fields_that_a_rule_reads(source: str, profile: set[str] | None, roots: set[str]) -> None:
    found = reads(source)
    assert found.of("profile") == profile
    assert found.fields.keys() == roots


def test_a_segment_read_as_a_whole_is_told_apart() -> None:
    assert reads("segments.a && segments['b']").of("segments") == {"a", "b"}
    assert reads("size(segments) > 1").of("segments") is None


@pytest.mark.parametrize(("source", "count"), [
    ("[1].all(x, x > 0)", 1), ("[1].exists(x, [2].all(y, y > x))", 2), ("'.all(x, 1)' == ''", 0),
    ("event.items.filter(i, i > 1).size() > 0", 1), ("profile.map > 1.0", 0),
])
def test_comprehensions_are_counted(source: str, count: int) -> None:
    assert reads(source).comprehensions == count


@given(st.text())
def test_tokens_lose_no_character_of_any_text(source: str) -> None:
    kept = "".join(token.text for token in tokens(source))
    rest = iter(source)
    assert all(character in rest for character in kept)
    reads(source)


@given(st.text(alphabet="abc_.'\"[]()&|!=<> 1\\"))
def test_every_root_that_the_engine_sees_is_seen_in_the_tokens(source: str) -> None:
    try:
        rule = compile_rule(source, 0)
    except ValueError:
        return
    seen = set(reads(source).fields) | set(strange_names(source, rule.program)[0])
    assert set(rule.program.variables()) <= seen


def test_a_rule_knows_whether_it_depends_on_the_request() -> None:
    assert compile_rule("profile.a > 1.0", 0).dynamic is False
    assert compile_rule("profile.a > 1.0 && context.page == '/'", 0).dynamic is True
    assert compile_rule("now.getHours() > 8", 0).dynamic is True


@pytest.mark.parametrize(("source", "words"), [
    ("profile.missing > 1.0", "no such field: missing"),
    ("1 / 0 == 1", "division by zero"),
    ("profile.a", "gave float, not a bool"),
    ("profile.a + 1 > 2.0", "does not coerce between types"),
    ("event.properties.total > 1.0", "Undefined variable"),
    ("'a'.matches('(')", "regex"),
])
def test_a_rule_that_errs_is_false_and_says_why(source: str, words: str) -> None:
    context = rule_context()
    context.add_variable("profile", {"a": 2.0})
    rule = compile_rule(source, 0)
    holds, error = evaluate_or_error(rule, context)
    assert (holds, evaluate(rule, context)) == (False, False)
    assert words in error


def test_a_side_that_decides_absorbs_the_error_of_the_other() -> None:
    context = rule_context()
    context.add_variable("profile", {})
    assert evaluate_or_error(compile_rule("profile.x > 1.0 || true", 0), context) == (True, "")


@pytest.mark.parametrize(("source", "value", "words"), [
    ("1.5", 1.5, ""), ("2", 2.0, ""), ("0.0", 0.0, ""), ("true", 1.0, "not a number"), ("-1.0", 1.0, "not negative"),
    ("1.0 / 0.0", 1.0, "finite"), ("profile.x", 1.0, "no such field"), ("'a'", 1.0, "not a number"),
])
def test_a_weight_that_errs_is_one_and_says_why(source: str, value: float, words: str) -> None:
    context = rule_context()
    context.add_variable("profile", {})
    found, error = number(compile_rule(source, 0), context)
    assert found == value
    assert words in error
    assert bool(error) == bool(words)


def test_a_panic_of_the_engine_is_an_error_like_any_other() -> None:
    class Panic(BaseException):
        pass

    class Program:
        def execute(self, context: object) -> object:
            raise Panic("the engine fell over")

    rule = compile_rule("true", 0)
    object.__setattr__(rule, "program", Program())
    assert evaluate_or_error(rule, rule_context()) == (False, "the engine fell over")


def test_a_rule_of_a_thousand_characters_is_the_longest() -> None:
    longest = "true" + " " * (limits.RULE_CHARS_MAX - 4)
    assert refusal(longest) == ""
    assert "1001 characters" in refusal(longest + " ")


@pytest.mark.parametrize("source", ["user.x > 1", ".profile.x", "[1].map(x, y)", "Foo{a: 1}", "x"])
def test_names_that_no_rule_has_are_found(source: str) -> None:
    roots, _ = strange_names(source, compile_rule(source, 0).program)
    assert roots


def test_names_of_types_and_bound_variables_are_not_strange() -> None:
    for source in ("type(profile.a) == double", "[1].all(x, x > 0)", "event.a.exists(e, e.b)"):
        assert strange_names(source, compile_rule(source, 0).program) == ([], [])
