"""``kairos key``: print the local key; create, list, rotate and revoke keys."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from actors import access
from actors.access import AccessStore, KeyRecord
from cluster.cli.options import AsJson, DataDir, data_dir_of
from cluster.settings import load_settings
from cluster.store_of import store_of
from models import limits
from models.errors import BadInput
from models.ids import MAIN_TENANT
from models.times import format_time, parse_time_ms

app = typer.Typer(
    help="Print the local key; create, list, rotate and revoke keys.", invoke_without_command=True,
)
_UNITS_MS = {"s": limits.SECOND_MS, "m": limits.MINUTE_MS, "h": limits.HOUR_MS, "d": limits.DAY_MS}
_DURATION = re.compile(r"(\d{1,9})([smhd])", re.ASCII)
_COLUMNS = ("name", "id", "ends in", "tenant", "scopes", "created", "expires", "rate", "state")
Expires = Annotated[str | None, typer.Option(help="RFC 3339 time.")]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


@contextmanager
def _keys(data_dir: Any) -> Iterator[AccessStore]:
    store = store_of(load_settings(data_dir=data_dir))
    keys = store.access()
    try:
        yield keys
    finally:
        keys.close()
        store.close()


@app.callback()
def key(context: typer.Context, data_dir: DataDir = None) -> None:
    """Without a subcommand: print the key that the first `kairos up` wrote."""
    if context.invoked_subcommand is None:
        print(access.read_admin_key(data_dir_of(data_dir)))


@app.command()
def create(
    name: Annotated[str, typer.Option(help="Unique among live keys.")],
    scope: Annotated[list[str], typer.Option(help="Repeatable: events:write, decide:web, ...")],
    expires: Expires = None,
    rate: Annotated[float | None, typer.Option(help="Requests per second, over all gateways.")] = None,
    tenant: Annotated[str, typer.Option(help="Whose customers it reaches.")] = MAIN_TENANT,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Create a key and print it, once."""
    with _keys(data_dir) as keys:
        text = access.create(
            keys, name, scope, now_ms=_now_ms(), expires_ms=parse_time_ms(expires) if expires else None, rate=rate,
            tenant=tenant,
        )
    print(json.dumps({"name": name, "key": text}) if as_json else text)


@app.command()
def rotate(
    name: Annotated[str, typer.Argument(help="The live key of this name.")],
    overlap: Annotated[str, typer.Option(help="How long the old key lives on: 90s, 30m, 24h, 7d.")] = "24h",
    expires: Expires = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Make a second key of that name and print it, once; the first ends after the overlap."""
    with _keys(data_dir) as keys:
        text = access.rotate(
            keys, name, now_ms=_now_ms(), overlap_ms=_duration_ms(overlap),
            expires_ms=parse_time_ms(expires) if expires else None,
        )
    print(json.dumps({"name": name, "key": text}) if as_json else text)


@app.command("list")
def list_(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show every key's name, id, last characters, scopes and state; never the key."""
    now_ms = _now_ms()
    with _keys(data_dir) as keys:
        records = keys.records()
    if as_json:
        print(json.dumps([_shown(record, now_ms) for record in records], indent=2))
        return
    table = Table(*_COLUMNS)
    for record in records:
        shown = _shown(record, now_ms)
        table.add_row(
            record.name, shown["id"], f"...{record.tail}", record.tenant, " ".join(record.scopes), shown["created"],
            shown["expires"] or "-", str(record.rate or "-"), shown["state"],
        )
    Console().print(table)


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(help="Every live key of this name, or the one with --id.")],
    key_id: Annotated[str | None, typer.Option("--id", help="As `kairos key list` shows it.")] = None,
    data_dir: DataDir = None,
) -> None:
    """End a key; every gateway refuses it within a second."""
    with _keys(data_dir) as keys:
        for ended in access.revoke(keys, name, now_ms=_now_ms(), key_id=key_id):
            print(f"revoked {ended.name} ({ended.key_id}, ...{ended.tail})")


def _shown(record: KeyRecord, now_ms: int) -> dict[str, Any]:
    return {
        "name": record.name, "id": record.key_id, "ends_in": record.tail, "tenant": record.tenant,
        "scopes": list(record.scopes), "created": format_time(record.created_ms),
        "expires": format_time(record.expires_ms) if record.expires_ms is not None else None, "rate": record.rate,
        "state": "revoked" if record.revoked_ms is not None else "live" if record.live(now_ms) else "expired",
    }


def _duration_ms(text: str) -> int:
    found = _DURATION.fullmatch(text)
    if found is None:
        raise BadInput(f"an overlap is a number and s, m, h or d, as in 24h; not {text[:50]!r}")
    return int(found[1]) * _UNITS_MS[found[2]]
