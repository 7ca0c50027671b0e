"""``kairos import FILE``."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from cluster import history_file, importing
from cluster.cli.options import AsJson, DataDir, Key, Url, data_dir_of, server
from cluster.client import AsyncKairos
from models.errors import KairosError

#: For how long one page is repeated, e.g. while a shard comes back.
_PATIENCE_S: Final = 120.0


def import_history(
    file: Annotated[Path, typer.Argument(help="Parquet or JSON lines of events.", exists=True, dir_okay=False)],
    data_dir: DataDir = None, url: Url = None, key: Key = None, as_json: AsJson = False,
) -> None:
    """Import history, of any age, into a live Kairos. Interrupted, it goes on where it was; repeated, it adds nothing.

    Each line or row is an event: customer_id, type, time (with an offset), and channel, properties where there are any.
    """
    base, bearer = server(data_dir, url, key)
    begun_at, result = asyncio.run(_import(file, base, bearer, data_dir_of(data_dir)))
    if as_json:
        print(json.dumps(asdict(result)))
    else:
        print(f"{result.applied} applied, {result.duplicate} already there, {result.rejected} rejected"
              + (f" (of which {begun_at} events in earlier runs)" if begun_at else ""))
        for one in result.reasons:
            print(f"  position {one['position']}: {json.dumps(one['error'])}")
    if result.rejected:
        raise KairosError(f"{result.rejected} of {result.next_position} events were rejected; mend and import them")


async def _import(file: Path, url: str, key: str, data_dir: Path) -> tuple[int, importing.Progress]:
    """Where earlier runs had come to, and how it ended."""
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(stderr=True)) as bars:
        bar = bars.add_task("import", total=history_file.count(file))
        seen: list[int] = []

        def show(progress: importing.Progress) -> None:
            seen.append(progress.next_position)
            bars.update(bar, completed=progress.next_position)

        async with AsyncKairos(url, key, timeout_s=_PATIENCE_S) as client:
            result = await importing.send_file(file, client, data_dir, show)
        return seen[0], result
