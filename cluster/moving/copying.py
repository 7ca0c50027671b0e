"""From one place to another, page by page; and the proof that what arrived is what there was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from actors.stores.interface import MOVING
from cluster.moving.place import Head, Shared, Source, Target
from cluster.moving.tables import TABLES, Row, Table
from models.canonical import pack
from models.errors import BadInput, KairosError

#: (owner, table, rows so far in this run).
Progress = Callable[[str, str, int], None]
#: What of a page is to be written.
Keep = Callable[[Table, Row], bool]


@dataclass(frozen=True, slots=True)
class Proof:
    """Of the rows of one table of one owner, in the order of their keys."""

    rows: int
    sha256: str


def everything(_: Table, __: Row) -> bool:
    return True


def copy_owner(source: Source, target: Target, owner: str, progress: Progress, keep: Keep = everything) -> None:
    """Go on after the greatest key that is there. The owner's fence comes last."""
    for table in TABLES:
        done = 0
        for rows in source.pages(owner, table, target.last_key(owner, table)):
            kept = [row for row in rows if keep(table, row)]
            if kept:
                target.write(owner, table, kept)
            done += len(rows)
            progress(owner, table.name, done)
    state = source.state(owner)
    if state is not None:
        target.put_state(owner, state)


def begin(head: Head, target: Target) -> bool:
    """Begin to make this installation there, or go on. False where all of it is already. Raises ``BadInput``."""
    found = target.head()
    if found is None:
        if not target.is_empty():
            raise BadInput(f"{target.name} is not empty; name an empty place")
        target.begin(head)
        return True
    if (found.name, found.shards, found.secret) != (head.name, head.shards, head.secret):
        raise BadInput(f"{target.name} holds another installation ({found.name}); name an empty place")
    return found.format == MOVING


def proof_of(rows: Iterable[list[Row]]) -> Proof:
    digest, count = hashlib.sha256(), 0
    for page in rows:
        for row in page:
            digest.update(pack(list(row)))
        count += len(page)
    return Proof(count, digest.hexdigest())


def kept(rows: Iterable[list[Row]], table: Table, keep: Keep) -> Iterator[list[Row]]:
    for page in rows:
        yield [row for row in page if keep(table, row)]


def verify(source: Source, target: Source, keep: Keep = everything) -> dict[str, int]:
    """Rows by table over all owners. Raises ``KairosError`` that names the first difference."""
    totals: dict[str, int] = {table.name: 0 for table in TABLES}
    if source.owners() != target.owners():
        raise KairosError(f"{target.name} has the owners {target.owners()}, {source.name} has {source.owners()}")
    for owner in source.owners():
        if source.state(owner) != target.state(owner):
            raise KairosError(f"{owner} stands at {target.state(owner)} in {target.name}, not {source.state(owner)}")
        for table in TABLES:
            there = proof_of(target.pages(owner, table))
            here = proof_of(kept(source.pages(owner, table), table, keep))
            if here != there:
                raise KairosError(
                    f"{target.name} has {there.rows} rows of {owner}'s {table.name} ({there.sha256[:12]}), not the "
                    f"{here.rows} ({here.sha256[:12]}) of {source.name}: it was written to meanwhile; empty it, and "
                    f"begin anew"
                )
            totals[table.name] += there.rows
    missing = _missing(source.shared(), target.shared())
    if missing:
        raise KairosError(f"{target.name} lacks {missing} of {source.name}; empty it, and begin anew")
    return totals


def _missing(here: Shared, there: Shared) -> str:
    """What of the shared things did not arrive; "" when all did."""
    if {_plain(key) for key in here.keys} - {_plain(key) for key in there.keys}:
        return "API keys"
    if any(there.denials.get(chain, [])[: len(entries)] != entries for chain, entries in here.denials.items()):
        return "refusals"
    if any(there.scorers.get(version, (b"", b""))[1] != model for version, (_, model) in here.scorers.items()):
        return "scorers"
    return ""


def _plain(key: dict[str, Any]) -> str:
    return json.dumps(key, sort_keys=True)
