"""``figures.json``: what every suite found last, with the machine and the moment; a run replaces its own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from loadtests.bench.figures import Figure
from loadtests.bench.measuring import Round

FILE = "figures.json"


def suite_result(
    figures: Iterable[Figure], machine: Mapping[str, Any], command: str, facts: Mapping[str, Any],
    rounds: Mapping[str, list[Round]] | None = None,
) -> dict[str, Any]:
    """One suite as it is written."""
    return {
        "machine": dict(machine), "command": command, "facts": dict(facts),
        "figures": [figure.to_plain() for figure in figures],
        "workloads": {name: [one.to_plain() for one in taken] for name, taken in (rounds or {}).items()},
    }


def read(folder: Path) -> dict[str, Any]:
    """Suite -> its result; empty before the first run."""
    try:
        found: dict[str, Any] = json.loads((folder / FILE).read_text())
    except FileNotFoundError:
        return {}
    return found


def write(folder: Path, suites: Mapping[str, Any]) -> None:
    """One line per suite, so that a difference tells which suite was measured again."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"{json.dumps(name)}: {json.dumps(_rounded(suite))}" for name, suite in suites.items()]
    (folder / FILE).write_text("{\n" + ",\n".join(lines) + "\n}\n")


def _rounded(value: Any) -> Any:
    """Six significant digits are more than any of these figures has."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, Mapping):
        return {name: _rounded(part) for name, part in value.items()}
    return [_rounded(part) for part in value] if isinstance(value, list | tuple) else value
