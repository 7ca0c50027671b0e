"""Every random draw is a hash of a decision's seed: replayable, independent per label."""

from __future__ import annotations

import hashlib


def draw(seed: bytes, *labels: str | int) -> float:
    """A number in [0, 1) with 53 random bits, a function of the seed and the labels alone."""
    text = "\x1f".join(map(str, labels)).encode()
    digest = hashlib.blake2b(text, key=seed, digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / (1 << 53)


def derive_seed(turn_seed: bytes, index: int) -> bytes:
    """The seed (16 bytes) of the ``index``-th decision of a turn."""
    return hashlib.blake2b(index.to_bytes(8, "big"), key=turn_seed, digest_size=16).digest()
