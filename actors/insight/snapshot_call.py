"""The customers of a what-if, as the shards tell them (``actors.shard.snapshots``)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from ray.exceptions import RayError

from models import limits
from models.canonical import pack, unpack
from models.catalog.plan import Plan
from models.errors import KairosError
from models.profile import packing
from models.profile.state import Profile
from models.scoring.evidence import Evidence
from models.scoring.roles import Roles
from models.turn.commands import Command
from models.turn.keys import KeyPair, RecentKey, Remembered
from models.whatif.comparing import Stand

log = structlog.get_logger(__name__)
#: (shard, method, arguments): of the incarnation that serves. Raises NotServing, RayError or TimeoutError.
CallShard = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one shard told."""

    data: Mapping[str, Any]

    @property
    def version(self) -> str | None:
        """The live catalog's; None before the first."""
        version: str | None = self.data["catalog_version"]
        return version

    @property
    def catalog(self) -> Mapping[str, Any] | None:
        """None where its version was said to be known."""
        catalog: Mapping[str, Any] | None = self.data["catalog"]
        return catalog

    @property
    def now_ms(self) -> int:
        return int(self.data["now_ms"])

    def stand(self, plan: Plan) -> Stand:
        """``plan``: that of ``version``."""
        units = {(budget, period): free for budget, period, free in self.data["free"]}
        evidence, roles = Evidence.from_wire(self.data["evidence"]), Roles.from_wire(self.data["roles"])
        return Stand(plan, evidence, roles, units, self.now_ms)

    def profiles(self) -> dict[bytes, Profile | None]:
        """None: never seen."""
        found: dict[bytes, Profile | None] = {}
        for customer, generation, packed, is_erased in self.data["customers"]:
            if not is_erased:
                profile = found[customer] = None if packed is None else packing.unpack(packed)
                if profile is not None:
                    profile.generation = generation
        return found

    def erased(self) -> frozenset[bytes]:
        return frozenset(customer for customer, _, _, is_erased in self.data["customers"] if is_erased)

    def known(self) -> dict[KeyPair, Remembered]:
        """Idempotency keys of events that were applied."""
        return {(customer, key): RecentKey(*rest) for customer, key, *rest in self.data["keys"]}


async def ask_shard(
    call: CallShard, shard: int, commands: Sequence[Command], catalogs: Collection[str]
) -> Snapshot | None:
    """None when the shard cannot be reached in time. ``catalogs``: versions that need not be told."""
    asked = pack({"commands": [command.to_wire() for command in commands], "catalogs": list(catalogs)})
    try:
        async with asyncio.timeout(limits.WHAT_IF_SNAPSHOT_MS_MAX / limits.SECOND_MS):
            return Snapshot(unpack(await call(shard, "snapshots", asked)))
    except (KairosError, RayError, ConnectionError, TimeoutError) as error:
        log.info("a shard cannot be asked", shard=shard, error=type(error).__name__)
        return None
