"""Changes of roles on a live installation, one after the other: when each was asked for, when every shard had adopted
it, and who decided from then on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import Any, Final

import httpx

#: Of the customers, one after the other.
SHARES: Final = (0.05, 0.25, 0.5)
_EVERY_S: Final = 1.0
#: After each turn of changes, so that there are seconds to compare with.
_REST_S: Final = 6.0
_WITHIN_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Change:
    """Seconds of ``time.perf_counter``: asked for, and adopted by every shard."""

    what: str
    begin_s: float
    end_s: float
    #: The scorers that decide from ``end_s`` on.
    champion: str | None
    canary: str | None
    share: float

    @property
    def deciders(self) -> frozenset[str | None]:
        return frozenset({self.champion, self.canary} if self.canary else {self.champion})


class Roles:
    """Three scorers of an installation that change places; the first is champion."""

    def __init__(self, api: httpx.Client, versions: tuple[str, str, str]) -> None:
        self._api = api
        self._versions = versions
        #: Refused, or not adopted within the call: asked again until it was.
        self.refused: list[str] = []
        self.late = 0
        #: As the answers to the changes tell it.
        self.now = self.standing()

    def standing(self) -> Change:
        """Who decides now, as the installation tells it."""
        told = self._api.get("/v1/scorers").raise_for_status().json()
        ever = -float("inf")
        return Change("before", ever, ever, told["champion"], told["canary"], told["share"] or 0.0)

    def changes(self) -> Iterator[Change]:
        """For ever: about one a second, with a rest after each turn of all kinds."""
        calls = self._calls()
        for number, (path, body) in enumerate(cycle(calls)):
            begin = time.perf_counter()
            answer = self._asked(path, body)
            if answer is not None:
                self.now = _after(self.now, path.rpartition(":")[2], begin, answer)
                yield self.now
            rest = _REST_S if (number + 1) % len(calls) == 0 else 0.0
            time.sleep(max(0.0, begin + _EVERY_S + rest - time.perf_counter()))

    def _calls(self) -> list[tuple[str, dict[str, float] | None]]:
        """A turn: each kind of change, ending with the champion that it began with."""
        _, second, third = (f"/v1/scorers/{version}" for version in self._versions)
        canaries = [(f"{third}:canary", {"share": share}) for share in SHARES]
        return [
            (f"{second}:shadow", None), *canaries, (f"{second}:promote", None), (f"{third}:canary", {"share": 1.0}),
            (f"{third}:canary", {"share": 0.0}), ("/v1/scorers:rollback", None), (f"{third}:promote", None),
            (f"{second}:retire", None), ("/v1/scorers:rollback", None),
        ]

    def _asked(self, path: str, body: dict[str, float] | None) -> dict[str, Any] | None:
        """What the change became, once every shard has adopted it; None when it was refused."""
        answer = self._api.post(path, json=body)
        if answer.is_error:
            self.refused.append(f"{path}: {answer.status_code} {answer.text[:200]}")
            return None
        told: dict[str, Any] = answer.json()
        self.late += bool(told["waiting_for"])
        deadline, behind = time.monotonic() + _WITHIN_S, told["waiting_for"]
        while behind:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{path}: shards {behind} have not adopted it within {_WITHIN_S:.0f} s")
            champion = self._api.get("/v1/scorers").raise_for_status().json()["champion"]
            # Changes nothing, and says who has adopted everything so far.
            behind = self._api.post(f"/v1/scorers/{champion}:promote").raise_for_status().json()["waiting_for"]
        return told


def _after(before: Change, what: str, begin_s: float, told: dict[str, Any]) -> Change:
    """Who decides after a change, by its answer alone: asking for more would cost the decisions that are measured."""
    version, role = told["version"], told["role"]
    champion, canary, share = before.champion, before.canary, before.share
    if canary == version and role != "canary":
        canary, share = None, 0.0
    if role == "champion":
        champion = version
    elif role == "canary":
        canary, share = version, told["share"]
    return Change(what, begin_s, time.perf_counter(), champion, canary, share)
