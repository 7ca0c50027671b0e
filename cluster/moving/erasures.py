"""Whose keys were destroyed since a backup was made: a restore must not bring them back.

A list is a file of JSON lines, ``{"customer": hex, "generation": n, "at_ms": n}``, as every backup holds one
(``erasures.jsonl``); or it is read from the newer installation itself, in its data directory or its store.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from actors import naming
from actors.postgresql.address import SCHEMES
from cluster.moving.place import Source, Target
from cluster.moving.postgresql_place import PostgresqlPlace
from cluster.moving.sqlite_place import SqlitePlace
from cluster.moving.tables import BASE_PROFILE, DESTROYED, KEY, PROFILE, Row, Table
from models import ids
from models.errors import BadInput

FILE: Final = "erasures.jsonl"
#: Customer -> (newest destroyed generation, when).
Erasures = Mapping[bytes, tuple[int, int]]
#: Tables with something that a destroyed key belongs to.
_OF_CUSTOMER: Final = (KEY, PROFILE, BASE_PROFILE, DESTROYED)


def erasures_of(source: Source) -> dict[bytes, tuple[int, int]]:
    """All that an installation remembers."""
    return {
        customer: (generation, at_ms)
        for owner in source.owners() for page in source.pages(owner, DESTROYED)
        for customer, generation, at_ms in page
    }


def read_erasures(named: str, data_dir: Path) -> dict[bytes, tuple[int, int]]:
    """From a file, a data directory or a postgresql:// URL. Raises ``BadInput``."""
    if named.partition("://")[0] in SCHEMES:
        return _read_place(PostgresqlPlace(named, data_dir))
    path = Path(named)
    if path.is_dir():
        return _read_file(path / FILE) if (path / FILE).exists() else _read_place(SqlitePlace(path))
    return _read_file(path)


def _read_place(place: SqlitePlace | PostgresqlPlace) -> dict[bytes, tuple[int, int]]:
    try:
        if place.head() is None:
            raise BadInput(f"{place.name} holds no installation whose erasures could be read")
        return erasures_of(place)
    finally:
        place.close()


def _read_file(path: Path) -> dict[bytes, tuple[int, int]]:
    found = {}
    try:
        for line in path.read_text().splitlines():
            one = json.loads(line)
            found[bytes.fromhex(one["customer"])] = (int(one["generation"]), int(one["at_ms"]))
    except FileNotFoundError:
        raise BadInput(f"there is no {path}; name a newer backup, its {FILE}, or the newer installation") from None
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path} is no list of erasures ({error!r})") from error
    return found


def as_lines(erasures: Erasures) -> bytes:
    lines = [
        json.dumps({"customer": customer.hex(), "generation": generation, "at_ms": at_ms})
        for customer, (generation, at_ms) in sorted(erasures.items())
    ]
    return "".join(f"{line}\n" for line in lines).encode()


def survives(erasures: Erasures, table: Table, row: Row) -> bool:
    """Whether a row of a backup may come back: not the keys that were destroyed since, nor what they sealed; what the
    backup itself remembers of an earlier end gives way."""
    if table not in _OF_CUSTOMER:
        return True
    customer = row[table.columns.index("customer")]
    destroyed = erasures.get(customer)
    return destroyed is None or row[table.columns.index("generation")] > destroyed[0]


def put_erasures(target: Target, erasures: Erasures, shards: int) -> None:
    """Remember them at the owners of their slots."""
    by_owner: dict[str, list[Row]] = {}
    for customer, ended in sorted(erasures.items()):
        owner = naming.shard_owner(ids.shard_of(customer, shards))
        by_owner.setdefault(owner, []).append((customer, *ended))
    for owner, rows in by_owner.items():
        target.write(owner, DESTROYED, rows)
