"""What the coordinator remembers of roles, and how each change alters it. Every change is a new book, whole.

A version is at most one of champion, canary, shadow; an experiment or a target may name it besides. What changes
nothing gives the same book back, so that a repeated call leaves no trace.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from models import limits
from models.scoring.roles import Roles


@dataclass(frozen=True, slots=True)
class Reign:
    """A champion of before; version None: evidence alone decided."""

    version: str | None
    from_ms: int
    until_ms: int


@dataclass(frozen=True, slots=True)
class RoleBook:
    """Roles as ``models.scoring.roles.Roles`` has them, and what shards need not know of them."""

    number: int = 0
    champion: str | None = None
    canary: str | None = None
    canary_millionths: int = 0
    shadows: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    targets: Mapping[str, str] = field(default_factory=dict)
    #: The champions before, oldest first: where a roll-back goes.
    former: tuple[Reign, ...] = ()
    #: Since when (ms) the champion, or its absence, lasts.
    champion_since_ms: int = 0
    #: Version -> since when (ms) it has the role that it has.
    since: Mapping[str, int] = field(default_factory=dict)
    retired: tuple[str, ...] = ()
    #: Version -> why it lost its role without anybody's call; forgotten when another champion is made.
    notes: Mapping[str, str] = field(default_factory=dict)

    def promoted(self, version: str | None, at_ms: int) -> RoleBook:
        """``version`` decides from now on (None: evidence alone); who decided before can be rolled back to."""
        if version == self.champion:
            return self
        reign = Reign(self.champion, self.champion_since_ms, at_ms)
        former = (*self.former, reign)[-limits.CHAMPIONS_KEPT_MAX :]
        return replace(self._freed(version), former=former)._crowned(version, at_ms)

    def rolled_back(self, at_ms: int) -> RoleBook:
        """The champion before decides again; the one of now is forgotten as if it had never been."""
        *former, before = self.former
        return replace(self._freed(before.version), former=tuple(former))._crowned(before.version, at_ms)

    def with_canary(self, version: str, millionths: int, at_ms: int) -> RoleBook:
        """``version`` decides for a share of the customers, in place of any canary before it; share 0 ends it."""
        if millionths == 0:
            return self._freed(version)._next() if self.canary == version else self
        if (self.canary, self.canary_millionths) == (version, millionths):
            return self
        since = {} if self.canary == version else {version: at_ms}
        book = replace(self._freed(version), canary=version, canary_millionths=millionths)
        return replace(book, since={**self.since, **since})._next()

    def shadowed(self, version: str, at_ms: int) -> RoleBook:
        """``version`` scores what others decide."""
        if version in self.shadows:
            return self
        book = self._freed(version)
        return replace(book, shadows=(*book.shadows, version), since={**book.since, version: at_ms})._next()

    def targeted(self, target: str, version: str, at_ms: int) -> RoleBook:
        """``version`` predicts a target."""
        if self.targets.get(target) == version:
            return self
        book = self._freed(version)
        return replace(book, targets={**book.targets, target: version}, since={**book.since, version: at_ms})._next()

    def retired_from(self, version: str) -> RoleBook:
        """``version`` has no role any more, and no roll-back leads to it. The champion is nobody's to retire."""
        if version in self.retired:
            return self
        former: list[Reign] = []
        followed_by = self.champion
        for reign in reversed(self.former):
            if reign.version not in (version, followed_by):  # a roll-back must change who decides
                former.insert(0, reign)
                followed_by = reign.version
        return replace(self._freed(version), former=tuple(former), retired=(*self.retired, version))._next()

    def naming(self, named: Iterable[str]) -> RoleBook:
        """The live catalog's experiments name these."""
        now = tuple(sorted(set(named)))
        return self if now == self.named else replace(self, named=now)._next()

    def without(self, misfits: Mapping[str, Sequence[str]], at_ms: int) -> RoleBook:
        """A catalog lacks what these versions read: each loses its role, with a note that says why."""
        book = self
        for version in self.versions:
            if version in misfits and version not in self.named:
                book = book.promoted(None, at_ms) if version == book.champion else book._freed(version)._next()
                note = f"scorer {version} does not fit the catalog any more: {'; '.join(misfits[version])}"
                book = replace(book, notes={**book.notes, version: note})
        return book

    @property
    def versions(self) -> tuple[str, ...]:
        """Every version with a role."""
        return self.roles({}).versions

    def role_of(self, version: str) -> str:
        """champion, canary, shadow, target, experiment, retired or registered: the first that holds."""
        if version == self.champion:
            return "champion"
        if version == self.canary:
            return "canary"
        if version in self.shadows:
            return "shadow"
        if version in self.targets.values():
            return "target"
        if version in self.named:
            return "experiment"
        return "retired" if version in self.retired else "registered"

    def roles(self, manifests: Mapping[str, dict[str, Any]]) -> Roles:
        """What shards adopt; ``manifests`` of every registered version."""
        roles = Roles(
            self.number, self.champion, self.canary, self.canary_millionths, self.shadows, self.named, self.targets
        )
        return replace(roles, manifests={v: manifests[v] for v in roles.versions if v in manifests})

    def to_wire(self) -> list[Any]:
        """Plain data for a fact and a checkpoint."""
        return [
            self.number, self.champion, self.canary, self.canary_millionths, list(self.shadows), list(self.named),
            dict(self.targets), [[reign.version, reign.from_ms, reign.until_ms] for reign in self.former],
            self.champion_since_ms, dict(self.since), list(self.retired), dict(self.notes),
        ]

    @classmethod
    def from_wire(cls, wire: Sequence[Any]) -> RoleBook:
        """The inverse of ``to_wire``."""
        number, champion, canary, millionths, shadows, named, targets, former, since_ms, since, retired, notes = wire
        return cls(
            number, champion, canary, millionths, tuple(shadows), tuple(named), targets,
            tuple(Reign(*reign) for reign in former), since_ms, since, tuple(retired), notes,
        )

    def _next(self) -> RoleBook:
        """The next state; ``since`` of those that have no role any more is forgotten."""
        own = {self.champion, self.canary, *self.shadows, *self.targets.values()}
        since = {version: at_ms for version, at_ms in self.since.items() if version in own}
        return replace(self, number=self.number + 1, since=since)

    def _crowned(self, version: str | None, at_ms: int) -> RoleBook:
        since, notes = self.since, self.notes
        if version is not None:
            since, notes = {**since, version: at_ms}, {}
        return replace(self, champion=version, champion_since_ms=at_ms, since=since, notes=notes)._next()

    def _freed(self, version: str | None) -> RoleBook:
        """Without any role, retirement or note of a version."""
        if version is None:
            return self
        return replace(
            self, champion=None if self.champion == version else self.champion,
            canary=None if self.canary == version else self.canary,
            canary_millionths=0 if self.canary == version else self.canary_millionths,
            shadows=tuple(one for one in self.shadows if one != version),
            targets={target: one for target, one in self.targets.items() if one != version},
            retired=tuple(one for one in self.retired if one != version),
            notes={one: note for one, note in self.notes.items() if one != version},
        )
