"""Two ids alike: within each kind, treatments and groups over the whole catalog, and attributes against features."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from models.catalog.faults import Faults, Path

_KINDS: Final = {
    "channels": "channel", "placements": "placement", "attributes": "attribute", "features": "feature",
    "segments": "segment", "targets": "target", "budgets": "budget", "actions": "action",
    "contact_policies": "contact policy", "triggers": "trigger", "experiments": "experiment",
}


def check_twins(raw: Mapping[str, Any], faults: Faults) -> None:
    """Judged on the file as written, so that a misshapen twin counts too."""
    for section, kind in _KINDS.items():
        _unique(kind, _ids(raw.get(section), (section,), "id"), faults)
    issues = list(_ids(raw.get("hierarchy"), ("hierarchy",), "issue"))
    _unique("issue", issues, faults)
    _unique("group", _nested(raw, "hierarchy", "groups"), faults)
    _unique("treatment", _nested(raw, "actions", "treatments"), faults)
    experiments = raw.get("experiments")
    for index, each in enumerate(experiments if isinstance(experiments, list) else ()):
        if isinstance(each, dict):
            _unique("variant", _ids(each.get("variants"), ("experiments", index, "variants"), "id"), faults)
    features = {name for _, name in _ids(raw.get("features"), ("features",), "id")}
    for path, name in _ids(raw.get("attributes"), ("attributes",), "id"):
        if name in features:
            faults.add(path, f"attribute {name!r} is also a feature, and rules read both as profile.{name}; rename one")


def _ids(items: Any, path: Path, key: str) -> Iterable[tuple[Path, str]]:
    for index, item in enumerate(items if isinstance(items, list) else ()):
        if isinstance(item, dict) and isinstance(item.get(key), str):
            yield (*path, index, key), item[key]


def _nested(raw: Mapping[str, Any], section: str, children: str) -> Iterable[tuple[Path, str]]:
    parents = raw.get(section)
    for index, parent in enumerate(parents if isinstance(parents, list) else ()):
        if isinstance(parent, dict):
            yield from _ids(parent.get(children), (section, index, children), "id")


def _unique(kind: str, ids: Iterable[tuple[Path, str]], faults: Faults) -> None:
    first: dict[str, Path] = {}
    for path, name in ids:
        if name in first:
            where = ".".join(str(part) for part in first[name][:-1])
            faults.add(path, f"{kind} {name!r} is declared twice (first at {where}); rename one")
        else:
            first[name] = path
