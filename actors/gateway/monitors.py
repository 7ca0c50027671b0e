"""What the shards have seen of the scorers, added up for ``GET /v1/scorers``.

Asked for only when somebody asks: it is a few kilobytes per shard, and nobody else reads it. A shard that does not
answer in time is left out, and how many did is told.
"""

from __future__ import annotations

from typing import Any

from actors.gateway.health import shard_monitors
from actors.gateway.services import Services
from models.monitoring.report import monitor
from models.monitoring.rolling import EVIDENCE
from models.monitoring.seen import Seen, merged


async def with_monitors(services: Services, scorers: dict[str, Any]) -> dict[str, Any]:
    """The coordinator's answer with a ``monitor`` beside each scorer, and that of evidence."""
    told = [part for part in (await shard_monitors(services)).values() if part is not None]
    seen = merged(Seen.from_wire(part) for part in told)
    known = [{**scorer, "monitor": monitor(seen, scorer["version"])} for scorer in scorers["scorers"]]
    return {**scorers, "scorers": known, "evidence": monitor(seen, EVIDENCE), "watched_by": len(told)}
