"""A pod's preStop: tell Ray that the pod's node leaves, and wait until what is there of Kairos has moved away.

    python /opt/kairos/leave.py 100        at most so many seconds; what is left then, Ray and the store's fence settle

Ends well in any case: a hook that fails would only end the pod at once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

Run = Callable[[Sequence[str]], str]
_REASON = "DRAIN_NODE_REASON_PREEMPTION"


def leave(
    address: str, own_ip: str, seconds: float, run: Run, *, monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Whether nothing of Kairos is left on the node. ``address``: HOST:PORT of the head."""
    deadline = monotonic() + seconds
    node = _own_node(run(["kairos", "nodes", "--json", "--address", address]), own_ip)
    if node is None:
        return True
    run([
        "ray", "drain-node", "--address", address, "--node-id", node["id"], "--reason", _REASON,
        "--reason-message", "the pod ends", "--deadline-remaining-seconds", str(int(seconds)),
    ])
    while monotonic() < deadline:
        node = _own_node(run(["kairos", "nodes", "--json", "--address", address]), own_ip)
        if node is None or not (node["shards"] or node["coordinator"] or node["gateways"]):
            return True
        sleep(1.0)
    return False


def _own_node(listed: str, own_ip: str) -> dict[str, Any] | None:
    nodes: list[dict[str, Any]] = json.loads(listed)["nodes"]
    return next((node for node in nodes if node["address"].partition(":")[0] == own_ip), None)


def _run(command: Sequence[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def main() -> None:
    """Says what became of it, where Kubernetes keeps the container's own lines."""
    address = os.environ.get("RAY_ADDRESS") or f"{os.environ['FQ_RAY_IP']}:6379"
    try:
        done = leave(address, os.environ["POD_IP"], float(sys.argv[1]), _run)
        word = "nothing is left here" if done else "time is up; what is left moves without us"
    except (OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
        word = f"the node leaves without a word to Ray ({type(error).__name__})"
    sys.stderr.write(f"leave: {word}\n")


if __name__ == "__main__":
    main()
