"""A process that appends to a journal in PostgreSQL until it is killed, and says what was acknowledged. The address
comes on standard input, for it has a password in it."""

from __future__ import annotations

import sys

from actors.postgresql.journal import open_journal


def main() -> None:
    journal = open_journal(sys.stdin.readline().strip(), sys.argv[1])
    journal.take_over("child")
    while True:
        seq = journal.last_seq + 1
        journal.append(seq.to_bytes(16, "big"), seq.to_bytes(8, "big") * (seq % 97 + 1), at_ms=seq)
        sys.stdout.write(f"{seq}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
