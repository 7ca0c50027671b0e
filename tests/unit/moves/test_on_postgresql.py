"""The same on the store that incarnations really share: its readers, its fence, its keys."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.postgres import PostgresServer
from unit.moves.rig import Moves, image
from unit.moves.test_following import live
from unit.moves.test_moving import check_moves
from unit.shard.rig import event, key, run, send

from actors.stores.postgresql import PostgresqlStore
from models import limits


@pytest.fixture
def shared(postgres: PostgresServer, tmp_path: Path) -> Iterator[Moves]:
    url = postgres.fresh_database()
    store = PostgresqlStore(url, tmp_path)
    store.install(1, limits.SLOTS)
    rig = Moves(tmp_path, store)
    yield rig
    rig.close()
    store.close()
    postgres.drop(url)


@pytest.mark.parametrize("seed", range(3))
def test_a_standby_holds_what_a_restart_would_hold(shared: Moves, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FOLLOW_CHECKPOINT_MS", 0)
    monkeypatch.setattr(limits, "READ_ROWS", 4)
    settings = {"checkpoint_turns": (3, 7, 1_000)[seed], "resident_bytes": (12_000, 10_000_000, 12_000)[seed]}
    run(live(shared, random.Random(seed), seed, settings))


def test_every_command_is_answered_and_done_once_and_in_order_across_moves(shared: Moves) -> None:
    run(check_moves(shared, random.Random(1)))


def test_an_owner_that_was_fenced_destroys_no_key_and_writes_no_profile(shared: Moves) -> None:
    async def scenario() -> None:
        async with shared.incarnation(1) as old, shared.incarnation(2, standby=True) as new:
            await send(old, event("anna", "e1"))
            await new.serve()
            before = image(new._parts, [key("anna")], [])
            try:
                await old._parts.writer(old._parts.store.keyring.destroy, [(key("anna"), 1)], 1)
            except Exception as error:
                assert "Fenced" in type(error).__name__  # noqa: PT017
            assert image(new._parts, [key("anna")], [])["customers"] == before["customers"]
            assert new._parts.store.keyring.destroyed([key("anna")]) == {}

    run(scenario())
