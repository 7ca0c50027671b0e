"""What customers do on a visit. Every generator yields after each of its calls: see ``visitor``."""

from __future__ import annotations

from typing import Final

from loadtests.users.caller import Caller
from loadtests.users.shelf import Shown
from loadtests.users.visitor import Visit

#: How often an answered item was not shown after all, is clicked, and then accepted or dismissed.
_NOT_SHOWN: Final = 0.05
_CLICKED: Final = 0.35
_ACCEPTED: Final = 0.40
_DISMISSED: Final = 0.15
#: How often a visit ends with a purchase, and how often it begins with trouble or a search.
_BOUGHT: Final = 0.25
_OTHER_EVENT: Final = 0.4
_EVENTS: Final = ("search", "cart_abandoned", "error")


def shopping(caller: Caller) -> Visit:
    """An event, a decision with the page view that caused it, what became of its items, sometimes a basket."""
    desk, chance = caller.desk, caller.desk.random
    customer = desk.anybody()
    id_ = customer["id"]
    if chance.random() < _OTHER_EVENT:
        caller.events([(id_, chance.choice(_EVENTS), {"page": "/"})])
        yield 0.5
    page_view = {"type": "page_view", "properties": {"page": "/"}}
    shown = caller.decide(id_, chance.choice(desk.shelf.inbound), page_view)
    yield 0.3
    if shown:
        seen = [(item, "not_shown" if chance.random() < _NOT_SHOWN else "impression") for item in shown]
        caller.outcomes(seen)
        yield 1.0
        clicked = [item for item, kind in seen if kind == "impression" and chance.random() < _CLICKED]
        if clicked:
            caller.outcomes([outcome for item in clicked for outcome in _reaction(caller, item)])
            yield 1.5
    if chance.random() < _BOUGHT:
        caller.events([(id_, "basket", desk.basket(customer))])
        yield 1.0


def _reaction(caller: Caller, item: Shown) -> list[tuple[Shown, str]]:
    drawn = caller.desk.random.random()
    if drawn < _ACCEPTED:
        return [(item, "click"), (item, caller.desk.shelf.accepting[item.action])]
    return [(item, "dismiss")] if drawn < _ACCEPTED + _DISMISSED else [(item, "click")]


def rush(caller: Caller, customer: str) -> Visit:
    """Any channel at once, and an answer to every item: what many channels do to one customer."""
    desk, chance = caller.desk, caller.desk.random
    channel = chance.choice(desk.shelf.channels)
    shown = caller.decide(customer, channel)
    yield 1.0
    if shown:
        kinds = (channel.shows, channel.shows, "click", "dismiss", "not_shown", "")
        chosen = [(item, chance.choice(kinds)) for item in shown]
        # "": held until it expires; of the others some accept at once.
        outcomes = [
            (item, desk.shelf.accepting[item.action] if kind == "click" else kind) for item, kind in chosen if kind
        ]
        if outcomes:
            caller.outcomes(outcomes)
            yield 1.0


def grab(caller: Caller) -> Visit:
    """Whoever is offered something takes it: budgets run dry."""
    desk = caller.desk
    shown = caller.decide(desk.anybody()["id"], desk.random.choice(desk.shelf.channels))
    yield 1.0
    taken = [item for item in shown or () if not item.fallback]
    if taken:
        caller.outcomes([(item, desk.shelf.accepting[item.action]) for item in taken])
        yield 1.0


def till(caller: Caller) -> Visit:
    """One batch of baskets of many customers."""
    desk = caller.desk
    customers = [desk.anybody() for _ in range(desk.batch)]
    caller.events([(one["id"], "basket", desk.basket(one)) for one in customers])
    yield 1.0
