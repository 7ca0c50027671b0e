"""What became of every action in a decision, as its fact keeps it: two bytes each.

uint16 little-endian per action of the plan, in its order: ``gate | (rule + 1) << 4``. ``gate`` is the place in
``preparation.GATES`` of the first gate that removed the action, ``RANKED`` or ``CHOSEN``. ``rule`` is the place in the
catalog of the contact policy that refused it first (-1: the full ledger), or the place in the plan of the budget that
was dry; -1 at other gates. ``FALLBACK`` is an action that only ever falls back.

The gates up to ``treatment`` say the same to all decisions that share a ``Funnel``: their part is worked out with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import pack_into
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from models.catalog.plan import Mask

if TYPE_CHECKING:
    from models.arbitration.preparation import Preparation, Verdict

#: Places in ``preparation.GATES``.
CONTACT_POLICY: Final = 10
BUDGET: Final = 11
RANKED: Final = 12
CHOSEN: Final = 13
FALLBACK: Final = 0xFFFF
NO_RULE: Final = -1
_GATE_BITS: Final = 4
_GATE_MASK: Final = (1 << _GATE_BITS) - 1
_CODE: Final = np.dtype("<u2")
#: How many of the gates ``candidates`` to ``treatment`` an action passed -> its fate so far.
_AFTER: Final = np.array([FALLBACK, *range(1, CONTACT_POLICY), RANKED], _CODE)

Fates = NDArray[np.uint16]


def after_gates(remaining: Sequence[Mask]) -> bytes:
    """The fates of a decision in which everybody who remains after ``treatment`` is ranked, and nobody chosen.

    ``remaining``: who remains after each gate from ``candidates`` to ``treatment``, in order; each is part of the one
    before.
    """
    passed = remaining[0].astype(np.uint8)
    for mask in remaining[1:]:
        passed += mask.view(np.uint8)
    return _AFTER.take(passed).tobytes()


def made(preparation: Preparation, verdict: Verdict) -> bytes:
    """The fates of a decision, for ``Decided.fates``."""
    index = preparation.index
    codes = bytearray(preparation.passed.fates)
    for action, policy in preparation.refused.items():
        pack_into("<H", codes, 2 * action, CONTACT_POLICY | (policy + 1) << _GATE_BITS)
    for action, (budget, _) in verdict.dry.items():
        pack_into("<H", codes, 2 * action, BUDGET | (index.budget_place[budget] + 1) << _GATE_BITS)
    places = index.plan.action_index
    for item in verdict.items:
        if not item.fallback:
            pack_into("<H", codes, 2 * places[item.action], CHOSEN)
    return bytes(codes)


def read(fates: bytes) -> Fates:
    """uint16[actions of the plan]: the codes, for ``gates_of`` and ``rules_of``; empty where none were logged."""
    return np.frombuffer(fates, _CODE)


def gates_of(codes: Fates) -> Fates:
    """Per code its gate, as a place in ``preparation.GATES``; 15, which is none, for ``FALLBACK``."""
    return codes & np.uint16(_GATE_MASK)


def rules_of(codes: Fates) -> NDArray[np.int16]:
    """Per code its rule; ``NO_RULE`` without one. Says nothing of ``FALLBACK``."""
    return (codes >> np.uint16(_GATE_BITS)).astype(np.int16) - np.int16(1)
