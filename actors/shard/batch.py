"""A batch of commands as it comes over the link."""

from __future__ import annotations

from typing import Any

from models.turn.commands import Command


def opened(asked: Any) -> tuple[list[Command], list[str]]:
    """The commands of a batch and, when any of them is traced, the traceparent of each ("" for none)."""
    if type(asked) is list:
        return [Command.from_wire(wire) for wire in asked], []
    commands = [Command.from_wire(wire) for wire in asked["c"]]
    traces = [""] * len(commands)
    for place, size, traceparent in asked["t"]:
        traces[place:place + size] = [traceparent] * size
    return commands, traces
