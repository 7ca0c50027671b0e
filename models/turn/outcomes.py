"""Judge an outcome: what it does to the contact hold, to the held budget units, and to the evidence.

| type | contact hold | budget units held |
|---|---|---|
| the action's accept outcome, first time | confirms | spends ``accept`` and ``contact`` budgets |
| not_shown | releases | releases |
| reject, dismiss, complain | confirms | releases ``accept`` budgets, spends ``contact`` budgets |
| any other | confirms | spends ``contact`` budgets |

Units that were released before are spent only if the shard has as many free; otherwise they count as unfunded.
"""

from __future__ import annotations

from typing import Any, Final

from models import canonical, limits
from models.profile import ledger
from models.profile.facts import OutcomeApplied
from models.profile.state import BUDGET_FREED, BUDGET_HELD, FALLBACK, HELD, RELEASED, Contact
from models.turn import refusals
from models.turn.commands import OUTCOME, Command, Reply
from models.turn.context import TurnContext
from models.turn.keys import Hint, body_fingerprint, key16
from models.turn.refusals import Problem
from models.turn.work import Work

NOT_SHOWN: Final = "not_shown"
NEGATIVE: Final = frozenset({"reject", "dismiss", "complain"})
TYPES: Final = frozenset({"impression", "delivery", NOT_SHOWN, "click", "accept", "convert"}) | NEGATIVE


def handle(context: TurnContext, work: Work, command: Command) -> Reply:
    """An outcome command: the item's result object."""
    body = command.body
    outcome_id = body["outcome_id"]
    key = key16(OUTCOME, outcome_id)
    fingerprint = body_fingerprint(body)
    remembered = context.recall(work, key)
    if remembered is not None:
        if remembered.fingerprint != fingerprint:
            return _rejected(outcome_id, refusals.conflict("the outcome id", outcome_id, command.request_id))
        return _result(outcome_id, "duplicate", Hint.unpack(remembered.hint))
    contact = _find(context, work, body, command.request_id)
    if isinstance(contact, dict):
        return _rejected(outcome_id, contact)
    fact = judge(context, contact, body)
    work.record(fact)
    unfunded = any(effect == "unfunded" for _, effect in fact.budgets)
    work.remember(key, fingerprint, fact.late, unfunded)
    return _result(outcome_id, "applied", Hint(work.generation, work.version, fact.late, unfunded))


def judge(context: TurnContext, contact: Contact, body: dict[str, Any]) -> OutcomeApplied:
    """The fact that an outcome makes of a contact. Pure."""
    time_ms = context.now_ms if body["time_ms"] is None else body["time_ms"]
    counted_ms = min(max(time_ms, contact.decided_ms), context.now_ms)
    kind = body["type"]
    effect, late = _contact_effect(contact, kind, counted_ms)
    accepted = kind == contact.accept_outcome and not contact.accepted and contact.state != FALLBACK
    return OutcomeApplied(
        body["outcome_id"], contact.decision_id, contact.action, kind, time_ms, counted_ms, body["value"],
        effect, late, _budget_effects(context, contact, kind, effect, accepted), accepted,
        contact.channel, contact.control_group,
    )


def _contact_effect(contact: Contact, kind: str, counted_ms: int) -> tuple[str, bool]:
    if kind == NOT_SHOWN:
        return ("release", False) if contact.state == HELD else ("", False)
    if contact.state == HELD:
        return "confirm", counted_ms > contact.hold_expires_ms
    if contact.state == RELEASED:
        return "confirm", True
    return "", False


def _budget_effects(
    context: TurnContext, contact: Contact, kind: str, effect: str, accepted: bool
) -> tuple[tuple[str, str], ...]:
    """(budget, effect) per budget that changes. An item may use one budget twice: its units go together."""
    units_of: dict[tuple[str, str, str, str], int] = {}
    for budget, units, period, spend_on, state in contact.budgets:
        name = (budget, period, spend_on, state)
        units_of[name] = units_of.get(name, 0) + units
    effects: list[tuple[str, str]] = []
    for (budget, period, spend_on, state), units in units_of.items():
        spends = effect == "confirm" if spend_on == "contact" else accepted
        if spends and state == BUDGET_HELD:
            effects.append((budget, "spend"))
        elif spends and state == BUDGET_FREED:
            effects.append((budget, "spend" if context.free(budget, period) >= units else "unfunded"))
        elif state == BUDGET_HELD and (effect == "release" or kind in NEGATIVE):
            effects.append((budget, "release"))
    return tuple(effects)


def _find(context: TurnContext, work: Work, body: dict[str, Any], request_id: str) -> Contact | Problem:
    """The contact that an outcome is about, or why there is none."""
    kind, action, decision_id = body["type"], body["action"], body["decision_id"]
    if kind not in TYPES:
        error = {"loc": ["type"], "msg": f"unknown type {kind!r}; known: {', '.join(sorted(TYPES))}"}
        return refusals.wrong_field("an outcome of this type cannot be reported", [error], request_id)
    if body["time_ms"] is not None and body["time_ms"] > context.now_ms + limits.EVENT_AHEAD_MS_MAX:
        return refusals.in_future(request_id)
    profile = work.profile
    if decision_id is None:
        newest = ledger.newest_open(profile, action, context.now_ms) if profile else None
        return newest or refusals.not_found(
            "no open contact", f"no contact with {action!r} has an open response window; name the decision_id",
            request_id,
        )
    contact = ledger.find(profile, decision_id, action) if profile else None
    if contact is not None:
        return contact
    if profile is None or all(entry.decision_id != decision_id for entry in profile.ledger):
        return refusals.not_found("no such decision", f"no decision {decision_id!r} is remembered", request_id)
    error = {"loc": ["action"], "msg": f"decision {decision_id} did not choose {action!r}"}
    return refusals.wrong_field("the decision did not choose this action", [error], request_id)


def _result(outcome_id: str, status: str, hint: Hint) -> Reply:
    result: dict[str, Any] = {"outcome_id": outcome_id, "status": status, "state_version": hint.state_version}
    if hint.late:
        result["late"] = True
    if hint.unfunded:
        result["funded"] = False
    return Reply(200, canonical.pack(result))


def _rejected(outcome_id: str, refusal: Problem) -> Reply:
    return Reply(200, canonical.pack({"outcome_id": outcome_id, "status": "rejected", "error": refusal}))
