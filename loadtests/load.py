"""A closed-loop HTTP/1.1 generator that is not the bottleneck: prepared bytes, one process, no client library."""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

_CONTENT_LENGTH = b"content-length:"


@dataclass(frozen=True, slots=True)
class Load:
    """One measured round; latencies in milliseconds."""

    requests_per_s: float
    p50_ms: float
    p99_ms: float
    errors: int

    @classmethod
    def of(cls, latencies_s: Sequence[float], seconds: float, errors: int) -> Load:
        if len(latencies_s) < 2:
            return cls(0.0, float("nan"), float("nan"), errors)
        cuts = statistics.quantiles(latencies_s, n=100)
        return cls(len(latencies_s) / seconds, cuts[49] * 1e3, cuts[98] * 1e3, errors)


def request_bytes(path: str, body: bytes, key: str) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _answer(reader: asyncio.StreamReader) -> int:
    """Read one response; returns its status."""
    head = await reader.readuntil(b"\r\n\r\n")
    at = head.lower().index(_CONTENT_LENGTH) + len(_CONTENT_LENGTH)
    await reader.readexactly(int(head[at : head.index(b"\r\n", at)]))
    return int(head[9:12])


async def _connection(
    port: int, requests: Sequence[bytes], until: float, latencies: list[float], errors: list[int],
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in requests:
        begin = time.perf_counter()
        if begin >= until:
            break
        writer.write(request)
        status = await _answer(reader)
        if status == 200:
            latencies.append(time.perf_counter() - begin)
        else:
            errors.append(status)
    writer.close()


async def _run(port: int, requests: Sequence[bytes], connections: int, seconds: float) -> Load:
    latencies: list[float] = []
    errors: list[int] = []
    begin = time.perf_counter()
    shares = [requests[place::connections] for place in range(connections)]
    await asyncio.gather(*(_connection(port, share, begin + seconds, latencies, errors) for share in shares))
    return Load.of(latencies, time.perf_counter() - begin, len(errors))


def _child(
    port: int, requests: Sequence[bytes], connections: int, seconds: float, answer: multiprocessing.Queue[Load],
) -> None:
    answer.put(asyncio.run(_run(port, requests, connections, seconds)))


def closed_loop(port: int, requests: Sequence[bytes], connections: int, seconds: float) -> Load:
    """Send the requests over so many connections, each its share in order, for so long (or until they are used up)."""
    context = multiprocessing.get_context("fork")
    answer: multiprocessing.Queue[Load] = context.Queue()
    child = context.Process(target=_child, args=(port, requests, connections, seconds, answer))
    child.start()
    load = answer.get(timeout=seconds + 60)
    child.join()
    return load
