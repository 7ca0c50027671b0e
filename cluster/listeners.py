"""What listens where: every listening socket of our own processes, in words."""

from __future__ import annotations

from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True)
class Listener:
    address: str
    port: int
    process: str
    purpose: str


def _purpose(process: str, port: int, http_port: int) -> str:
    if port == http_port:
        return "the API, by key"
    if process == "haproxy":
        return "HAProxy statistics and metrics, loopback only"
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
                port = connection.laddr.port
                found.append(Listener(connection.laddr.ip, port, name, _purpose(name, port, http_port)))
    return sorted(set(found), key=lambda one: (one.port != http_port, one.process, one.port))
