"""``kairos catalog``: what a business does with the file before it publishes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from actors.rule_trial import try_rules
from models import limits
from models.catalog.check import check_text
from models.catalog.faults import BadCatalog
from models.catalog.plan import Plan

app = typer.Typer(no_args_is_help=True, help="Work with catalog files.")


@app.callback()
def catalog() -> None:
    """Work with catalog files."""


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="The catalog, YAML or JSON.", metavar="FILE")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")] = False,
) -> None:
    """Validate a catalog: every error at once, with its line and what to do about it."""
    try:
        plan = check_text(_read(file), try_rules)
    except BadCatalog as error:
        _print_errors(file, error, as_json)
        raise typer.Exit(1) from None
    if as_json:
        typer.echo(json.dumps({"ok": True, "file": str(file), "catalog_version": plan.version, **_counts(plan)}))
        return
    counted = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in _counts(plan).items())
    typer.echo(f"ok: {counted}, version {plan.version}")


def _read(file: Path) -> str:
    """The file's text; an unreadable file ends the command with one clear line."""
    try:
        with file.open("rb") as stream:
            data = stream.read(limits.CATALOG_BYTES_MAX + 1)
    except OSError as error:
        raise BadCatalog(f"cannot read {file}: {error.strerror}; check the path") from None
    if len(data) > limits.CATALOG_BYTES_MAX:
        raise BadCatalog(f"{file} has more than {limits.CATALOG_BYTES_MAX} bytes; shorten its content")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadCatalog(f"{file} is not UTF-8 (byte {error.start}); save it as UTF-8") from None


def _print_errors(file: Path, error: BadCatalog, as_json: bool) -> None:
    """Errors go to standard error for people; the JSON object goes to standard output."""
    if as_json:
        typer.echo(json.dumps({"ok": False, "file": str(file), "detail": error.detail, "errors": error.errors}))
        return
    for each in error.errors:
        typer.echo(_line(file, each), err=True)
    typer.echo(error.detail, err=True)


def _line(file: Path, error: dict[str, Any]) -> str:
    """``FILE:LINE: path: message``; without a line when none is known."""
    where = f"{file}:{error['line']}" if error["line"] is not None else str(file)
    path = ".".join(str(part) for part in error["loc"])
    return f"{where}: {path + ': ' if path else ''}{error['msg']}"


def _counts(plan: Plan) -> dict[str, int]:
    return {
        "actions": len(plan.actions), "treatments": sum(len(action.treatments) for action in plan.actions),
        "placements": len(plan.placements), "features": len(plan.features), "segments": len(plan.segments),
        "contact_policies": len(plan.policies), "budgets": len(plan.budgets), "rules": len(plan.rules),
        "experiments": len(plan.experiments.by_id), "targets": len(plan.targets),
    }
