"""``kairos console``: a link that opens the console once, with the scopes of a key."""

from __future__ import annotations

import json
import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from cluster.cli.options import AsJson, DataDir, Url, server
from cluster.console.asking import ask_for_link
from models import limits
from models.errors import BadInput

_MINUTES = limits.CONSOLE_LINK_MS // limits.MINUTE_MS


def console(
    data_dir: DataDir = None,
    url: Url = None,
    key: Annotated[
        str | None, typer.Option("--key", help="@FILE with its key, if neither KAIROS_KEY nor the local admin key.")
    ] = None,
    opens: Annotated[bool, typer.Option("--open", help="Open it in a browser of this machine.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print a link that opens the console once.

    Whoever opens it sees and may do what the key may, until the key ends, for 12 hours at most.
    """
    place, text = server(data_dir, url, None if key is None else _key_in(key))
    link = ask_for_link(place, text)
    if as_json:
        print(json.dumps({"url": link.url, "expires": link.expires}))
    else:
        print(link.url)
        print(f"opens once, within {_MINUTES} minutes; for other eyes: --key @FILE", file=sys.stderr)
    if opens and not webbrowser.open(link.url):
        raise BadInput("no browser could be started here; open the link yourself")


def _key_in(given: str) -> str:
    """A key on a command line is read by every user of the machine, so it comes from a file."""
    if not given.startswith("@"):
        raise BadInput("--key takes @FILE with the key in it, for command lines are no secret; or set KAIROS_KEY")
    path = Path(given[1:])
    try:
        text = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot read a key from {path}: {error}") from error
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise BadInput(f"{path} holds no key: one word is wanted")
    return text
