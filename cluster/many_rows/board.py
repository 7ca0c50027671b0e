"""Where the driver asks, and where the workers put what they found. One actor per training."""

from __future__ import annotations

import asyncio
from typing import Any


class Board:
    """Questions are answered one after the other, each by every worker. Runs on the loop of one actor."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._questions: list[Any] = []
        self._answers: dict[int, Any] = {}
        self._is_over = False
        self._changed = asyncio.Condition()
        self._rounds = 0

    async def ask(self, question: Any) -> None:
        """One more; the answers to the last one are forgotten."""
        async with self._changed:
            self._questions.append(question)
            self._answers.clear()
            self._rounds = 0
            self._changed.notify_all()

    async def end(self) -> None:
        """There will be no more questions."""
        async with self._changed:
            self._is_over = True
            self._changed.notify_all()

    async def question(self, number: int) -> Any:
        """That of this number once there is one; None when there will be none."""
        async with self._changed:
            await self._changed.wait_for(lambda: number < len(self._questions) or self._is_over)
        if number >= len(self._questions):
            return None
        # Workers are at the same one or at the next: those before it are over.
        if number:
            self._questions[number - 1] = None
        return self._questions[number]

    async def answer(self, worker: int, found: Any) -> None:
        self._answers[worker] = found

    async def tell(self, rounds: int) -> None:
        """How many trees of the newest question are grown."""
        self._rounds = rounds

    async def found(self) -> list[Any] | int:
        """Every worker's answer to the newest question, in the order of their ranks; before that, the trees so far."""
        if len(self._answers) < self._workers:
            return self._rounds
        return [self._answers[worker] for worker in range(self._workers)]
