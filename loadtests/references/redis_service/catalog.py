"""The benchmark's catalog as such a service holds it: one object per action, its rules as compiled Python."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from loadtests import scenario

Rule = Callable[[dict[str, float]], bool]
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Policy:
    """At most ``limit`` contacts in any window; per channel, or per action."""

    id: str
    limit: int
    window_ms: int
    per_action: bool


@dataclass(frozen=True, slots=True)
class Action:
    id: str
    value: float
    lever: float
    eligible: Rule
    applicable: Rule
    units: int
    #: Placement -> (treatment id, content).
    treatments: dict[str, tuple[str, dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Catalog:
    actions: tuple[Action, ...]
    policies: tuple[Policy, ...]
    placements: frozenset[str]
    budget: str
    cap: int
    gamma: float
    share: float
    prior: float
    hold_ms: int


def _always(_: dict[str, float]) -> bool:
    return True


def _more_baskets_than(limit: int) -> Rule:
    return lambda profile: profile["baskets_28d"] > limit


def _no_employee(profile: dict[str, float]) -> bool:
    return not profile.get("employee")


def load() -> Catalog:
    """From the same description that Kairos publishes, so that both have the same work."""
    told = scenario.catalog()
    levers = {group["id"]: 1 + group["lever"] / 100 for issue in told["hierarchy"] for group in issue["groups"]}
    exploration = told["arbitration"]["exploration"]
    return Catalog(
        tuple(_action(action, levers[action["group"]]) for action in told["actions"]),
        tuple(
            Policy(p["id"], p["limit"], _window_ms(p["window"]), p.get("per") == "action")
            for p in told["contact_policies"]
        ),
        frozenset(placement["id"] for placement in told["placements"]),
        told["budgets"][0]["id"], told["budgets"][0]["cap"], exploration["gamma"], exploration["share"],
        told["arbitration"]["evidence"]["prior"], 30 * 60_000,
    )


def _action(told: dict[str, Any], lever: float) -> Action:
    rule = re.fullmatch(r"profile\.baskets_28d > (\d+)", told.get("eligibility", ""))
    return Action(
        told["id"], told["value"], lever, _more_baskets_than(int(rule[1])) if rule else _always, _no_employee,
        told["budget"]["units"], {t["placement"]: (t["id"], t["content"]) for t in told["treatments"]},
    )


def _window_ms(text: str) -> int:
    return int(text[:-1]) * {"h": 3_600_000, "d": _DAY_MS}[text[-1]]
