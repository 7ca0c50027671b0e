"""``kairos status``: the installation in two tables, once or live."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any, Final

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Column, Table
from rich.text import Text

from cluster.cli.options import AsJson, DataDir, Key, Url, server
from cluster.client import Kairos
from models.errors import KairosError

_ONCE_WAIT_S: Final = 10.0
#: Of a live table: an answer that takes longer is none.
_WATCH_WAIT_S: Final = 2.0
_WATCH_EVERY_S: Final = 1.0
#: "inc": the incarnation; "p50", "p99": of the newest commits, in milliseconds.
_COLUMNS: Final = ("shard", "state", "node", "inc", "epoch", "row", "backlog", "p50", "p99", "customers")
_SHORT: Final = 12
_NODE_SHORT: Final = 8

#: As many columns as 80 characters hold.
_STYLE: Final[dict[str, Any]] = {
    "title_justify": "left", "box": SIMPLE_HEAD, "pad_edge": False, "padding": (0, 1, 0, 0),
}

Status = Mapping[str, Any]


def status(
    data_dir: DataDir = None, url: Url = None, key: Key = None, as_json: AsJson = False,
    watch: Annotated[bool, typer.Option("--watch", help="Keep the tables up to date until interrupted.")] = False,
) -> None:
    """Show nodes, shards, coordinator and versions of a live Kairos."""
    base, bearer = server(data_dir, url, key)
    console = Console()
    with Kairos(base, bearer, timeout_s=_WATCH_WAIT_S if watch else _ONCE_WAIT_S) as client:

        def ask() -> Status:
            return dict(client.status().data)

        if as_json:
            print(json.dumps(ask(), indent=2))
        elif watch and console.is_terminal:
            watched(ask, base, console)
        else:
            console.print(tables(ask(), base))


def watched(ask: Callable[[], Status], url: str, console: Console, sleep: Callable[[float], None] = time.sleep) -> None:
    """Until interrupted. A server that does not answer is said so, under what it said last."""
    last: Status | None = None
    answered_s = time.monotonic()
    with Live(console=console, screen=False, auto_refresh=False) as live:
        while True:
            try:
                last, trouble = ask(), ""
                answered_s = time.monotonic()
            except KairosError as error:
                trouble = f"no answer for {time.monotonic() - answered_s:.0f} s: {str(error).splitlines()[0]}"
            shown: list[RenderableType] = [tables(last, url)] if last is not None else []
            live.update(Group(*shown, Text(trouble, style="bold red")), refresh=True)
            sleep(_WATCH_EVERY_S)


def tables(told: Status, url: str) -> RenderableType:
    """What the server told, to read."""
    shards = [dict(shard) for shard in told.get("shards", ())]
    return Group(_head(told, url), _nodes(shards), _shards(shards))


def _head(told: Status, url: str) -> Text:
    degraded = bool(told.get("degraded"))
    coordinator = f"epoch {told.get('epoch')}" if told.get("coordinator") else "does not answer"
    line = Text(f"{url}  kairos {_own_version()}  ")
    line.append("degraded" if degraded else "well", style="bold red" if degraded else "bold green")
    line.append(f"\ncoordinator: {coordinator}  clock: {told.get('clock', '?')}")
    line.append(
        f"\ncatalog: {_brief(told.get('catalog_version'))}  scorer: {_brief(told.get('scorer_version'))}"
        f"  evidence: {told.get('evidence_version', '')}"
    )
    if told.get("scorer_note"):
        line.append(f"\nscorer: {told['scorer_note']}", style="yellow")
    return line


def _nodes(shards: list[dict[str, Any]]) -> Table:
    """Which node has which shards, as these say."""
    table = Table("node", "shards", "serving", title="nodes", **_STYLE)
    by_node: dict[str, list[dict[str, Any]]] = {}
    for shard in shards:
        by_node.setdefault(_node(shard) or "?", []).append(shard)
    for node, mine in sorted(by_node.items()):
        serving = sum(shard.get("state") == "serving" for shard in mine)
        table.add_row(node, " ".join(str(shard.get("shard")) for shard in mine), f"{serving} of {len(mine)}")
    return table


def _shards(shards: list[dict[str, Any]]) -> Table:
    table = Table(*(Column(name, no_wrap=True) for name in _COLUMNS), title="shards", **_STYLE)
    for shard in shards:
        state = _state(shard)
        cells = [
            shard.get("shard"), state, _node(shard), shard.get("incarnation"), shard.get("epoch"),
            shard.get("seq"), shard.get("backlog"), shard.get("append_p50_ms"), shard.get("append_p99_ms"),
            shard.get("customers_resident"),
        ]
        row = ["" if cell is None else str(cell) for cell in cells]
        table.add_row(*row, style="" if state == "serving" else "red")
    return table


def _state(shard: Status) -> str:
    """One that serves without its scorer is "degraded"."""
    if not shard.get("up"):
        return "no answer"
    state = str(shard.get("state", ""))
    return "degraded" if state == "serving" and shard.get("degraded") else state


def _node(shard: Status) -> str:
    return str(shard.get("node_id") or "")[:_NODE_SHORT]


def _brief(name: Any) -> str:
    """The beginning of a hash, behind what says which."""
    kind, colon, rest = str(name or "").rpartition(":")
    return f"{kind}{colon}{rest[:_SHORT]}"


def _own_version() -> str:
    try:
        return version("kairos-decisioning")
    except PackageNotFoundError:
        return "(not installed)"
