"""What listens where: every listening socket of our own processes, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import psutil


@dataclass(frozen=True, slots=True)
class Listener:
    address: str
    port: int
    process: str
    purpose: str


_ANYWHERE: Final = ("::", "0.0.0.0")


def _purpose(process: str, address: str, port: int, http_port: int) -> str:
    if port == http_port:
        return "the API, by key"
    if process == "haproxy":
        return "HAProxy statistics and metrics, loopback only"
    if "ProfileShard" in process and address not in _ANYWHERE:
        return "the link to a shard, by proof of the installation's secret"
    if "kairos-scorer" in process and address not in _ANYWHERE:
        return "the link to a scorer, likewise, or its Serve port"
    if "Gateway" in process or "ProxyActor" in process:
        return "a replica behind HAProxy"
    return "Ray, by its token"


def listeners(http_port: int) -> list[Listener]:
    """Sockets of this process and its descendants, the API first."""
    found: list[Listener] = []
    me = psutil.Process()
    for process in [me, *me.children(recursive=True)]:
        try:
            name = process.cmdline()[0].split("/")[-1] if process.cmdline() else process.name()
            connections = process.net_connections(kind="tcp")
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        for connection in connections:
            if connection.status == psutil.CONN_LISTEN:
                address, port = connection.laddr.ip, connection.laddr.port
                found.append(Listener(address, port, name, _purpose(name, address, port, http_port)))
    return sorted(set(found), key=lambda one: (one.port != http_port, one.process, one.port))
