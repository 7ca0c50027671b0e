"""``kairos key``: print the local key; create, list and revoke keys."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from actors import access
from cluster.cli.options import AsJson, DataDir, data_dir_of
from models.times import format_time, parse_time_ms

app = typer.Typer(help="Print the local key; create, list and revoke keys.", invoke_without_command=True)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


@app.callback()
def key(context: typer.Context, data_dir: DataDir = None) -> None:
    """Without a subcommand: print the key that the first `kairos up` wrote."""
    if context.invoked_subcommand is None:
        print(access.read_admin_key(data_dir_of(data_dir)))


@app.command()
def create(
    name: Annotated[str, typer.Option(help="Unique among live keys.")],
    scope: Annotated[list[str], typer.Option(help="Repeatable: events:write, decide:web, ...")],
    expires: Annotated[str | None, typer.Option(help="RFC 3339 time.")] = None,
    rate: Annotated[float | None, typer.Option(help="Requests per second.")] = None,
    tenant: Annotated[str, typer.Option(help="Reserved; only `main` exists.")] = "main",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Create a key and print it, once."""
    if tenant != "main":
        raise typer.BadParameter("this version has one tenant, `main`", param_hint="--tenant")
    text = access.create(
        data_dir_of(data_dir), name, scope, now_ms=_now_ms(),
        expires_ms=parse_time_ms(expires) if expires else None, rate=rate, tenant=tenant,
    )
    print(json.dumps({"name": name, "key": text}) if as_json else text)


@app.command("list")
def list_(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show every key's name, scopes and state; never the key."""
    now_ms = _now_ms()
    records = access.list_keys(data_dir_of(data_dir))
    if as_json:
        print(json.dumps([asdict(record) for record in records], indent=2))
        return
    table = Table()
    for column in ("name", "scopes", "created", "expires", "rate", "state"):
        table.add_column(column)
    for record in records:
        state = "revoked" if record.revoked_ms else "live" if record.live(now_ms) else "expired"
        table.add_row(
            record.name, " ".join(record.scopes), format_time(record.created_ms),
            format_time(record.expires_ms) if record.expires_ms else "-", str(record.rate or "-"), state,
        )
    Console().print(table)


@app.command()
def revoke(
    name: Annotated[str, typer.Option(help="The live key of this name.")], data_dir: DataDir = None,
) -> None:
    """End a key; gateways refuse it within a second."""
    access.revoke(data_dir_of(data_dir), name, now_ms=_now_ms())
    print(f"revoked {name}")
