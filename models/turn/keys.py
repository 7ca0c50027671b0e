"""Idempotency keys: one key, one effect, one answer, for seven days.

A key is scoped to a customer and a kind. What is remembered about it is where the answer lies (``seq``), a
fingerprint of the body that was accepted, and a small ``hint`` from which most answers can be made again.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any, Final, NamedTuple, Protocol

import orjson

from models import canonical, limits
from models.immutable import immutable
from models.turn.commands import DECISION, EVENT, HISTORY, OUTCOME, Command

KEY_BYTES: Final = 16
FINGERPRINT_BYTES: Final = 16
#: A turn asks for the key of each of its items two or three times.
_KEYS_REMEMBERED: Final = 4_096
#: Field of a command's body that holds its idempotency key, by kind.
ID_FIELD: Final = {EVENT: "event_id", HISTORY: "event_id", OUTCOME: "outcome_id", DECISION: "request_id"}

KeyPair = tuple[bytes, bytes]


class Remembered(Protocol):
    """What the core needs of a remembered key; the journal's ``IndexEntry`` is one."""

    @property
    def seq(self) -> int: ...
    @property
    def at_ms(self) -> int: ...
    @property
    def fingerprint(self) -> bytes: ...
    @property
    def hint(self) -> bytes: ...


class RecentKey(NamedTuple):
    """A key since the last checkpoint, in memory. ``seq`` is 0 while its turn is not committed."""

    seq: int
    at_ms: int
    fingerprint: bytes
    hint: bytes


@immutable
class Hint:
    """Packed into ``Remembered.hint``. Keys of an erased generation of a customer are as good as forgotten."""

    generation: int
    state_version: int
    #: Of outcomes: what their results said beside.
    late: bool = False
    unfunded: bool = False

    def pack(self) -> bytes:
        return packed_hint(self.generation, self.state_version, self.late, self.unfunded)

    @classmethod
    def unpack(cls, data: bytes) -> Hint:
        return cls(*canonical.unpack(data))


@lru_cache(maxsize=_KEYS_REMEMBERED)
def packed_hint(generation: int, state_version: int, late: bool, unfunded: bool) -> bytes:
    """The bytes of a ``Hint``: many customers stand at the same small versions."""
    return canonical.pack([generation, state_version, late, unfunded])


@lru_cache(maxsize=_KEYS_REMEMBERED)
def key16(kind: str, text: str) -> bytes:
    """The 16 bytes under which an id of a kind is remembered."""
    return hashlib.blake2b(f"{kind}:{text}".encode(), digest_size=KEY_BYTES).digest()


def wanted(commands: list[Command]) -> list[KeyPair]:
    """(customer, key) of everything in a batch that may have been done before: what the actor looks up."""
    pairs: dict[KeyPair, None] = {}
    for command in commands:
        for key in _keys_of(command):
            pairs[(command.customer, key)] = None
    return list(pairs)


def _keys_of(command: Command) -> list[bytes]:
    field = ID_FIELD.get(command.kind)
    if field is None:
        return []
    text = str(command.body.get(field) or "")
    keys = [key16(command.kind, text)]
    event = command.body.get("event") if command.kind == DECISION else None
    if event:
        keys.append(key16(EVENT, str(event.get("event_id") or text)))
    return keys


def is_valid(entry: Remembered, generation: int, now_ms: int) -> bool:
    """Whether a remembered key still binds: young enough, and of the customer's present generation."""
    if entry.at_ms <= now_ms - limits.IDEMPOTENCY_MS:
        return False
    return Hint.unpack(entry.hint).generation == generation


def body_fingerprint(body: dict[str, Any] | list[Any]) -> bytes:
    """16 bytes over what makes a body as validated that body (JSON's types, keys in any order). Raises ``TypeError``
    for what JSON cannot say."""
    text = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(text, digest_size=FINGERPRINT_BYTES).digest()
