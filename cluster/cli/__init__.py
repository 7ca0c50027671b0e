"""The ``kairos`` command: one module per command.

Exit status: 0 on success, 1 on failure with one clear line on standard error, 2 on wrong usage.
"""

from __future__ import annotations

import sys
from typing import Final

import typer

from cluster.cli import (
    audit,
    console,
    demo,
    denials,
    doctor,
    evaluate,
    exporting,
    importing,
    keys,
    lifecycle,
    master_key,
    nodes,
    scorers,
    status,
    store_tools,
    train,
)
from cluster.cli.catalog import app as catalog_app
from cluster.cli.experiments import app as experiment_app
from models.errors import KairosError

app = typer.Typer(
    name="kairos", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="Real-time customer decisioning: exact contact caps, budgets, auditable next best actions.",
)
app.command("up")(lifecycle.up)
app.command("down")(lifecycle.down)
app.command("status")(status.status)
app.command("console")(console.console)
app.command("doctor")(doctor.doctor)
app.command("nodes")(nodes.nodes)
app.command("node-env")(nodes.node_env)
app.command("demo")(demo.demo)
app.command("import")(importing.import_history)
app.command("train")(train.train)
app.command("export", help=exporting.HELP)(exporting.export)
app.command("evaluate")(evaluate.evaluate_policy)
app.command("audit")(audit.audit)
app.command("denials")(denials.denials)
app.command("migrate-store")(store_tools.migrate_store)
app.command("backup")(store_tools.backup)
app.command("restore")(store_tools.restore_backup)
app.command("reshard")(store_tools.reshard_store)
app.add_typer(keys.app, name="key")
app.add_typer(master_key.app, name="master-key")
app.add_typer(scorers.app, name="scorer")
app.add_typer(catalog_app, name="catalog")
app.add_typer(experiment_app, name="experiment")


#: Exit status of what SIGINT ended: 128 and its number.
_INTERRUPTED: Final = 130


def main() -> None:
    """The console script."""
    try:
        app()
    except KairosError as error:
        print(f"kairos: {error}", file=sys.stderr)
        sys.exit(1)
    except SystemExit as ended:
        if ended.code == _INTERRUPTED:  # as the command line library ends a command, without a word
            print("kairos: interrupted", file=sys.stderr)
        raise
    except KeyboardInterrupt:
        print("kairos: interrupted", file=sys.stderr)
        sys.exit(_INTERRUPTED)
