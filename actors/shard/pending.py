"""What waits for a turn: the commands of one call, which is answered when the last of them is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from models.errors import NotServing
from models.turn.commands import Command, Reply


class Call:
    """One future for all the commands that came together: it ends with their replies in order, or with NotServing."""

    __slots__ = ("_left", "_replies", "done", "pendings")

    def __init__(self, commands: Sequence[Command], traces: Sequence[str] = ()) -> None:
        """``traces``: the traceparent of each command, "" for none; empty when nobody is traced."""
        self.done: asyncio.Future[list[Reply]] = asyncio.get_running_loop().create_future()
        self.pendings = [Pending(command, self, place) for place, command in enumerate(commands)]
        for pending, trace in zip(self.pendings, traces, strict=False):
            pending.trace = trace
        self._replies: list[Reply | None] = [None] * len(commands)
        self._left = len(commands)
        if not commands:
            self.done.set_result([])

    def answer(self, place: int, reply: Reply) -> None:
        """A caller that is gone hears nothing; what was done for it stays done. Only the first answer counts."""
        if self._replies[place] is None:
            self._replies[place] = reply
            self._left -= 1
            if not self._left and not self.done.done():
                self.done.set_result([given for given in self._replies if given is not None])

    def refuse(self, error: NotServing) -> None:
        """Answer none of them, although some may be done: whoever sends them again elsewhere is told of those, too."""
        if not self.done.done():
            self.done.set_exception(error)


@dataclass(slots=True, eq=False)
class Pending:
    command: Command
    call: Call
    place: int
    trace: str = ""

    @property
    def is_abandoned(self) -> bool:
        """Nobody waits for the answer any more, or it was refused."""
        return self.call.done.done()

    def answer(self, reply: Reply) -> None:
        self.call.answer(self.place, reply)
