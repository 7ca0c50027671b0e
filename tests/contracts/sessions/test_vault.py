"""Tokens: drawn anew each time, kept nowhere, and what lies under one opens with it and the installation alone."""

from __future__ import annotations

import hashlib

import pytest
from contracts.sessions.conftest import Stored
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.sessions import LINK, SESSION, Vault, is_token
from models import limits
from models.errors import BadInput

SECRET = bytes(range(32))
NOW_S = 1_796_000_000.0
END_MS = int(NOW_S * 1_000) + limits.CONSOLE_LINK_MS
CONTENT = b"kairos_the-key-of-somebody"


class Clock:
    def __init__(self) -> None:
        self.now_s = NOW_S

    def __call__(self) -> float:
        return self.now_s


def vault(stored: Stored, secret: bytes = SECRET, clock: Clock | None = None) -> Vault:
    return Vault(stored.another(), secret, clock or Clock())


def test_a_token_opens_what_was_kept_under_it_in_every_process(stored: Stored) -> None:
    token = vault(stored).put(SESSION, "till", CONTENT, END_MS)
    assert is_token(token)
    assert vault(stored).get(SESSION, token) == CONTENT
    assert vault(stored).get(LINK, token) is None


def test_a_link_opens_once(stored: Stored) -> None:
    token = vault(stored).put(LINK, "till", CONTENT, END_MS)
    assert vault(stored).take(LINK, token) == CONTENT
    assert vault(stored).take(LINK, token) is None


def test_it_ends_at_the_instant_of_its_expiry(stored: Stored) -> None:
    clock = Clock()
    kept = vault(stored, clock=clock)
    token = kept.put(SESSION, "till", CONTENT, END_MS)
    clock.now_s = (END_MS - 1) / 1_000
    assert kept.get(SESSION, token) == CONTENT
    clock.now_s = END_MS / 1_000
    assert kept.get(SESSION, token) is None
    assert kept.sweep() == 1


def test_the_store_holds_neither_token_nor_content_nor_whose_it_is(stored: Stored) -> None:
    kept = vault(stored)
    token = kept.put(SESSION, "till", CONTENT, END_MS)
    kept.close()
    everything = stored.everything()
    assert everything
    for secret in (token.encode(), CONTENT, b"till"):
        assert secret not in everything


def test_under_another_secret_there_is_nothing(stored: Stored) -> None:
    token = vault(stored).put(SESSION, "till", CONTENT, END_MS)
    assert vault(stored, bytes(32)).get(SESSION, token) is None
    assert vault(stored).get(SESSION, token) == CONTENT


def test_what_lies_under_one_token_does_not_open_with_another(stored: Stored) -> None:
    """Even for who can write to the store: a row that is put under the hash of one's own token stays shut."""
    kept, store = vault(stored), stored.another()
    token, own = kept.put(SESSION, "admin", CONTENT, END_MS), kept.put(SESSION, "till", b"own", END_MS)
    sealed = store.get(hashlib.sha256(token.encode()).digest(), SESSION, int(NOW_S * 1_000))
    assert sealed is not None
    place = hashlib.sha256(own.encode()).digest()
    store.drop(place)
    store.put(place, SESSION, b"h" * 32, sealed, END_MS)
    assert kept.get(SESSION, own) is None


def test_a_dropped_session_is_gone(stored: Stored) -> None:
    token = vault(stored).put(SESSION, "till", CONTENT, END_MS)
    vault(stored).drop(token)
    assert vault(stored).get(SESSION, token) is None


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(guess=st.one_of(
    st.text(max_size=60), st.text("abcXYZ019_-", min_size=43, max_size=43), st.sampled_from(["", "a" * 43 + "\n"]),
))
def test_a_guess_opens_nothing_and_is_no_error(stored: Stored, guess: str) -> None:
    kept = vault(stored)
    try:
        assert kept.get(SESSION, guess) is None
        assert kept.take(LINK, guess) is None
        kept.drop(guess)
    finally:
        kept.close()


def test_no_two_tokens_are_alike(stored: Stored) -> None:
    kept = vault(stored)
    assert len({kept.put(LINK, "till", b"", END_MS) for _ in range(50)}) == 50


def test_what_is_too_large_is_refused(stored: Stored) -> None:
    with pytest.raises(BadInput, match="at most"):
        vault(stored).put(SESSION, "till", bytes(limits.CONSOLE_SESSION_BYTES_MAX + 1), END_MS)
    assert is_token(vault(stored).put(SESSION, "till", bytes(limits.CONSOLE_SESSION_BYTES_MAX), END_MS))
