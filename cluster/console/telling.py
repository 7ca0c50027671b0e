"""Tells Insight every few seconds what the console tells of itself, for whoever asks a gateway for metrics. Nobody
waits for it; while Insight is away the figures are in no answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from actors import naming
from actors.gateway.batching import ShardGone
from actors.gateway.shards import ActorFailed, NamedActor
from cluster.console.figures import Figures
from models import canonical, limits

#: (replica, packed figures). Raises ShardGone or ActorFailed.
Tell = Callable[[str, bytes], Awaitable[object]]
_REPORT_S: Final = limits.CONSOLE_REPORT_MS / limits.SECOND_MS
_ANSWER_S_MAX: Final = limits.INSIGHT_ANSWER_MS_MAX / limits.SECOND_MS


async def tell_to_insight(figures: Figures, replica: str) -> None:
    """Until cancelled."""
    insight = NamedActor(naming.INSIGHT)
    while True:
        await told(figures, replica, partial(insight.ask, "console"))
        await asyncio.sleep(_REPORT_S)


async def told(figures: Figures, replica: str, tell: Tell) -> bool:
    """Once; False when Insight did not take it. Figures are cumulative, so nothing is lost by that."""
    try:
        async with asyncio.timeout(_ANSWER_S_MAX):
            await tell(replica, canonical.pack(figures.told()))
    except (TimeoutError, ShardGone, ActorFailed):
        return False
    return True
