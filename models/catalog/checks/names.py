"""Which names the file declares, misshapen parts included: those must not cause a second error elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from models.catalog.faults import Faults, Path, unknown


@dataclass(frozen=True, slots=True)
class Names:
    """Kind ("action", "group", ...) -> the ids that the file declares."""

    declared: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def expect(self, kind: str, name: str | None, path: Path, faults: Faults) -> bool:
        """Adds a fault when a name is given that nothing declares; True when it is declared."""
        if name is None:
            return False
        if name in self.declared[kind]:
            return True
        faults.add(path, unknown(kind, name, self.declared[kind]))
        return False

    def expect_keys(self, kinds: Iterable[str], item: Any, path: Path, faults: Faults) -> None:
        """Of every key that is named like its kind: ``action``, ``group``, ..."""
        for kind in kinds:
            self.expect(kind, getattr(item, kind), (*path, kind), faults)


def declared_names(raw: Mapping[str, Any]) -> Names:
    issues = _mappings(raw.get("hierarchy"))
    actions = _mappings(raw.get("actions"))
    found = {
        "channel": _ids(raw.get("channels")), "placement": _ids(raw.get("placements")),
        "attribute": _ids(raw.get("attributes")), "feature": _ids(raw.get("features")),
        "segment": _ids(raw.get("segments")), "target": _ids(raw.get("targets")), "issue": _ids(issues, "issue"),
        "group": frozenset(name for issue in issues for name in _ids(issue.get("groups"))),
        "budget": _ids(raw.get("budgets")), "action": _ids(actions),
        "treatment": frozenset(name for action in actions for name in _ids(action.get("treatments"))),
    }
    return Names(found)


def _mappings(items: Any) -> list[dict[str, Any]]:
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _ids(items: Any, key: str = "id") -> frozenset[str]:
    return frozenset(item[key] for item in _mappings(items) if isinstance(item.get(key), str))
