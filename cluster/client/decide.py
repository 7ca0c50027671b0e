"""One decision: its deadline follows what remains of the caller's time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cluster.client.answers import Decision
from cluster.client.batch import with_deadline
from cluster.client.call import Call
from cluster.client.codec import Codec
from cluster.client.wire import Reply, Request
from models import limits

_GRACE_S = limits.CLIENT_DEADLINE_GRACE_MS / limits.SECOND_MS


class DecideCall(Call[Decision]):
    def __init__(self, path: str, timeout_s: float | None, body: Mapping[str, Any]) -> None:
        super().__init__("POST", path, _decision, timeout_s=timeout_s)
        self._asked = body

    def request(self, left_s: float, codec: Codec) -> Request:
        self._body = with_deadline(self._asked, left_s)
        return super().request(left_s, codec)

    def attempt_s(self, left_s: float) -> float:
        """A server that keeps its deadline has answered by then; one that does not is asked again."""
        deadline_ms: int = self._body["deadline_ms"]
        return min(left_s, deadline_ms / limits.SECOND_MS + _GRACE_S)


def _decision(reply: Reply) -> Decision:
    return Decision(reply.value(), reply.body)
