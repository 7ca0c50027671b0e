"""A process that appends until it is killed, and says on standard output what was acknowledged."""

from __future__ import annotations

import sys
from pathlib import Path

from actors.journal.sqlite import open_journal


def main() -> None:
    journal = open_journal(Path(sys.argv[1]))
    journal.take_over("child")
    while True:
        seq = journal.last_seq + 1
        payload = seq.to_bytes(8, "big") * (seq % 97 + 1)
        journal.append(seq.to_bytes(16, "big"), payload, at_ms=seq)
        sys.stdout.write(f"{seq}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
