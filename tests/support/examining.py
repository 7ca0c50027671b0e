"""After a trial: what clients were told is held against timelines, logs and repeated calls."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from actors import naming
from actors.shard.export import Rows
from actors.stores.interface import Store
from loadtests.verdict.exact import Exactness, check_customer
from models.canonical import unpack
from models.coordination.facts import from_wire as coordinator_fact
from models.profile.facts import from_wire
from models.turn.shard_facts import from_wire as shard_fact
from support.counted import Counted
from support.log_check import Units, check_grants, check_lineage, check_told
from support.traffic import History

_REPEATED_MAX = 150
_EVERY_ROW = 10**9


def check_history(history: History, url: str, key: str, keep: Path | None = None) -> list[str]:
    """Everything acknowledged stands in its timeline, once; no contact policy was exceeded at any decision; the same
    request gives the same bytes. ``keep``: where to leave the timelines when one is wrong."""
    wrong = list(history.wrong)
    found, timelines = Exactness(), {}
    with httpx.Client(base_url=url, headers={"authorization": f"Bearer {key}"}, timeout=60.0) as client:
        catalog = client.get("/v1/catalog").json()["catalog"]
        for customer, acknowledged in history.acknowledged.ids.items():
            timelines[customer] = _timeline(client, customer)
            check_customer(found, catalog, customer, acknowledged, timelines[customer])
        for body, said in history.decisions[-_REPEATED_MAX:]:
            again = client.post("/v1/decisions", json=body)
            if again.content != said:
                wrong.append(f"{body['request_id']}: {said!r}, and after the trial {again.content!r}")
    assert found.items, "nothing was done: the trial proves nothing"
    if keep is not None and not found.is_clean:
        keep.write_text(json.dumps(timelines, indent=1))
    return wrong if found.is_clean else [*wrong, *found.examples]


def _timeline(client: httpx.Client, customer: str) -> list[dict[str, Any]]:
    """Newest first."""
    items: list[dict[str, Any]] = []
    before: dict[str, Any] = {}
    while True:
        answer = client.get(f"/v1/customers/{customer}/timeline", params={"limit": 200, **before})
        assert answer.status_code == httpx.codes.OK, answer.text
        items += answer.json()["items"]
        if answer.json()["next_before"] is None:
            return items
        before = {"before": answer.json()["next_before"]}


def check_logs(
    store: Store, shards: int, say: Callable[[str], None] = print, counted: Counted | None = None,
) -> list[str]:
    """Lineage and units of every shard's log and of the coordinator's, read beside their owners. ``counted``: is told
    of every row."""
    wrong = []
    told: dict[tuple[int, str, str], int] = {}
    for shard in range(shards):
        kept = store.shard_store(shard)
        try:
            wrong += [f"shard {shard}: {what}" for what in check_lineage(kept.journal.rows(0))]
            units = Units()
            rows = Rows(0, _EVERY_ROW)
            while not rows.is_end:
                rows.read_some(kept)
                for row in rows.rows:
                    parts = [(part[0], [from_wire(wire) for wire in part[3] or ()]) for part in row["g"]]
                    units.row(row["seq"], [shard_fact(wire) for wire in row["f"]], parts)
                    if counted is not None:
                        counted.row(parts)
                rows.rows.clear()
            wrong += [f"shard {shard}: {what}" for what in units.wrong]
            told |= {(shard, *account): total for account, total in units.given.items()}
            say(f"shard {shard}: {rows.after} rows, spent {units.spent}")
        finally:
            kept.close()
    journal = store.journal(naming.COORDINATOR_OWNER)
    try:
        read = list(journal.rows(0))
        wrong += [f"coordinator: {what}" for what in check_lineage(read)]
        facts = [[coordinator_fact(wire) for wire in unpack(row.payload)["f"]] for row in read]
        wrong += [*check_grants(facts), *check_told(told, facts)]
    finally:
        journal.close()
    return wrong
