"""The mutual challenge and response that opens a connection, as pure functions over bytes.

::

    client -> server   MAGIC, client nonce
    server -> client   MAGIC, incarnation, server nonce, HMAC(key, "server", incarnation, both nonces)
    client -> server   HMAC(key, "client", incarnation, both nonces); frames may follow at once

``key`` is made of the shared secret and the link's purpose ("shard 3"), so a proof for one purpose is none for another,
and no proof can be sent back to who made it. Every field has a fixed length.

What this protects against: any process that does not hold the secret, at either end (a user of the same machine who
connects, or who took the port of a server that died), and a server of an earlier or later life than the one that was
dialled. What it does not: frames after the handshake carry no MAC and are not encrypted, so who can change or read the
packets of others can change or read these. That nobody can on loopback, which is the default; on a cluster the link
listens on the node's own Ray address and trusts its network exactly as Ray's own plain ports do.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import Final

#: Names the protocol's version: peers of different versions refuse each other.
MAGIC: Final = b"kairos/1"
NONCE_BYTES: Final = 32
INCARNATION_BYTES: Final = 16
PROOF_BYTES: Final = 32
HELLO_BYTES: Final = len(MAGIC) + NONCE_BYTES
CHALLENGE_BYTES: Final = len(MAGIC) + INCARNATION_BYTES + NONCE_BYTES + PROOF_BYTES


def link_key(secret: bytes) -> bytes:
    """What the processes of an installation hold instead of its secret, from which customer keys are made."""
    return hmac.digest(secret, b"kairos link key", hashlib.sha256)


def purpose_key(secret: bytes, purpose: str) -> bytes:
    return hmac.digest(secret, b"kairos link\0" + purpose.encode(), hashlib.sha256)


def _proof(key: bytes, role: bytes, incarnation: bytes, client_nonce: bytes, server_nonce: bytes) -> bytes:
    return hmac.digest(key, role + incarnation + client_nonce + server_nonce, hashlib.sha256)


class ServerSide:
    def __init__(self, key: bytes, incarnation: bytes) -> None:
        self._key = key
        self._incarnation = incarnation
        self._expected = b""

    def challenge(self, hello: bytes) -> bytes | None:
        """What to answer to ``HELLO_BYTES`` of a client; None for one that speaks something else."""
        if hello[: len(MAGIC)] != MAGIC:
            return None
        client_nonce, server_nonce = hello[len(MAGIC):], os.urandom(NONCE_BYTES)
        self._expected = _proof(self._key, b"client", self._incarnation, client_nonce, server_nonce)
        mine = _proof(self._key, b"server", self._incarnation, client_nonce, server_nonce)
        return MAGIC + self._incarnation + server_nonce + mine

    def accepts(self, proof: bytes) -> bool:
        return hmac.compare_digest(proof, self._expected)


class ClientSide:
    def __init__(self, key: bytes, incarnation: bytes) -> None:
        self._key = key
        self._incarnation = incarnation
        self._nonce = os.urandom(NONCE_BYTES)

    def hello(self) -> bytes:
        return MAGIC + self._nonce

    def answer(self, challenge: bytes) -> tuple[bytes, str]:
        """My proof for ``CHALLENGE_BYTES`` of the server; or nothing and why this server is not the one."""
        incarnation_at = len(MAGIC)
        nonce_at = incarnation_at + INCARNATION_BYTES
        proof_at = nonce_at + NONCE_BYTES
        if challenge[:incarnation_at] != MAGIC:
            return b"", "whoever listens there speaks another protocol"
        if challenge[incarnation_at:nonce_at] != self._incarnation:
            return b"", "another incarnation listens there now"
        server_nonce = challenge[nonce_at:proof_at]
        expected = _proof(self._key, b"server", self._incarnation, self._nonce, server_nonce)
        if not hmac.compare_digest(challenge[proof_at:], expected):
            return b"", "whoever listens there does not hold the secret of this link"
        return _proof(self._key, b"client", self._incarnation, self._nonce, server_nonce), ""
