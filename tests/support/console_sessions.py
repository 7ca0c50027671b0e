"""Sessions of the console in memory, for tests and the preview."""

from __future__ import annotations

from cluster.console.session import Session

#: The cookie of whoever is signed in with ``signed_in``.
COOKIE = "c" * 43
CSRF = "f" * 43
EVERYTHING = frozenset(
    {"config:read", "config:write", "profiles:read", "profiles:erase", "budgets:write", "audit:read"}
)


class MemorySessions:
    """``live``: cookie to session; ``ended``: the cookies that were ended, in order."""

    def __init__(self, live: dict[str, Session] | None = None) -> None:
        self.live = dict(live or {})
        self.ended: list[str] = []

    async def find(self, cookie: str) -> Session | None:
        return self.live.get(cookie)

    async def end(self, cookie: str) -> None:
        self.ended.append(cookie)
        self.live.pop(cookie, None)


def viewer(scopes: frozenset[str] = EVERYTHING, key: str = "kairos_test_key") -> Session:
    return Session(key, "tests", "main", scopes, CSRF, 1_800_000_000_000)


def signed_in(scopes: frozenset[str] = EVERYTHING) -> MemorySessions:
    return MemorySessions({COOKIE: viewer(scopes)})
