"""Budgets after a run: never over their cap, and exactly what the acknowledged outcomes spent.

Every first acceptance of an item spends its units or, when they had been released and no unit was free, counts them as
unfunded; so ``spent + unfunded`` may have grown by what acknowledged outcomes say, plus at most what outcomes say whose
answer never came. With other traffic on the server only the lower bound can be held against it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from loadtests.verdict.checks import Check
from loadtests.verdict.record import Record

Book = Mapping[str, Any]


def check_budgets(before: Iterable[Book], after: Sequence[Book], record: Record, *, alone: bool) -> list[Check]:
    """``before`` and ``after``: budgets as ``GET /v1/budgets`` shows them. ``alone``: nobody else used the server."""
    known = {one["id"]: one for one in before}
    over = [_over(one) for one in after if _is_over(one, known.get(one["id"]))]
    same = [one for one in after if one["id"] in known and _period(one) == _period(known[one["id"]])]
    wrong = [said for one in same if (said := _difference(known[one["id"]], one, record, alone=alone))]
    rolled = len(after) - len(same)
    units = sum(record.spent[one["id"]] for one in same)
    books = f"{units:,} units in {len(same)} budgets as acknowledged outcomes say"
    if not alone:
        books += " or more (others may use this server)"
    if rolled:
        books += f"; {rolled} budgets began a new period meanwhile and were not compared"
    dry = sorted(one["id"] for one in after if one["available"] <= 0)
    return [
        Check("no budget is overspent", not over, "; ".join(over) or f"{len(after)} budgets; dry: {_names(dry)}"),
        Check("budgets equal the accepted outcomes", not wrong, "; ".join(wrong) or books),
    ]


def has_arrived(before: Iterable[Book], after: Sequence[Book], record: Record) -> bool:
    """Whether the books show all that was acknowledged: they follow the shards within seconds."""
    known = {one["id"]: one for one in before}
    return not any(
        _difference(known[one["id"]], one, record, alone=False)
        for one in after if one["id"] in known and _period(one) == _period(known[one["id"]])
    )


def _is_over(book: Book, before: Book | None) -> bool:
    """A budget whose cap somebody lowered below what was spent already is not to blame, unless it went on."""
    taken = book["spent"] + book["held"]
    return taken > book["cap"] and (before is None or taken > before["spent"] + before["held"])


def _over(book: Book) -> str:
    return f"{book['id']}: {book['spent']} spent and {book['held']} held of {book['cap']}"


def _period(book: Book) -> Any:
    return book.get("period")


def _names(found: list[str]) -> str:
    return ", ".join(found) if found else "none"


def _difference(before: Book, after: Book, record: Record, *, alone: bool) -> str:
    """What is wrong with one budget's books; "" when nothing is."""
    id_ = after["id"]
    grown = after["spent"] + after["unfunded"] - before["spent"] - before["unfunded"]
    least, most = record.spent[id_], record.spent[id_] + record.unresolved[id_]
    if grown < least or (alone and grown > most):
        expected = f"{least}" if least == most else f"{least} to {most}"
        return f"{id_} grew by {grown} units, acknowledged outcomes spent {expected}"
    return ""
