"""Ledger entries as plain lists; what many entries have in common is stored once, as their shape."""

from __future__ import annotations

from typing import Any

from models.profile import ledger
from models.profile.state import (
    BUDGET_FREED,
    BUDGET_HELD,
    BUDGET_SPENT,
    CONFIRMED,
    FALLBACK,
    HELD,
    RELEASED,
    Contact,
    Profile,
)

_STATES = (HELD, CONFIRMED, RELEASED, FALLBACK)
_UNITS = (BUDGET_HELD, BUDGET_SPENT, BUDGET_FREED)
_STATE_CODES = {state: code for code, state in enumerate(_STATES)}
_UNIT_CODES = {state: code for code, state in enumerate(_UNITS)}


def encode(entries: list[Contact]) -> list[Any]:
    """``[shapes, rows]``; times in a row are relative to its decision, which is relative to the decision before."""
    shapes: dict[tuple[Any, ...], int] = {}
    rows: list[list[Any]] = []
    before_ms = 0
    for c in entries:
        shape = (
            c.placement, c.action, c.treatment, c.group, c.issue, c.channel, c.direction, c.accept_outcome,
            c.accept_within_ms, c.scorer, c.control_group,
            tuple((use[0], use[1], use[3]) for use in c.budgets),
        )
        at = c.decided_ms
        rows.append([
            shapes.setdefault(shape, len(shapes)), c.decision_id, at - before_ms, c.hold_expires_ms - at,
            _STATE_CODES[c.state], c.confirmed_ms - at, c.accepted, c.ended,
            [[use[2], _UNIT_CODES[use[4]]] for use in c.budgets],
            [[type_, time_ms - at] for type_, time_ms in c.outcomes], c.propensity,
        ])
        before_ms = at
    return [list(shapes), rows]


def decode(plain: list[Any], profile: Profile) -> None:
    """Fill ``profile.ledger`` and, from it, ``profile.timers``."""
    shapes, rows = plain
    at = 0
    for shape_at, decision_id, since_ms, hold_ms, state, confirmed_ms, accepted, ended, units, outcomes, chance in rows:
        at += since_ms
        *scalars, scorer, control_group, uses = shapes[shape_at]
        placement, action, treatment, group, issue, channel, direction, accept_outcome, accept_within_ms = scalars
        contact = Contact(
            decision_id, placement, action, treatment, group, issue, channel, direction, at, at + hold_ms,
            accept_outcome, accept_within_ms, _STATES[state],
            tuple(
                (use[0], use[1], period, use[2], _UNITS[code]) for use, (period, code) in zip(uses, units, strict=True)
            ),
            at + confirmed_ms, accepted, ended, tuple((type_, at + time_ms) for type_, time_ms in outcomes),
            chance, scorer, control_group,
        )
        profile.ledger.append(contact)
        due_ms = ledger.timer_ms(contact)
        if due_ms:
            profile.timers[decision_id, action] = due_ms
