"""Files of history: events as JSON lines or Parquet, read in order, one position per line or row.

Columns (or keys) are those of an event: ``customer_id``, ``type``, ``time`` (RFC 3339 with an offset; in Parquet also a
timestamp with a time zone), and, where there are any, ``channel``, ``properties`` (an object; in Parquet a struct, a
map or a string of JSON) and ``event_id``. A line that is no JSON keeps its position: the server rejects it alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from models import limits
from models.errors import BadInput

_REQUIRED: Final = ("customer_id", "type", "time")
_COLUMNS: Final = (*_REQUIRED, "channel", "properties", "event_id")
_MAGIC: Final = b"PAR1"
#: Room for what surrounds the events of one request.
_ENVELOPE_BYTES: Final = 1_024


@dataclass(frozen=True, slots=True)
class Page:
    """``events[i]`` is the JSON of the event at ``first_position + i``."""

    first_position: int
    events: tuple[bytes, ...]


def source_of(path: Path) -> str:
    """The name of a file's history: the hash of its bytes, so that the same file is the same source everywhere."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def pages(path: Path, first_position: int = 0) -> Iterator[Page]:
    """Requests' worth of events from a position on. Raises ``BadInput`` on a file that is no history."""
    return paged(_parquet(path) if _is_parquet(path) else _lines(path), first_position)


def count(path: Path) -> int:
    """Positions in the file."""
    if _is_parquet(path):
        return int(pq.read_metadata(path).num_rows)
    with path.open("rb") as file:
        return sum(1 for _ in file)


def paged(events: Iterable[bytes], first_position: int = 0) -> Iterator[Page]:
    """Group events into pages that fit one request, by number and by bytes."""
    batch: list[bytes] = []
    size, position = 0, 0
    room = limits.BATCH_BODY_BYTES_MAX - _ENVELOPE_BYTES
    for event in events:
        if position < first_position:
            position += 1
            continue
        if batch and (len(batch) == limits.EVENTS_PER_BATCH_MAX or size + len(event) + 1 > room):
            yield Page(position - len(batch), tuple(batch))
            batch, size = [], 0
        # An element larger than a request could never be sent; the server rejects the null in its place.
        batch.append(event if len(event) < room else b"null")
        size += len(batch[-1]) + 1
        position += 1
    if batch:
        yield Page(position - len(batch), tuple(batch))


def _is_parquet(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}") from error


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        for line in file:
            try:
                yield orjson.dumps(orjson.loads(line))
            except orjson.JSONDecodeError:
                yield b"null"


def _parquet(path: Path) -> Iterator[bytes]:
    try:
        file = pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise BadInput(f"{path} is no readable Parquet file: {error}") from error
    names = file.schema_arrow.names
    errors = [{"loc": [name], "msg": "this column is missing"} for name in _REQUIRED if name not in names]
    errors += [{"loc": [name], "msg": "not a column of an event"} for name in names if name not in _COLUMNS]
    time_type = file.schema_arrow.field("time").type if "time" in names else None
    if time_type is not None and pa.types.is_timestamp(time_type) and time_type.tz is None:
        errors.append({"loc": ["time"], "msg": "this timestamp has no time zone; give it one, or write RFC 3339"})
    if errors:
        raise BadInput(f"{path} is no history; its columns must be {', '.join(_COLUMNS)}", errors)
    for batch in file.iter_batches(batch_size=4 * limits.EVENTS_PER_BATCH_MAX):
        for row in batch.to_pylist():
            yield orjson.dumps(_event(row), default=str)


def _event(row: Mapping[str, Any]) -> dict[str, Any]:
    event = {name: value for name, value in row.items() if value is not None}
    if isinstance(event.get("time"), datetime):
        event["time"] = event["time"].isoformat()
    properties = event.get("properties")
    if isinstance(properties, str):
        try:
            event["properties"] = orjson.loads(properties)
        except orjson.JSONDecodeError:
            # Left as the string it is: the server rejects this event alone, and says why.
            return event
    elif isinstance(properties, list):
        event["properties"] = dict(properties)
    elif isinstance(properties, dict):
        event["properties"] = {key: value for key, value in properties.items() if value is not None}
    return event
