"""One entry of a chain: what was refused, how often, and the hash that binds it to all before it.

Neither keys nor customers stand in it: a caller is the name of its key, or the beginning of a hash.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any, Final, Self

#: What the first entry of a chain follows.
GENESIS: Final = hashlib.sha256(b"kairos denials").hexdigest()
_CHANNEL: Final = re.compile(r"decide:(?:\*|[a-z][a-z0-9_]{0,31}|<channel>|)", re.ASCII)
_OTHER_CHANNEL: Final = "decide:?"


@dataclass(frozen=True, slots=True)
class Denial:
    """What is refused in the same way is the same ``Denial``."""

    call: str
    status: int
    #: The name of the key, "sha256:" and eight digits of what was shown instead, or "" when nothing was.
    key: str
    tenant: str
    scope: str
    #: The address that HAProxy saw; "" when it is not known.
    peer: str


def shown_scope(scope: str) -> str:
    """A scope as it may be put down: a channel that is no name may be anything that a caller wrote."""
    return scope if not scope.startswith("decide:") or _CHANNEL.fullmatch(scope) else _OTHER_CHANNEL


@dataclass(frozen=True, slots=True)
class Entry:
    #: From 1, without gaps.
    seq: int
    #: The bytes that are hashed: canonical JSON of the denial with ``count``, ``first_ms`` and ``last_ms``.
    text: str
    #: SHA-256 over the hash before, the sequence number and the text, hex.
    hash: str

    @classmethod
    def after(cls, head: Head, body: dict[str, Any]) -> Self:
        text = json.dumps(body, sort_keys=True, separators=(",", ":"))
        return cls(head.seq + 1, text, link(head.hash, head.seq + 1, text))

    @property
    def head(self) -> Head:
        return Head(self.seq, self.hash)

    def body(self) -> dict[str, Any]:
        """What was put down. Raises ``ValueError`` when it is not JSON any more."""
        found: dict[str, Any] = json.loads(self.text)
        return found


@dataclass(frozen=True, slots=True)
class Head:
    """How far a chain goes: its newest entry, kept apart from the entries."""

    seq: int = 0
    hash: str = GENESIS


def link(previous: str, seq: int, text: str) -> str:
    return hashlib.sha256(f"{previous} {seq} {text}".encode()).hexdigest()
