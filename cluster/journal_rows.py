"""Rows to learn from out of journals: a live server's by its API, a stopped one's from its files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from actors.shard.export import base_page, journal_page
from actors.shard.settings import ShardSettings
from actors.shard.store import ShardStore
from cluster.http_client import HttpClient
from cluster.installation import read_installation
from models import limits
from models.canonical import unpack
from models.errors import BadInput, KairosError
from models.profile import packing
from models.profile.facts import Fact, from_wire
from models.scoring.labels import Labeller, default_features, merged
from models.scoring.rows import Rows, from_columns
from models.turn import shard_facts
from models.turn.shard_state import ShardState


async def live_rows(client: HttpClient) -> tuple[Rows, int]:
    """Rows of a live server (needs ``config:read`` and ``audit:read``), and how many customers could not be used.

    A customer whose first facts the journal no longer keeps cannot be used.
    """
    status = await client.call("GET", "/v1/status")
    labellers = []
    for shard in range(len(status["shards"])):
        labeller, after = Labeller(), 0
        while True:
            params = {"shard": shard, "after": after}
            answer = await client.response("GET", "/v1/journal", params=params)
            page = unpack(answer.content)
            if after == 0 and page["base"] is not None:
                state = ShardState.unpack(shard, page["base"]["state"])
                _begin(labeller, state, {})
            _read(labeller, page["rows"])
            if page["next"] is None:
                break
            after = page["next"]
        labellers.append(labeller)
    return _rows(labellers)


def stored_rows(data_dir: Path) -> tuple[Rows, int]:
    """Rows of a stopped server. Raises ``KairosError`` when another process holds its journals."""
    installation = read_installation(data_dir)
    if installation is None:
        raise BadInput(f"{data_dir} holds no installation; name another with --data-dir, or give --rows or --url")
    labellers = []
    for shard in range(installation.shards):
        directory = ShardSettings(shard, installation.shards, str(data_dir)).directory
        if not directory.is_dir():
            raise KairosError(f"{directory} is missing; restore it from a backup")
        store = ShardStore.open(directory)
        try:
            labellers.append(_labelled(store, shard))
        finally:
            store.journal.close()
    return _rows(labellers)


def _labelled(store: ShardStore, shard: int) -> Labeller:
    labeller, after = Labeller(), 0
    while True:
        page = journal_page(store, after, limits.JOURNAL_PAGE_ROWS_MAX)
        if after == 0 and page["base"] is not None:
            _begin(labeller, ShardState.unpack(shard, page["base"]["state"]), _base_profiles(store))
        _read(labeller, page["rows"])
        if page["next"] is None:
            return labeller
        after = page["next"]


def _base_profiles(store: ShardStore) -> dict[bytes, Any]:
    profiles: dict[bytes, Any] = {}
    after = b""
    while True:
        page = base_page(store, after, limits.JOURNAL_PAGE_ROWS_MAX)
        for customer, _, packed in page["profiles"]:
            if packed is not None:
                profiles[customer] = packing.unpack(packed)
        if page["next"] is None:
            return profiles
        after = page["next"]


def _begin(labeller: Labeller, state: ShardState, profiles: dict[bytes, Any]) -> None:
    if state.plan is not None:
        labeller.begin(state.plan, state.evidence, profiles)


def _read(labeller: Labeller, rows: Iterable[dict[str, Any]]) -> None:
    for row in rows:
        parts: list[tuple[bytes, list[Fact]]] = [
            (customer, [from_wire(wire) for wire in wires])
            for customer, _, _, wires in row["g"] if wires is not None
        ]
        labeller.turn(row["t"], [shard_facts.from_wire(wire) for wire in row["f"]], parts)


def _rows(labellers: list[Labeller]) -> tuple[Rows, int]:
    plan = next((labeller.plan for labeller in labellers if labeller.plan is not None), None)
    if plan is None:
        raise BadInput("these journals hold no catalog and no decision yet; serve some first, or give --rows")
    wanted = default_features(plan)
    columns = merged([labeller.columns(wanted) for labeller in labellers])
    return from_columns(columns, wanted), sum(len(labeller.headless) for labeller in labellers)
