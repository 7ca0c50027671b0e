"""What decisions went through while roles changed, from every answer and every change. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

from loadtests.bench.generator.percentiles import percentile
from loadtests.bench.generator.traces import Answered
from loadtests.learning.role_changes import Change

#: After a change was adopted.
AFTER_S: Final = 1.0
NEAR_S: Final = 0.2
_OK: Final = 200
_EVER: Final = float("inf")


def figures(standing: Change, changes: Sequence[Change], answers: Sequence[Answered]) -> dict[str, Any]:
    """``standing``: the roles before the first change. Changes outside the load are not counted."""
    states = [standing, *changes]
    changes = [one for one in changes if answers[0].since <= one.begin_s <= answers[-1].at]
    decided = [one for one in answers if one.status == _OK]
    failed = [one for one in answers if one.status != _OK]
    degraded = [one for one in decided if one.degraded]
    took = sorted((one.end_s - one.begin_s) * 1e3 for one in changes)
    after = [one for one in decided if _within(one, changes, AFTER_S)]
    rest = [one for one in decided if not _within(one, changes, AFTER_S)]
    return {
        "requests": len(answers), "failed": len(failed), "degraded": len(degraded),
        "failed_near_a_change": sum(_within(one, changes, NEAR_S) for one in failed),
        "degraded_near_a_change": sum(_within(one, changes, NEAR_S) for one in degraded),
        "degraded_s_after_adoption": _when(degraded, changes),
        "decided_near_a_change": sum(_within(one, changes, NEAR_S) for one in decided),
        "changes": len(changes), "by_kind": dict(Counter(one.what for one in changes)),
        "adopted_ms": {"p50": percentile(took, 50), "max": took[-1] if took else None},
        "after_changes": _latency(after), "rest": _latency(rest),
        "by_a_scorer_without_role": len(strangers(states, decided)),
        "canaries": _canaries(changes, decided),
    }


def strangers(states: Sequence[Change], decided: Sequence[Answered]) -> list[Answered]:
    """Decisions whose scorer had no deciding role at any moment between question and answer. While a change is being
    adopted both the roles before it and those after it hold."""
    ends = [change.end_s for change in states[1:]] + [_EVER]
    return [
        one for one in decided if not any(
            state.begin_s <= one.at and one.since <= end and one.version in state.deciders
            for state, end in zip(states, ends, strict=True)
        )
    ]


def _when(degraded: Sequence[Answered], changes: Sequence[Change]) -> dict[str, int]:
    """Seconds from the last adoption to the answer, in tenths -> how many."""
    found: Counter[str] = Counter()
    for one in degraded:
        ago = min((one.at - change.end_s for change in changes if change.end_s <= one.at), default=None)
        found["before any" if ago is None else f"{ago:.1f}"] += 1
    return dict(sorted(found.items()))


def _within(one: Answered, changes: Sequence[Change], seconds: float) -> bool:
    """Whether any of a decision's time is between the beginning of a change and ``seconds`` after its adoption."""
    return any(change.begin_s <= one.at and one.since <= change.end_s + seconds for change in changes)


def _latency(decided: Sequence[Answered]) -> dict[str, Any]:
    ordered = sorted((one.at - one.since) * 1e3 for one in decided)
    return {
        "requests": len(ordered), "p50_ms": percentile(ordered, 50), "p99_ms": percentile(ordered, 99),
        "max_ms": ordered[-1] if ordered else None,
    }


def _canaries(changes: Sequence[Change], decided: Sequence[Answered]) -> list[dict[str, float]]:
    """Share asked for -> share of the decisions, while a canary was undisturbed."""
    counts: dict[float, list[int]] = {}
    for change, following in pairwise(changes):
        if change.canary is not None:
            here = [one.version for one in decided if change.end_s <= one.since and one.at <= following.begin_s]
            own = counts.setdefault(change.share, [0, 0])
            own[0] += len(here)
            own[1] += here.count(change.canary)
    return [
        {"share": share, "decisions": count, "by_the_canary": own / count}
        for share, (count, own) in sorted(counts.items()) if count
    ]
