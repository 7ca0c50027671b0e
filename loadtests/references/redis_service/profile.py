"""A customer as one packed value: day buckets per kind of event, a few last values, the version it was written as."""

from __future__ import annotations

from typing import Any

import msgpack

_NAN = float("nan")
_DAY_MS = 86_400_000
_MINUTE_MS = 60_000
_WINDOWS = (7, 28, 90, 365)
_HALF_LIFE_MS = 7 * _DAY_MS
_KEPT_DAYS = 365


def fresh() -> dict[str, Any]:
    """Nobody yet: version 0."""
    return {"v": 0, "basket": {}, "page_view": {}, "search": {}, "errors": {}, "departments": {}, "last": None,
            "last_ms": 0, "decayed": 0.0, "decayed_ms": 0}


def read(stored: bytes | None) -> tuple[str, dict[str, Any]]:
    """(what the stored value begins with, the profile): ``12|`` and the packed rest; "" when there is none."""
    if stored is None:
        return "", fresh()
    version, _, packed = stored.partition(b"|")
    found: dict[str, Any] = msgpack.unpackb(packed, strict_map_key=False)
    found["v"] = int(version)
    return f"{int(version)}|", found


def write(profile: dict[str, Any]) -> bytes:
    """What ``read`` reads."""
    return b"%d|" % profile["v"] + msgpack.packb(profile)


def fold(profile: dict[str, Any], kind: str, properties: dict[str, Any], time_ms: int) -> None:
    """Apply one event in place."""
    day = time_ms // _DAY_MS
    total = properties.get("total")
    value = float(total) if isinstance(total, int | float) else None
    if kind == "error":
        minutes = profile["errors"]
        minute = time_ms // _MINUTE_MS
        minutes[minute] = minutes.get(minute, 0) + 1
        for old in [at for at in minutes if at <= minute - 60]:
            del minutes[old]
    elif kind in ("basket", "page_view", "search"):
        _count(profile[kind], day, value)
        if kind == "basket":
            _basket(profile, properties, value, day, time_ms)


def _count(days: dict[int, list[Any]], day: int, value: float | None) -> None:
    bucket = days.get(day)
    if bucket is None:
        for old in [at for at in days if at <= day - _KEPT_DAYS]:
            del days[old]
        bucket = days[day] = [0, 0.0, 0, None, None]
    bucket[0] += 1
    if value is not None:
        bucket[1] += value
        bucket[2] += 1
        bucket[3] = value if bucket[3] is None else min(bucket[3], value)
        bucket[4] = value if bucket[4] is None else max(bucket[4], value)


def _basket(profile: dict[str, Any], properties: dict[str, Any], value: float | None, day: int, time_ms: int) -> None:
    for department in properties.get("departments") or ():
        profile["departments"][department] = max(day, profile["departments"].get(department, 0))
    if value is not None:
        age = time_ms - profile["decayed_ms"]
        profile["decayed"] = profile["decayed"] * 0.5 ** (max(age, 0) / _HALF_LIFE_MS) + value
        profile["decayed_ms"] = max(time_ms, profile["decayed_ms"])
        if time_ms >= profile["last_ms"]:
            profile["last"] = value
    profile["last_ms"] = max(time_ms, profile["last_ms"])


def features(profile: dict[str, Any], now_ms: int) -> dict[str, float]:
    """Name -> value, as the catalog of the benchmark names them; absent ones are NaN."""
    today = now_ms // _DAY_MS
    found: dict[str, float] = {}
    for kind, name in (("basket", "baskets"), ("page_view", "views"), ("search", "clicks")):
        counts, sums = _windows(profile[kind], today)
        for at, days in enumerate(_WINDOWS):
            found[f"{name}_{days}d"] = counts[at]
            if kind == "basket":
                found[f"spend_{days}d"] = sums[at]
    found |= _of_baskets(profile["basket"], today)
    found["departments"] = sum(day > today - 90 for day in profile["departments"].values())
    found["last_total"] = _NAN if profile["last"] is None else profile["last"]
    found["days_since_basket"] = (now_ms - profile["last_ms"]) / _DAY_MS if profile["last_ms"] else _NAN
    found["spend_decayed"] = profile["decayed"] * 0.5 ** ((now_ms - profile["decayed_ms"]) / _HALF_LIFE_MS)
    minute = now_ms // _MINUTE_MS
    found["errors_1h"] = sum(count for at, count in profile["errors"].items() if at > minute - 60)
    return found


def _windows(days: dict[int, list[Any]], today: int) -> tuple[list[int], list[float]]:
    counts, sums = [0, 0, 0, 0], [0.0, 0.0, 0.0, 0.0]
    for day, bucket in days.items():
        age = today - day
        for at in range(3, -1, -1):
            if age >= _WINDOWS[at]:
                break
            counts[at] += bucket[0]
            sums[at] += bucket[1]
    return counts, sums


def _of_baskets(days: dict[int, list[Any]], today: int) -> dict[str, float]:
    total, number, least, most = 0.0, 0, _NAN, _NAN
    for day, (_, summed, valued, low, high) in days.items():
        if not valued or today - day >= _KEPT_DAYS:
            continue
        total, number = total + summed, number + valued
        if today - day < 90:
            least = low if least != least else min(least, low)
            most = high if most != most else max(most, high)
    return {"spend_mean": total / number if number else _NAN, "spend_max": most, "spend_min": least}
