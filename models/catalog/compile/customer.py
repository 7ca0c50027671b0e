"""Features and what feeds them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from models.canonical import pack
from models.catalog import plan, schema
from models.catalog.schema import customer
from models.catalog.schema.fields import parse_duration_ms

_SCOPE_KEYS = ("action", "group", "issue", "channel", "treatment", "placement")


def compile_features(catalog: schema.Catalog) -> tuple[plan.Feature, ...]:
    index = {feature.id: at for at, feature in enumerate(catalog.features)}
    return tuple(_feature(at, feature, index) for at, feature in enumerate(catalog.features))


def _feature(at: int, feature: customer.Feature, index: Mapping[str, int]) -> plan.Feature:
    scope = {key: value for key in _SCOPE_KEYS if (value := getattr(feature, key)) is not None}
    field = tuple(feature.field.split(".")) if feature.field else ()
    window_ms = parse_duration_ms(feature.window) if feature.window else 0
    half_life_ms = parse_duration_ms(feature.half_life) if feature.half_life else 0
    definition = [
        feature.aggregate, feature.event or "", feature.outcome or "", sorted(scope.items()), field, window_ms,
        half_life_ms, feature.of or [],
    ]
    return plan.Feature(
        index=at, id=feature.id, aggregate=feature.aggregate, event=feature.event or "", outcome=feature.outcome or "",
        scope=scope, field=field, window_ms=window_ms, half_life_ms=half_life_ms,
        of=tuple(index[name] for name in feature.of or ()),
        definition=hashlib.blake2b(pack(definition), digest_size=8).digest(),
    )


def grouped(pairs: Iterable[tuple[str, int]]) -> dict[str, tuple[int, ...]]:
    """(name, index) pairs -> name -> indexes; pairs without a name are left out."""
    found: dict[str, list[int]] = {}
    for name, index in pairs:
        if name:
            found.setdefault(name, []).append(index)
    return {name: tuple(indexes) for name, indexes in found.items()}
