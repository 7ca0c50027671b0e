"""What the coordinator keeps of experiments: how each was last defined, what changed while it ran, and its counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from models.catalog.schema.experiments import Experiment
from models.experiments.counting import ExperimentTotals, Row


class ExperimentBook:
    """Experiments stay in it when they leave the catalog, so that what was learnt can still be read."""

    def __init__(self) -> None:
        self.totals = ExperimentTotals()
        #: Id -> as the last catalog that had it wrote it.
        self.definitions: dict[str, dict[str, Any]] = {}
        #: Id -> what a catalog changed after customers had been exposed: some of "weights", "settings", "observe",
        #: "absent" (it left, and came back).
        self.changed: dict[str, list[str]] = {}

    def publish(self, catalog: Mapping[str, Any], before: Mapping[str, Any]) -> None:
        """A catalog, as plain data, went live in place of the one before."""
        were_live = {definition["id"] for definition in before.get("experiments") or ()}
        for definition in catalog.get("experiments") or ():
            id_ = definition["id"]
            last = self.definitions.get(id_)
            if last is not None and self.totals.variants(id_):
                known = self.changed.get(id_, [])
                found = _changes(_read(last), _read(definition)) + ([] if id_ in were_live else ["absent"])
                new = [what for what in found if what not in known]
                if new:
                    self.changed[id_] = known + new
            self.definitions[id_] = definition

    def news(self, shard: int, rows: Iterable[Row]) -> list[Row]:
        return self.totals.news(shard, rows)

    def count(self, shard: int, rows: Iterable[Row]) -> None:
        self.totals.merge(shard, rows)

    def experiment(self, id_: str) -> Experiment:
        """The definition, with its defaults."""
        return _read(self.definitions[id_])

    def as_one_shard(self) -> ExperimentBook:
        """The same with all counts in shard 0's (after resharding)."""
        one = ExperimentBook.from_wire(self.to_wire())
        one.totals = self.totals.as_one_shard()
        return one

    def to_wire(self) -> list[Any]:
        return [list(self.definitions.values()), self.changed, self.totals.to_wire()]

    @classmethod
    def from_wire(cls, wire: list[Any]) -> ExperimentBook:
        book = cls()
        definitions, changed, totals = wire
        book.definitions = {definition["id"]: definition for definition in definitions}
        book.changed = {id_: list(what) for id_, what in changed.items()}
        book.totals = ExperimentTotals.from_wire(totals)
        return book


def _read(definition: Mapping[str, Any]) -> Experiment:
    return Experiment.model_validate(dict(definition))


def _changes(before: Experiment, now: Experiment) -> list[str]:
    found = []
    if [(one.id, one.weight) for one in before.variants] != [(one.id, one.weight) for one in now.variants]:
        found.append("weights")
    settings = [
        {one.id: (one.arbitration, one.scorer, one.treatments) for one in each.variants} for each in (before, now)
    ]
    if any(settings[0][id_] != settings[1][id_] for id_ in settings[0].keys() & settings[1].keys()):
        found.append("settings")
    if before.observe != now.observe:
        found.append("observe")
    return found
