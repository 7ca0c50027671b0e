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


#: What Ray's own servers listen on is written as IPv6; whatever else listens is not.
_RAYS: Final = "::"
_MAPPED: Final = "::ffff:"


def _purpose(process: str, address: str, port: int, http_port: int) -> str:
    if port == http_port:
        return "the API, by key"
    if process == "haproxy":
        return "HAProxy statistics and metrics, loopback only"
    if address.startswith(_RAYS):
        return "Ray, by its token"
    if "ProfileShard" in process:
        return "the link to a shard, by proof of the installation's secret"
    if "kairos-scorer" in process:
        return "the link to a scorer, likewise, or its Serve port"
    if "kairos-console" in process:
        return "the console behind HAProxy"
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
                purpose = _purpose(name, address, port, http_port)
                found.append(Listener(address.removeprefix(_MAPPED), port, name, purpose))
    return sorted(set(found), key=lambda one: (one.port != http_port, one.process, one.port))
