"""A start that replays while another incarnation still writes: what that one has stored is never made older."""

from __future__ import annotations

import pytest
from unit.moves.rig import Moves, image
from unit.shard.rig import event, key, run, send

from actors.shard.following import Follower
from models import limits

NAMES = [f"c{number}" for number in range(24)]


def _starting(moves: Moves, monkeypatch: pytest.MonkeyPatch) -> Follower:
    """Replays in small steps."""
    monkeypatch.setattr(limits, "READ_ROWS", 2)
    follower = Follower(moves.parts(2))
    follower.begin("a start")
    return follower


def _replay_until(follower: Follower, seq: int) -> None:
    while follower._parts.core.state.seq < seq:
        assert follower.step()


def test_a_start_that_dies_after_it_made_room_leaves_no_older_profile_under_a_newer_checkpoint(
    moves: Moves, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A silent owner is passed over while it still checkpoints: 2 has read half of the log when 1 writes the rest out;
    2 needs room, takes over, writes out what it has, and dies before it has read on."""
    async def scenario() -> None:
        async with moves.incarnation(1) as owner:
            for name in NAMES:
                await send(owner, event(name, "e1"))
            follower = _starting(moves, monkeypatch)
            _replay_until(follower, 6)
            assert not follower._is_owner
            for name in NAMES:
                await send(owner, event(name, "e2"))
            await owner.drain()
            customers = [key(name) for name in NAMES]
            truth = image(owner._parts, customers, [])["customers"]
            follower._parts.residency._bytes_max = 2_000
            while not follower._is_owner:
                assert follower.step()
        assert image(moves.restarted(3), customers, [])["customers"] == truth

    run(scenario())
