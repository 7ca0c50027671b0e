"""Promises counted again, from timelines alone: nothing here is shared with the code that kept them.

Per customer, its timeline is replayed in the order in which it was applied. At each decision every contact policy (a
limit, an exclusive pair, a rest, a ``never ... after``) is judged over the holds that are open and the contacts that
were confirmed within the window; at the end confirmed contacts alone, in every window that ends with one of them. Of a
rest after an event only rules over the event itself are counted again: a timeline does not show what else a rule read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import cel

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_SCOPE: Final = frozenset({"channel", "direction", "issue", "group", "action", "treatment"})
_CONFIRMS: Final = frozenset({"impression", "delivery", "click", "accept", "convert", "reject", "dismiss", "complain"})
#: How long after ``hold_expires`` a hold still counts.
_GRACE: Final = timedelta(minutes=5)
#: Period of a budget -> how its periods are told apart, in local time.
_PERIODS: Final = {
    "minute": "%Y-%m-%dT%H:%M%z", "hour": "%Y-%m-%dT%H%z", "day": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m",
}


@dataclass(slots=True)
class _Contact:
    #: channel, direction, issue, group, action, treatment, placement.
    what: Mapping[str, str]
    decided: datetime
    holds_until: datetime
    confirmed: datetime | None = None
    open: bool = True
    #: Confirmed when its hold had ended: what that is too much is the channel's.
    late: bool = False
    accepted: bool = False
    #: (type, time) of each outcome, in the order in which they were applied.
    outcomes: list[tuple[str, datetime]] = field(default_factory=list)

    def counts_at(self, now: datetime, window: timedelta) -> bool:
        if self.confirmed is not None:
            return now - window < self.confirmed <= now
        return self.open and now < self.holds_until


@dataclass(slots=True)
class Recount:
    """What one or many timelines say."""

    #: Contact policy -> how often it was exceeded.
    exceeded: Counter[str] = field(default_factory=Counter)
    #: Contacts that were confirmed.
    contacts: int = 0
    #: (budget, local period or "") -> units spent, for budgets that spend on contact.
    spent_on_contact: Counter[tuple[str, str]] = field(default_factory=Counter)
    #: Action -> items that were accepted.
    accepted: Counter[str] = field(default_factory=Counter)
    #: Every event id seen.
    events: set[str] = field(default_factory=set)


class Recounter:
    """Folds timelines into one ``Recount``. ``catalog`` is what ``GET /v1/catalog`` shows."""

    def __init__(self, catalog: Mapping[str, Any]) -> None:
        self.result = Recount()
        self._zone = ZoneInfo(catalog.get("timezone", "UTC"))
        self._limits = [policy for policy in catalog["contact_policies"] if policy.get("limit") is not None]
        self._pairs = [policy for policy in catalog["contact_policies"] if policy.get("exclusive")]
        self._nevers = [policy for policy in catalog["contact_policies"] if policy.get("never")]
        self._rests = [policy for policy in catalog["contact_policies"] if policy.get("rest")]
        direction = {channel["id"]: channel["direction"] for channel in catalog["channels"]}
        channel_of = {placement["id"]: placement["channel"] for placement in catalog["placements"]}
        issue_of = {
            group["id"]: issue["issue"] for issue in catalog["hierarchy"] for group in issue["groups"]
        }
        self._place = {
            id_: {"channel": channel, "direction": direction[channel]} for id_, channel in channel_of.items()
        }
        self._action = {
            action["id"]: {"action": action["id"], "group": action["group"], "issue": issue_of[action["group"]]}
            for action in catalog["actions"]
        }
        #: Action -> which outcome accepts it.
        self._accepting = {
            action["id"]: (action.get("accept") or {}).get("outcome") or "accept" for action in catalog["actions"]
        }
        on_contact = {one["id"]: one for one in catalog["budgets"] if one.get("spend_on") == "contact"}
        self._spends = {
            treatment["id"]: [
                (use["id"], use["units"], _PERIODS.get(on_contact[use["id"]].get("period") or "", ""))
                for use in (action.get("budget"), treatment.get("budget")) if use and use["id"] in on_contact
            ]
            for action in catalog["actions"] for treatment in action["treatments"]
        }

    def add(self, newest_first: Sequence[Mapping[str, Any]]) -> None:
        """One customer's whole timeline, as ``GET /v1/customers/{id}/timeline`` gives it."""
        contacts: dict[tuple[str, str], _Contact] = {}
        marks: dict[str, list[datetime]] = {}
        for item in reversed(newest_first):
            body = item["body"]
            if item["kind"] == "event":
                self.result.events.add(item["id"])
                self._event(body, marks)
            elif item["kind"] == "decision":
                self._decision(body, contacts, marks)
            elif item["kind"] == "outcome":
                self._outcome(body, contacts)
        self._windows(list(contacts.values()))

    def _event(self, body: Mapping[str, Any], marks: dict[str, list[datetime]]) -> None:
        """Notes the event for every rest that waits for it."""
        for policy in self._rests:
            after = policy["after"]
            if after.get("event") == body["type"] and (not after.get("when") or _holds(after["when"], body)):
                marks.setdefault(policy["id"], []).append(datetime.fromisoformat(body["time"]))

    def _decision(
        self, body: Mapping[str, Any], contacts: dict[tuple[str, str], _Contact], marks: dict[str, list[datetime]],
    ) -> None:
        now = datetime.fromisoformat(body["time"])
        fresh = []
        for placement in body["placements"]:
            for item in placement["items"]:
                if item["fallback"]:
                    continue
                what = {
                    **self._place[placement["placement"]], **self._action[item["action"]],
                    "treatment": item["treatment"], "placement": placement["placement"],
                }
                until = datetime.fromisoformat(item["hold_expires"]) + _GRACE
                contact = contacts[body["decision_id"], item["action"]] = _Contact(what, now, until)
                fresh.append(contact)
        for contact in fresh:
            self._judge(contact, now, contacts.values())
            self._judge_rests(contact, now, contacts.values(), marks)
        for place, contact in enumerate(fresh):
            # What stands below an item in the same decision does not come before it.
            below = {id(one) for one in fresh[place:]}
            self._judge_nevers(contact, now, [one for one in contacts.values() if id(one) not in below])

    def _judge(self, contact: _Contact, now: datetime, others: Any) -> None:
        for policy in self._limits:
            if _concerns(policy, contact):
                window = _duration(policy["window"])
                rivals = [one for one in others if _concerns(policy, one) and _same(policy, one, contact)]
                count = sum(one.counts_at(now, window) for one in rivals)
                self.result.exceeded[policy["id"]] += count > policy["limit"]
        for policy in self._pairs:
            if contact.what["action"] in policy["exclusive"]:
                window = _duration(policy["window"])
                rivals = [
                    one for one in others if one.what["action"] in policy["exclusive"]
                    and one.what["action"] != contact.what["action"] and one.counts_at(now, window)
                ]
                self.result.exceeded[policy["id"]] += bool(rivals)

    def _judge_rests(
        self, contact: _Contact, now: datetime, others: Any, marks: dict[str, list[datetime]]
    ) -> None:
        for policy in self._rests:
            if not _concerns(policy, contact):
                continue
            after = policy["after"]
            times = marks.get(policy["id"], []) if after.get("event") else [
                at for one in others if _concerns(policy, one) and _same(policy, one, contact)
                for kind, at in one.outcomes if kind == after["outcome"]
            ]
            self.result.exceeded[policy["id"]] += _rests_at(now, times, policy)

    def _judge_nevers(self, contact: _Contact, now: datetime, before: list[_Contact]) -> None:
        for policy in self._nevers:
            if contact.what["action"] == policy["never"]:
                window = _duration(policy["window"])
                self.result.exceeded[policy["id"]] += any(
                    _in_scope(policy["after"], one) and one.counts_at(now, window) for one in before
                )

    def _outcome(self, body: Mapping[str, Any], contacts: dict[tuple[str, str], _Contact]) -> None:
        contact = contacts.get((body["decision_id"], body["action"]))
        if contact is None:
            return
        contact.outcomes.append((body["type"], max(contact.decided, datetime.fromisoformat(body["time"]))))
        if body["type"] == self._accepting[body["action"]] and not contact.accepted:
            contact.accepted = True
            self.result.accepted[body["action"]] += 1
        if contact.confirmed is not None or contact.late:
            return
        if body["type"] == "not_shown":
            contact.open = False
        elif body["type"] in _CONFIRMS and body.get("late"):
            contact.late = True
        elif body["type"] in _CONFIRMS:
            contact.confirmed = max(contact.decided, datetime.fromisoformat(body["time"]))
            self.result.contacts += 1
            local = contact.decided.astimezone(self._zone)
            for budget, units, period in self._spends[contact.what["treatment"]]:
                self.result.spent_on_contact[budget, local.strftime(period) if period else ""] += units

    def _windows(self, contacts: list[_Contact]) -> None:
        for policy in self._limits:
            window = _duration(policy["window"])
            concerned = [one for one in contacts if one.confirmed is not None and _concerns(policy, one)]
            for last in concerned:
                assert last.confirmed is not None
                count = sum(_same(policy, one, last) and one.counts_at(last.confirmed, window) for one in concerned)
                self.result.exceeded[policy["id"]] += count > policy["limit"]


