"""Who shows a token of the issuer: verified once, remembered until it ends or the issuer's keys are fetched again."""

from __future__ import annotations

import hashlib

from actors.access.interface import KeysWanted
from actors.access.oidc.fetching import fetch_keys
from actors.access.oidc.key_set import Fetch, KeySet
from actors.access.oidc.settings import OidcSettings
from actors.access.oidc.tokens import BadToken, Reader
from actors.access.record import KeyRecord
from models import limits


class OidcIssuer:
    def __init__(self, settings: OidcSettings, fetch: Fetch | None = None) -> None:
        self._reader = Reader(settings)
        self._verified: dict[bytes, KeyRecord] = {}
        self._keys = KeySet(fetch or (lambda: fetch_keys(settings)), self._verified.clear)

    def keys_age_s(self, now_s: float) -> float | None:
        """Since the issuer's keys were fetched; None before the first time."""
        return self._keys.age_s(now_s)

    def reads(self, token: bytes) -> bool:
        return b"." in token

    def identify(self, token: bytes, wall_s: float, now_s: float) -> KeyRecord | str:
        digest = hashlib.sha256(token).digest()
        known = self._verified.get(digest)
        if known is not None:
            self._keys.keep_fresh(now_s)
            if known.live(int(wall_s * limits.SECOND_MS)):
                return known
            del self._verified[digest]
            return "the token has expired"
        try:
            record = self._read(token, wall_s, now_s)
        except BadToken as bad:
            return bad.detail
        if len(self._verified) >= limits.OIDC_TOKENS_REMEMBERED:
            del self._verified[next(iter(self._verified))]
        self._verified[digest] = record
        return record

    def _read(self, token: bytes, wall_s: float, now_s: float) -> KeyRecord:
        header = self._reader.header(token)
        key = self._keys.find(header.key_id)
        if key is None and self._keys.may_ask(now_s):
            raise KeysWanted("the token names a key that is not known yet")
        self._keys.keep_fresh(now_s)
        if key is None:
            raise BadToken("the token is signed with a key that the issuer does not list")
        return self._reader.caller(token, header, key, wall_s)

    async def learn(self, now_s: float) -> None:
        await self._keys.learn(now_s)
