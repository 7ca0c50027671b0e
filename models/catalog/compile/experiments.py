"""Experiments with their places in their namespaces, and the weights of treatments."""

from __future__ import annotations

from models.catalog import schema
from models.catalog.schema import experiments as written
from models.catalog.schema.fields import parse_duration_ms
from models.experiments.definition import Experiment, Experiments, Variant


def compile_experiments(catalog: schema.Catalog) -> Experiments:
    """In a namespace the shares lie one behind the other, so that another one behind them moves nobody."""
    by_id: dict[str, Experiment] = {}
    namespaces: dict[str, tuple[Experiment, ...]] = {}
    for each in catalog.experiments:
        before = namespaces.get(each.namespace, ())
        start = before[-1].start + before[-1].share if before else 0.0
        experiment = _experiment(each, start)
        by_id[each.id] = experiment
        namespaces[each.namespace] = (*before, experiment)
    return Experiments(by_id, namespaces)


def _experiment(each: written.Experiment, start: float) -> Experiment:
    return Experiment(
        id=each.id, namespace=each.namespace, start=start, share=each.share,
        observe_ms=parse_duration_ms(each.observe), metric=each.metric, channels=frozenset(each.channels or ()),
        variants=tuple(_variant(variant) for variant in each.variants),
    )


def _variant(variant: written.Variant) -> Variant:
    change = variant.arbitration
    sections = change.model_dump(by_alias=True, exclude_unset=True, exclude_none=True) if change else {}
    return Variant(variant.id, variant.weight, sections, variant.scorer, dict(variant.treatments or {}))


def treatment_weights(catalog: schema.Catalog) -> dict[str, int]:
    """Treatment id -> its weight, of those that have one."""
    return {
        treatment.id: treatment.weight
        for action in catalog.actions for treatment in action.treatments if treatment.weight is not None
    }
