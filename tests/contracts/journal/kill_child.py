"""A process that appends, and kills itself inside one append: just before the first statement that begins as told."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from actors.journal.sqlite import open_journal

APPENDED = 5


def main() -> None:
    directory, statement = Path(sys.argv[1]), sys.argv[2]
    journal = open_journal(directory)
    journal.take_over("child")
    for number in range(1, APPENDED + 1):
        journal.append(number.to_bytes(16, "big"), b"kept", at_ms=number)
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()

    def trace(sql: str) -> None:
        if sql.lstrip().startswith(statement):
            os.kill(os.getpid(), signal.SIGKILL)

    journal._file._connection.set_trace_callback(trace)
    journal.append(b"x" * 16, b"never acknowledged", at_ms=9)
    sys.stdout.write("acknowledged\n")


if __name__ == "__main__":
    main()
