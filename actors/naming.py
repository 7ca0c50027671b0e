"""The names by which the processes of one installation find each other."""

from __future__ import annotations

from typing import Final

NAMESPACE: Final = "kairos"
COORDINATOR: Final = "kairos-coordinator"
#: The actor that counts what the shards' journals say.
INSIGHT: Final = "kairos-insight"
#: The actor that keeps the others in being, on a cluster.
SUPERVISOR: Final = "kairos-supervisor"
GATEWAY_APP: Final = "kairos"
GATEWAY_DEPLOYMENT: Final = "Gateway"
SCORER_APP: Final = "kairos-scorer"
SCORER_DEPLOYMENT: Final = "Scorer"
CONSOLE_APP: Final = "kairos-console"
CONSOLE_DEPLOYMENT: Final = "Console"
#: The owners of journals and keyrings in the store: these, and each shard's (``shard_owner``).
COORDINATOR_OWNER: Final = "coordinator"
INSIGHT_OWNER: Final = "insight"
_SHARD_OWNER: Final = "shard-"
_SHARD_NAME: Final = "kairos-shard-"
#: The one method of the link to a shard.
SHARD_HANDLE: Final = "handle"


def shard_name(shard: int, incarnation: int) -> str:
    """The actor name of one incarnation of a shard: each move makes the next. Ray restarts one under its own name."""
    return f"{_SHARD_NAME}{shard}.{incarnation}"


def parse_shard_name(name: str) -> tuple[int, int] | None:
    """Shard and incarnation; None for the name of anything else."""
    shard, _, incarnation = name.removeprefix(_SHARD_NAME).partition(".")
    if name.startswith(_SHARD_NAME) and shard.isdecimal() and incarnation.isdecimal():
        return int(shard), int(incarnation)
    return None


def shard_owner(shard: int) -> str:
    """The owner of a shard's journal and keyring in the store."""
    return f"{_SHARD_OWNER}{shard}"


def shard_of_owner(owner: str) -> int | None:
    """The shard whose journal it is; None for that of anybody else."""
    return int(owner.removeprefix(_SHARD_OWNER)) if owner.startswith(_SHARD_OWNER) else None


def shard_purpose(shard: int) -> str:
    """What a link to a shard is for, as both its ends say in the handshake."""
    return f"shard {shard}"
