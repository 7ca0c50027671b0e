"""Roles as tests hand them to shards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import Any

from models.scoring.roles import Roles
from models.turn.shard_facts import RolesAdopted

_NUMBERS = count(1)


def champion(version: str | None, features: Sequence[str] = (), number: int = 0, **manifest: Any) -> Roles:
    """A champion and nobody else; None: evidence alone. ``number`` 0: one higher than any before."""
    manifests = {version: {"features": list(features), **manifest}} if version is not None else {}
    return Roles(number or next(_NUMBERS), version, manifests=manifests)


def crowned(version: str | None, features: Sequence[str] = ()) -> RolesAdopted:
    """The fact by which a shard adopts a champion."""
    return adopted(champion(version, features))


def adopted(roles: Roles) -> RolesAdopted:
    return RolesAdopted(roles.to_wire())


def besides(roles: Roles, canary: str, millionths: int, features: Sequence[str], **manifest: Any) -> Roles:
    """The same with a canary for a share of the customers."""
    manifests = {**roles.manifests, canary: {"features": list(features), **manifest}}
    return replace(roles, canary=canary, canary_millionths=millionths, manifests=manifests)
