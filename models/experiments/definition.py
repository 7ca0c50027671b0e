"""What the catalog says of its experiments, as compiled. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Variant:
    id: str
    weight: int
    #: Section of ``arbitration`` -> the keys that it sets there.
    arbitration: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: The version that scores its customers; None: as for everybody.
    scorer: str | None = None
    #: Treatment id -> weight.
    treatments: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Experiment:
    id: str
    namespace: str
    #: Customers of the namespace whose place in [0, 1) lies in [start, start + share) are in it.
    start: float
    share: float
    observe_ms: int
    #: "accepts" | "value"
    metric: str
    #: Empty: all.
    channels: frozenset[str]
    #: The first is the control.
    variants: tuple[Variant, ...]
    #: Derived from the variants: their ids, and the sum of their weights.
    names: frozenset[str] = field(init=False)
    weight: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", frozenset(variant.id for variant in self.variants))
        object.__setattr__(self, "weight", sum(variant.weight for variant in self.variants))

    def variant(self, id_: str) -> Variant | None:
        return next((variant for variant in self.variants if variant.id == id_), None)


@dataclass(frozen=True, slots=True)
class Experiments:
    """All of a catalog's, in its order."""

    by_id: Mapping[str, Experiment] = field(default_factory=dict)
    #: Namespace -> its experiments.
    namespaces: Mapping[str, tuple[Experiment, ...]] = field(default_factory=dict)

    @property
    def scorers(self) -> tuple[str, ...]:
        """The versions that variants name, each once."""
        found = (variant.scorer for one in self.by_id.values() for variant in one.variants if variant.scorer)
        return tuple(dict.fromkeys(found))

    def __bool__(self) -> bool:
        return bool(self.by_id)
