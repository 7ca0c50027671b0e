"""What every node of a cluster must have, looked at where it is: a small task on each node reads its own environment,
its master key and the store."""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Iterator, Mapping
from typing import Any, Final

import ray
from ray.exceptions import GetTimeoutError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from actors.stores.opening import open_store
from cluster.haproxy import VARIABLE
from cluster.preflight import DISTRIBUTION, Finding, shadowed, versions
from cluster.ray_environment import differing
from cluster.settings import Settings
from cluster.store_of import plain_store
from cluster.supervision.nodes import LiveNode
from models.errors import KairosError

_WAIT_S: Final = 90.0
#: Without these nothing works, or a port is open that must not be; the rest is slower or noticed later.
_NEEDED: Final = frozenset({"RAY_AUTH_MODE", "RAY_SERVE_ENABLE_HA_PROXY", "RAY_SERVE_THROUGHPUT_OPTIMIZED"})


def inspect(settings: Settings, nodes: list[LiveNode]) -> dict[str, list[Finding]]:
    """Findings by the name and id of each node. The caller has joined the cluster."""
    task = ray.remote(_look)
    plain = plain_store(settings)
    asked = {
        f"{node.name} {node.id[:8]}": task.options(
            num_cpus=0, max_retries=0, scheduling_strategy=NodeAffinitySchedulingStrategy(node.id, soft=False),
        ).remote(plain)
        for node in nodes
    }
    return {name: _answer(question) for name, question in asked.items()}


def needed(finding: Finding) -> bool:
    """Whether an installation must not start on a node where this is wrong."""
    return not finding.check.startswith(("RAY_", "machine")) or finding.check in _NEEDED


def _answer(question: Any) -> list[Finding]:
    try:
        told: list[tuple[str, bool, str]] = ray.get(question, timeout=_WAIT_S)
    except GetTimeoutError:
        return [Finding("answers", False, f"no answer within {_WAIT_S:.0f} s; look at its logs, or take it away")]
    except RayError as error:
        first = str(error).strip().splitlines()[0]
        return [Finding("answers", False, f"{first}; is Kairos installed there as here?")]
    return [Finding(*one) for one in told]


def _look(plain: Mapping[str, Any]) -> list[tuple[str, bool, str]]:
    """On the node itself. Plain values go back."""
    found = [*_kairos(), *versions(), *shadowed(), *_variables(), _wrapper(), _store(plain)]
    return [(one.check, one.ok, one.detail) for one in found]


def _kairos() -> Iterator[Finding]:
    try:
        yield Finding("kairos", True, importlib.metadata.version(DISTRIBUTION))
    except importlib.metadata.PackageNotFoundError:
        yield Finding("kairos", True, "from a checkout")


def _variables() -> Iterator[Finding]:
    others = differing()
    for name, (found, wanted) in others.items():
        yield Finding(name, False, f"{found or 'not set'}, not {wanted}; `kairos node-env` before `ray start`")
    if not others:
        yield Finding("variables", True, "as `kairos node-env` prints them")


def _wrapper() -> Finding:
    path = os.environ.get(VARIABLE, "")
    if path and os.access(path, os.X_OK):
        return Finding("haproxy", True, path)
    return Finding(
        "haproxy", False, f"{VARIABLE} is {path or 'not set'}: without the wrapper HAProxy's statistics are open to "
        "everybody; run `kairos node-env` on this node before `ray start`",
    )


def _store(plain: Mapping[str, Any]) -> Finding:
    """Reaches the store, and opens what the master key guards."""
    try:
        store = open_store(plain)
        try:
            installation = store.read_installation()
            if installation is not None:
                store.secret()
        finally:
            store.close()
    except KairosError as error:
        return Finding("store", False, str(error))
    return Finding("store", True, f"{installation.shards} shards" if installation is not None else "nothing there yet")
