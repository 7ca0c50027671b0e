"""The gates of a decision in words that need no manual."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Gate:
    #: As the calls name it.
    id: str
    #: What it looks at.
    noun: str
    #: What became of those that it removed.
    title: str
    #: Completes "It was not shown: ...".
    reason: str
    #: What a business can look at or change.
    remedy: str


#: In the order in which they are judged; what none of them removed was chosen or not.
GATES: Final = (
    Gate("request", "Request", "Left out by the request", "the caller asked to leave it out",
         "the request's exclude list"),
    Gate("control_group", "Control group", "Held out",
         "this customer is held out, so that the worth of decisions can be measured",
         "arbitration.control_group in the catalog"),
    Gate("valid", "Valid", "Not valid then", "it was paused, or not valid at that time",
         "the action's dates, or its pause"),
    Gate("eligibility", "Eligibility", "Not eligible", "this customer is not eligible for it",
         "the action's eligibility rule"),
    Gate("applicability", "Applicability", "Does not apply", "it does not apply in this situation",
         "the action's applicability rule"),
    Gate("suitability", "Suitability", "Not suitable", "it does not suit this customer right now",
         "the action's suitability rule"),
    Gate("consent", "Consent", "No consent", "the customer has not agreed to be contacted so",
         "the customer's consents"),
    Gate("quiet_hours", "Quiet hours", "Quiet hours", "the channel is quiet at that hour",
         "the channel's quiet_hours"),
    Gate("treatment", "Treatment", "Nothing to show it with",
         "none of its treatments fits the places that were asked for",
         "the action's treatments and their rules"),
    Gate("contact_policy", "Contact policies", "Contacted enough", "a contact policy says that it would be too much",
         "contact_policies in the catalog"),
    Gate("budget", "Budgets", "Budget used up", "the budget that pays for it had no units free", "the budget's cap"),
    Gate("not_chosen", "Choice", "Others were chosen", "it passed every gate, but others took the places",
         "its value, its lever, and what it competes with"),
)
CHOSEN: Final = Gate("chosen", "Chosen", "Chosen", "it was chosen", "")
UNKNOWN: Final = Gate("unknown", "Gate", "Removed", "a gate removed it that this console does not know", "")
BY_ID: Final = {gate.id: gate for gate in (*GATES, CHOSEN)}


def gate(id_: str) -> Gate:
    return BY_ID.get(id_, UNKNOWN)
