"""Owners of journals have small numbers in the tables: the coordinator's is 0, that of shard n is n + 1, and Insight's
comes after those of all shards that there can be."""

from __future__ import annotations

from typing import Final

from actors import naming
from models import limits

_NUMBERS: Final = {naming.COORDINATOR_OWNER: 0, naming.INSIGHT_OWNER: limits.SHARDS_MAX + 1}
_NAMES: Final = {number: owner for owner, number in _NUMBERS.items()}


def owner_number(owner: str) -> int:
    """Raises ``KeyError`` for a name that no owner has."""
    shard = naming.shard_of_owner(owner)
    return _NUMBERS[owner] if shard is None else shard + 1


def owner_name(number: int) -> str:
    """The other way round."""
    return _NAMES[number] if number in _NAMES else naming.shard_owner(number - 1)


assert limits.SHARDS_MAX + 1 < 2**15  # a smallint
