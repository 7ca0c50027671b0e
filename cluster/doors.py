"""Which doors must be shut before anything is let in: Ray's by its token, the API's by keys."""

from __future__ import annotations

import os
import secrets
import time
from pathlib import Path
from typing import Any, Final

from actors.access import AccessStore, load
from actors.access.oidc.settings import is_loopback
from actors.durable_file import replace_file
from cluster.settings import Settings
from models.errors import KairosError

MODE: Final = "RAY_AUTH_MODE"
TOKEN: Final = "RAY_AUTH_TOKEN"
TOKEN_PATH: Final = "RAY_AUTH_TOKEN_PATH"
_TOKEN_FILE: Final = "ray.token"
#: Asked without a token of a cluster that wants one.
_PROBE: Final = "/ray.rpc.NodeInfoGcsService/CheckAlive"
_PROBE_WAIT_S: Final = 5.0
_PROBES: Final = 3
_REMEDY: Final = (
    "`ray get-auth-token --generate` makes one in ~/.ray/auth_token; put that same file (mode 0600) on every node, "
    f"name it by {TOKEN_PATH} where it lies elsewhere, and run `ray start` with {MODE}=token on each"
)


def force_token(data_dir: Path, address: str | None) -> None:
    """Whoever holds Ray's token can run code, whoever does not can do nothing: set what makes Ray insist on it. A
    cluster that we start has a token of its own in the data directory. To be called before ``import ray``.

    Raises ``KairosError``.
    """
    mode = os.environ.get(MODE)
    if mode is not None and mode.lower() != "token":
        raise KairosError(f"{MODE}={mode} would let anybody on the network run code; unset it, or say token")
    os.environ[MODE] = "token"
    if os.environ.get(TOKEN):
        return
    if address is None:
        os.environ.setdefault(TOKEN_PATH, str(_own_token(data_dir)))
    path = Path(os.environ.get(TOKEN_PATH) or Path.home() / ".ray" / "auth_token")
    try:
        held = path.read_text().strip()
    except OSError as error:
        raise KairosError(f"Ray's token cannot be read ({path}: {error.strerror}); {_REMEDY}") from error
    if not held:
        raise KairosError(f"{path} holds no token; {_REMEDY}")


def _own_token(data_dir: Path) -> Path:
    path = data_dir.resolve() / _TOKEN_FILE
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(path, secrets.token_hex(32).encode())
    return path


def refuse_open_cluster(gcs_address: str) -> None:
    """Raises ``KairosError`` when the Ray cluster there answers without a token."""
    if answers_without_token(gcs_address):
        raise KairosError(
            f"the Ray cluster at {gcs_address} wants no token: anybody who reaches it can run code and read customers. "
            f"Stop it; {_REMEDY}"
        )


def answers_without_token(gcs_address: str) -> bool:
    """Whether Ray's control store executes a call that carries no token. Raises ``KairosError`` when nobody answers."""
    import grpc  # comes with ray, whose variables must be set before

    silent = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
    channel = grpc.insecure_channel(gcs_address, options=[("grpc.enable_http_proxy", 0)])
    try:
        call: Any = channel.unary_unary(_PROBE)
        for _ in range(_PROBES):
            try:
                call(b"", timeout=_PROBE_WAIT_S, wait_for_ready=True)
            except grpc.RpcError as error:
                if error.code() not in silent:
                    return bool(error.code() != grpc.StatusCode.UNAUTHENTICATED)
            else:
                return True
    finally:
        channel.close()
    raise KairosError(f"the Ray cluster at {gcs_address} does not answer, so nobody knows whether it wants a token")


def refuse_open_bind(settings: Settings, keys: AccessStore) -> None:
    """Raises ``KairosError`` when others could reach the API and there is nobody whom it could let in."""
    if is_loopback(settings.host) or settings.oidc_issuer is not None:
        return
    if not load(keys).any_live(time.time_ns() // 1_000_000):
        raise KairosError(
            f"--host {settings.host} opens the API to others, and there is neither a live key nor an issuer of tokens; "
            "create one first (`kairos key create`), or set oidc_issuer and oidc_audience"
        )


def gateway_settings(settings: Settings) -> dict[str, Any]:
    """What a gateway needs to know of who may come in, as plain values."""
    oidc = settings.oidc()
    return {"gateways": settings.gateways, "oidc": None if oidc is None else oidc.to_plain()}
