"""Experiments: shares that fit their namespace, variants that can be drawn, and no two that set the same thing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from models.catalog.checks.names import Names
from models.catalog.faults import Faults, Path
from models.catalog.schema.experiments import Experiment, Variant
from models.catalog.shape import Shaped

#: Shares are decimal fractions, which do not always add up to 1 in doubles.
_ROUNDING: Final = 1e-9
_SECTIONS: Final = ("factors", "exploration", "evidence")


def check_experiments(shaped: Shaped, names: Names, faults: Faults) -> None:
    shares: dict[str, float] = {}
    fallbacks = {one.id for action in shaped.catalog.actions if action.fallback for one in action.treatments}
    for path, experiment in shaped.items("experiments"):
        _share(experiment, shares, path, faults)
        _variants(experiment, shaped, path, faults)
        for index, channel in enumerate(experiment.channels or ()):
            names.expect("channel", channel, (*path, "channels", index), faults)
        for index, variant in enumerate(experiment.variants):
            for treatment in variant.treatments or ():
                place = (*path, "variants", index, "treatments", treatment)
                if names.expect("treatment", treatment, place, faults) and treatment in fallbacks:
                    faults.add(place, f"{treatment!r} is of a fallback, which is not drawn; name another treatment")
    _overlaps(shaped, faults)


def _share(experiment: Experiment, shares: dict[str, float], path: Path, faults: Faults) -> None:
    namespace = experiment.namespace
    total = shares[namespace] = shares.get(namespace, 0.0) + experiment.share
    if total > 1.0 + _ROUNDING:
        message = f"the shares of namespace {namespace!r} add up to {total:g} here, and a customer is in one at most;"
        faults.add((*path, "share"), f"{message} lower one, or put the experiment into a namespace of its own")


def _variants(experiment: Experiment, shaped: Shaped, path: Path, faults: Faults) -> None:
    place = (*path, "variants")
    if shaped.was_cut_under(place):
        return
    if len(experiment.variants) < 2:
        faults.add(place, f"{experiment.id!r} compares nothing; add a control and at least one other variant")
    elif not any(variant.weight for variant in experiment.variants):
        faults.add(place, f"all variants of {experiment.id!r} weigh 0, so none can be drawn; share: 0 stops it")


def _overlaps(shaped: Shaped, faults: Faults) -> None:
    """A customer may be in one experiment of each namespace: what both set would have two values."""
    owners = {
        treatment.id: (action.id, treatment.placement)
        for action in shaped.catalog.actions for treatment in action.treatments
    }
    first: dict[str, list[Experiment]] = {}
    for path, experiment in shaped.items("experiments"):
        for what in sorted(set(_set_by(experiment, owners))):
            for other in first.get(what, ()):
                if other.namespace != experiment.namespace and _meet(other, experiment):
                    faults.add(path, (
                        f"{experiment.id!r} and {other.id!r} are of different namespaces, so that a customer can be in "
                        f"both, and both set {what}; put them into one namespace, or into channels of their own"
                    ))
            first.setdefault(what, []).append(experiment)


def _set_by(experiment: Experiment, owners: dict[str, tuple[str, str]]) -> Iterator[str]:
    for variant in experiment.variants:
        yield from _things(variant, owners)


def _things(variant: Variant, owners: dict[str, tuple[str, str]]) -> Iterator[str]:
    for section in _SECTIONS:
        if variant.arbitration is not None and getattr(variant.arbitration, section) is not None:
            yield f"arbitration.{section}"
    if variant.scorer is not None:
        yield "the scorer"
    for treatment in variant.treatments or ():
        if treatment in owners:
            action, placement = owners[treatment]
            yield f"which treatment of {action!r} is shown at {placement!r}"


def _meet(one: Experiment, other: Experiment) -> bool:
    """Some decision can be under both."""
    return not one.channels or not other.channels or bool(set(one.channels) & set(other.channels))
