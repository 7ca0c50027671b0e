"""Which features spoke for and against the candidates of a past decision: its rows are made again, and the scorer that
scored them is asked. Off the turn; whatever is missing by now, the explanation does without."""

from __future__ import annotations

import numpy as np

from actors.shard.scorer_client import ScorerClient
from models import limits
from models.errors import BadInput
from models.scoring.matrix import Layout
from models.turn.replay import Replayed
from models.turn.top_features import TopFeatures, best_rows, by_action


class SpeakingFeatures:
    def __init__(self, scorer: ScorerClient) -> None:
        self._scorer = scorer

    async def of(self, replayed: Replayed) -> TopFeatures:
        """Top features of the best candidates of a scored decision; none when its scorer is gone or does not answer.
        ``replayed`` has the roles of the decision."""
        fact, plan = replayed.fact, replayed.plan
        version = fact.scorer_version
        if version is None or version not in replayed.roles.manifests:
            return {}
        try:
            layout = Layout(replayed.roles.manifests[version]["features"], plan)
        except BadInput:
            return {}
        rows = best_rows(np.frombuffer(fact.scores, "<f4"))
        actions = np.frombuffer(fact.candidates, "<u2")[rows]
        matrix = layout.rows(np.frombuffer(fact.vector, "<f4"), actions, replayed.evidence.propensities(plan))
        found = await self._scorer.contributions(version, matrix, limits.EXPLANATION_SCORER_WAIT_MS)
        return {} if found is None else by_action(plan, layout.features, actions, found)
