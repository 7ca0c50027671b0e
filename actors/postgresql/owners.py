"""Owners of journals have small numbers in the tables: the coordinator's is 0, that of shard n is n + 1."""

from __future__ import annotations

from typing import Final

from actors import naming
from models import limits

COORDINATOR_NUMBER: Final = 0


def owner_number(owner: str) -> int:
    shard = naming.shard_of_owner(owner)
    return COORDINATOR_NUMBER if shard is None else shard + 1


def owner_name(number: int) -> str:
    """The other way round."""
    return naming.COORDINATOR_OWNER if number == COORDINATOR_NUMBER else naming.shard_owner(number - 1)


assert limits.SHARDS_MAX < 2**15 - 1  # a smallint
