"""What the coordinator shows of experiments."""

from __future__ import annotations

from typing import Any

from models.coordination.commands import Answer
from models.coordination.state import CoordinatorState
from models.experiments import report
from models.turn.commands import problem


def experiments_view(state: CoordinatorState) -> dict[str, Any]:
    """``GET /v1/experiments``."""
    return {"experiments": report.experiments_view(state.experiments, _live_experiments(state))}


def experiment_answer(state: CoordinatorState, id_: str) -> Answer:
    """``GET /v1/experiments/{id}``."""
    known = state.experiments.definitions
    if id_ not in known:
        detail = f"no catalog ever had an experiment {id_!r}; known: {', '.join(known) or 'none'}"
        return Answer(404, problem(404, "Unknown experiment", detail))
    return Answer(200, report.experiment_view(state.experiments, id_, _live_experiments(state)))


def _live_experiments(state: CoordinatorState) -> frozenset[str]:
    return frozenset(one["id"] for one in state.catalog.get("experiments") or ())
