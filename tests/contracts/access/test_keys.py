"""What every store of keys promises: hashes only, two live keys of a name, one writer at a time, no harm spreads."""

from __future__ import annotations

import asyncio
import threading
import time
from functools import partial
from pathlib import Path

import pytest
from contracts.access.conftest import Keys
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors import access
from actors.gateway.authorise import Authoriser
from actors.gateway.denied import ANY, Denied
from models import limits
from models.errors import BadInput

NOW_MS = 1_000_000_000
HOUR_MS = limits.HOUR_MS


def verified(keys: Keys, text: str, now_ms: int = NOW_MS) -> str | None:
    record = access.load(keys.another()).verify(text.encode(), now_ms)
    return None if record is None else record.name


def test_a_created_key_is_known_to_every_opening_and_only_its_hash_is_stored(keys: Keys) -> None:
    text = access.create(keys.another(), "till", ["events:write"], now_ms=NOW_MS, rate=5.0, tenant="acme")
    record = access.load(keys.another()).verify(text.encode(), NOW_MS)
    assert record is not None
    assert (record.name, record.scopes, record.rate, record.tenant) == ("till", ("events:write",), 5.0, "acme")
    assert record.tail == text[-4:]
    assert text not in keys.everything()
    assert text[len("kairos_"):-4] not in keys.everything()


def test_a_key_ends_at_the_instant_of_its_expiry(keys: Keys) -> None:
    text = access.create(keys.another(), "till", ["events:write"], now_ms=NOW_MS, expires_ms=NOW_MS + 10)
    assert verified(keys, text, NOW_MS + 9) == "till"
    assert verified(keys, text, NOW_MS + 10) is None


def test_after_a_rotation_both_keys_live_until_the_overlap_ends(keys: Keys) -> None:
    store = keys.another()
    first = access.create(store, "till", ["events:write", "decide:pos"], now_ms=NOW_MS, rate=3.0, tenant="acme")
    second = access.rotate(store, "till", now_ms=NOW_MS, overlap_ms=HOUR_MS)
    assert first != second
    for text, at_ms, name in (
        (first, NOW_MS + HOUR_MS - 1, "till"), (first, NOW_MS + HOUR_MS, None), (second, NOW_MS + HOUR_MS, "till"),
    ):
        assert verified(keys, text, at_ms) == name
    newer = access.load(keys.another()).verify(second.encode(), NOW_MS)
    assert newer is not None
    assert (newer.scopes, newer.rate, newer.tenant) == (("events:write", "decide:pos"), 3.0, "acme")


def test_a_third_live_key_of_a_name_is_refused_until_one_has_ended(keys: Keys) -> None:
    store = keys.another()
    access.create(store, "till", ["events:write"], now_ms=NOW_MS)
    access.rotate(store, "till", now_ms=NOW_MS, overlap_ms=HOUR_MS)
    with pytest.raises(BadInput, match="two live keys"):
        access.rotate(store, "till", now_ms=NOW_MS + HOUR_MS - 1, overlap_ms=HOUR_MS)
    access.rotate(store, "till", now_ms=NOW_MS + HOUR_MS, overlap_ms=HOUR_MS)
    assert len([one for one in store.records() if one.live(NOW_MS + HOUR_MS)]) == 2


def test_a_rotation_keeps_the_lifetime_and_never_lengthens_the_old_key(keys: Keys) -> None:
    store = keys.another()
    access.create(store, "till", ["events:write"], now_ms=NOW_MS, expires_ms=NOW_MS + HOUR_MS)
    access.rotate(store, "till", now_ms=NOW_MS + 10, overlap_ms=2 * HOUR_MS)
    assert [one.expires_ms for one in store.records()] == [NOW_MS + HOUR_MS, NOW_MS + 10 + HOUR_MS]


def test_revoking_a_name_ends_both_keys_and_an_id_only_one(keys: Keys) -> None:
    store = keys.another()
    first = access.create(store, "till", ["events:write"], now_ms=NOW_MS)
    second = access.rotate(store, "till", now_ms=NOW_MS)
    leaked = access.load(store).verify(first.encode(), NOW_MS)
    assert leaked is not None
    assert [one.digest for one in access.revoke(store, "till", now_ms=NOW_MS, key_id=leaked.key_id)] == [leaked.digest]
    assert (verified(keys, first), verified(keys, second)) == (None, "till")
    access.rotate(store, "till", now_ms=NOW_MS)
    assert len(access.revoke(store, "till", now_ms=NOW_MS)) == 2
    with pytest.raises(BadInput, match="no live key"):
        access.revoke(store, "till", now_ms=NOW_MS)
    assert verified(keys, second) is None


