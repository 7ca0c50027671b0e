"""``kairos node-env`` and ``kairos nodes``: what a node of a Ray cluster needs, and what the nodes hold."""

from __future__ import annotations

import json
import shlex
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cluster import joining
from cluster.cli.options import AsJson, DataDir, data_dir_of
from cluster.haproxy import install_wrapper
from cluster.ray_environment import node_variables
from cluster.settings import load_settings
from models.times import format_time


class Format(StrEnum):
    SH = "sh"
    YAML = "yaml"


def node_env(
    data_dir: DataDir = None,
    format_: Annotated[Format, typer.Option("--format", help="sh: for eval; yaml: for a manifest's env.")] = Format.SH,
) -> None:
    """Print the variables that `ray start` needs on every node, and install the HAProxy wrapper they name here."""
    place = data_dir_of(data_dir)
    install_wrapper(place)
    for name, value in sorted(node_variables(place).items()):
        if format_ is Format.SH:
            print(f"export {name}={shlex.quote(value)}")
        else:
            print(f"- name: {name}\n  value: {json.dumps(value)}")


def nodes(
    data_dir: DataDir = None,
    address: Annotated[str | None, typer.Option(help="The Ray cluster [of the settings].")] = None,
    as_json: AsJson = False,
) -> None:
    """List the nodes of a cluster, what of Kairos is on each, and which of them leave."""
    found = joining.nodes_of(load_settings(data_dir=data_dir, address=address))
    if as_json:
        print(json.dumps(found, indent=2))
        return
    table = Table()
    for name in ("node", "address", "head", "shards", "coordinator", "gateways", "leaves"):
        table.add_column(name)
    for node in found["nodes"]:
        by = format_time(node["deadline_ms"]) if node["deadline_ms"] else "yes"
        table.add_row(
            f"{node['name']} {node['id'][:8]}", node["address"], "yes" if node["head"] else "",
            " ".join(map(str, node["shards"])), "yes" if node["coordinator"] else "",
            str(node["gateways"] or ""), by if node["draining"] else "",
        )
    Console().print(table)
