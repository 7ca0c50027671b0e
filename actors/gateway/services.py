"""What every route works with: the lanes to the shards, the processes behind the gateway, and whose key is whose."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypedDict

import structlog

from actors.access import KeyRecord
from actors.gateway.access_log import AccessLog
from actors.gateway.authorise import Authoriser
from actors.gateway.batching import Call, Lane, Replies, ShardGone
from actors.gateway.counted import Counted
from actors.gateway.denied import Denied
from actors.gateway.exchange import Answer, Exchange
from actors.gateway.metrics import Metrics
from actors.gateway.problems import RETRY_LATER, Refused, retry_later
from actors.gateway.shards import ActorFailed, Backend
from actors.link.handshake import link_key
from models import canonical, ids, limits
from models.turn.commands import Command, Reply

if TYPE_CHECKING:
    from actors.gateway.tracing import GatewayTracing

log = structlog.get_logger(__name__)
#: How long a call waits for Insight, unless it says otherwise.
INSIGHT_WAIT_S: Final = limits.INSIGHT_ANSWER_MS_MAX / limits.SECOND_MS
#: Rule sources -> the error of each that must not be published (see ``actors.rule_trial``).
Trial = Callable[[Sequence[str]], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Settings:
    data_dir: Path
    shards: int
    #: The installation's HMAC secret.
    secret: bytes = field(repr=False)
    #: "wall" or "manual".
    clock: str = "wall"
    #: What the gateway proves to the shards to hold.
    link_key: bytes = field(default=b"", repr=False)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any], secret: bytes) -> Settings:
        """From the dict that the composition root passes to a replica; unknown keys are for others."""
        clock = str(plain.get("clock", "wall"))
        return cls(Path(plain["data_dir"]), int(plain["shards"]), secret, clock, link_key(secret))


class Watched(TypedDict):
    """Who looks at the lanes."""

    metrics: Metrics
    tracing: GatewayTracing | None


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of many commands: each one's reply or refusal, the slowest shard's stages, the time waited."""

    replies: list[Reply | Refused]
    timing: dict[str, float]
    waited_s: float


