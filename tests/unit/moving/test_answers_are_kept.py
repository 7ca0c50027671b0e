"""The same request gets the same bytes for seven days, however often an installation is rebuilt meanwhile."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from support.in_process import InProcess
from unit.moving.lived import CUSTOMERS, ERASED, START_MS, TENANTS, Living, audited, embedded
from unit.moving.rebuilding import new_place, resharded, stopped_installation

from cluster.moving.sqlite_place import SqlitePlace
from models import limits
from models.times import format_time


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return stopped_installation(tmp_path_factory.mktemp("lived") / "data")


async def repeated(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, shards: int, later_ms: int = 0
) -> dict[tuple[str, str], bytes]:
    """The answers to the first round's decisions, asked for again; stopped in good order."""
    kairos = InProcess(data_dir, START_MS, monkeypatch, shards)
    await kairos.start()
    living = Living(kairos)
    await living.ready()
    if later_ms:
        moved = await living.ask("main", "PUT", "/v1/clock", {"time": format_time(START_MS + later_ms)})
        assert moved.status_code == 200, moved.text
    found = {}
    for tenant in TENANTS:
        for customer in CUSTOMERS:
            if (tenant, customer) != ("main", ERASED):
                asked = {"request_id": "r-1", "customer_id": customer, "channel": "web",
                         "placements": [{"id": "hero"}, {"id": "strip", "count": 2}]}
                answer = await living.ask(tenant, "POST", "/v1/decisions", asked)
                assert answer.status_code == 200, answer.text
                found[tenant, customer] = answer.content
    for shard in kairos.shards:
        await shard.drain()
    await kairos.stop()
    return found


def test_a_repeated_request_gets_its_old_bytes_after_one_rebuilding_and_after_two(
    lived: Any, data_dir: Path, new: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "READ_SEGMENTS", 2)  # several rows of answers for each shard
    first = asyncio.run(repeated(data_dir, monkeypatch, 2))
    assert len(set(first.values())) == len(first) == 2 * len(CUSTOMERS) - 1
    resharded(data_dir, SqlitePlace(new), 3)
    assert asyncio.run(repeated(new, monkeypatch, 3)) == first
    assert audited(embedded(new)).decisions == 0, "old answers are no decisions of the new journals"
    third = new_place(lived[0], tmp_path / "third")
    resharded(new, SqlitePlace(third), 2)
    assert asyncio.run(repeated(third, monkeypatch, 2)) == first


def test_after_seven_days_nothing_is_owed_and_nothing_is_copied(
    lived: Any, data_dir: Path, new: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = asyncio.run(repeated(data_dir, monkeypatch, 2))
    resharded(data_dir, SqlitePlace(new), 3)
    later = asyncio.run(repeated(new, monkeypatch, 3, limits.IDEMPOTENCY_MS))
    assert not set(later.values()) & set(first.values())
    third = new_place(lived[0], tmp_path / "third")
    resharded(new, SqlitePlace(third), 2)
    assert asyncio.run(repeated(third, monkeypatch, 2)) == later


def test_the_answers_of_whoever_is_erased_later_cannot_be_read_any_more(
    lived: Any, data_dir: Path, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = asyncio.run(repeated(data_dir, monkeypatch, 2))
    resharded(data_dir, SqlitePlace(new), 3)
    gone = CUSTOMERS[5]

    async def erase() -> None:
        kairos = InProcess(new, START_MS, monkeypatch, 3)
        await kairos.start()
        living = Living(kairos)
        await living.ready()
        assert (await living.ask("main", "DELETE", f"/v1/customers/{gone}")).status_code == 200
        await kairos.stop()

    asyncio.run(erase())
    again = asyncio.run(repeated(new, monkeypatch, 3))
    assert again.pop(("main", gone)) != first.pop(("main", gone))
    assert again == first
