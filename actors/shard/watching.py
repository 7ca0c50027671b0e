"""Feeds the monitor of scorers, off the decisions' path.

A turn hands over what it made anyway (references to its labels and its decisions) after it has answered; once a second
that is counted, a bounded number of rows, and beyond it rows are dropped and labels when far too many wait. What was
counted is kept in a file beside the store's once a minute and at a drain: a process that is killed loses at most the
last minute, and a shard that moves to a machine without that file begins anew, which ``since`` tells.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
import structlog

from actors.durable_file import replace_file
from actors.shard.parts import ShardParts
from models import limits
from models.canonical import pack, unpack
from models.monitoring.features import Reference
from models.monitoring.seen import Seen
from models.monitoring.watch import Watch
from models.profile.facts import Decided
from models.scoring.manifest import Histogram
from models.turn.labels import Label
from models.turn.results import TurnResult

log = structlog.get_logger(__name__)
FOLDER: Final = "monitor"
#: Labels that are counted at a time, before the shard's other work goes on.
_AT_ONCE: Final = 500


class Watcher:
    def __init__(self, parts: ShardParts) -> None:
        self._parts = parts
        self._watch = Watch(parts.now_ms())
        self._labels: deque[Label] = deque()
        self._decided: list[Decided] = []
        self._file = Path(parts.settings.data_dir) / FOLDER / f"shard-{parts.settings.shard}.bin"
        self._saved_s = time.monotonic()
        self._unsaved = self._cannot_save = False
        #: Nothing is counted before what was kept is there.
        self._begun = False
        #: By version.
        self._references: dict[str, Reference] = {}

    def see(self, result: TurnResult) -> None:
        """A turn is durable and answered. Costs next to nothing: the work is done later."""
        if result.labels:
            self._labels.extend(result.labels)
            while len(self._labels) > limits.MONITOR_LABELS_QUEUED_MAX:
                self._labels.popleft()
                self._watch.dropped += 1
        if result.decided and len(self._decided) < limits.MONITOR_ROWS_PER_S_MAX:
            self._decided += result.decided

    def shadowed(self, decision_id: str, version: str, scores: Mapping[str, float]) -> None:
        """What a shadow would have given to the items that a decision showed, by action."""
        self._watch.shadowed(decision_id, version, scores, self._parts.now_ms())

    def seen(self) -> Seen:
        """What was seen until now, with what waited to be counted."""
        self._count_rows()
        self._count(len(self._labels))
        return self._watch.seen(self._parts.now_ms())

    async def run(self) -> None:
        """For ever: count what waits, and keep it now and then."""
        self._go_on(await asyncio.to_thread(self._read))
        while True:
            await asyncio.sleep(limits.MONITOR_COUNT_MS / 1_000)
            try:
                await self._round()
            except Exception as error:  # decisions do not end with what only watches them
                log.error("the monitor of scorers failed", error=type(error).__name__, exc_info=True)

    async def _round(self) -> None:
        self._count_rows()
        while self._labels:
            self._count(_AT_ONCE)
            await asyncio.sleep(0)
        if time.monotonic() - self._saved_s >= limits.MONITOR_SAVE_MS / 1_000:
            await self.save()

    async def save(self) -> None:
        """Keep what was counted. A disk that takes nothing costs the counts of the time until it does."""
        self._count(len(self._labels))
        self._saved_s = time.monotonic()
        if not self._unsaved:
            return
        self._unsaved = False
        content = pack(self._watch.to_wire())
        try:
            await asyncio.to_thread(self._write, content)
        except OSError as error:
            if not self._cannot_save:
                log.warning("the monitor of scorers was not kept", error=type(error).__name__)
            self._unsaved = self._cannot_save = True
        else:
            self._cannot_save = False

    def _write(self, content: bytes) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(self._file, content)

    def _read(self) -> bytes:
        try:
            return self._file.read_bytes()
        except OSError:
            return b""

    def _go_on(self, kept: bytes) -> None:
        self._begun = True
        if not kept:
            return
        try:
            self._watch.go_on(unpack(kept))
        except Exception as error:  # no shard stays down for a torn file of statistics
            log.warning("the kept monitor of scorers cannot be read; it begins anew", error=type(error).__name__)

    def _count(self, many: int) -> None:
        if self._labels and self._begun:
            labels = list(islice(self._labels, many))
            for _ in labels:
                self._labels.popleft()
            self._watch.labelled(labels, self._parts.now_ms())
            self._parts.counters.totals["labels"] += len(labels)
            self._unsaved = True

    def _count_rows(self) -> None:
        decided, self._decided = self._decided, []
        state = self._parts.core.state
        by_scorer: dict[str, list[Decided]] = {}
        for fact in decided:
            layout = state.layouts.get(fact.scorer_version or "")
            if layout is None or fact.catalog_version != state.catalog_version:
                continue
            if len(fact.vector) == len(layout.customer_features) * np.dtype(np.float32).itemsize:
                by_scorer.setdefault(fact.scorer_version or "", []).append(fact)
        for scorer, facts in by_scorer.items():
            self._count_rows_of(scorer, facts)

    def _count_rows_of(self, scorer: str, facts: list[Decided]) -> None:
        state, reference = self._parts.core.state, self._reference(scorer)
        plan, layout = state.plan, state.layouts[scorer]
        chosen = [[item.action for item in fact.items if not item.fallback] for fact in facts]
        if plan is None or not reference.features or not any(chosen):
            return
        vectors = np.frombuffer(b"".join(fact.vector for fact in facts), "<f4").reshape(len(facts), -1)
        indexes = [np.array([plan.action_index[action] for action in actions], np.uint16) for actions in chosen]
        matrix = layout.stack(vectors, indexes, state.evidence.propensities(plan))
        keys = [
            (action, str(fact.request["channel"])) for fact, actions in zip(facts, chosen, strict=True)
            for action in actions
        ]
        columns = [layout.features.index(name) for name in reference.features]
        keys, matrix = keys[: limits.MONITOR_ROWS_PER_S_MAX], matrix[: limits.MONITOR_ROWS_PER_S_MAX, columns]
        self._watch.shown(scorer, reference, keys, matrix, self._parts.now_ms())
        self._parts.counters.totals["watched_rows"] += len(keys)
        self._unsaved = True

    def _reference(self, scorer: str) -> Reference:
        known = self._references.get(scorer)
        if known is None:
            manifest = self._parts.core.state.roles.manifests[scorer]
            spread = manifest.get("reference", {})
            histograms = {name: Histogram.model_validate(one) for name, one in spread.items()}
            if len(self._references) >= limits.MONITOR_SCORERS_MAX:
                self._references.clear()
            known = self._references[scorer] = Reference.of(manifest["features"], histograms)
        return known
