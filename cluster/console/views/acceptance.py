"""What was accepted by action and channel, beside the control group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cluster.console.views.rates import Difference, Rate, difference, rate

_COUNTS: Final = ("chosen", "confirmed", "accepted")
#: An interval over fewer contacts than this is so wide that it would press the others together; it is cut off.
_TOLD_FROM: Final = 30


@dataclass(frozen=True, slots=True)
class Arm:
    """Of customers who are held out, or of all others. ``rate``: accepted of confirmed contacts; None: see ``rate``."""

    chosen: int
    confirmed: int
    accepted: int
    rate: Rate | None

    @property
    def is_out_of_step(self) -> bool:
        """More was accepted than confirmed: the contacts of some came before the counts begin."""
        return self.accepted > self.confirmed


@dataclass(frozen=True, slots=True)
class Acceptance:
    """``chosen`` to ``value``: of all customers, held out or not."""

    action: str
    channel: str
    chosen: int
    confirmed: int
    accepted: int
    negative: int
    value: float
    others: Arm
    control: Arm
    #: Of the others' rate from the control group's; None unless both have one.
    lift: Difference | None


def acceptances(actions: Iterable[Mapping[str, Any]]) -> tuple[Acceptance, ...]:
    """Those with a contact or an outcome, most confirmed contacts first."""
    told = [_acceptance(cell) for cell in actions]
    seen = [one for one in told if one.chosen or one.confirmed or one.accepted]
    return tuple(sorted(seen, key=lambda one: (-one.confirmed, -one.chosen, one.action, one.channel)))


def _acceptance(cell: Mapping[str, Any]) -> Acceptance:
    held = cell["control"]
    others, control = _arm({name: cell[name] - held[name] for name in _COUNTS}), _arm(held)
    lift = difference(others.rate, control.rate) if others.rate is not None and control.rate is not None else None
    return Acceptance(
        cell["action"], cell["channel"], cell["chosen"], cell["confirmed"], cell["accepted"], cell["negative"],
        cell["value"], others, control, lift,
    )


def _arm(counts: Mapping[str, int]) -> Arm:
    chosen, confirmed, accepted = (counts[name] for name in _COUNTS)
    return Arm(chosen, confirmed, accepted, rate(accepted, confirmed))


def reach(shown: Iterable[Acceptance]) -> float:
    """Up to which share the intervals are drawn: the highest of all, rounded up to a twentieth; never 0."""
    rates = [one for row in shown for one in (row.others.rate, row.control.rate) if one is not None]
    highest = max((one.high for one in rates if one.n >= _TOLD_FROM), default=0.0)
    highest = highest or max((one.high for one in rates), default=1.0)
    twentieths = -(-highest * 20 // 1)
    return min(1.0, max(1.0, twentieths) / 20)


@dataclass(frozen=True, slots=True)
class Contacts:
    """An action over all channels."""

    action: str
    chosen: int
    fallback: int
    confirmed: int
    accepted: int
    negative: int


def contacts(actions: Iterable[Mapping[str, Any]], most: int) -> tuple[Contacts, ...]:
    """Most chosen first; actions beyond ``most`` are summed up as the last one, "others"."""
    sums: dict[str, list[int]] = {}
    for cell in actions:
        into = sums.setdefault(cell["action"], [0] * 5)
        for place, name in enumerate(("chosen", "fallback", "confirmed", "accepted", "negative")):
            into[place] += cell[name]
    ordered = sorted(((name, row) for name, row in sums.items() if any(row)), key=lambda one: (-one[1][0], one[0]))
    kept = [Contacts(name, *row) for name, row in ordered[:most]]
    rest = [row for _, row in ordered[most:]]
    if rest:
        kept.append(Contacts("others", *map(sum, zip(*rest, strict=True))))
    return tuple(kept)
