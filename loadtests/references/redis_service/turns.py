"""Natural batching: while one turn waits for Redis, the next fills. A turn reads once, predicts once, writes once."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any
from uuid import uuid4

import numpy as np
import orjson

from loadtests.references.redis_service import profile as profiles
from loadtests.references.redis_service.catalog import Action, Catalog
from loadtests.references.redis_service.choice import Chosen, choose, survivors
from loadtests.references.redis_service.messages import DecisionAsked
from loadtests.references.redis_service.store import Store, Write
from loadtests.trees import COLUMNS
from models.scoring.booster import Booster

#: More than this in one turn would only make its first requests wait.
TURN_MAX = 64
#: A second turn works while the first waits for the disk.
TURNS_IN_FLIGHT = 2
_PROFILE_COLUMNS = tuple(name.removeprefix("profile.") for name in COLUMNS if name.startswith("profile."))
_NAN = float("nan")


@dataclass(slots=True)
class Draft:
    """One request on its way through a turn."""

    asked: DecisionAsked
    digest: bytes
    reply: asyncio.Future[tuple[int, bytes]]
    begins: str = ""
    profile: dict[str, Any] = field(default_factory=dict)
    features: dict[str, float] = field(default_factory=dict)
    candidates: list[Action] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    new_event: bool = False


class Turns:
    def __init__(self, store: Store, catalog: Catalog, booster: Booster) -> None:
        self._store = store
        self._catalog = catalog
        self._booster = booster
        self._waiting: deque[Draft] = deque()
        self._busy: set[str] = set()
        self._turns: set[asyncio.Task[None]] = set()
        self._chance = random.Random()

    async def decide(self, asked: DecisionAsked, raw: bytes) -> tuple[int, bytes]:
        """Status and body."""
        reply: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
        self._waiting.append(Draft(asked, blake2b(raw, digest_size=16).digest(), reply))
        self._begin()
        return await reply

    def _begin(self) -> None:
        if len(self._turns) < TURNS_IN_FLIGHT and (taken := self._take()):
            turn = asyncio.get_running_loop().create_task(self._turn(taken))
            self._turns.add(turn)
            turn.add_done_callback(self._ended)

    def _ended(self, turn: asyncio.Task[None]) -> None:
        self._turns.discard(turn)
        turn.result()
        self._begin()

    def _take(self) -> list[Draft]:
        """Up to ``TURN_MAX`` requests of customers that no other turn works on, one each."""
        taken: list[Draft] = []
        for _ in range(len(self._waiting)):
            draft = self._waiting.popleft()
            if draft.asked.customer_id in self._busy or len(taken) == TURN_MAX:
                self._waiting.append(draft)
            else:
                self._busy.add(draft.asked.customer_id)
                taken.append(draft)
        return taken

    async def _turn(self, taken: list[Draft]) -> None:
        drafts = taken
        try:
            while drafts:
                drafts = await self._attempt(drafts)
        except Exception as error:
            for draft in taken:
                self._busy.discard(draft.asked.customer_id)
                if not draft.reply.done():
                    draft.reply.set_exception(error)

    async def _attempt(self, drafts: list[Draft]) -> list[Draft]:
        """Read, predict, write; returns those whose customer another process changed meanwhile."""
        now_ms = time.time_ns() // 1_000_000
        found = await self._store.read([
            (d.asked.customer_id, d.asked.request_id, d.asked.event.event_id if d.asked.event else "") for d in drafts
        ])
        fresh: list[Draft] = []
        for draft, (stored, answer, event) in zip(drafts, found, strict=True):
            if not self._answered_before(draft, answer):
                self._prepare(draft, stored, event, now_ms)
                fresh.append(draft)
        if not fresh:
            return []
        self._score(fresh)
        moved: list[Draft] = []
        while fresh:
            fresh = await self._write(fresh, moved, now_ms)
        return moved

    def _answered_before(self, draft: Draft, answer: bytes | None) -> bool:
        if answer is None:
            return False
        if answer[:16] == draft.digest:
            self._reply(draft, 200, answer[16:])
        else:
            self._reply(draft, 409, orjson.dumps({"status": 409, "title": "another body under this request_id"}))
        return True

    def _prepare(self, draft: Draft, stored: bytes | None, event: bytes | None, now_ms: int) -> None:
        draft.begins, draft.profile = profiles.read(stored)
        nested = draft.asked.event
        draft.new_event = nested is not None and event is None
        if nested is not None and draft.new_event:
            profiles.fold(draft.profile, nested.type, nested.properties, now_ms)
        values = profiles.features(draft.profile, now_ms)
        draft.candidates = survivors(self._catalog, values, frozenset(draft.asked.exclude))
        draft.features = values

    def _score(self, drafts: list[Draft]) -> None:
        """One matrix and one prediction for the whole turn."""
        rows: list[list[float]] = []
        for draft in drafts:
            values = draft.features
            shared = [values.get(name, _NAN) for name in _PROFILE_COLUMNS]
            rows += [[*shared, action.value, self._catalog.prior] for action in draft.candidates]
        scores = self._booster.predict(np.array(rows, np.float32).reshape(len(rows), len(COLUMNS))).tolist()
        at = 0
        for draft in drafts:
            draft.scores = scores[at : at + len(draft.candidates)]
            at += len(draft.candidates)

    async def _write(self, drafts: list[Draft], moved: list[Draft], now_ms: int) -> list[Draft]:
        """Returns those that must choose again, without the action that a cap refused."""
        pairs = [self._decided(draft, now_ms) for draft in drafts]
        again: list[Draft] = []
        for draft, (write, chosen), said in zip(
            drafts, pairs, await self._store.write([write for write, _ in pairs]), strict=True,
        ):
            if said[0] == b"done":
                self._reply(draft, 200, write.answer[16:])
            elif said[0] == b"moved":
                moved.append(draft)
            else:
                dropped = {item.action.id for item in chosen} if said[0] == b"dry" else {chosen[said[1] - 1].action.id}
                kept = [
                    (action, score) for action, score in zip(draft.candidates, draft.scores, strict=True)
                    if action.id not in dropped
                ]
                draft.candidates, draft.scores = [a for a, _ in kept], [s for _, s in kept]
                again.append(draft)
        return again

    def _decided(self, draft: Draft, now_ms: int) -> tuple[Write, list[Chosen]]:
        asked = draft.asked
        wishes = [(wish.id, wish.count) for wish in asked.placements]
        chosen = choose(self._catalog, list(zip(draft.candidates, draft.scores, strict=True)), wishes, self._chance)
        ends_ms = now_ms + self._catalog.hold_ms
        profile = {**draft.profile, "v": draft.profile["v"] + 1 + draft.new_event}
        decision_id = uuid4().hex
        body = _answer(asked, chosen, decision_id, profile["v"], now_ms, ends_ms, self._booster.manifest.version)
        return Write(
            asked.customer_id, draft.begins, profiles.write(profile), now_ms, asked.request_id, draft.digest + body,
            asked.event.event_id if asked.event and draft.new_event else "", decision_id, ends_ms,
            [item.action for item in chosen],
        ), chosen

    def _reply(self, draft: Draft, status: int, body: bytes) -> None:
        self._busy.discard(draft.asked.customer_id)
        if not draft.reply.done():
            draft.reply.set_result((status, body))


def _answer(
    asked: DecisionAsked, chosen: list[Chosen], decision_id: str, version: int, now_ms: int, ends_ms: int, scorer: str,
) -> bytes:
    ends = _time(ends_ms)
    return orjson.dumps({
        "decision_id": decision_id, "request_id": asked.request_id, "customer_id": asked.customer_id,
        "time": _time(now_ms), "state_version": version, "catalog_version": "sha256:" + "0" * 64,
        "scorer_version": scorer, "control_group": None, "degraded": False, "dry_run": False,
        "placements": [
            {"placement": wish.id, "items": [
                {"rank": item.rank, "action": item.action.id, "treatment": item.action.treatments[wish.id][0],
                 "fallback": False, "content": item.action.treatments[wish.id][1], "propensity": item.propensity,
                 "priority": item.priority, "selection_probability": item.probability, "hold_expires": ends}
                for item in chosen if item.placement == wish.id
            ]}
            for wish in asked.placements
        ],
    })


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1e3, UTC).isoformat(timespec="milliseconds")
