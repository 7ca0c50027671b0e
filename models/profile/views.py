"""A profile as the contract shows it (``GET /v1/customers/{id}``). Called by the turn."""

from __future__ import annotations

from typing import Any

from models.catalog.plan import Plan
from models.profile import features, ledger, predicates
from models.profile.learnt import Exposure
from models.profile.state import CONFIRMED, Contact, Profile
from models.times import format_time


def profile_view(profile: Profile, plan: Plan, now_ms: int) -> dict[str, Any]:
    """The body, fields in the contract's order, times as RFC 3339.

    Contacts are the confirmed ones, holds those open at ``now_ms``; both oldest decision first.
    """
    values = features.read(profile, plan, now_ms).values
    segments = predicates.standing(profile, plan, now_ms).segments
    return {
        "customer_id": profile.customer_id,
        "state_version": profile.state_version,
        "attributes": dict(profile.attributes),
        "features": {f.id: value for f, value in zip(plan.features, values, strict=True) if value is not None},
        "segments": [id_ for id_, holds in segments.items() if holds],
        "consent": dict(profile.consent),
        "contacts": [_item(c) | {"time": format_time(c.confirmed_ms)} for c in profile.ledger if c.state == CONFIRMED],
        "holds": [
            _item(c) | {"hold_expires": format_time(c.hold_expires_ms)}
            for c in profile.ledger if ledger.is_open(c, now_ms)
        ],
        "intents": [],
        "scores": _scores(profile, plan),
        "experiments": {id_: _exposure(exposure) for id_, exposure in profile.experiments.items()},
    }


def _exposure(exposure: Exposure) -> dict[str, Any]:
    return {
        "variant": exposure.variant, "since": format_time(exposure.exposed_ms),
        "until": format_time(exposure.until_ms), "observed": exposure.observed,
    }


def _scores(profile: Profile, plan: Plan) -> dict[str, dict[str, Any]]:
    """By target: its value (a number, an hour, the id of a channel), the scorer that said so, and when."""
    found = {}
    for id_, value in features.declared_scores(profile.scores, plan).items():
        score = profile.scores[id_]
        shown = int(value) if plan.targets[id_].predict == "hour" else value
        found[id_] = {"value": shown, "version": score.version, "time": format_time(score.at_ms)}
    return found


def _item(contact: Contact) -> dict[str, Any]:
    return {
        "decision_id": contact.decision_id,
        "action": contact.action,
        "treatment": contact.treatment,
        "channel": contact.channel,
    }
