"""What the ports of an installation answer to a stranger, who reaches them and holds no key, token or secret."""

from __future__ import annotations

import ipaddress
import os
import socket
from dataclasses import dataclass
from typing import Any, Final

import grpc
import httpx
import psutil

from actors.link.handshake import CHALLENGE_BYTES, MAGIC, NONCE_BYTES, PROOF_BYTES

#: A few calls of each service that Ray and Serve offer, at least one of which every port of theirs knows.
_CALLS: Final = (
    "/ray.rpc.NodeInfoGcsService/GetAllNodeInfo", "/ray.rpc.InternalKVGcsService/InternalKVGet",
    "/ray.rpc.JobInfoGcsService/GetAllJobInfo", "/ray.rpc.NodeManagerService/GetNodeStats",
    "/ray.rpc.ObjectManagerService/Push", "/ray.rpc.ObjectManagerService/FreeObjects",
    "/ray.rpc.CoreWorkerService/PushTask", "/ray.rpc.CoreWorkerService/KillActor",
    "/ray.rpc.CoreWorkerService/GetCoreWorkerStats", "/ray.rpc.ReporterService/GetTraceback",
    "/ray.rpc.ReporterService/HealthCheck", "/ray.rpc.LogService/ListLogs",
    "/ray.rpc.events.EventAggregatorService/AddEvents", "/ray.serve.ASGIService/HandleRequest",
    "/ray.serve.ASGIService/HandleRequestStreaming", "/ray.serve.UserCallableService/HandleRequest",
    "/grpc.health.v1.Health/Check",
)
_WAIT_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Port:
    address: str
    port: int
    process: str

    @property
    def is_loopback(self) -> bool:
        found = ipaddress.ip_address(self.address)
        mapped = getattr(found, "ipv4_mapped", None)
        return (mapped or found).is_loopback

    @property
    def name(self) -> str:
        """The program, without its folder and arguments."""
        return self.process.split()[0].rsplit("/", 1)[-1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def listening(pid: int) -> list[Port]:
    """Every TCP port of a process and all that descend from it."""
    found = []
    up = psutil.Process(pid)
    for process in [up, *up.children(recursive=True)]:
        try:
            name = " ".join(process.cmdline()) or process.name()
            for one in process.net_connections(kind="tcp"):
                if one.status == psutil.CONN_LISTEN:
                    found.append(Port(one.laddr.ip, one.laddr.port, name))
        except psutil.NoSuchProcess:
            continue
    return found


def http_status(port: Port, path: str, headers: dict[str, str] | None = None) -> int | None:
    """What a GET is answered; None for what is no HTTP at all."""
    try:
        return httpx.get(port.url + path, headers=headers, timeout=_WAIT_S, trust_env=False).status_code
    except httpx.HTTPError:
        return None


def grpc_answers(port: Port, token: str = "") -> dict[str, str]:
    """By call the status code, for the calls that the port knows; {} for what is no gRPC at all."""
    channel = grpc.insecure_channel(f"127.0.0.1:{port.port}", options=[("grpc.enable_http_proxy", 0)])
    answers: dict[str, str] = {}
    try:
        for call in _CALLS:
            try:
                metadata = [("authorization", f"Bearer {token}")] if token else None
                ask: Any = channel.unary_unary(call)
                ask(b"", timeout=_WAIT_S, metadata=metadata)
                answers[call] = "OK"
            except grpc.RpcError as error:
                code = error.code().name
                if code == "UNAVAILABLE":
                    return {}
                if code != "UNIMPLEMENTED":
                    answers[call] = code
    finally:
        channel.close()
    return answers


def link_refuses(port: Port) -> bool | None:
    """Whether a link ends the connection of who cannot prove anything; None for what is no link."""
    try:
        with socket.create_connection(("127.0.0.1", port.port), timeout=_WAIT_S) as stranger:
            stranger.sendall(MAGIC + os.urandom(NONCE_BYTES))
            challenge = b""
            while len(challenge) < CHALLENGE_BYTES:
                part = stranger.recv(CHALLENGE_BYTES - len(challenge))
                if not part:
                    return None
                challenge += part
            if not challenge.startswith(MAGIC):
                return None
            stranger.sendall(os.urandom(PROOF_BYTES) + b"\0" * 64)
            return stranger.recv(1) == b""
    except TimeoutError:
        return None
    except ConnectionResetError:
        return True
