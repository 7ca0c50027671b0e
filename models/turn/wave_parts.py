"""A wave by scorer: the decisions that one version scores, with the matrix that it is sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.catalog.plan import Plan
from models.errors import InvariantBroken
from models.immutable import immutable
from models.scoring.matrix import Layout
from models.turn import top_features
from models.turn.decisions import Pending
from models.turn.shard_state import ShardState

Matrix = NDArray[np.float32]
_SCORE_BYTES: Final = np.dtype(np.float32).itemsize


@dataclass(slots=True)
class WavePart:
    """Decisions of one wave that one scorer scores, in the wave's order."""

    #: The scorer that the matrix was laid out for; None: evidence alone decides these.
    version: str | None
    #: float32 [rows, features]; no columns without a scorer, no rows when nothing is to be scored.
    matrix: Matrix
    decisions: list[Pending]
    layout: Layout | None = None

    @property
    def rows(self) -> int:
        return int(self.matrix.shape[0])

    def to_explain(self, scores: NDArray[np.float32] | None) -> NDArray[np.intp]:
        """Rows whose contributions ``Turn.resolve`` takes beside these scores; none unless a decision explains itself
        and a scorer scored it."""
        if not any(pending.explains for pending in self.decisions):
            return np.empty(0, np.intp)
        parts = [(pending.preparation.scored.size, pending.explains) for pending in self.decisions]
        return top_features.rows_to_explain(parts, scores)


@immutable
class Scored:
    """What came of asking the scorer of a part."""

    #: float32[rows]; None without a scorer, or degraded.
    scores: NDArray[np.float32] | None
    degraded: bool
    #: float32[rows to explain, features + 1], log-odds; None when nobody asked, or the scorer did not say in time.
    contributions: NDArray[np.float32] | None = None


#: Nobody was asked: evidence decides, and nothing is amiss.
UNSCORED: Final = Scored(None, False)
DEGRADED: Final = Scored(None, True)


def parts_of(pending: Sequence[Pending], state: ShardState, plan: Plan, now_ms: int) -> list[WavePart]:
    """The parts of a wave, in the order in which its decisions first name their scorers; one where all name the same.
    Every decision is given its vector."""
    by_scorer: dict[str | None, list[Pending]] = {}
    for waiting in pending:
        by_scorer.setdefault(waiting.preparation.scorer, []).append(waiting)
    return [_part(version, decisions, state, plan, now_ms) for version, decisions in by_scorer.items()]


def _part(version: str | None, pending: list[Pending], state: ShardState, plan: Plan, now_ms: int) -> WavePart:
    if version is None:
        return WavePart(None, np.empty((sum(p.preparation.scored.size for p in pending), 0), np.float32), pending)
    layout = state.layouts[version]
    views = [p.preparation.standing.view for p in pending]
    vectors = layout.wave_vectors(
        [view.values for view in views], [view.attributes for view in views], [view.scores for view in views],
        [p.request["channel"] for p in pending], now_ms,
    )
    frozen, length = vectors.tobytes(), vectors.shape[1] * vectors.itemsize
    for at, waiting in enumerate(pending):
        waiting.vector = frozen[at * length : (at + 1) * length]
    matrix = layout.stack(vectors, [p.preparation.scored for p in pending], state.evidence.propensities(plan))
    return WavePart(version, matrix, pending, layout)


def checked(part: WavePart, scored: Scored) -> NDArray[np.float32] | None:
    """The scores by which a part's decisions are ranked; None: evidence."""
    scores = scored.scores
    if scores is not None and len(scores) != part.rows:
        raise InvariantBroken(f"{len(scores)} scores for {part.rows} rows")
    return None if scored.degraded or part.version is None or not part.rows else scores


def cut(part: WavePart, scores: NDArray[np.float32] | None) -> Iterator[bytes | None]:
    """Per decision of a part its own scores as bytes; None where evidence decides, or nothing was to be scored."""
    # One array's bytes are cut; every decision's own array would be an object or two more.
    frozen = b"" if scores is None else scores.astype(np.float32, copy=False).tobytes()
    start = 0
    for pending in part.decisions:
        size = pending.preparation.scored.size
        yield None if scores is None or not size else frozen[start : start + size * _SCORE_BYTES]
        start += size * _SCORE_BYTES


def explained(
    part: WavePart, plan: Plan, scores: NDArray[np.float32] | None, contributions: NDArray[np.float32] | None
) -> dict[int, top_features.TopFeatures]:
    """Top features of the decisions that explain themselves, by their place in the turn."""
    if scores is None or contributions is None:
        return {}
    layout, rows = part.layout, part.to_explain(scores)
    if layout is None or contributions.shape != (len(rows), layout.width + 1):
        raise InvariantBroken(f"contributions of shape {contributions.shape} for {len(rows)} rows")
    found: dict[int, top_features.TopFeatures] = {}
    start = 0
    for pending in part.decisions:
        scored = pending.preparation.scored
        own = (rows >= start) & (rows < start + scored.size)
        if own.any():
            actions = scored[rows[own] - start]
            found[pending.index] = top_features.by_action(plan, layout.features, actions, contributions[own])
        start += scored.size
    return found