class Services:
    def __init__(
        self, settings: Settings, backend: Backend, authoriser: Authoriser, metrics: Metrics,
        trial: Trial | None = None, tracing: GatewayTracing | None = None,
    ) -> None:
        """``tracing``: None when traces are off."""
        self.settings = settings
        self.backend = backend
        self.authoriser = authoriser
        self.metrics = metrics
        self.trial = trial
        self.tracing = tracing
        #: Set by who knows the settings: which requests are logged.
        self.access_log = AccessLog()
        #: Set by who runs under Ray Serve: a row per deployment (see ``actors.gateway.replicas``), None: not known.
        self.serving: Callable[[], Awaitable[list[dict[str, Any]] | None]] = _not_known
        #: Set by the app: the finished description of the API, as JSON.
        self.openapi = b""
        self.counted: Final = Counted(self.insight)
        shards = range(settings.shards)
        watched: Watched = {"metrics": metrics, "tracing": tracing}
        self.lanes = [Lane(self._caller(shard), str(shard), **watched) for shard in shards]
        #: For what may have to wait inside the shard: nothing else may wait behind it.
        self.patient_lanes = [
            Lane(self._caller(shard), f"{shard} patient", limits.GATEWAY_PATIENT_CALLS_MAX, ordered=False, **watched)
            for shard in shards
        ]

    def _caller(self, shard: int) -> Call:
        return partial(self.backend.batch, shard)

    def key_of(self, tenant: str, customer_id: str) -> bytes:
        return ids.customer_key(self.settings.secret, tenant, customer_id)

    def key_of_decision(self, tenant: str, decision_id: str) -> bytes | None:
        """Whose decision it is, None for a text that is no decision id; another tenant's is nobody's."""
        key = ids.customer_key_of_decision(decision_id)
        return None if key is None else ids.key_as_of_tenant(self.settings.secret, tenant, key)

    def shard_of(self, key: bytes) -> int:
        return ids.shard_of(key, self.settings.shards)

    def command(
        self, caller: KeyRecord, kind: str, customer_id: str, body: dict[str, Any], request_id: str,
        wait_ms: int = limits.CALL_WAIT_MS,
    ) -> Command:
        """About a customer of the caller's tenant."""
        deadline_ms = int(time.time() * 1_000) + wait_ms
        key = self.key_of(caller.tenant, customer_id)
        return Command(kind, key, customer_id, body, request_id, deadline_ms, caller.tenant)

    def command_about(
        self, caller: KeyRecord, kind: str, decision_id: str, body: dict[str, Any], request_id: str,
    ) -> Command | None:
        """About the customer whom a decision of the caller's tenant names; None for a text that is no decision id."""
        key = self.key_of_decision(caller.tenant, decision_id)
        if key is None:
            return None
        deadline_ms = int(time.time() * 1_000) + limits.CALL_WAIT_MS
        return Command(kind, key, "", body, request_id, deadline_ms, caller.tenant)

    def _submit(self, shard: int, commands: Sequence[Command], wait_ms: int) -> asyncio.Future[Replies]:
        """Where a version may have to be waited for, the shard says at the deadline that it was not reached."""
        if any(command.body.get("min_state_version") is not None for command in commands):
            return self.patient_lanes[shard].submit(commands, wait_ms + limits.GATEWAY_PATIENT_GRACE_MS)
        return self.lanes[shard].submit(commands, wait_ms)

    def deny(self, error: Exception, call: str, exchange: Exchange) -> None:
        """Put down a refusal for want of a right; any other error is not one."""
        if isinstance(error, Denied):
            self.metrics.denied(error.status)
            self.authoriser.deny(error, call, exchange.peer)

    async def ask(self, command: Command, wait_ms: int = limits.CALL_WAIT_MS) -> Answer:
        """One command, batched with what else waits for its shard. Raises ``Refused``."""
        started_s = time.perf_counter()
        return _answer(await self._submit(self.shard_of(command.customer), [command], wait_ms), started_s)

    async def ask_alone(self, command: Command, wait_ms: int = limits.CALL_WAIT_MS) -> Answer:
        """A slow read, in a call of its own. Raises ``Refused``."""
        lane = self.lanes[self.shard_of(command.customer)]
        started_s = time.perf_counter()
        return _answer(await lane.submit_alone(command, wait_ms), started_s)

    async def ask_each(self, commands: Sequence[Command], wait_ms: int = limits.CALL_WAIT_MS) -> Answered:
        """Many commands, one group per shard; each element is its reply, or why its shard gave none."""
        started_s = time.perf_counter()
        places: dict[int, list[int]] = {}
        for place, command in enumerate(commands):
            places.setdefault(self.shard_of(command.customer), []).append(place)
        # All are submitted before anything is waited for: what one caller sends next comes after them.
        pending = [
            self._try_submit(shard, [commands[place] for place in mine], wait_ms) for shard, mine in places.items()
        ]
        answers: list[Reply | Refused] = [Refused(500, "not asked")] * len(commands)
        timing: dict[str, float] = {}
        outcomes = await asyncio.gather(*pending, return_exceptions=True)
        for mine, outcome in zip(places.values(), outcomes, strict=True):
            if not isinstance(outcome, Replies | Refused):
                raise outcome
            for at, place in enumerate(mine):
                answers[place] = outcome if isinstance(outcome, Refused) else outcome.replies[at]
            if isinstance(outcome, Replies):
                timing = {stage: max(timing.get(stage, 0.0), spent) for stage, spent in outcome.timing.items()}
        waited_s = time.perf_counter() - started_s
        timing.setdefault("shard", waited_s * 1_000)
        return Answered(answers, timing, waited_s)

    def _try_submit(self, shard: int, commands: Sequence[Command], wait_ms: int) -> asyncio.Future[Replies]:
        try:
            return self._submit(shard, commands, wait_ms)
        except Refused as refused:
            failed = asyncio.get_running_loop().create_future()
            failed.set_exception(refused)
            return failed

    async def coordinator(self, method: str, *args: Any) -> Any:
        """A call of the coordinator as plain data. Raises ``Refused`` (503) while it restarts."""
        try:
            return canonical.unpack(await self.backend.coordinator(method, *(canonical.pack(arg) for arg in args)))
        except ShardGone as error:
            raise retry_later(503, "the coordinator does not answer; it may be restarting") from error
        except ActorFailed as error:
            log.error("coordinator_failed", method=method, error=str(error))
            raise Refused(500, "the coordinator failed; it may have been done, ask again what stands") from error

    async def insight(self, method: str, *args: Any, wait_s: float | None = None) -> Any:
        """A call of Insight as plain data. Raises ``Refused``: 503 while it is away, or does not answer in time."""
        try:
            async with asyncio.timeout(INSIGHT_WAIT_S if wait_s is None else wait_s):
                return canonical.unpack(await self.backend.insight(method, *(canonical.pack(arg) for arg in args)))
        except (TimeoutError, ShardGone) as error:
            raise retry_later(503, "Insight, which counts, does not answer; it may be restarting") from error
        except ActorFailed as error:
            log.error("insight_failed", method=method, error=str(error))
            raise retry_later(503, "Insight, which counts, failed; its log says why") from error

    async def shard_call(self, shard: int, method: str, *args: Any) -> bytes:
        try:
            return await self.backend.shard(shard, method, *args)
        except (ShardGone, ActorFailed) as error:
            raise retry_later(503, f"shard {shard} does not answer; it may be restarting") from error


async def _not_known() -> None:
    return None


def _answer(replies: Replies, started_s: float) -> Answer:
    reply = replies.replies[0]
    waited_s = time.perf_counter() - started_s
    headers = RETRY_LATER if reply.status in (429, 503) else ()
    timing = replies.timing or {"shard": waited_s * 1_000}
    return Answer(reply.status, packed=reply.body, headers=headers, timing=timing, waited_s=waited_s)
