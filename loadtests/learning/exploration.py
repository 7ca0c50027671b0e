"""What exploration costs: ranking and choosing a turn of 64 decisions x 20 candidates under each method, in process.

Rounds of all methods are interleaved and each method's quickest tenth is told, as processor time per decision. With a
scorer every decision has a field of candidates of its own; with evidence alone the same fields come again and Thompson
sampling finds its chances kept.
"""

from __future__ import annotations

import json
import time
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from loadtests import scenario
from models.arbitration import deciding
from models.arbitration.choice import METHODS
from models.arbitration.preparation import Preparation
from models.arbitration.priority import rank_all
from models.catalog.check import check_data
from models.coordination.messages import Count
from models.profile.state import Profile
from models.scoring.evidence import Evidence
from models.scoring.roles import Roles

DECISIONS: Final = 64
ROUNDS: Final = 40
_NOW_MS: Final = 1_772_470_800_000
_PLENTY: Final = 1_000_000

Turn = list[Preparation]


def main(arguments: list[str]) -> None:
    """``exploration [ROUNDS]``: prints microseconds per decision by method, with scores and by evidence alone."""
    print(json.dumps(run(int(arguments[0]) if arguments else ROUNDS), indent=1))


def run(rounds: int = ROUNDS) -> dict[str, Any]:
    turns = {method: _prepared(method) for method in sorted(METHODS)}
    rows = sum(len(one.scored) for one in turns["none"])
    draw = np.random.default_rng(7)
    costs: dict[str, dict[str, list[float]]] = {kind: {m: [] for m in turns} for kind in ("scores", "evidence")}
    for number in range(rounds):
        scores = draw.beta(2.0, 20.0, rows).astype(np.float32)
        for method, turn in turns.items():
            costs["scores"][method].append(_cost(turn, scores, number))
            costs["evidence"][method].append(_cost(turn, None, number))
    return {
        "decisions": DECISIONS, "candidates": rows / DECISIONS, "rounds": rounds,
        **{f"us_by_{kind}": {m: round(float(np.quantile(taken, 0.1)), 1) for m, taken in by_method.items()}
           for kind, by_method in costs.items()},
    }


def _prepared(method: str) -> Turn:
    data = scenario.catalog()
    data["arbitration"]["exploration"]["method"] = method
    plan = check_data(data)
    counts = [
        Count("action", action.id, 3 + 2 * action.index, 20 * (1 + action.index) ** 2) for action in plan.actions[::2]
    ]
    evidence, roles = Evidence().with_changes(1, counts), Roles(1, "v1", manifests={"v1": {}})
    found: Turn = []
    for number in range(DECISIONS):
        request = {
            "request_id": f"r-{number}", "customer_id": f"c-{number}", "channel": "web",
            "placements": [{"id": "hero", "count": 1}], "context": {}, "event": None, "exclude": [], "dry_run": False,
            "explain": False,
        }
        one = deciding.prepare(Profile(f"c-{number}"), plan, request, bytes(16), _NOW_MS, evidence, roles)
        assert isinstance(one, Preparation)
        found.append(one)
    return found


def _cost(turn: Turn, scores: NDArray[np.float32] | None, number: int) -> float:
    """Microseconds of processor time per decision."""
    for at, one in enumerate(turn):
        one.seed = (number * DECISIONS + at).to_bytes(16, "big")
    begin = time.process_time()
    for one, ranking in zip(turn, rank_all(turn, scores), strict=True):
        deciding.resolve_ranked(one, ranking, None, False, lambda budget, period: _PLENTY)
    return (time.process_time() - begin) / DECISIONS * 1e6
