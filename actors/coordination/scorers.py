"""The registry's part in a change of roles: what was trained is registered, and a file is read before it is adopted.

Loading is what a scorer does with it: the hash first, then the trees, then a row. So a file that is cut short or was
changed is refused here, where the champion still stands, and never at a shard.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from actors.coordination.service import CoordinatorService
from actors.scorer_registry import Scorers, UnknownScorerError
from models.catalog.plan import Plan
from models.coordination import role_commands
from models.coordination.commands import (
    Answer,
    CanaryScorer,
    PromoteScorer,
    RetireScorer,
    RoleCommand,
    RollBackScorer,
    ShadowScorer,
)
from models.coordination.state import CoordinatorState
from models.errors import BadInput
from models.scoring.roles import MILLIONTHS
from models.turn.commands import problem

_BY_NAME: dict[str, type[PromoteScorer | ShadowScorer | RetireScorer]] = {
    "promote": PromoteScorer, "shadow": ShadowScorer, "retire": RetireScorer,
}


def command_of(asked: Mapping[str, Any]) -> RoleCommand:
    """``{"change": "promote" | "shadow" | "canary" | "retire" | "rollback", "version", "share"}`` as a command."""
    change = asked["change"]
    if change == "rollback":
        return RollBackScorer()
    if change == "canary":
        share = asked["share"]
        return CanaryScorer(asked["version"], max(1, round(share * MILLIONTHS)) if share > 0 else 0)
    return _BY_NAME[change](asked["version"])


def _brought_up(command: RoleCommand, state: CoordinatorState) -> str | None:
    """The version that is to score from now on; None where one only ceases to, which no damage may prevent."""
    if isinstance(command, RollBackScorer):
        return state.roles.former[-1].version if state.roles.former else None
    ends = isinstance(command, RetireScorer) or (isinstance(command, CanaryScorer) and command.millionths == 0)
    return None if ends else command.version


class RegisteredScorers:
    def __init__(self, service: CoordinatorService, registry: Scorers) -> None:
        self._service = service
        self._registry = registry

    async def register_found(self) -> None:
        """Register what ``kairos train`` put into the registry of files."""
        known = self._service.core.state.scorers
        for manifest in await asyncio.to_thread(self._registry.manifests):
            if manifest.version not in known:
                await self._service.register_scorer(manifest.version, manifest.to_wire())

    async def change(self, command: RoleCommand) -> Answer:
        """Change a role once the files that it brings up are sound; adopted by the shards when this returns."""
        await self.register_found()
        state = self._service.core.state
        version = _brought_up(command, state)
        refused = None if version is None else await self._damaged(version, ["version"])
        return refused or await self._service.change_roles(command)

    async def publish(self, plan: Plan, if_match: str | None) -> Answer:
        """Publish a catalog once the files of the scorers that its experiments name are sound."""
        named = role_commands.named_by(plan.catalog)
        if named:
            await self.register_found()
        for loc, version in named:
            refused = await self._damaged(version, loc)
            if refused is not None:
                return refused
        return await self._service.publish_catalog(plan, if_match)

    async def _damaged(self, version: str, loc: list[str | int]) -> Answer | None:
        """Why this version must not score (422), or None; of one that nobody knows the core says so."""
        try:
            await asyncio.to_thread(self._registry.load, version)
        except (BadInput, UnknownScorerError) as error:
            if isinstance(error, UnknownScorerError) and version not in self._service.core.state.scorers:
                return None
            errors = [{"loc": loc, "msg": str(error)}]
            return Answer(422, problem(422, "Scorer is damaged", f"{error}; nothing was changed", errors=errors))
        return None
