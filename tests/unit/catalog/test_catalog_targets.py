"""Targets in the catalog: what they are about, and the name under which rules read their scores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from models.catalog.check import check_text, compile_catalog
from models.catalog.faults import BadCatalog
from models.catalog.plan import Target
from models.catalog.rules import compile_rule, evaluate_or_error, rule_context
from models.catalog.tokens import reads
from models.limits import DAY_MS

TARGETS = """\
targets:
  - {id: churn_risk, predict: none, event: basket}
  - {id: worth, predict: sum, event: basket, field: total.net, within: 90d}
  - {id: best_channel, predict: channel, outcome: click}
"""
RULE = "profile.baskets_7d >= 4"


def with_targets(small: str, rule: str = RULE, targets: str = TARGETS) -> str:
    return small.replace("hierarchy:", targets + "hierarchy:").replace(RULE, rule)


def faults(text: str) -> list[tuple[list[Any], str]]:
    with pytest.raises(BadCatalog) as caught:
        check_text(text)
    return [(error["loc"], error["msg"]) for error in caught.value.errors]


def test_targets_are_compiled_in_catalog_order_and_logged_catalogs_compile_to_the_same(small: str) -> None:
    plan = check_text(with_targets(small))
    assert list(plan.targets.values()) == [
        Target("churn_risk", "none", "basket", "", (), 28 * DAY_MS),
        Target("worth", "sum", "basket", "", ("total", "net"), 90 * DAY_MS),
        Target("best_channel", "channel", "", "click", (), 28 * DAY_MS),
    ]
    assert [(one.objective, one.is_text) for one in plan.targets.values()] == [
        ("probability", False), ("number", False), ("probability", True),
    ]
    again = compile_catalog(plan.catalog)
    assert (again.targets, again.version) == (plan.targets, plan.version)


def test_a_catalog_without_targets_keeps_its_version(small: str) -> None:
    assert "targets" not in check_text(small).catalog


@pytest.mark.parametrize(("target", "loc", "says"), [
    ("{id: a, predict: any}", [], "exactly one of event and outcome"),
    ("{id: a, predict: any, event: b, outcome: click}", [], "exactly one of event and outcome"),
    ("{id: a, predict: sum, event: b}", [], "predict sum needs field"),
    ("{id: a, predict: days, event: b, field: x}", ["field"], "predict days takes no field"),
    ("{id: a, predict: sum, outcome: accept, field: x}", ["field"], "the only one is 'value'"),
    ("{id: a, predict: channel, event: b}", ["event"], "name an outcome"),
    ("{id: a, predict: soon, event: b}", ["predict"], "write 'any', 'none', 'sum', 'days', 'hour' or 'channel'"),
    ("{id: a, predict: any, event: b, within: 0d}", ["within"], "longer than zero"),
    ("{id: a-b, predict: any, event: b}", ["id"], "not a name that rules can read"),
    ("{id: a, predict: any, outcome: bought}", ["outcome"], "'bought' is not taken"),
])
def test_a_misshapen_target_is_refused_by_name(small: str, target: str, loc: list[str], says: str) -> None:
    ((where, message),) = faults(with_targets(small, targets=f"targets:\n  - {target}\n"))
    assert where == ["targets", 0, *loc]
    assert says in message


def test_two_targets_alike_are_refused(small: str) -> None:
    again = TARGETS + "  - {id: worth, predict: any, event: basket}\n"
    assert faults(with_targets(small, targets=again)) == [
        (["targets", 3, "id"], "target 'worth' is declared twice (first at targets.1); rename one"),
    ]


def test_a_rule_that_reads_an_unknown_target_is_refused_with_the_known_ones(small: str) -> None:
    assert faults(with_targets(small, "has(profile.scores.churn_rsk) && profile.scores['nope'] > 1.0")) == [
        (["segments", 0, "when"],
         "unknown target 'churn_rsk'; did you mean 'churn_risk'? known: best_channel, churn_risk, worth"),
        (["segments", 0, "when"], "unknown target 'nope'; known: best_channel, churn_risk, worth"),
    ]


def test_without_targets_there_are_no_scores_to_read(small: str) -> None:
    ((_, message),) = faults(small.replace(RULE, "profile.scores.worth > 1.0"))
    assert message == "unknown target 'worth'; known: none is declared"
    ((_, whole),) = faults(small.replace(RULE, "size(profile.scores) > 1"))
    assert whole.startswith("profile.scores is neither attribute nor feature")


def test_an_attribute_called_scores_stays_readable_until_targets_hide_it(
    small: str, errors_after: Callable[[str, str], list[dict[str, Any]]]
) -> None:
    named = small.replace("{id: tier, type: string}", "{id: scores, type: string}").replace(
        RULE, "profile.scores == 'x'"
    )
    assert check_text(named).attributes.keys() == {"scores"}
    ((where, message),) = faults(with_targets(named))
    assert where == ["attributes", 0, "id"]
    assert "rename it" in message
    (error,) = errors_after("- {id: tier, type: string}", "- {id: tier, type: string}\ntargets: [{id: t}]")
    assert error["loc"] == ["targets", 0, "predict"], "what is misshapen causes no second error"


@pytest.mark.parametrize(("source", "scores"), [
    ("profile.scores.a > 1.0 && profile['scores']['b'] > 1.0", {"a", "b"}),
    ("has(profile.scores.a) && profile.scores.a.b", {"a"}),
    ("profile.scores[context.x] > 1.0", None), ("'a' in profile.scores", None), ("(profile.scores).a", None),
    ("event.profile.scores.a", frozenset()), ("profile.scoresheet.a", frozenset()), ("segments.scores", frozenset()),
])
def test_which_scores_a_rule_reads(source: str, scores: set[str] | None) -> None:
    assert reads(source).scores == scores


@pytest.mark.parametrize(("source", "profile", "found"), [
    ("has(profile.scores.a)", {"scores": {}}, (False, "")),
    ("has(profile.scores.a) && profile.scores.a > 0.5", {"scores": {"a": 0.75}}, (True, "")),
    ("profile.scores.hour == 18 && profile.scores.hour >= 9", {"scores": {"hour": 18.0}}, (True, "")),
    ("profile.scores['way'] == 'email'", {"scores": {"way": "email"}}, (True, "")),
])
def test_the_engine_reads_scores_as_it_reads_any_number(
    source: str, profile: dict[str, Any], found: tuple[bool, str]
) -> None:
    context = rule_context()
    context.add_variable("profile", profile)
    assert evaluate_or_error(compile_rule(source, 0), context) == found
