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
    return await _from_each(services, "status")


async def shard_figures(services: Services) -> dict[int, dict[str, Any] | None]:
    """Each shard's figures for the metrics; None for one that does not answer in time."""
    return await _from_each(services, "figures")


async def shard_monitors(services: Services) -> dict[int, dict[str, Any] | None]:
    """What each shard has seen of the scorers; None for one that does not answer in time."""
    return await _from_each(services, "monitor")


async def _from_each(services: Services, method: str) -> dict[int, dict[str, Any] | None]:
    shards = range(services.settings.shards)
    told = await asyncio.gather(*(_from_shard(services, shard, method) for shard in shards))
    return dict(zip(shards, told, strict=True))


async def _from_shard(services: Services, shard: int, method: str) -> dict[str, Any] | None:
    try:
        async with asyncio.timeout(STATUS_WAIT_S):
            told: dict[str, Any] = canonical.unpack(await services.shard_call(shard, method))
    except (TimeoutError, Refused):
        return None
    return told


async def coordinator_status(services: Services) -> dict[str, Any] | None:
    """The coordinator's part of the status; None when it does not answer in time."""
    return await _from_coordinator(services, "status")


async def coordinator_figures(services: Services) -> dict[str, Any] | None:
    """The coordinator's figures for the metrics; None when it does not answer in time."""
    return await _from_coordinator(services, "figures")


async def insight_figures(services: Services) -> dict[str, Any] | None:
    """Insight's figures for the metrics, and those of consoles that it was told; None when it does not answer."""
    try:
        figures: dict[str, Any] = await services.insight("figures", wait_s=STATUS_WAIT_S)
    except Refused:
        return None
    return figures


async def _from_coordinator(services: Services, method: str) -> dict[str, Any] | None:
    try:
        async with asyncio.timeout(STATUS_WAIT_S):
            _, body = await services.coordinator(method)
    except (TimeoutError, Refused):
        return None
    known: dict[str, Any] = body
    return known


def merged(coordinator: dict[str, Any] | None, shards: dict[int, dict[str, Any] | None]) -> list[dict[str, Any]]:
    """One entry per shard: what the coordinator knows of it (its first grants), then what it says of itself."""
    told = {entry["shard"]: entry for entry in (coordinator or {}).get("shards", ())}
    return [
        {"shard": shard, "up": status is not None, **told.get(shard, {}), **(status or {})}
        for shard, status in shards.items()
    ]


def not_ready(coordinator: dict[str, Any] | None, shards: dict[int, dict[str, Any] | None]) -> list[str]:
    """Shards that do not answer, have adopted no catalog, or wait for their first grants, each with the reason.

    Without the coordinator nobody knows of grants, but then every shard goes on with those it holds.
    """
    found = []
    for entry in merged(coordinator, shards):
        if not entry["up"]:
            found.append(f"{entry['shard']} does not answer")
        elif not entry.get("catalog_version"):
            found.append(f"{entry['shard']} has no policy")
        elif coordinator is not None and not entry.get("ready"):
            found.append(f"{entry['shard']} waits for its first grants")
    return found
