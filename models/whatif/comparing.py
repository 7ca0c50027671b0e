"""A whole what-if: many requests, each decided under both catalogs, and what came of it.

Requests come by shard, each shard with the customers as they are and with what it had adopted. Live and candidate side
are made once per shard, for the free units are the shard's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from models.catalog.plan import Plan
from models.scoring.evidence import Evidence
from models.scoring.roles import Roles
from models.whatif.asking import dry
from models.whatif.changes import Changes
from models.whatif.differences import differ, result_of
from models.whatif.notes import named_by, notes_of
from models.whatif.side import Asked, Score, Side
from models.whatif.units import Account, Units, units_under

#: A registered scorer's manifest as plain data; None where there is none of that version.
ManifestOf = Callable[[str], dict[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Stand:
    """What a shard decides by at this moment."""

    plan: Plan
    evidence: Evidence
    #: As adopted.
    roles: Roles
    #: Free units at the shard.
    units: Units
    now_ms: int


@dataclass(slots=True)
class Comparison:
    """``add`` every request, then ``answer``."""

    candidate: Plan
    accounts: Mapping[str, Account]
    score: Score
    manifest_of: ManifestOf
    _results: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    _skipped: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    _notes: dict[str, None] = field(default_factory=dict)
    _changes: Changes | None = None

    def add(self, stand: Stand, asked: Iterable[tuple[int, Asked]], may_go_on: Callable[[], bool]) -> None:
        """Decide the requests of one shard; each has its place among all. What is left when ``may_go_on`` says no is
        skipped."""
        changes = self._changes_from(stand.plan)
        roles = self._roles_under(stand.roles)
        live = Side(stand.plan, stand.evidence, stand.roles, stand.units, self.score)
        units = units_under(stand.plan, self.candidate, stand.units, self.accounts, stand.now_ms)
        candidate = Side(self.candidate, stand.evidence, roles, units, self.score)
        self.note(notes_of(changes, stand.roles, live.roles, candidate.roles, self.accounts, stand.now_ms))
        for place, one in asked:
            if not may_go_on():
                self.skip(place, one.command.body["customer_id"], "there was no time left; ask for fewer at once")
                continue
            self._decide(changes, live, candidate, place, one)

    def skip(self, place: int, customer_id: str, reason: str) -> None:
        self._skipped.append((place, {"customer_id": customer_id, "reason": reason}))

    def note(self, notes: Iterable[str]) -> None:
        self._notes.update(dict.fromkeys(notes))

    def answer(self, live_version: str) -> dict[str, Any]:
        """The contract's answer, results and skipped requests in the order asked."""
        results = [result for _, result in sorted(self._results, key=lambda one: one[0])]
        skipped = [told for _, told in sorted(self._skipped, key=lambda one: one[0])]
        return {
            "catalog_version": self.candidate.version, "live_version": live_version,
            "asked": len(results) + len(skipped), "changed": sum(result["changed"] for result in results),
            "skipped": skipped, "results": results, "notes": list(self._notes),
        }

    def _decide(self, changes: Changes, live: Side, candidate: Side, place: int, asked: Asked) -> None:
        before, after = live.decide(asked), candidate.decide(asked)
        if before.is_early or (before.body is None and after.body is None):
            self.skip(place, asked.command.body["customer_id"], before.refusal)
            return
        if differ(before, after):  # reasons cost many times what a decision costs: only for these
            explained = replace(asked, command=dry(asked.command, explain=True))
            before, after = live.decide(explained), candidate.decide(explained)
        self._results.append((place, result_of(changes, asked, before, after)))

    def _changes_from(self, plan: Plan) -> Changes:
        if self._changes is None or self._changes.live.version != plan.version:
            self._changes = Changes(plan, self.candidate)
        return self._changes

    def _roles_under(self, roles: Roles) -> Roles:
        """As they would be once the candidate is live: its experiments name other scorers."""
        found = {version: self.manifest_of(version) for version in named_by(self.candidate)}
        manifests = {version: manifest for version, manifest in found.items() if manifest is not None}
        return replace(roles, named=tuple(manifests), manifests={**roles.manifests, **manifests})
