"""One decision gives one connected tree of spans, from the caller's own span to the journal's commit."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from support.in_process import InProcess
from support.stores import installed
from unit.scoring.scoring_catalog import catalog
from unit.scoring.test_promotion_of_scorers import START_MS, rows_file

from actors.gateway.tracing import GatewayTracing
from actors.scorer import Scorer
from actors.scorer_registry import ScorerRegistry
from actors.scoring.remote import RemoteScorer
from actors.scoring.wire import METHOD
from actors.tracing.tracer import Tracer
from cluster.training import read_rows, train_and_register
from models.canonical import unpack

TRACE = 0x0AF7651916CD43DD8448EB211C80319C
PARENT = 0xB7AD6B7169203331
SAMPLED, NOT_SAMPLED = (f"00-{TRACE:032x}-{PARENT:016x}-0{flag}" for flag in (1, 0))
ASKED = {"customer_id": "ann", "channel": "web", "placements": [{"id": "hero"}]}
Ask = Callable[..., Awaitable[httpx.Response]]


class Line:
    """To a replica in this process, as bytes."""

    def __init__(self, replica: Scorer) -> None:
        self._replica = replica

    async def find(self, _first: Sequence[bytes] = ()) -> None:
        """It is here."""

    async def call(self, request: bytes) -> bytes:
        return await self._replica._score(METHOD, request)


async def ready(client: httpx.AsyncClient) -> None:
    """The catalog, its champion and the first grants have arrived, and the scorer's breaker is closed."""
    while True:
        status = (await client.get("/v1/status")).json()
        if (await client.get("/readyz")).status_code == 200 and not status["degraded"]:
            return
        await asyncio.sleep(0)


class Traced:
    """A whole Kairos whose spans are kept."""

    def __init__(self, place: Path, monkeypatch: pytest.MonkeyPatch, ratio: float = 1.0) -> None:
        self.kept = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self.kept))
        tracer = Tracer(provider, ratio)
        for module in ("actors.profile_shard", "actors.scorer"):
            monkeypatch.setattr(f"{module}.open_tracer", lambda *_, **__: tracer)
        rows = read_rows(rows_file(place / "rows.parquet", "profile.visits_7d", "action.value"))
        self.version = train_and_register(rows, ScorerRegistry(place), START_MS).version
        installed(place, 1)
        scorer = RemoteScorer(Line(Scorer({"data_dir": str(place)})))
        self.kairos = InProcess(
            place, START_MS, monkeypatch, 1, scorer=scorer, tracing=GatewayTracing(tracer),
        )

    async def run(self, test: Callable[[Ask], Awaitable[None]]) -> None:
        kairos = self.kairos
        await kairos.start()
        headers = {"authorization": f"Bearer {kairos.key}"}
        async with httpx.AsyncClient(transport=kairos.transport(), base_url="http://kairos", headers=headers) as client:
            try:
                assert (await client.put("/v1/catalog", json=catalog())).status_code == 200
                promoted = await client.post(f"/v1/scorers/{self.version}:promote")
                assert promoted.status_code == 200, promoted.text
                await ready(client)
                self.kept.clear()
                await test(client.post)
            finally:
                await kairos.stop()

    @property
    def spans(self) -> dict[str, ReadableSpan]:
        """The last of each name."""
        return {span.name: span for span in self.kept.get_finished_spans()}


@pytest.fixture
def traced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Traced:
    return Traced(tmp_path, monkeypatch)


