"""Promises counted again, from timelines alone: nothing here is shared with the code that kept them.

Per customer, its timeline is replayed in the order in which it was applied. At each decision every contact policy with
a limit, and every exclusive pair, is judged over the holds that are open and the contacts that were confirmed within
the window; at the end confirmed contacts alone, in every window that ends with one of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_CONFIRMS: Final = frozenset({"impression", "delivery", "click", "accept", "convert", "reject", "dismiss", "complain"})
#: How long after ``hold_expires`` a hold still counts.
_GRACE: Final = timedelta(minutes=5)


@dataclass(slots=True)
class _Contact:
    #: channel, direction, issue, group, action, treatment, placement.
    what: Mapping[str, str]
    decided: datetime
    holds_until: datetime
    confirmed: datetime | None = None
    open: bool = True
    accepted: bool = False

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
    #: (budget, local day or "") -> units spent, for budgets that spend on contact.
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
        on_contact = {one["id"]: one for one in catalog["budgets"] if one.get("spend_on") == "contact"}
        self._spends = {
            treatment["id"]: [
                (use["id"], use["units"], bool(on_contact[use["id"]].get("period")))
                for use in (action.get("budget"), treatment.get("budget")) if use and use["id"] in on_contact
            ]
            for action in catalog["actions"] for treatment in action["treatments"]
        }

    def add(self, newest_first: Sequence[Mapping[str, Any]]) -> None:
        """One customer's whole timeline, as ``GET /v1/customers/{id}/timeline`` gives it."""
        contacts: dict[tuple[str, str], _Contact] = {}
        for item in reversed(newest_first):
            body = item["body"]
            if item["kind"] == "event":
                self.result.events.add(item["id"])
            elif item["kind"] == "decision":
                self._decision(body, contacts)
            elif item["kind"] == "outcome":
                self._outcome(body, contacts)
        self._windows(list(contacts.values()))

    def _decision(self, body: Mapping[str, Any], contacts: dict[tuple[str, str], _Contact]) -> None:
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

    def _outcome(self, body: Mapping[str, Any], contacts: dict[tuple[str, str], _Contact]) -> None:
        contact = contacts.get((body["decision_id"], body["action"]))
        if contact is None:
            return
        if body["type"] == "accept" and not contact.accepted:
            contact.accepted = True
            self.result.accepted[body["action"]] += 1
        if contact.confirmed is not None:
            return
        if body["type"] == "not_shown":
            contact.open = False
        elif body["type"] in _CONFIRMS and not body.get("late"):
            contact.confirmed = max(contact.decided, datetime.fromisoformat(body["time"]))
            self.result.contacts += 1
            day = contact.decided.astimezone(self._zone).date().isoformat()
            for budget, units, daily in self._spends[contact.what["treatment"]]:
                self.result.spent_on_contact[budget, day if daily else ""] += units

    def _windows(self, contacts: list[_Contact]) -> None:
        for policy in self._limits:
            window = _duration(policy["window"])
            concerned = [one for one in contacts if one.confirmed is not None and _concerns(policy, one)]
            for last in concerned:
                assert last.confirmed is not None
                count = sum(_same(policy, one, last) and one.counts_at(last.confirmed, window) for one in concerned)
                self.result.exceeded[policy["id"]] += count > policy["limit"]


def _concerns(policy: Mapping[str, Any], contact: _Contact) -> bool:
    return all(contact.what[name] == wanted for name, wanted in (policy.get("scope") or {}).items() if wanted)


def _same(policy: Mapping[str, Any], one: _Contact, other: _Contact) -> bool:
    per = policy.get("per") or ""
    return not per or per == "customer" or one.what[per] == other.what[per]


def _duration(text: str) -> timedelta:
    return timedelta(**{_UNITS[text[-1]]: int(text[:-1])})
