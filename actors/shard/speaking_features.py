"""Which features spoke for and against the candidates of a past decision: its rows are made again, and the scorer that
scored them is asked. Off the turn; whatever is missing by now, the explanation does without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from actors.journal.rows import unpack_row
from actors.shard.parts import ROLES_ROWS, ShardParts
from actors.shard.scorer_client import ScorerClient
from actors.shard.timeline import rows_of
from models import limits
from models.errors import BadInput
from models.scoring.matrix import Layout
from models.scoring.roles import Roles
from models.turn.replay import Replayed
from models.turn.shard_facts import RolesAdopted
from models.turn.shard_facts import from_wire as shard_fact_from_wire
from models.turn.shard_state import ShardState
from models.turn.top_features import TopFeatures, best_rows, by_action


class SpeakingFeatures:
    def __init__(self, parts: ShardParts, scorer: ScorerClient) -> None:
        self._parts = parts
        self._scorer = scorer

    async def of(self, seq: int, replayed: Replayed) -> TopFeatures:
        """Top features of the best candidates of a scored decision in row ``seq``; none when its scorer is gone or does
        not answer."""
        fact, plan = replayed.fact, replayed.plan
        version = fact.scorer_version
        features = await self._features(seq, version)
        if version is None or not features:
            return {}
        try:
            layout = Layout(features, plan)
        except BadInput:
            return {}
        rows = best_rows(np.frombuffer(fact.scores, "<f4"))
        actions = np.frombuffer(fact.candidates, "<u2")[rows]
        matrix = layout.rows(np.frombuffer(fact.vector, "<f4"), actions, replayed.evidence.propensities(plan))
        found = await self._scorer.contributions(version, matrix, limits.EXPLANATION_SCORER_WAIT_MS)
        return {} if found is None else by_action(plan, layout.features, actions, found)

    async def _features(self, seq: int, version: str | None) -> Sequence[str]:
        """The columns of the scorer that scored row ``seq``; none when the journal does not say any more."""
        state = self._parts.core.state
        if version is None:
            return []
        if version in state.roles.manifests:
            return list(state.roles.manifests[version]["features"])
        adopted = await rows_of(self._parts, ROLES_ROWS, seq, 1)
        manifest = await self._parts.writer(self._manifest, seq, adopted, version)
        return list(manifest.get("features", ()))

    def _manifest(self, seq: int, adopted: Sequence[int], version: str) -> Mapping[str, Any]:
        """From the newest adoption before row ``seq``, else from the state that was kept. In the writer thread."""
        journal, shard = self._parts.store.journal, self._parts.settings.shard
        for row in filter(None, map(journal.row, adopted)):
            for wire in reversed(unpack_row(row.payload).shard_facts):
                fact = shard_fact_from_wire(wire)
                if isinstance(fact, RolesAdopted):
                    return Roles.from_wire(fact.roles).manifests.get(version, {})
        kept = journal.checkpoint(seq - 1) or journal.base()
        state = ShardState.unpack(shard, kept.state) if kept else ShardState(shard)
        return state.roles.manifests.get(version, {})