def go(traced: Traced, test: Callable[[Ask], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(traced.run(test), 60))


def parents(spans: dict[str, ReadableSpan]) -> dict[str, str | int | None]:
    names = {span.context.span_id: name for name, span in spans.items()}
    found: dict[str, str | int | None] = {}
    for name, span in spans.items():
        found[name] = None if span.parent is None else names.get(span.parent.span_id, span.parent.span_id)
    return found


def test_one_decision_gives_one_connected_tree_under_the_callers_own_span(traced: Traced) -> None:
    async def test(ask: Ask) -> None:
        answer = await ask("/v1/decisions", json=ASKED | {"request_id": "r-1"}, headers={"traceparent": SAMPLED})
        assert answer.status_code == 200, answer.text
        decision_id = answer.json()["decision_id"]
        spans = traced.spans
        assert parents(spans) == {
            "gateway.request": PARENT, "gateway.batch_wait": "gateway.request", "gateway.link_call": "gateway.request",
            "shard.turn": "gateway.link_call", "shard.prepare": "shard.turn", "shard.score": "shard.turn",
            "scorer.predict": "shard.score", "shard.resolve": "shard.turn", "shard.append": "shard.turn",
            "journal.commit": "shard.append",
        }
        assert {span.context.trace_id for span in spans.values()} == {TRACE}
        attributes = dict(spans["gateway.request"].attributes or {})
        assert attributes == {
            "kairos.call": "decisions", "http.response.status_code": 200, "kairos.request_id": "r-1",
            "kairos.decision_id": decision_id,
        }
        for name, whose in parents(spans).items():
            if isinstance(whose, str):
                assert begins(spans[whose]) <= begins(spans[name]) <= ends(spans[name]) <= ends(spans[whose]) + SLACK_NS

    go(traced, test)


#: Live spans read the wall clock, past ones count from a process's start: they may differ by a little.
SLACK_NS = 5_000_000


def begins(span: ReadableSpan) -> int:
    assert span.start_time is not None
    return span.start_time - SLACK_NS


def ends(span: ReadableSpan) -> int:
    assert span.end_time is not None
    return span.end_time


def test_requests_that_share_a_turn_have_it_in_each_of_their_traces(traced: Traced) -> None:
    async def test(ask: Ask) -> None:
        answers = await asyncio.gather(*(
            ask("/v1/decisions", json=ASKED | {"customer_id": f"c-{n}"},
                headers={"traceparent": f"00-{n:032x}-{PARENT:016x}-01"})
            for n in range(1, 4)
        ))
        assert [answer.status_code for answer in answers] == [200] * 3
        kept = traced.kept.get_finished_spans()
        (turn,) = (span for span in kept if span.name == "shard.turn")
        assert {link.context.trace_id for link in turn.links} == {1, 2, 3}
        shared = [span for span in kept if span.name == "shard.turn.shared"]
        assert {turn.context.trace_id, *(span.context.trace_id for span in shared)} == {1, 2, 3}
        assert {link.context.span_id for span in shared for link in span.links} == {turn.context.span_id}

    go(traced, test)


def test_nothing_of_a_customer_is_in_any_span(traced: Traced) -> None:
    async def test(ask: Ask) -> None:
        event = {"event_id": "e-1", "type": "page_view", "properties": {"total": 1.0}}
        await ask("/v1/decisions", json=ASKED | {"customer_id": "hh-secret", "event": event})
        text = "".join(span.to_json() for span in traced.kept.get_finished_spans())
        assert "gateway.request" in text
        assert "hh-secret" not in text
        assert "kairos_" not in text, "an API key begins so"

    go(traced, test)


@pytest.mark.parametrize("header", [NOT_SAMPLED, "nonsense", SAMPLED])
def test_a_caller_may_ask_for_less_than_the_ratio_and_never_for_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, header: str,
) -> None:
    ratio = 1.0 if header is NOT_SAMPLED else 0.0
    traced = Traced(tmp_path, monkeypatch, ratio)

    async def test(ask: Ask) -> None:
        answer = await ask("/v1/decisions", json=ASKED, headers={"traceparent": header})
        assert answer.status_code == 200
        assert traced.kept.get_finished_spans() == ()

    go(traced, test)


def test_a_shard_that_is_gone_shows_in_the_trace_and_the_second_call_too(
    traced: Traced, monkeypatch: pytest.MonkeyPatch,
) -> None:
    from actors.gateway.batching import ShardGone

    backend, calls = traced.kairos.batch, []

    async def lost_once(shard: int, commands: bytes, follows: bool = False) -> bytes:
        calls.append(unpack(commands))
        if len(calls) == 1:
            raise ShardGone("gone")
        return await backend(shard, commands, follows)

    async def test(ask: Ask) -> None:
        monkeypatch.setattr(traced.kairos, "batch", lost_once)
        traced.kairos.app._services.lanes[0]._call = lambda batch, follows: lost_once(0, batch, follows)
        assert (await ask("/v1/decisions", json=ASKED)).status_code == 200
        outcomes = [
            span.status.description for span in traced.kept.get_finished_spans() if span.name == "gateway.link_call"
        ]
        assert outcomes == ["ShardGone", None]

    go(traced, test)


def test_with_traces_off_no_process_makes_a_span_or_carries_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    kairos = InProcess(tmp_path, START_MS, monkeypatch, 1)
    batches: list[Any] = []

    async def test() -> None:
        await kairos.start()
        inner = kairos.shards[0].handle

        async def handle(batch: bytes) -> bytes:
            batches.append(unpack(batch))
            return await inner(batch)

        monkeypatch.setattr(kairos.shards[0], "handle", handle)
        headers = {"authorization": f"Bearer {kairos.key}", "traceparent": SAMPLED}
        async with httpx.AsyncClient(transport=kairos.transport(), base_url="http://kairos", headers=headers) as client:
            await client.put("/v1/catalog", json=catalog())
            await ready(client)
            assert (await client.post("/v1/decisions", json=ASKED)).status_code == 200
        await kairos.stop()

    def nobody(*_: Any, **__: Any) -> None:
        raise AssertionError("a span is made")

    monkeypatch.setattr("opentelemetry.sdk.trace.Tracer.start_span", nobody)
    monkeypatch.setattr("opentelemetry.trace.NonRecordingSpan.__init__", nobody)
    asyncio.run(asyncio.wait_for(test(), 60))
    assert all(type(batch) is list for batch in batches)
    assert batches


def test_with_traces_off_what_makes_spans_is_not_even_imported() -> None:
    script = (
        "import sys\n"
        "import actors.gateway.gateway, actors.profile_shard, actors.scorer, actors.coordinator\n"
        "from actors.tracing.opening import open_tracer\n"
        "assert open_tracer({'traces': 'off'}) is None\n"
        "assert open_tracer({'traces': 'console', 'trace_ratio': 0}) is None\n"
        "ours = ('tracing.tracer', 'gateway.tracing', 'gateway.flight', 'shard.turn_trace', 'scoring.trace')\n"
        "print([name for name in ours if 'actors.' + name in sys.modules])\n"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert found.stdout.strip() == "[]", found.stderr
