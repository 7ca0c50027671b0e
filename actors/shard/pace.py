"""How many commands a turn takes: what waits, as long as its work is likely to be done within the target time.

All commands of a turn are answered together, so the first of a large turn wait for the last. What a command costs the
shard's thread here and now (on this machine, with this catalog and these customers) is followed by a moving average
over the turns. It is CPU time: waiting for the disk and for the scorer is the same for a small turn, and counted here
it would make turns the smaller, and so their number the larger, the slower the disk is. Small turns make the average
too high, because each bears a turn's fixed cost; as soon as the bound matters, turns are large and the average falls.
"""

from __future__ import annotations

from typing import Final

from models import limits

#: Weight of the newest turn.
_WEIGHT: Final = 0.2


class Pace:
    def __init__(self) -> None:
        self._command_ms = limits.TURN_TARGET_MS / limits.TURN_COMMANDS_MAX

    def turned(self, cpu_ms: float, commands: int) -> None:
        """A turn of so many commands, at least one, took so much of the thread's time."""
        self._command_ms += _WEIGHT * (cpu_ms / commands - self._command_ms)

    @property
    def room(self) -> int:
        """Commands that the next turn may take."""
        if self._command_ms * limits.TURN_COMMANDS_MAX <= limits.TURN_TARGET_MS:
            return limits.TURN_COMMANDS_MAX
        return max(int(limits.TURN_TARGET_MS / self._command_ms), limits.TURN_COMMANDS_MIN)
