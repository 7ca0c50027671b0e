"""A rule that ends the rule engine ends a child process, not the server."""

from __future__ import annotations

import pytest

from actors.rule_trial import try_rules
from models import limits
from models.catalog.check import check_text
from models.catalog.faults import BadCatalog

TERMS = " + ".join(["1"] * 20_000)


@pytest.fixture(autouse=True)
def time_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each child that a rule ends is followed by another, and a loaded machine starts them slowly."""
    monkeypatch.setattr(limits, "RULE_TRIAL_S", 120.0)


def test_a_rule_of_twenty_thousand_terms_is_refused_before_anything_reads_it(small: str) -> None:
    tried: list[str] = []

    def trial(sources: list[str]) -> dict[str, str]:
        tried.extend(sources)
        return {}

    with pytest.raises(BadCatalog) as caught:
        check_text(small.replace("segments.loyal", f"{TERMS} > 1"), trial)  # type: ignore[arg-type]
    (error,) = caught.value.errors
    assert error["loc"] == ["actions", 0, "eligibility"]
    assert "79999 characters" in error["msg"] or "characters, more than 1000" in error["msg"]
    assert TERMS not in "".join(tried)


def test_rules_that_end_the_engine_are_named_and_the_others_are_tried() -> None:
    errors = try_rules(["1 == 1", TERMS, "profile.x > 1.0", TERMS + " + 2", "2 == 2"])
    assert errors.keys() == {TERMS, TERMS + " + 2"}
    assert all("ends the rule engine" in text for text in errors.values())


def test_ordinary_rules_pass_their_trial_even_when_they_err_without_a_customer(small: str) -> None:
    assert try_rules(["profile.x > 1.0", "1 / 0 == 1", "segments.a"]) == {}
    assert check_text(small, try_rules).version == check_text(small).version


def test_what_the_trial_says_becomes_an_error_at_every_place_of_the_rule(small: str) -> None:
    twice = small.replace("value: 2", "value: 2\n    suitability: segments.loyal")
    with pytest.raises(BadCatalog) as caught:
        check_text(twice, lambda sources: {"segments.loyal": "it ends the engine"})
    assert [(error["loc"][-1], error["msg"]) for error in caught.value.errors] == [
        ("suitability", "it ends the engine"), ("eligibility", "it ends the engine"),
    ]


def test_no_rules_need_no_child() -> None:
    assert try_rules([]) == {}
