"""What the shards tell of themselves, asked with a bound on the wait."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from actors.gateway.problems import Refused
from actors.gateway.services import Services
from models import canonical

STATUS_WAIT_S: Final = 2.0


async def shard_statuses(services: Services) -> dict[int, dict[str, Any] | None]:
    """Each shard's status; None for one that does not answer in time."""
    shards = range(services.settings.shards)
    statuses = await asyncio.gather(*(_status(services, shard) for shard in shards))
    return dict(zip(shards, statuses, strict=True))


async def _status(services: Services, shard: int) -> dict[str, Any] | None:
    try:
        async with asyncio.timeout(STATUS_WAIT_S):
            status: dict[str, Any] = canonical.unpack(await services.shard_call(shard, "status"))
    except (TimeoutError, Refused):
        return None
    return status


def is_ready(status: dict[str, Any] | None) -> bool:
    """The shard answers, has adopted a catalog and holds its first grants."""
    return status is not None and bool(status.get("catalog_version")) and bool(status.get("ready", True))
