"""Whether the head of a Ray cluster answers, seen from outside: by a process that has joined nothing.

A process that has joined a cluster is ended by Ray when the head stays away. Who waits for a head must not join it.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from typing import Final

from models.errors import BadInput, KairosError

_CONNECT_WAIT_S: Final = 1.0
_INTERVAL_S: Final = 1.0
_SAY_S: Final = 10.0


def cluster_id(address: str) -> str | None:
    """What the head's store of state calls this cluster: another value is another cluster, which knows nothing of the
    one before. None when nobody answers. Blocks for up to 40 s when somebody accepts and says nothing."""
    # ray reads its variables at import: only after they are set.
    from ray._raylet import GcsClient  # type: ignore[attr-defined]

    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_WAIT_S):
            pass
        found: str = GcsClient(address=address).cluster_id.hex()
    except (OSError, RuntimeError):  # Ray's RpcError among them
        return None
    return found


def check_address(address: str) -> None:
    """Raises ``BadInput`` unless it is HOST:PORT."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or "/" in address:
        raise BadInput(f"--address {address}: say HOST:PORT of the head, as `ray start --address` takes it")


def wait_for_head(address: str, say: Callable[[str], None], ended: Callable[[], bool] = lambda: False) -> str:
    """Until the head answers; its cluster's id. Says so every 10 s. Raises ``KairosError`` when told to end."""
    begun = said = time.monotonic()
    while not ended():
        found = cluster_id(address)
        if found is not None:
            return found
        now = time.monotonic()
        if said == begun or now - said >= _SAY_S:
            say(f"waiting for the Ray head at {address} ({now - begun:.0f} s)")
            said = now
        time.sleep(_INTERVAL_S)
    raise KairosError(f"ended while waiting for the Ray head at {address}")


class HeadWatch:
    """Asks once a second in a thread of its own."""

    def __init__(self, address: str, first: str) -> None:
        self._address = address
        #: The cluster that answered last, and when (monotonic).
        self.found, self.heard = first, time.monotonic()
        self._ended = threading.Event()
        threading.Thread(target=self._run, name="head-watch", daemon=True).start()

    @property
    def silent_s(self) -> float:
        return time.monotonic() - self.heard

    def stop(self) -> None:
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.wait(_INTERVAL_S):
            found = cluster_id(self._address)
            if found is not None:
                self.found, self.heard = found, time.monotonic()
