"""One base class, one sentence per error, a remedy where there is one."""

from __future__ import annotations

from typing import Any


class KairosError(Exception):
    """Base of every error that Kairos raises on purpose. Survives pickling: all state is in ``args``."""


class BadInput(KairosError):
    """The caller's input is wrong. ``errors`` is a list of ``{"loc": [...], "msg": "..."}``."""

    def __init__(self, detail: str, errors: list[dict[str, Any]] | None = None) -> None:
        super().__init__(detail, errors)
        self.detail = detail
        self.errors = errors or []

    def __str__(self) -> str:
        lines = [self.detail]
        lines += [f"  {'.'.join(str(part) for part in e.get('loc', []))}: {e['msg']}" for e in self.errors]
        return "\n".join(lines)


class InvariantBroken(KairosError):
    """The core found its own state inconsistent: a bug. The process must not answer from it."""


class Fenced(KairosError):
    """A newer epoch owns this journal. Answer nobody; leave the process at once."""


class JournalFailed(KairosError):
    """The journal could not say whether an append is durable (I/O error, corruption). The process must exit."""


class DiskFull(KairosError):
    """No space for an append: nothing was written, nothing is acknowledged, the caller may retry (503)."""


class JournalLocked(KairosError):
    """Another process holds the files of this journal; stop it before starting here. A lock is never stolen."""


class MasterKeyFailed(KairosError):
    """The master key is missing, unusable, or not the one that wrapped this store; the message says what to do."""


class Superseded(KairosError):
    """A later incarnation of this owner has the journal. Leave for good: nobody needs this one any more."""


class StoreAway(KairosError):
    """The store cannot be reached now and nothing is known of what it holds; start again once it answers."""


class NotServing(KairosError):
    """This incarnation of the shard does not serve, and did nothing; ask the one that does."""
