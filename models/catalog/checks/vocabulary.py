"""Channels, placements, features, hierarchy: what customers and places are described with."""

from __future__ import annotations

from typing import Final

from models.catalog.checks.names import Names
from models.catalog.faults import Faults, Path
from models.catalog.schema.customer import Feature
from models.catalog.shape import Shaped

_SCOPE: Final = ("action", "group", "issue", "channel", "treatment", "placement")
#: Aggregate -> the keys that it needs; keys of ``_SHAPING`` that are not named here it refuses.
_NEEDS: Final = {
    "count": ("window",), "sum": ("field", "window"), "mean": ("field", "window"), "max": ("field", "window"),
    "min": ("field", "window"), "distinct": ("field", "window"), "last": ("field",), "days_since_last": (),
    "ratio": ("of",), "decayed_sum": ("field", "half_life"),
}
_SHAPING: Final = ("field", "window", "half_life", "of")


def check_vocabulary(shaped: Shaped, names: Names, faults: Faults) -> None:
    for path, channel in shaped.items("channels"):
        quiet = channel.quiet_hours
        if quiet is not None and quiet.from_ == quiet.to:
            faults.add((*path, "quiet_hours"), "quiet hours from and to the same time; leave them out, or change one")
    for path, placement in shaped.items("placements"):
        names.expect("channel", placement.channel, (*path, "channel"), faults)
    for path, feature in shaped.items("features"):
        _feed(feature, path, faults)
        _keys(feature, path, shaped, faults)
        names.expect_keys(_SCOPE, feature, path, faults)
        _ratio(feature, path, shaped, names, faults)


def _feed(feature: Feature, path: Path, faults: Faults) -> None:
    fed_by = [key for key in ("event", "outcome") if getattr(feature, key) is not None]
    if feature.aggregate == "ratio":
        for key in fed_by:
            faults.add((*path, key), f"a ratio is fed by two features, not by an {key}; remove {key}")
    elif not fed_by:
        faults.add(path, f"feature {feature.id!r} is fed by nothing; add event: or outcome:")
    elif len(fed_by) == 2:
        faults.add((*path, "outcome"), f"feature {feature.id!r} has both event and outcome; keep one")
    if feature.outcome is None:
        for key in _SCOPE:
            if getattr(feature, key) is not None:
                faults.add((*path, key), f"{key} narrows outcomes only; remove it, or count an outcome")
    elif feature.field not in (None, "value"):
        faults.add((*path, "field"), f"an outcome has no field {feature.field!r}; the only one is 'value'")


def _keys(feature: Feature, path: Path, shaped: Shaped, faults: Faults) -> None:
    needed = _NEEDS[feature.aggregate]
    for key in _SHAPING:
        given = getattr(feature, key) is not None
        if key in needed and not given and not shaped.was_cut_under((*path, key)):
            faults.add(path, f"aggregate {feature.aggregate} needs {key}; add it to feature {feature.id!r}")
        elif given and key not in needed:
            faults.add((*path, key), f"aggregate {feature.aggregate} takes no {key}; remove it")


def _ratio(feature: Feature, path: Path, shaped: Shaped, names: Names, faults: Faults) -> None:
    ratios = {each.id for each in shaped.catalog.features if each.aggregate == "ratio"}
    for index, name in enumerate(feature.of or ()):
        if names.expect("feature", name, (*path, "of", index), faults) and name in ratios:
            faults.add((*path, "of", index), f"{name!r} is a ratio itself; name two features that are not")
