"""The reference that Kairos is compared with does the same work: the same features, the same survivors."""

from __future__ import annotations

import random

import pytest

from loadtests import scenario
from loadtests.references.redis_service import catalog as catalogs
from loadtests.references.redis_service import profile as profiles
from loadtests.references.redis_service.choice import choose, survivors

DAY_MS = 86_400_000
NOW_MS = 20_000 * DAY_MS + 5_000


def lived() -> dict[str, object]:
    found = profiles.fresh()
    for age, total in ((400, 1.0), (100, 7.0), (10, 2.0), (3, 4.0), (0, 6.0)):
        properties = {"total": total, "departments": [f"D{age}"]}
        profiles.fold(found, "basket", properties, NOW_MS - age * DAY_MS)
    profiles.fold(found, "page_view", {}, NOW_MS)
    profiles.fold(found, "error", {}, NOW_MS)
    return found


def test_features_bear_the_names_and_windows_of_the_catalog() -> None:
    values = profiles.features(lived(), NOW_MS)
    assert set(values) == {feature["id"] for feature in scenario.features()}
    assert [values[f"baskets_{days}d"] for days in (7, 28, 90, 365)] == [2, 3, 3, 4]
    assert [values[f"spend_{days}d"] for days in (7, 28, 90, 365)] == [10.0, 12.0, 12.0, 19.0]
    assert (values["spend_min"], values["spend_max"], values["spend_mean"]) == (2.0, 6.0, 19 / 4)
    assert (values["departments"], values["last_total"], values["errors_1h"], values["views_7d"]) == (3, 6.0, 1, 1)


def test_a_profile_is_read_as_it_was_written() -> None:
    before = {**lived(), "v": 7}
    begins, after = profiles.read(profiles.write(before))
    assert (begins, after) == ("7|", before)
    assert profiles.read(None) == ("", profiles.fresh())


def test_of_fifty_actions_twenty_survive() -> None:
    catalog = catalogs.load()
    values = profiles.features(profiles.fresh(), NOW_MS)
    assert len(catalog.actions) == 50
    assert len(survivors(catalog, values, frozenset())) == scenario.SURVIVORS
    assert len(survivors(catalog, values, frozenset({"offer_0001"}))) == scenario.SURVIVORS - 1


def test_an_action_is_chosen_once_and_its_probability_is_told() -> None:
    catalog = catalogs.load()
    candidates = [(action, 0.1) for action in catalog.actions[:3]]
    chosen = choose(catalog, candidates, [("hero", 1), ("strip", 3)], random.Random(1))
    assert len({item.action.id for item in chosen}) == len(chosen) == 3
    assert [(item.placement, item.rank) for item in chosen] == [("hero", 1), ("strip", 1), ("strip", 2)]
    assert all(0 < item.probability <= 1 for item in chosen)


def test_the_best_is_chosen_as_often_as_the_shares_say() -> None:
    catalog = catalogs.load()
    candidates = [(action, 0.1) for action in catalog.actions[:5]]
    chance = random.Random(3)
    drawn = [choose(catalog, candidates, [("hero", 1)], chance)[0] for _ in range(4_000)]
    best = max(candidates, key=lambda pair: pair[0].value)[0]
    often = sum(item.action is best for item in drawn) / len(drawn)
    told = next(item.probability for item in drawn if item.action is best)
    assert often == pytest.approx(told, abs=0.02)
