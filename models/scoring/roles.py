"""Which scorer does what: the champion decides, a canary decides for a share of the customers, shadows score and decide
nothing, an experiment names the scorer of its variant, and a target has a scorer of its own.

The coordinator alone changes roles; shards adopt them between two turns as a logged fact, so a decision can be run
again with the scorer that was its own. Read by the turn (``models.turn``) and by replay.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

#: A share in whole millionths, so that it means the same wherever it is read.
MILLIONTHS: Final = 1_000_000
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Roles:
    """One state of the roles. Versions are those of ``models.scoring.manifest``."""

    #: Rises with every change at the coordinator; 0: nothing was adopted.
    number: int = 0
    #: None: evidence decides.
    champion: str | None = None
    canary: str | None = None
    #: Of the customers, for whom the canary decides in place of the champion.
    canary_millionths: int = 0
    shadows: tuple[str, ...] = ()
    #: Those that the experiments of the live catalog name.
    named: tuple[str, ...] = ()
    #: Target id -> the scorer that predicts it.
    targets: Mapping[str, str] = field(default_factory=lambda: _NOTHING, hash=False)
    #: The manifest of every version above, as plain data.
    manifests: Mapping[str, dict[str, Any]] = field(default_factory=lambda: _NOTHING, hash=False)

    @property
    def versions(self) -> tuple[str, ...]:
        """Every version that has a role, once; those that decide come first."""
        own = [version for version in (self.champion, self.canary) if version is not None]
        return tuple(dict.fromkeys([*own, *self.named, *self.shadows, *self.targets.values()]))

    def for_customer(self, customer_id: str) -> str | None:
        """The scorer of a customer whom no experiment gives another: canary or champion; None: evidence decides."""
        if self.canary is not None and is_canary(self.canary, self.canary_millionths, customer_id):
            return self.canary
        return self.champion

    def keeping(self, keeps: Callable[[str], bool]) -> Roles:
        """The same roles of those versions alone that ``keeps``; a role whose scorer is not kept is nobody's."""
        if all(keeps(version) for version in self.versions):
            return self
        canary = self.canary if self.canary is not None and keeps(self.canary) else None
        return Roles(
            self.number, self.champion if self.champion is not None and keeps(self.champion) else None,
            canary, self.canary_millionths if canary is not None else 0,
            tuple(filter(keeps, self.shadows)), tuple(filter(keeps, self.named)),
            {target: version for target, version in self.targets.items() if keeps(version)},
            {version: manifest for version, manifest in self.manifests.items() if keeps(version)},
        )

    def to_wire(self) -> list[Any]:
        """Plain data for a fact, a message, a checkpoint."""
        return [
            self.number, self.champion, self.canary, self.canary_millionths, list(self.shadows), list(self.named),
            dict(self.targets), dict(self.manifests),
        ]

    @classmethod
    def from_wire(cls, wire: Sequence[Any]) -> Roles:
        """The inverse of ``to_wire``."""
        number, champion, canary, millionths, shadows, named, targets, manifests = wire
        return cls(number, champion, canary, millionths, tuple(shadows), tuple(named), targets, manifests)


def is_canary(version: str, millionths: int, customer_id: str) -> bool:
    """Whether this customer is in the canary's share: a hash of canary and customer, so a larger share keeps whom a
    smaller one had, and another canary meets other customers."""
    if millionths <= 0:
        return False
    digest = hashlib.blake2b(f"{version}\x1f{customer_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") * MILLIONTHS < millionths << 64
