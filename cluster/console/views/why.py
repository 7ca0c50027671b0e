"""Why a decision came out as it did: its candidates by what became of them, and the answer for one action."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cluster.console.views.gates import CHOSEN, GATES, Gate, gate

#: From what was shown to what came least far.
_NEAREST_FIRST: Final = (CHOSEN, *reversed(GATES))


@dataclass(frozen=True, slots=True)
class Bar:
    """A feature's part in a score: ``share`` of the strongest, -1 to 1."""

    name: str
    value: float
    share: float


@dataclass(frozen=True, slots=True)
class Candidate:
    action: str
    gate: Gate
    rule: str | None
    detail: str
    #: What the ranking knew; empty when a gate removed it before.
    numbers: Mapping[str, Any]
    bars: tuple[Bar, ...]
    #: Where it was shown; None unless chosen.
    placement: str | None
    rank: int | None

    @property
    def is_ranked(self) -> bool:
        return "priority" in self.numbers

    @property
    def because(self) -> str:
        """One line: the rule or policy that decided, and its detail."""
        return " · ".join(part for part in (self.rule or "", self.detail) if part)


@dataclass(frozen=True, slots=True)
class Group:
    gate: Gate
    #: As many as a page shows.
    shown: tuple[Candidate, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Step:
    """What a gate left of the candidates."""

    gate: str
    title: str
    remaining: int
    removed: int
    #: Of the candidates, 0 to 100.
    percent: float


@dataclass(frozen=True, slots=True)
class Item:
    placement: str
    rank: int
    action: str
    treatment: str
    fallback: bool
    probability: float | None


def candidates(explanation: Mapping[str, Any]) -> list[Candidate]:
    return [_candidate(each) for each in explanation.get("candidates", ())]


def _candidate(given: Mapping[str, Any]) -> Candidate:
    removed = given.get("removed_by")
    return Candidate(
        str(given["action"]), CHOSEN if removed is None else gate(removed), given.get("rule"),
        given.get("detail") or "", {key: given[key] for key in given if key in _NUMBERS},
        bars(given.get("top_features") or ()), given.get("placement"), given.get("rank"),
    )


_NUMBERS: Final = frozenset({
    "propensity", "propensity_source", "scorer_weight", "scorer_propensity", "evidence_propensity", "context_weight",
    "context_weight_error", "value", "lever", "priority", "selection_probability",
})


def bars(features: Sequence[Sequence[Any]]) -> tuple[Bar, ...]:
    strongest = max((abs(float(value)) for _, value in features), default=0.0) or 1.0
    return tuple(Bar(str(name), float(value), float(value) / strongest) for name, value in features)


def grouped(found: Sequence[Candidate], wanted: str, shown_max: int) -> list[Group]:
    """What was chosen first, then by the gate that removed it, from the last gate to the first; ``wanted``: only
    actions whose id holds this text. Ranked ones by priority, others as the catalog has them."""
    groups = []
    fitting = matching(found, wanted)
    for each in (*_NEAREST_FIRST, gate("")):
        inside = sorted((one for one in fitting if one.gate == each), key=_strength)
        if inside:
            groups.append(Group(each, tuple(inside[:shown_max]), len(inside)))
    return groups


def matching(found: Sequence[Candidate], wanted: str) -> list[Candidate]:
    text = wanted.strip().casefold()
    return [one for one in found if text in one.action.casefold()]


def _strength(candidate: Candidate) -> float:
    return -float(candidate.numbers.get("priority") or 0.0)


def answer_for(found: Sequence[Candidate], wanted: str) -> Candidate | None:
    """The one action that was asked about; None when it is none, or several."""
    exact = [one for one in found if one.action == wanted.strip()]
    fitting = exact or (matching(found, wanted) if wanted.strip() else [])
    return fitting[0] if len(fitting) == 1 else None


def steps(funnel: Mapping[str, int]) -> list[Step]:
    """The funnel in the order of the gates, each with what it removed."""
    found, before, all_ = [], int(funnel.get("candidates", 0)), int(funnel.get("candidates", 0))
    for name, remaining in funnel.items():
        if name in ("candidates", "ranked"):
            continue
        title = "Chosen" if name == "chosen" else gate(name).noun
        found.append(Step(name, title, remaining, before - remaining, 100.0 * remaining / all_ if all_ else 0.0))
        before = remaining
    return found


def items(decision: Mapping[str, Any]) -> list[Item]:
    return list(_items(decision))


def _items(decision: Mapping[str, Any]) -> Iterator[Item]:
    for filled in decision.get("placements", ()):
        for item in filled["items"]:
            yield Item(
                filled["placement"], item["rank"], item["action"], item["treatment"], bool(item["fallback"]),
                item.get("selection_probability"),
            )


def table(found: Sequence[Candidate]) -> tuple[list[str], list[list[Any]]]:
    """(header, rows) of every candidate, for a spreadsheet."""
    header = ["action", "outcome", "rule", "detail", "placement", "rank", *sorted(_NUMBERS), "leading features"]
    rows = [
        [
            one.action, one.gate.id, one.rule, one.detail, one.placement, one.rank,
            *(one.numbers.get(name) for name in sorted(_NUMBERS)),
            "; ".join(f"{bar.name} {bar.value:g}" for bar in one.bars),
        ]
        for one in found
    ]
    return header, rows
