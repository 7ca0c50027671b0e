"""A process with a shard in it, for a test to kill: says on standard output what was acknowledged."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from unit.shard.rig import Rig, decision, event, send


async def serve(directory: Path) -> None:
    async with Rig(directory).shard(checkpoint_turns=7, resident_bytes=40_000, hot_profiles=4) as shard:
        number = int(sys.argv[2])
        while True:
            commands = [event(f"c{n % 50}", f"e{n}", total=n) for n in range(number, number + 3)]
            replies = await send(shard, *commands, decision(f"c{number % 50}", f"r{number}"))
            versions = [body["state_version"] for _, body in replies]
            sys.stdout.write(f"{number} {versions[0]} {versions[1]} {versions[2]} {replies[3][1]['decision_id']}\n")
            sys.stdout.flush()
            number += 3


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