def _concerns(policy: Mapping[str, Any], contact: _Contact) -> bool:
    return _in_scope(policy.get("scope") or {}, contact)


def _in_scope(scope: Mapping[str, Any], contact: _Contact) -> bool:
    return all(contact.what[name] == wanted for name, wanted in scope.items() if wanted and name in _SCOPE)


def _rests_at(now: datetime, times: list[datetime], policy: Mapping[str, Any]) -> bool:
    """Whether so many of ``times`` fell within the policy's window that a rest of it has not ended yet."""
    rest, count = _duration(policy["rest"]), policy["after"].get("count") or 1
    window = _duration(policy["after"].get("window") or policy["rest"])
    found = sorted(min(at, now) for at in times)
    return any(
        last - found[place] < window and now < last + rest for place, last in enumerate(found[count - 1 :])
    )


@cache
def _program(rule: str) -> cel.Program:
    return cel.compile(rule)


def _holds(rule: str, event: Mapping[str, Any]) -> bool:
    """A rule over an event alone; one that errs is false."""
    context = cel.Context()
    context.add_variable("event", dict(event))
    try:
        return _program(rule).execute(context) is True
    except (KeyError, RuntimeError, TypeError, ValueError):
        return False


def _same(policy: Mapping[str, Any], one: _Contact, other: _Contact) -> bool:
    per = policy.get("per") or ""
    return not per or per == "customer" or one.what[per] == other.what[per]


def _duration(text: str) -> timedelta:
    return timedelta(**{_UNITS[text[-1]]: int(text[:-1])})
