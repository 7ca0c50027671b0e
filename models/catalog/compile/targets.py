"""Targets."""

from __future__ import annotations

from models.catalog import plan, schema
from models.catalog.schema.fields import parse_duration_ms


def compile_targets(catalog: schema.Catalog) -> dict[str, plan.Target]:
    """By id, in catalog order."""
    return {
        target.id: plan.Target(
            id=target.id, predict=target.predict, event=target.event or "", outcome=target.outcome or "",
            field=tuple(target.field.split(".")) if target.field else (), within_ms=parse_duration_ms(target.within),
        )
        for target in catalog.targets
    }
