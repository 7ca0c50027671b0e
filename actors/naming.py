"""The names by which the processes of one installation find each other."""

from __future__ import annotations

from typing import Final

NAMESPACE: Final = "kairos"
COORDINATOR: Final = "kairos-coordinator"
GATEWAY_APP: Final = "kairos"
GATEWAY_DEPLOYMENT: Final = "Gateway"
SCORER_APP: Final = "kairos-scorer"
SCORER_DEPLOYMENT: Final = "Scorer"
#: The one method of the link to a shard.
SHARD_HANDLE: Final = "handle"


def shard_name(shard: int) -> str:
    """The actor name of a shard."""
    return f"kairos-shard-{shard}"


def shard_purpose(shard: int) -> str:
    """What a link to a shard is for, as both its ends say in the handshake."""
    return f"shard {shard}"