def test_of_writers_at_the_same_time_none_is_lost_and_a_name_goes_to_one(keys: Keys) -> None:
    stores = [keys.another() for _ in range(4)]
    refused: list[BadInput] = []

    def write(number: int) -> None:
        for step in range(5):
            access.create(stores[number], f"key {number} {step}", ["events:write"], now_ms=NOW_MS)
        try:
            access.create(stores[number], "the one", ["events:write"], now_ms=NOW_MS)
        except BadInput as error:
            refused.append(error)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    names = [record.name for record in keys.another().records()]
    assert sorted(names) == sorted(["the one", *(f"key {number} {step}" for number in range(4) for step in range(5))])
    assert len(refused) == 3


def test_a_change_that_fails_changes_nothing(keys: Keys) -> None:
    store = keys.another()
    access.create(store, "till", ["events:write"], now_ms=NOW_MS)
    before = store.records()
    with pytest.raises(ZeroDivisionError):
        store.change(lambda records: ([], 1 // (len(records) - 1)))
    assert keys.another().records() == before


def test_the_marker_changes_with_every_change_and_with_nothing_else(keys: Keys) -> None:
    watcher, writer = keys.another(), keys.another()
    empty = watcher.marker()
    assert watcher.marker() == empty
    access.create(writer, "till", ["events:write"], now_ms=NOW_MS)
    created = watcher.marker()
    watcher.records()
    assert created != empty
    assert watcher.marker() == created
    access.revoke(writer, "till", now_ms=NOW_MS)
    assert watcher.marker() != created


def test_a_damaged_store_says_so_is_not_written_over_and_leaves_the_keys_as_they_were(keys: Keys) -> None:
    store = keys.another()
    text = access.create(store, "till", ["events:write"], now_ms=NOW_MS)
    now_s = [0.0]
    authoriser = Authoriser(keys.another(), wall_s=lambda: NOW_MS / 1_000, now_s=lambda: now_s[0])
    keys.damage()
    harmed = keys.everything()
    with pytest.raises(BadInput, match="damaged"):
        store.records()
    with pytest.raises(BadInput, match="damaged"):
        access.create(store, "another", ["events:write"], now_ms=NOW_MS)
    assert keys.everything() == harmed
    assert not authoriser.refresh()
    assert authoriser.admit(b"Bearer " + text.encode(), "events:write").name == "till"


def test_a_revocation_is_seen_by_every_watcher_within_a_second(keys: Keys) -> None:
    store = keys.another()
    text = access.create(store, "till", ["events:write"], now_ms=NOW_MS)
    gateways = [Authoriser(keys.another(), wall_s=lambda: NOW_MS / 1_000) for _ in range(2)]

    def refused(gateway: Authoriser) -> bool:
        try:
            gateway.admit(b"Bearer " + text.encode(), ANY)
        except Denied as denied:
            return denied.status == 401
        return False

    async def run() -> float:
        done = [asyncio.Event() for _ in gateways]

        def looked(gateway: Authoriser, seen: asyncio.Event) -> None:
            if refused(gateway):
                seen.set()

        watching = [
            asyncio.create_task(gateway.watch(partial(looked, gateway, seen)))
            for gateway, seen in zip(gateways, done, strict=True)
        ]
        assert not any(map(refused, gateways))
        access.revoke(store, "till", now_ms=NOW_MS)
        began_s = time.monotonic()
        async with asyncio.timeout(10.0):
            for seen in done:
                await seen.wait()
        for task in watching:
            task.cancel()
        return time.monotonic() - began_s

    assert asyncio.run(run()) < 1.0


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=200))
def test_any_printable_name_comes_back_as_it_was(keys: Keys, name: str) -> None:
    store = keys.another()
    if any(record.name == name and record.live(NOW_MS) for record in store.records()) or name.startswith("oidc:"):
        return
    access.create(store, name, ["*"], now_ms=NOW_MS)
    assert keys.another().records()[-1].name == name


def test_the_first_key_is_written_once_and_made_anew_when_its_file_is_lost(keys: Keys, tmp_path: Path) -> None:
    place = tmp_path / "node"
    access.ensure_admin_key(keys.another(), place, now_ms=NOW_MS)
    lost = access.read_admin_key(place)
    access.ensure_admin_key(keys.another(), place, now_ms=NOW_MS)
    assert access.read_admin_key(place) == lost
    (place / access.ADMIN_KEY_FILE).unlink()
    access.ensure_admin_key(keys.another(), place, now_ms=NOW_MS)
    assert verified(keys, lost) is None
    assert verified(keys, access.read_admin_key(place)) is not None
