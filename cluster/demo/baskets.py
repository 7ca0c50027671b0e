"""Baskets out of transaction lines: 1.5 million lines, so columns are handled as arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from cluster.client import NestedEvent
from models.times import format_time

#: Departments whose spend is a property of its own: property -> department.
DEPARTMENTS: Final = {
    "grocery": "GROCERY", "drug": "DRUG GM", "produce": "PRODUCE", "meat": "MEAT", "packaged_meat": "MEAT-PCKGD",
    "cosmetics": "COSMETICS", "nutrition": "NUTRITION", "deli": "DELI",
}
_COLUMNS: Final = (
    "household_id", "store_id", "basket_id", "product_id", "sales_value", "retail_disc", "coupon_disc",
    "coupon_match_disc", "transaction_timestamp",
)


@dataclass(frozen=True, slots=True)
class Basket:
    id: int
    household: int
    time_ms: int
    properties: dict[str, Any]

    def event(self) -> NestedEvent:
        """As the till reports it, without the customer."""
        time = format_time(self.time_ms)
        return {"event_id": f"b-{self.id}", "type": "basket", "time": time, "properties": self.properties}


def read_baskets(
    folder: Path, households: NDArray[np.int64], redemptions: Mapping[int, list[tuple[date, int]]],
    local_day: Callable[[int], date],
) -> dict[int, tuple[Basket, ...]]:
    """The baskets of some households (ascending ids), each household's oldest first.

    ``redemptions``: household -> (day, campaign) of each coupon that it redeemed, noted on the day's first basket.
    """
    table = pq.read_table(folder / "transactions.parquet", columns=list(_COLUMNS))
    lines = {name: table.column(name).to_numpy() for name in _COLUMNS[:-1]}
    lines["time_ms"] = table.column(_COLUMNS[-1]).to_numpy().astype("datetime64[ms]").astype(np.int64)
    lines["department"], names = _departments(folder, lines["product_id"])
    keep = np.isin(lines["household_id"], households)
    order = np.lexsort((lines["basket_id"][keep], lines["time_ms"][keep], lines["household_id"][keep]))
    sums = _Baskets({name: column[keep][order] for name, column in lines.items()}, names)
    found: dict[int, list[Basket]] = {int(id_): [] for id_ in households}
    for place in range(len(sums.first)):
        basket = sums.basket(place)
        found[basket.household].append(basket)
    for household, own in found.items():
        _note_coupons(own, redemptions.get(household, []), local_day)
    return {household: tuple(own) for household, own in found.items()}


class _Baskets:
    """Sums per basket over lines that are sorted by household, time and basket."""

    def __init__(self, lines: Mapping[str, NDArray[Any]], names: list[str]) -> None:
        self._lines = lines
        self._names = names
        basket = lines["basket_id"]
        #: Place of each basket's first line.
        self.first = np.flatnonzero(np.r_[True, basket[1:] != basket[:-1]])
        number = np.cumsum(np.r_[True, basket[1:] != basket[:-1]]) - 1
        value = lines["sales_value"]
        self._total = np.add.reduceat(value, self.first)
        self._discount = np.add.reduceat(
            lines["retail_disc"] + lines["coupon_disc"] + lines["coupon_match_disc"], self.first
        )
        self._coupon = np.add.reduceat(lines["coupon_disc"] + lines["coupon_match_disc"], self.first)
        self._lines_sold = np.add.reduceat((value > 0).astype(np.int64), self.first)
        self._by_department = {
            name: np.bincount(number, np.where(lines["department"] == names.index(department), value, 0.0))
            for name, department in DEPARTMENTS.items() if department in names
        }
        self._bought = self._departments_bought(number, value)

    def basket(self, place: int) -> Basket:
        line = self.first[place]
        spend = {
            name: amount for name, sums in self._by_department.items() if (amount := round(float(sums[place]), 2)) > 0
        }
        properties = {
            "total": round(float(self._total[place]), 2), "lines": int(self._lines_sold[place]),
            "discount": round(float(self._discount[place]), 2),
            "coupon_discount": round(float(self._coupon[place]), 2), "coupons": 0,
            "departments": self._bought[place], "spend": spend, "store": int(self._lines["store_id"][line]),
        }
        return Basket(
            int(self._lines["basket_id"][line]), int(self._lines["household_id"][line]),
            int(self._lines["time_ms"][line]), properties,
        )

    def _departments_bought(self, number: NDArray[np.int64], value: NDArray[np.float64]) -> list[list[str]]:
        department = self._lines["department"]
        sold = (value > 0) & (department >= 0)
        width = len(self._names)
        bought: list[list[str]] = [[] for _ in range(len(self.first))]
        for pair in np.unique(number[sold] * width + department[sold]).tolist():
            bought[pair // width].append(self._names[pair % width])
        return bought


def _departments(folder: Path, product_id: NDArray[np.int64]) -> tuple[NDArray[np.int64], list[str]]:
    """(index of each line's department or -1, names of the departments)."""
    products = pq.read_table(folder / "products.parquet", columns=["product_id", "department"])
    coded = pc.dictionary_encode(products.column("department").combine_chunks())
    names: list[str] = coded.dictionary.to_pylist()
    codes = coded.indices.fill_null(-1).to_numpy().astype(np.int64)
    known = products.column("product_id").to_numpy()
    order = np.argsort(known)
    at = np.clip(np.searchsorted(known, product_id, sorter=order), 0, len(known) - 1)
    matched = known[order[at]] == product_id
    return np.where(matched, codes[order[at]], -1), names


def _note_coupons(
    baskets: list[Basket], redemptions: list[tuple[date, int]], local_day: Callable[[int], date]
) -> None:
    if not redemptions:
        return
    first_on: dict[date, Basket] = {}
    for basket in baskets:
        first_on.setdefault(local_day(basket.time_ms), basket)
    for day, _ in redemptions:
        if day in first_on:
            first_on[day].properties["coupons"] += 1
