"""Who is in which experiment, and under which of its variants. Called when a decision is prepared.

A customer has one place in [0, 1) per namespace, and the namespace's experiments hold stretches of it, one behind the
other; so it is in one of them at most, and an experiment that is added behind moves nobody. Its variant is drawn by a
hash of its own, so that the variants of two experiments have nothing to do with each other. What a customer was first
exposed to is kept in its profile and holds from then on, whatever shares and weights become.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

from models import limits
from models.experiments.definition import Experiment, Experiments
from models.profile.learnt import Exposure

#: (experiment, variant) pairs in force for a decision.
InForce = tuple[tuple[str, str], ...]
_NOTHING: Final[InForce] = ()
#: Bits of a hash that a double holds exactly.
_BITS: Final = 53
_PLACES: Final = 2**_BITS


def place(*label: str) -> float:
    """A stable, uniform place in [0, 1)."""
    digest = hashlib.blake2b("\x1f".join(label).encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> (64 - _BITS)) / _PLACES


def in_force(
    experiments: Experiments, kept: Mapping[str, Exposure], customer_id: str, channel: str, control_group: str | None,
) -> InForce:
    """What a decision of the customer in this channel is under. ``kept``: ``Profile.experiments``. Nobody who is held
    out by the control group is under anything."""
    if not experiments.by_id or control_group is not None:
        return _NOTHING
    found: list[tuple[str, str]] = []
    for namespace, members in experiments.namespaces.items():
        experiment = _held(members, kept) if kept else None
        if experiment is not None:
            variant = kept[experiment.id].variant
        elif len(kept) < limits.EXPERIMENTS_PER_CUSTOMER_MAX:
            experiment = _drawn(namespace, members, customer_id)
            if experiment is None:
                continue
            variant = drawn_variant(experiment, customer_id)
        else:
            continue
        if variant in experiment.names and (not experiment.channels or channel in experiment.channels):
            found.append((experiment.id, variant))
    return tuple(found)


def _held(members: tuple[Experiment, ...], kept: Mapping[str, Exposure]) -> Experiment | None:
    """The one to which the customer was exposed first."""
    held, since_ms = None, 0
    for experiment in members:
        exposure = kept.get(experiment.id)
        if exposure is not None and (held is None or exposure.exposed_ms < since_ms):
            held, since_ms = experiment, exposure.exposed_ms
    return held


def _drawn(namespace: str, members: tuple[Experiment, ...], customer_id: str) -> Experiment | None:
    at = place("namespace", namespace, customer_id)
    for experiment in members:
        if experiment.start <= at < experiment.start + experiment.share:
            return experiment
    return None


def drawn_variant(experiment: Experiment, customer_id: str) -> str:
    """By the variants' weights, of which at least one is above 0."""
    drawn = place("variant", experiment.id, customer_id) * experiment.weight
    reached, last = 0, ""
    for variant in experiment.variants:
        reached += variant.weight
        last = variant.id if variant.weight else last
        if drawn < reached:
            return variant.id
    return last
