"""Serve opens a port in every replica for calls between deployments, on every interface (it asks for Ray's token).

Where Kairos runs on one machine alone nobody else shall reach it at all. Serve has no setting for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ray._common.tls_utils import add_port_to_grpc_server
from ray.serve._private import replica

_EVERYWHERE: Final = "[::]:0"


def keep_to(host: str) -> None:
    """Call it when a replica is constructed: its port is opened after that. ``host``: "" leaves it as Serve has it."""
    if host:
        replica.add_port_to_grpc_server = lambda server, address: add_port_to_grpc_server(
            server, f"{host}:0" if address == _EVERYWHERE else address
        )


def keep_to_link_host(settings: Mapping[str, Any]) -> None:
    """The same interface as the links between processes."""
    keep_to(str(settings.get("link_host", "")))
