"""The names by which the processes of one installation find each other."""

from __future__ import annotations

from typing import Final

NAMESPACE: Final = "kairos"
COORDINATOR: Final = "kairos-coordinator"
GATEWAY_APP: Final = "kairos"
GATEWAY_DEPLOYMENT: Final = "Gateway"
SCORER_APP: Final = "kairos-scorer"
SCORER_DEPLOYMENT: Final = "Scorer"
#: The owners of journals and keyrings in the store: this one, and each shard's (``shard_owner``).
COORDINATOR_OWNER: Final = "coordinator"
_SHARD_OWNER: Final = "shard-"
#: The one method of the link to a shard.
SHARD_HANDLE: Final = "handle"


def shard_name(shard: int) -> str:
    """The actor name of a shard."""
    return f"kairos-shard-{shard}"


def shard_owner(shard: int) -> str:
    """The owner of a shard's journal and keyring in the store."""
    return f"{_SHARD_OWNER}{shard}"


def shard_of_owner(owner: str) -> int | None:
    """The shard whose journal it is; None for the coordinator's."""
    return int(owner.removeprefix(_SHARD_OWNER)) if owner.startswith(_SHARD_OWNER) else None


def shard_purpose(shard: int) -> str:
    """What a link to a shard is for, as both its ends say in the handshake."""
    return f"shard {shard}"
