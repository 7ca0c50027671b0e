"""``kairos denials``: who was refused, and whether the record of it is whole."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from actors.access.denials.interface import DenialStore
from actors.access.denials.verify import Verdict, verify
from cluster.cli.options import AsJson, DataDir
from cluster.settings import load_settings
from cluster.store_of import store_of
from models.errors import BadInput
from models.times import format_time

_COLUMNS = ("last", "status", "call", "scope", "key", "tenant", "peer", "count")


def denials(
    data_dir: DataDir = None,
    check: Annotated[bool, typer.Option("--verify", help="Verify every chain; exit 1 when one is not whole.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many of the newest entries.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Show who was refused (401, 403, 429), newest last; or verify the chains in which it is written."""
    installed = store_of(load_settings(data_dir=data_dir))
    store = installed.denials()
    try:
        if check:
            _verify(store, as_json)
        else:
            _show(store, limit, as_json)
    finally:
        store.close()
        installed.close()


def _show(store: DenialStore, limit: int, as_json: bool) -> None:
    found: list[dict[str, Any]] = []
    for chain in store.chains():
        found += [{"chain": chain, "seq": entry.seq, **_body(chain, entry)} for entry in store.entries(chain)]
    found.sort(key=lambda one: (one["last_ms"], one["chain"], one["seq"]))
    found = found[-limit:]
    if as_json:
        print(json.dumps(found, indent=2))
        return
    table = Table(*_COLUMNS)
    for one in found:
        shown = {**one, "last": format_time(one["last_ms"])}
        table.add_row(*(str(shown.get(name) or "-") for name in _COLUMNS))
    Console().print(table)


def _body(chain: str, entry: Any) -> dict[str, Any]:
    try:
        body: dict[str, Any] = entry.body()
        return {**body, "last_ms": int(body["last_ms"])}
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"entry {entry.seq} of chain {chain} cannot be read; `kairos denials --verify`") from error


def _verify(store: DenialStore, as_json: bool) -> None:
    verdicts = [verify(store, chain) for chain in store.chains()]
    if as_json:
        print(json.dumps([asdict(verdict) for verdict in verdicts], indent=2))
    else:
        for verdict in verdicts:
            print(_line(verdict))
        print(f"{len(verdicts)} chains, {sum(verdict.entries for verdict in verdicts)} entries")
    if any(verdict.fault for verdict in verdicts):
        raise typer.Exit(1)


def _line(verdict: Verdict) -> str:
    said = f"NOT WHOLE: {verdict.fault}" if verdict.fault else f"whole, head {verdict.head.hash[:16]}"
    return f"{verdict.chain}: {verdict.entries} entries, {said}"
