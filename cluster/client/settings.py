"""What both clients are made of: an address, a manner of talking, a transport."""

from __future__ import annotations

import copy
import os
import random
import time
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Generic, Literal, Self, TypeVar

from cluster.client.address import Address, address, from_environment
from cluster.client.calls import Calls
from cluster.client.codec import CODECS, Encoding
from cluster.client.conversation import Counts, Manner
from cluster.client.retry import RetryPolicy
from models import limits

Transport = TypeVar("Transport")
TransportName = Literal["http", "stream"]
_TIMEOUT_S = limits.CLIENT_TIMEOUT_MS / limits.SECOND_MS


@dataclass(frozen=True, slots=True)
class Links:
    """What a transport is opened with."""

    to: Address
    #: Media type of the answers.
    accept: str
    connections: int
    in_flight: int
    retry: RetryPolicy


class Client(Calls, Generic[Transport]):
    def __init__(
        self, url: str, key: str | None = None, *, key_file: str | os.PathLike[str] | None = None,
        transport: TransportName = "http", through: Transport | None = None, timeout_s: float = _TIMEOUT_S,
        retry: RetryPolicy | None = None, connections: int = limits.CLIENT_CONNECTIONS_DEFAULT,
        in_flight: int = limits.CLIENT_IN_FLIGHT_DEFAULT, encoding: Encoding = "msgpack",
    ) -> None:
        """``timeout_s``: for how long a call is waited for, repeats and pauses included. ``connections``: HTTP
        connections that are kept. ``in_flight``: most unanswered frames of a stream; further calls wait. ``encoding``
        of HTTP bodies; a stream is msgpack. ``through``: another transport than those two. Raises ``BadInput``."""
        self._to = address(url, key, key_file)
        policy = RetryPolicy() if retry is None else retry
        codec = CODECS["msgpack" if transport == "stream" else encoding]
        self._manner = Manner(codec, policy, timeout_s, time.monotonic, random.random, Counts())
        links = Links(self._to, codec.media, connections, in_flight, policy)
        self._transport: Transport = self._open(transport, links) if through is None else through

    @classmethod
    def from_env(
        cls, *, environ: Mapping[str, str] | None = None, transport: TransportName = "http",
        timeout_s: float = _TIMEOUT_S,
    ) -> Self:
        """From ``KAIROS_URL`` and ``KAIROS_KEY`` or ``KAIROS_KEY_FILE``. Raises ``BadInput`` naming what is missing."""
        to = from_environment(os.environ if environ is None else environ)
        return cls(to.url, to.key, transport=transport, timeout_s=timeout_s)

    @property
    def url(self) -> str:
        return self._to.url

    @property
    def counts(self) -> Counts:
        """Attempts and repeats so far."""
        return self._manner.counts

    def within(self, timeout_s: float) -> Self:
        """The same client, its connections and counts, waiting for so long at most: ``kairos.within(2).budgets()``."""
        other = copy.copy(self)
        other._manner = replace(self._manner, timeout_s=timeout_s)
        return other

    @abstractmethod
    def _open(self, name: TransportName, links: Links) -> Transport: ...
