"""Tokens, and what is kept under them.

A token is 256 random bits, drawn here and kept nowhere: a link or a cookie holds it, the store its SHA-256. What is
kept is sealed by AES-256-GCM under a key that is made of both the installation's secret and the token: who reads the
store alone, or the store and the master key, opens nothing without the browser's cookie, and no cookie helps without
the installation. Bound to its kind, so that no link passes for a session.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import time
from collections.abc import Callable
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from actors.sessions.interface import Sessions
from models import limits
from models.errors import BadInput

_TOKEN_BYTES: Final = 32
_NONCE_BYTES: Final = 12
#: What a token looks like, wherever it comes from.
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


def is_token(text: str) -> bool:
    return _TOKEN.fullmatch(text) is not None


class Vault:
    """``secret``: the installation's. Calls block, and may be made from any thread; they raise as ``Sessions`` does."""

    def __init__(self, sessions: Sessions, secret: bytes, wall_s: Callable[[], float] = time.time) -> None:
        self._sessions = sessions
        self._key: Final = hmac.digest(secret, b"kairos console sessions", hashlib.sha256)
        self._wall_s = wall_s

    def now_ms(self) -> int:
        return int(self._wall_s() * limits.SECOND_MS)

    def put(self, kind: str, holder: str, content: bytes, expires_ms: int) -> str:
        """Keep ``content`` under a token that is drawn now; the token. ``holder``: whose key it is, hashed before it is
        stored. Raises ``BadInput`` for more than ``limits.CONSOLE_SESSION_BYTES_MAX``."""
        if len(content) > limits.CONSOLE_SESSION_BYTES_MAX:
            raise BadInput(
                f"a session holds at most {limits.CONSOLE_SESSION_BYTES_MAX} bytes, not {len(content)}; sign in with a "
                f"key or a shorter token"
            )
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._cipher(token).encrypt(nonce, content, kind.encode())
        self._sessions.put(_digest(token), kind, self._hidden(holder), sealed, expires_ms)
        return token

    def take(self, kind: str, token: str) -> bytes | None:
        """What was kept, once; None when it is not there, has expired, or was kept under another secret."""
        if not is_token(token):
            return None
        return self._opened(kind, token, self._sessions.take(_digest(token), kind, self.now_ms()))

    def get(self, kind: str, token: str) -> bytes | None:
        """What is kept; None as ``take`` has it."""
        if not is_token(token):
            return None
        return self._opened(kind, token, self._sessions.get(_digest(token), kind, self.now_ms()))

    def drop(self, token: str) -> None:
        if is_token(token):
            self._sessions.drop(_digest(token))

    def sweep(self) -> int:
        """Remove what has expired; how many rows."""
        return self._sessions.sweep(self.now_ms())

    def close(self) -> None:
        self._sessions.close()

    def _opened(self, kind: str, token: str, sealed: bytes | None) -> bytes | None:
        if sealed is None:
            return None
        try:
            return self._cipher(token).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], kind.encode())
        except (InvalidTag, ValueError):
            return None

    def _cipher(self, token: str) -> AESGCM:
        return AESGCM(hmac.digest(self._key, b"token\0" + token.encode(), hashlib.sha256))

    def _hidden(self, holder: str) -> bytes:
        """Tells rows of one key from those of others, and nothing about it to who has the store alone."""
        return hmac.digest(self._key, b"holder\0" + holder.encode(), hashlib.sha256)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
