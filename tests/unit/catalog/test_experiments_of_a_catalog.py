"""Experiments in a catalog: what is refused, and what a plan makes of the rest."""

from __future__ import annotations

from typing import Any

import pytest
from unit.catalog.conftest import SMALL

from models import limits
from models.catalog.check import check_text
from models.catalog.faults import BadCatalog
from models.catalog.plan import Plan

TWO = "variants: [{id: a, weight: 1}, {id: b, weight: 1"


def experiments(*lines: str) -> str:
    return SMALL + "experiments:\n" + "".join(f"  - {{{line}}}\n" for line in lines)


def errors(*lines: str) -> dict[str, str]:
    """Path -> message."""
    with pytest.raises(BadCatalog) as caught:
        check_text(experiments(*lines))
    found: list[dict[str, Any]] = caught.value.errors
    assert all(error["line"] for error in found)
    return {".".join(map(str, error["loc"])): error["msg"] for error in found}


CASES = [
    ([f"id: x, share: 0.6, {TWO}}}]", f"id: y, share: 0.5, {TWO}}}]"], "experiments.1.share", "add up to 1.1"),
    ([f"id: x, share: 0.1, {TWO}}}]", f"id: x, share: 0.1, {TWO}}}]"], "experiments.1.id", "declared twice"),
    (["id: x, share: 1, variants: [{id: a, weight: 1}, {id: a, weight: 1}]"], "experiments.0.variants.1.id", "twice"),
    (["id: x, share: 1, variants: [{id: a, weight: 1}]"], "experiments.0.variants", "compares nothing"),
    (["id: x, share: 1, variants: [{id: a, weight: 0}, {id: b, weight: 0}]"], "experiments.0.variants", "weigh 0"),
    ([f"id: x, share: 1.5, {TWO}}}]"], "experiments.0.share", "at most 1"),
    ([f"id: x, share: 1, channels: [webb], {TWO}}}]"], "experiments.0.channels.0", "did you mean 'web'"),
    ([f"id: x, share: 1, observe: 91d, {TWO}}}]"], "experiments.0.observe", "longer than 90d"),
    ([f"id: x, share: 1, observe: 7, {TWO}}}]"], "experiments.0.observe", "a duration like"),
    ([f"id: x, share: 1, metric: clicks, {TWO}}}]"], "experiments.0.metric", "accepts"),
    ([f"id: x, share: 1, {TWO}, treatments: {{coupon_hro: 1}}}}]"],
     "experiments.0.variants.1.treatments.coupon_hro", "did you mean 'coupon_hero'"),
    ([f"id: x, share: 1, {TWO}, treatments: {{brand_hero: 1}}}}]"],
     "experiments.0.variants.1.treatments.brand_hero", "is of a fallback"),
    ([f"id: x, share: 1, {TWO}, treatments: {{coupon_hero: -1}}}}]"],
     "experiments.0.variants.1.treatments.coupon_hero", "at least 0"),
    ([f"id: x, share: 1, {TWO}, scorer: 'no id'}}]"], "experiments.0.variants.1.scorer", "not an id"),
    ([f"id: x, share: 1, {TWO}, arbitration: {{control_group: {{id: x, share: 0.1}}}}}}]"],
     "experiments.0.variants.1.arbitration.control_group", "unknown key"),
    ([f"id: x, namespace: n, share: 1, {TWO}, scorer: s}}]", f"id: y, namespace: m, share: 1, {TWO}, scorer: t}}]"],
     "experiments.1", "both set the scorer"),
    ([f"id: x, namespace: n, share: 1, {TWO}, arbitration: {{factors: {{value: 0}}}}}}]",
      f"id: y, namespace: m, share: 1, {TWO}, arbitration: {{factors: {{lever: 0}}}}}}]"],
     "experiments.1", "arbitration.factors"),
    ([f"id: x, namespace: n, share: 1, {TWO}, treatments: {{coupon_hero: 1}}}}]",
      f"id: y, namespace: m, share: 1, {TWO}, treatments: {{coupon_hero: 2}}}}]"],
     "experiments.1", "which treatment of 'coupon' is shown at 'hero'"),
]


@pytest.mark.parametrize(("lines", "path", "words"), CASES)
def test_what_cannot_be_run_is_refused_with_its_place(lines: list[str], path: str, words: str) -> None:
    found = errors(*lines)
    assert path in found, found
    assert words in found[path]


def test_a_fallback_has_no_weight() -> None:
    with pytest.raises(BadCatalog) as caught:
        check_text(SMALL.replace("{id: brand_hero,", "{id: brand_hero, weight: 2,"))
    (error,) = caught.value.errors
    assert (error["loc"], "remove the weight" in error["msg"]) == (["actions", 1, "treatments", 0, "weight"], True)


def plan(*lines: str) -> Plan:
    return check_text(experiments(*lines))


def test_shares_that_fill_a_namespace_in_tenths_are_taken() -> None:
    ten = plan(*(f"id: x{n}, share: 0.1, {TWO}}}]" for n in range(10)))
    assert len(ten.experiments.namespaces["default"]) == 10


def test_experiments_that_cannot_meet_may_set_the_same_thing() -> None:
    plan(f"id: x, share: 0.5, {TWO}, scorer: s}}]", f"id: y, share: 0.5, {TWO}, scorer: t}}]")
    plan(f"id: x, namespace: n, channels: [web], share: 1, {TWO}, scorer: s}}]",
         f"id: y, namespace: m, channels: [push], share: 1, {TWO}, scorer: t}}]")


def test_another_experiment_behind_leaves_the_places_of_those_before_it() -> None:
    before = plan(f"id: x, share: 0.2, {TWO}}}]", f"id: y, share: 0.3, {TWO}}}]").experiments
    behind = plan(f"id: x, share: 0.2, {TWO}}}]", f"id: y, share: 0.3, {TWO}}}]", f"id: z, share: 0.5, {TWO}}}]")
    assert {one.id: (one.start, one.share) for one in before.by_id.values()}.items() <= {
        one.id: (one.start, one.share) for one in behind.experiments.by_id.values()
    }.items()
    assert behind.experiments.by_id["z"].start == 0.5


def test_a_plan_knows_lengths_scorers_and_weights() -> None:
    made = check_text(experiments(f"id: x, share: 1, observe: 3d, metric: value, {TWO}, scorer: xgb-1}}]").replace(
        "placement: hero, content: {}}\n  - id: brand", "placement: hero, weight: 3, content: {}}\n  - id: brand"
    ))
    experiment = made.experiments.by_id["x"]
    assert (experiment.observe_ms, experiment.metric) == (3 * limits.DAY_MS, "value")
    assert made.experiments.scorers == ("xgb-1",)
    assert made.treatment_weights == {"coupon_hero": 3}


def test_a_catalog_without_experiments_has_none() -> None:
    assert not check_text(SMALL).experiments
