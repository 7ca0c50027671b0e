"""Who is refused is put down, whatever carried the call; a store of keys that is away opens nothing."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from unit.gateway.doubles import DECISION, EVENT, Served
from unit.gateway.sockets import Socket

from actors import access
from actors.access.denials.file_denials import FileDenials
from actors.access.denials.log import DenialLog
from actors.access.denials.verify import verify
from actors.gateway.authorise import Authoriser
from actors.gateway.denied import ANY
from actors.gateway.problems import Refused
from actors.gateway.rates import Rates
from models import limits
from models.errors import StoreAway


@pytest.fixture
def watched(served: Served) -> Served:
    served.authoriser.denials = DenialLog(FileDenials(served.data_dir), "chain")
    return served


def told(served: Served) -> list[dict[str, Any]]:
    log = served.authoriser.denials
    assert log is not None
    log.flush()
    store = FileDenials(served.data_dir)
    assert verify(store, "chain").fault == ""
    names = ("call", "status", "key", "tenant", "scope", "peer")
    return [{name: entry.body()[name] for name in names} for entry in store.entries("chain")]


def test_an_unknown_key_is_put_down_by_the_beginning_of_its_hash(watched: Served) -> None:
    watched.ask("GET", "/v1/customers/hh-1229", key="kairos_guess", headers={"x-kairos-peer": "10.0.0.7"})
    (one,) = told(watched)
    assert one == {
        "call": "customer", "status": 401, "key": one["key"], "tenant": "", "scope": "profiles:read",
        "peer": "10.0.0.7",
    }
    assert one["key"].startswith("sha256:")
    stored = (watched.data_dir / "audit" / "chain.jsonl").read_text()
    assert "guess" not in stored
    assert "hh-1229" not in stored


def test_no_key_a_dead_key_and_a_key_without_the_scope_are_told_apart(watched: Served) -> None:
    key = watched.key("events:write")
    watched.ask("GET", "/v1/catalog", key="")
    watched.ask("GET", "/v1/catalog", key=key)
    access.revoke(access.FileAccess(watched.data_dir), "key 1", now_ms=0)
    watched.authoriser.refresh()
    watched.ask("GET", "/v1/catalog", key=key)
    assert [(one["status"], one["key"], one["tenant"]) for one in told(watched)] == [
        (401, "", ""), (403, "key 1", "main"), (401, "key 1", ""),
    ]


def test_each_element_of_a_batch_that_is_refused_counts(watched: Served) -> None:
    requests = [DECISION, DECISION, DECISION | {"channel": "app"}]
    watched.ask("POST", "/v1/decisions:batch", key=watched.key("decide:app"), json={"requests": requests})
    (one,) = told(watched)
    assert (one["call"], one["status"], one["scope"]) == ("decisions:batch", 403, "decide:web")
    (entry,) = FileDenials(watched.data_dir).entries("chain")
    assert entry.body()["count"] == 2


def test_who_asks_too_often_is_put_down(watched: Served) -> None:
    key = watched.key("events:write", rate=1.0)
    for _ in range(3):
        watched.ask("POST", "/v1/events", key=key, json={"events": [EVENT]})
    (one,) = told(watched)
    assert (one["status"], one["key"], one["scope"]) == (429, "key 1", "events:write")


def test_refused_streams_and_frames_are_put_down(watched: Served) -> None:
    key = watched.key("decide:app")

    async def run() -> None:
        async with Socket(watched, key="kairos_guess") as refused:
            assert refused.first["status"] == 401
        async with Socket(watched, key=key) as socket:
            for frame, call, body in ((1, "events", {"events": [EVENT]}), (2, "decisions", DECISION)):
                socket.ask(frame, call, body)
                assert (await socket.answer())["status"] == 403

    asyncio.run(run())
    assert [(one["call"], one["status"], one["scope"]) for one in told(watched)] == [
        ("stream", 401, ANY), ("events", 403, "events:write"), ("decisions", 403, "decide:web"),
    ]


def test_what_is_allowed_or_wrong_for_another_reason_is_not_put_down(watched: Served) -> None:
    assert watched.ask("POST", "/v1/events", json={"events": [EVENT]}).status_code == 200
    assert watched.ask("POST", "/v1/events", content=b"{").status_code == 400
    assert watched.ask("GET", "/v1/nowhere").status_code == 404
    log = watched.authoriser.denials
    assert log is not None
    log.flush()
    assert FileDenials(watched.data_dir).chains() == []


class Away(access.FileAccess):
    """A store that is asked over a network, and can go away."""

    is_remote = True
    is_away = False

    def marker(self) -> object:
        if self.is_away:
            raise StoreAway("the store does not answer")
        return super().marker()


def test_while_the_store_is_away_known_keys_count_for_a_time_and_then_nobody_is_let_in(tmp_path: Path) -> None:
    store, now_s = Away(tmp_path), [0.0]
    key = b"Bearer " + access.create(store, "till", ["events:write"], now_ms=1).encode()
    authoriser = Authoriser(store, now_s=lambda: now_s[0])

    def status(shown: bytes) -> int:
        try:
            authoriser.admit(shown, ANY)
        except Refused as refused:
            return refused.status
        return 200

    store.is_away = True
    now_s[0] = limits.KEYS_STALE_MS_MAX / 1_000
    authoriser.refresh()
    assert (status(key), status(b"Bearer kairos_guess")) == (200, 401)
    now_s[0] += 0.001
    authoriser.refresh()
    assert (status(key), status(b"Bearer kairos_guess"), status(b"")) == (503, 503, 401)
    store.is_away = False
    authoriser.refresh()
    assert (status(key), status(b"Bearer kairos_guess")) == (200, 401)


def test_a_gateway_that_starts_while_the_store_is_away_lets_nobody_in(tmp_path: Path) -> None:
    store = Away(tmp_path)
    key = b"Bearer " + access.create(store, "till", ["events:write"], now_ms=1).encode()
    store.is_away = True
    with pytest.raises(Refused, match="503"):
        Authoriser(store).admit(key, ANY)


@pytest.mark.parametrize("gateways", [1, 2, 4])
@pytest.mark.parametrize("rate", [0.5, 3.0, 100.0])
def test_gateways_together_grant_a_rate_and_one_burst(gateways: int, rate: float) -> None:
    shares = [Rates(gateways) for _ in range(gateways)]
    granted, seconds = 0, 60
    for step in range(seconds * 200):
        for share in shares:
            granted += share.spend("till", rate, step / 200) == 0.0
    burst = max(rate, gateways)
    assert rate * (seconds - 1) <= granted <= rate * seconds + burst


def test_two_keys_of_one_name_share_their_rate(served: Served) -> None:
    first = served.key("events:write", rate=1.0)
    second = access.rotate(access.FileAccess(served.data_dir), "key 1", now_ms=time.time_ns() // 1_000_000)
    served.authoriser.refresh()
    statuses = [served.ask("POST", "/v1/events", key=key, json={"events": [EVENT]}).status_code
                for key in (first, second)]
    assert statuses == [200, 429]
