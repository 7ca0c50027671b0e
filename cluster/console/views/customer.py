"""A customer's state as tables, and what differs between two moments of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cluster.console.views.values import text_of

#: Part of a customer -> its title.
MAPS: Final = {
    "attributes": "Attributes", "features": "Features", "segments": "Segments", "consent": "Consents",
    "scores": "Scores", "experiments": "Experiments",
}
_LISTS: Final = {"contacts": "Contacts", "holds": "Holds"}


@dataclass(frozen=True, slots=True)
class Row:
    """One value; ``now`` only matters where the page shows another moment than now."""

    name: str
    value: str
    now: str
    changed: bool


@dataclass(frozen=True, slots=True)
class Part:
    id: str
    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    part: str
    name: str
    then: str
    now: str


#: Which parts stand below one another.
COLUMNS: Final = (("attributes", "segments"), ("features",), ("consent", "scores", "experiments"))


def parts(customer: Mapping[str, Any], now: Mapping[str, Any] | None = None) -> list[Part]:
    """Every part as rows by name; with ``now``, beside each what it is today."""
    return [Part(id_, title, tuple(_rows(id_, customer, now))) for id_, title in MAPS.items()]


def _rows(id_: str, customer: Mapping[str, Any], now: Mapping[str, Any] | None) -> Iterator[Row]:
    then = _texts(id_, customer)
    today = then if now is None else _texts(id_, now)
    for name in dict.fromkeys([*then, *today]):
        before, after = then.get(name, "–"), today.get(name, "–")
        yield Row(name, before, after, before != after)


def _texts(id_: str, customer: Mapping[str, Any]) -> dict[str, str]:
    found = customer.get(id_) or {}
    if id_ == "segments":
        return dict.fromkeys(map(str, found), "in it")
    if id_ == "consent":
        return {name: "given" if given else "withdrawn" for name, given in found.items()}
    if id_ == "scores":
        return {name: text_of(score["value"]) for name, score in found.items()}
    if id_ == "experiments":
        return {name: f"{part['variant']}, until {part['until'][:10]}" for name, part in found.items()}
    return {name: text_of(value) for name, value in found.items()}


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[Difference]:
    """What a page about a moment of the past says is otherwise today."""
    found = [
        Difference(part.title, row.name, row.value, row.now) for part in parts(then, now) for row in part.rows
        if row.changed
    ]
    for id_, title in _LISTS.items():
        before, after = _named(then.get(id_, ())), _named(now.get(id_, ()))
        for key in dict.fromkeys([*before, *after]):
            was, is_ = before.get(key, "–"), after.get(key, "–")
            if was != is_:
                found.append(Difference(title, key[1], was, is_))
    return found


def _named(contacts: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], str]:
    return {
        (each["decision_id"], each["action"]): f"{each['channel']}, {_brief(each)}" for each in contacts
    }


def _brief(contact: Mapping[str, Any]) -> str:
    if contact.get("time"):
        return f"{contact['time'][:16].replace('T', ' ')} UTC"
    return f"until {contact['hold_expires'][:16].replace('T', ' ')} UTC"


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a contact policy still allows."""

    policy: str
    kind: str
    #: What it is counted for: an action, a group, a channel; empty: the customer.
    subject: str
    used: int | None
    limit: int | None
    window: str
    next_free: str | None
    refuses: bool
    detail: str


def allowances(customer: Mapping[str, Any]) -> list[Allowance]:
    """Those that refuse first."""
    found = [
        Allowance(
            str(each["policy"]), _KINDS.get(each["kind"], str(each["kind"])),
            " · ".join(str(each[key]) for key in ("channel", "what") if each.get(key)), each.get("used"),
            each.get("limit"), each.get("window") or "", each.get("next_free"), bool(each.get("refuses")),
            each.get("detail") or "",
        )
        for each in customer.get("policies") or ()
    ]
    return sorted(found, key=lambda allowance: not allowance.refuses)


_KINDS: Final = {"limit": "at most", "rest": "rest after", "never_after": "never after", "exclusive": "not together"}
