"""What a journal's calls cost in SQLite and in PostgreSQL, one after the other in one run.

``python -m loadtests.journals postgresql://user@host:port/database`` (an empty database; the password from PGPASSWORD)
prints JSON, in milliseconds.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from actors import naming
from actors.journal.interface import FlushBatch, IndexEntry, Journal, StoredProfile
from actors.journal.sqlite import open_journal as open_sqlite
from actors.postgresql.connection import connect, place
from actors.postgresql.journal import open_journal as open_postgresql
from actors.postgresql.schema import ensure_schema

_APPENDS: Final = 1_000
_FLUSHES: Final = 40
_LOOKS: Final = 300
_ROW_BYTES: Final = (400, 8_000, 40_000)
_PROFILE_BYTES: Final = 700
Timed = dict[str, dict[str, list[float]]]


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="kairos-bench-") as folder:
        print(json.dumps(run(Path(folder), sys.argv[1]), indent=1))


def run(folder: Path, url: str) -> dict[str, dict[str, dict[str, float]]]:
    """{call: {store: {p50, p99}}}."""
    connection = connect(url, "kairos loadtests")
    ensure_schema(connection, place(url))
    connection.close()
    journals: dict[str, Journal] = {
        "sqlite": open_sqlite(folder), "postgresql": open_postgresql(url, naming.shard_owner(0)),
    }
    timed: Timed = {}
    for journal in journals.values():
        journal.take_over("loadtests")
    for size in _ROW_BYTES:
        for number in range(_APPENDS):
            payload, batch = os.urandom(size), os.urandom(16)
            _all(timed, journals, f"append {size} B", lambda j, p=payload, b=batch, n=number: j.append(b, p, n))
    for count in (16, 500):
        for number in range(_FLUSHES):
            profiles = [StoredProfile(os.urandom(16), number, 1, os.urandom(_PROFILE_BYTES), 5) for _ in range(count)]
            _all(timed, journals, f"flush {count} profiles", lambda j, p=profiles: j.flush(FlushBatch(profiles=p)))
    for number in range(_FLUSHES):
        keys = [IndexEntry(os.urandom(16), os.urandom(16), number, number, b"f" * 16, b"") for _ in range(512)]
        _all(timed, journals, "flush 512 keys", lambda j, k=keys: j.flush(FlushBatch(keys=k)))
    customers = [profile.customer for profile in profiles[:16]]
    for _ in range(_LOOKS):
        _all(timed, journals, "load 16 profiles", lambda j: j.load_profiles(customers))
        _all(timed, journals, "load 16 keys", lambda j: j.load_keys([(key.customer, key.key) for key in keys[:16]]))
        _all(timed, journals, "confirm", lambda j: j.confirm())
    for journal in journals.values():
        journal.close()
    return {
        what: {store: {"p50": _at(took, 0.5), "p99": _at(took, 0.99)} for store, took in stores.items()}
        for what, stores in timed.items()
    }


def _all(timed: Timed, journals: dict[str, Journal], what: str, call: Callable[[Journal], object]) -> None:
    for store, journal in journals.items():
        started = time.perf_counter()
        call(journal)
        timed.setdefault(what, {}).setdefault(store, []).append((time.perf_counter() - started) * 1_000)


def _at(took: list[float], share: float) -> float:
    return round(sorted(took)[int(len(took) * share)], 3)


if __name__ == "__main__":
    main()
