"""A profile as bytes: what passivation and checkpoints store."""

from __future__ import annotations

from models.profile.state import Profile


def pack(profile: Profile) -> bytes:
    raise NotImplementedError


def unpack(data: bytes) -> Profile:
    raise NotImplementedError
