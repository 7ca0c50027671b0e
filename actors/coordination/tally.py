"""What the coordinator counts about itself, and how its metrics show it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from actors.metrics import of_coordinator as families
from actors.metrics.family import SECONDS, Family
from actors.metrics.spread import Spread
from actors.metrics.told import Telling, Told
from models.coordination.core import CoordinatorCore
from models.coordination.experiment_views import experiments_view
from models.coordination.facts import CatalogPublished, Fact, GrantMade, ReturnCredited

_BY_TAG: Final[dict[int, Family]] = {
    GrantMade.TAG: families.GRANTS, ReturnCredited.TAG: families.RETURNS, CatalogPublished.TAG: families.CATALOGS,
}


class Tally:
    def __init__(self) -> None:
        self._commit = Spread(SECONDS)
        self._totals: Counter[str] = Counter()

    def wrote(self, facts: Sequence[Fact], seconds: float) -> None:
        """Facts of one command are durable."""
        self._commit.observe(seconds)
        for fact in facts:
            family = _BY_TAG.get(fact.TAG)
            if family is not None:
                self._totals[family.name] += 1

    def reported(self, recalls: int) -> None:
        """A shard's report is answered, with so many recalls."""
        self._totals[families.REPORTS.name] += 1
        self._totals[families.RECALLS.name] += recalls

    def figures(self, core: CoordinatorCore, now_ms: int) -> Told:
        telling = Telling()
        telling.number(families.EPOCH, core.epoch)
        telling.number(families.LIVE, sum(shard.is_live(now_ms) for shard in core.live.values()))
        telling.spread(families.COMMIT, self._commit)
        for family in (families.REPORTS, families.RECALLS, *_BY_TAG.values()):
            telling.number(family, self._totals[family.name])
        running = [one for one in experiments_view(core.state)["experiments"] if one["state"] == "running"]
        telling.number(families.EXPERIMENTS, len(running))
        telling.number(families.ALARMING, sum(one["alarm"] for one in running))
        return telling.told
