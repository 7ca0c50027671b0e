"""`kairos import`: pages that fit, positions that stay, and going on where it stopped. The server is a double."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.through_httpx import ThroughHttpx

from cluster import history_file, importing
from cluster.client import NO_RETRY, AsyncKairos, Invalid
from models import limits
from models.errors import BadInput


class History:
    """What a server must do with history: one effect per position; everything else is a duplicate."""

    def __init__(self, *, dies_after: int = 10**9) -> None:
        self.dies_after = dies_after
        self.events: dict[tuple[str, int], Any] = {}
        self.calls: list[tuple[int, int]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = orjson.loads(request.content)
        if len(self.calls) >= self.dies_after:
            return httpx.Response(422, json={"title": "gone", "detail": "the test ends here"})
        self.calls.append((body["first_position"], len(body["events"])))
        results = []
        for place, event in enumerate(body["events"]):
            key = (body["source"], body["first_position"] + place)
            if event is None or "customer_id" not in event:
                results.append({"status": "rejected", "error": {"detail": "not an event"}})
            elif key in self.events:
                results.append({"status": "duplicate", "state_version": 1})
            else:
                self.events[key] = event
                results.append({"status": "applied", "state_version": 1})
        return httpx.Response(200, json={"results": results})


def send(path: Path, server: Any, data_dir: Path, url: str = "http://kairos") -> importing.Progress:
    async def run() -> importing.Progress:
        through = ThroughHttpx(httpx.MockTransport(server), "key")
        async with AsyncKairos(url, "key", through=through, retry=NO_RETRY) as client:
            return await importing.send_file(path, client, data_dir)

    return asyncio.run(run())


def lines(path: Path, count: int) -> Path:
    events = [{"customer_id": f"c{n % 7}", "type": "basket", "time": "2017-01-01T00:00:00Z", "properties": {"n": n}}
              for n in range(count)]
    path.write_bytes(b"\n".join(orjson.dumps(event) for event in events))
    return path


def test_every_event_arrives_once_in_order_under_its_position(tmp_path: Path) -> None:
    server = History()
    progress = send(lines(tmp_path / "h.jsonl", 1_203), server, tmp_path)
    assert (progress.applied, progress.duplicate, progress.rejected) == (1_203, 0, 0)
    assert server.calls == [(0, 500), (500, 500), (1_000, 203)]
    assert [event["properties"]["n"] for event in server.events.values()] == list(range(1_203))


def test_an_interrupted_import_goes_on_where_it_was(tmp_path: Path) -> None:
    path, server = lines(tmp_path / "h.jsonl", 1_203), History(dies_after=2)
    with pytest.raises(Invalid, match="the test ends here"):
        send(path, server, tmp_path)
    server.dies_after = 10**9
    progress = send(path, server, tmp_path)
    assert server.calls == [(0, 500), (500, 500), (1_000, 203)]
    assert progress.applied == 1_203


def test_a_lost_note_or_a_second_run_adds_nothing(tmp_path: Path) -> None:
    path, server = lines(tmp_path / "h.jsonl", 700), History()
    send(path, server, tmp_path)
    again = send(path, server, tmp_path / "elsewhere")
    assert (again.applied, again.duplicate) == (0, 700)
    assert len(server.events) == 700


def test_what_one_server_has_says_nothing_about_another(tmp_path: Path) -> None:
    path, first, second = lines(tmp_path / "h.jsonl", 10), History(), History()
    send(path, first, tmp_path)
    send(path, second, tmp_path, "http://other")
    assert len(second.events) == 10


def test_a_line_that_is_no_json_is_rejected_alone_and_keeps_its_position(tmp_path: Path) -> None:
    path = tmp_path / "h.jsonl"
    path.write_bytes(lines(path, 2).read_bytes() + b'\n{"half\n' + b'{"type": "x"}\n')
    server = History()
    progress = send(path, server, tmp_path)
    assert (progress.applied, progress.rejected) == (2, 2)
    assert [reason["position"] for reason in progress.reasons] == [2, 3]


@given(sizes=st.lists(st.integers(2, 400_000), max_size=30), first=st.integers(0, 35))
def test_pages_keep_positions_and_fit_a_request(sizes: list[int], first: int) -> None:
    events = [b"x" * size for size in sizes]
    pages = list(history_file.paged(events, first))
    positions = [page.first_position + place for page in pages for place in range(len(page.events))]
    assert positions == list(range(first, len(sizes)))
    assert [event for page in pages for event in page.events] == events[first:]
    for page in pages:
        assert sum(len(event) + 1 for event in page.events) < limits.BATCH_BODY_BYTES_MAX
        assert len(page.events) <= limits.EVENTS_PER_BATCH_MAX


def test_an_event_larger_than_a_request_becomes_a_rejected_position() -> None:
    pages = list(history_file.paged([b"{}", b"x" * limits.BATCH_BODY_BYTES_MAX, b"{}"]))
    assert [event for page in pages for event in page.events] == [b"{}", b"null", b"{}"]


@pytest.mark.parametrize("form", ["text", "struct", "map"])
def test_parquet_gives_the_same_events_however_properties_are_kept(tmp_path: Path, form: str) -> None:
    kinds = {"text": pa.string(), "struct": pa.struct([("n", pa.int64()), ("gone", pa.string())]),
             "map": pa.map_(pa.string(), pa.int64())}
    values = {"text": ['{"n": 1}'], "struct": [{"n": 1, "gone": None}], "map": [[("n", 1)]]}
    table = pa.table({
        "customer_id": ["c"], "type": ["basket"], "channel": pa.array([None], pa.string()),
        "time": pa.array([datetime(2017, 1, 1, tzinfo=UTC)], pa.timestamp("us", "UTC")),
        "properties": pa.array(values[form], kinds[form]),
    })
    path = tmp_path / "h.parquet"
    pq.write_table(table, path)
    server = History()
    assert send(path, server, tmp_path).applied == 1
    assert next(iter(server.events.values())) == {
        "customer_id": "c", "type": "basket", "time": "2017-01-01T00:00:00+00:00", "properties": {"n": 1},
    }


def test_a_parquet_file_that_is_no_history_is_refused_with_every_reason(tmp_path: Path) -> None:
    path = tmp_path / "h.parquet"
    pq.write_table(pa.table({"type": ["x"], "time": pa.array([datetime(2017, 1, 1)]), "colour": ["red"]}), path)
    with pytest.raises(BadInput) as refused:
        list(history_file.pages(path))
    assert [(e["loc"], e["msg"].split(";")[0]) for e in refused.value.errors] == [
        (["customer_id"], "this column is missing"), (["colour"], "not a column of an event"),
        (["time"], "this timestamp has no time zone"),
    ]
