"""What a decision goes by: the catalog's settings with what the variants in force change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.catalog.compile.places import compile_arbitration
from models.catalog.plan import Arbitration, Plan
from models.catalog.schema.choosing import Arbitration as WrittenArbitration
from models.experiments.assignment import InForce
from models.immutable import immutable

#: Combinations kept per plan: a plan has few variants, and customers meet the same ones over and over.
_KEPT_MAX = 1_024


@immutable
class Effective:
    arbitration: Arbitration
    #: The scorer version that a variant names; None: as for everybody.
    scorer: str | None
    #: Treatment id -> weight, the catalog's overridden by the variants'.
    treatment_weights: Mapping[str, int]


class Settings:
    """Effective settings under one plan, each combination worked out once."""

    __slots__ = ("_known", "_plain", "_plan")

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._plain = Effective(plan.arbitration, None, plan.treatment_weights)
        self._known: dict[InForce, Effective] = {}

    def under(self, exposures: InForce) -> Effective:
        """``exposures``: (experiment, variant) pairs of this plan."""
        if not exposures:
            return self._plain
        known = self._known.get(exposures)
        if known is None:
            if len(self._known) >= _KEPT_MAX:
                self._known.clear()
            known = self._known[exposures] = effective(self._plan, exposures)
        return known


def effective(plan: Plan, exposures: InForce) -> Effective:
    """The settings as if the catalog had been written with the variants' changes. Experiments that can meet set
    different things (``models.catalog.checks.experiments``), so their order does not matter."""
    written: dict[str, Any] = {key: _own(value) for key, value in plan.catalog.get("arbitration", {}).items()}
    scorer, weights = None, dict(plan.treatment_weights)
    changed = False
    for experiment_id, variant_id in exposures:
        variant = plan.experiments.by_id[experiment_id].variant(variant_id)
        if variant is None:
            continue
        for section, change in variant.arbitration.items():
            written[section] = {**written.get(section, {}), **change}
            changed = True
        scorer = variant.scorer or scorer
        weights.update(variant.treatments)
    arbitration = compile_arbitration(WrittenArbitration.model_validate(written)) if changed else plan.arbitration
    return Effective(arbitration, scorer, weights)


def _own(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value
