"""A disk under test control: a framed log that loses its tail, refuses to write, or forgets to say that it wrote."""

from __future__ import annotations

import hashlib

_HEAD_BYTES = 4
_SUM_BYTES = 8


class CrashError(Exception):
    """The process is gone: whoever held memory starts again from the disk."""


class RefusedError(Exception):
    """Nothing was written; the process lives on."""


class SimulatedDisk:
    def __init__(self) -> None:
        self._log = bytearray()
        #: What the next append meets: "" | "refuse" | "torn" | "unacknowledged".
        self.fault = ""
        #: Of a torn append: how much of the frame reaches the disk, in [0, 1).
        self.torn_at = 0.5
        #: The newest complete checkpoint: (rows covered, state, profiles, keys).
        self.checkpoint: tuple[int, bytes, dict[bytes, bytes], list[tuple[bytes, bytes, int, int, bytes, bytes]]] | None
        self.checkpoint = None

    def append(self, payload: bytes) -> int:
        """Durable when it returns: the row's sequence."""
        fault, self.fault = self.fault, ""
        if fault == "refuse":
            raise RefusedError
        frame = _frame(payload)
        if fault == "torn":
            self._log += frame[: int(len(frame) * self.torn_at)]
            raise CrashError
        self._log += frame
        if fault == "unacknowledged":
            raise CrashError
        return len(self.rows())

    def rows(self) -> list[bytes]:
        """Every whole row."""
        return self._read()[0]

    def recover(self) -> None:
        """What a store does at a start: cut off a torn tail."""
        del self._log[self._read()[1] :]

    def _read(self) -> tuple[list[bytes], int]:
        rows, at = [], 0
        while at + _HEAD_BYTES <= len(self._log):
            size = int.from_bytes(self._log[at : at + _HEAD_BYTES], "big")
            end = at + _HEAD_BYTES + size + _SUM_BYTES
            frame = bytes(self._log[at:end])
            payload = frame[_HEAD_BYTES : _HEAD_BYTES + size]
            if frame != _frame(payload):
                break
            rows.append(payload)
            at = end
        return rows, at


def _frame(payload: bytes) -> bytes:
    return len(payload).to_bytes(_HEAD_BYTES, "big") + payload + hashlib.blake2b(payload, digest_size=8).digest()
