"""Broken builds of what learning promises."""

from __future__ import annotations

from typing import Final

from .build import Build

_SHARD: Final = "tests/unit/shard"
_ARBITRATION: Final = "tests/unit/arbitration"
_EXPERIMENTS: Final = "tests/unit/experiments"
_SCORING: Final = "tests/unit/scoring"

LEARNING: Final = (
    Build(
        11, "a canary meets other customers at every decision", "models/scoring/roles.py",
        'hashlib.blake2b(f"{version}\\x1f{customer_id}".encode(), digest_size=8)',
        'hashlib.blake2b(__import__("os").urandom(16), digest_size=8)',
        (f"{_SCORING}/test_roles.py",),
    ),
    Build(
        11, "roles are adopted without a row", "actors/shard/sync.py",
        "                await self._runner.adopt(facts)\n",
        "                for fact in facts:\n                    self._parts.core.state.apply_shard_fact(fact)\n",
        (f"{_SHARD}/test_roles_and_shadows.py::test_roles_are_in_the_log_before_anybody_is_scored_by_them",),
    ),
    Build(
        11, "a selection probability leaves out the draw of the treatment", "models/arbitration/placing.py",
        "significant(chance * share)", "significant(chance)",
        (f"{_ARBITRATION}/test_weighted_treatments.py",),
    ),
    Build(
        11, "a scorer that learnt nothing of an action still moves its evidence", "models/scoring/blending.py",
        "clipped = weights * clipped + (1.0 - weights) * evidence",
        "clipped = clipped - (1.0 - weights) * (clipped - evidence)",
        (f"{_SCORING}/test_blending.py::test_both_ends_are_exact_to_the_bit",),
    ),
    Build(
        11, "a variant is drawn anew at every decision", "models/experiments/assignment.py",
        "variant = kept[experiment.id].variant", "variant = drawn_variant(experiment, customer_id)",
        (f"{_EXPERIMENTS}/test_decisions_under_experiments.py",),
    ),
    Build(
        11, "an observation that was counted is counted again after a restart", "models/profile/exposures.py",
        "replace(exposure, observed=True)", "replace(exposure, observed=False)",
        (f"{_EXPERIMENTS}/test_decisions_under_experiments.py",),
    ),
)
