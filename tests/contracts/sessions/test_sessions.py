"""What every store of links and sessions promises: once is once, gone is gone, and a key has a bounded number."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from contracts.sessions.conftest import Stored

from actors.sessions import LINK, SESSION
from actors.sessions.sqlite_sessions import CONSOLE_FILE, SqliteSessions
from models import limits
from models.errors import JournalFailed

NOW_MS = 1_796_000_000_000
END_MS = NOW_MS + 1_000
ONE, TWO = b"1" * 32, b"2" * 32
HOLDER, OTHER = b"h" * 32, b"o" * 32


def test_what_is_put_is_found_by_every_opening_until_it_expires(stored: Stored) -> None:
    stored.another().put(ONE, SESSION, HOLDER, b"sealed", END_MS)
    assert stored.another().get(ONE, SESSION, END_MS - 1) == b"sealed"
    assert stored.another().get(ONE, SESSION, END_MS) is None
    assert stored.another().take(ONE, SESSION, END_MS) is None
    assert stored.another().get(TWO, SESSION, NOW_MS) is None


def test_a_link_is_taken_once(stored: Stored) -> None:
    store = stored.another()
    store.put(ONE, LINK, HOLDER, b"sealed", END_MS)
    assert store.take(ONE, LINK, NOW_MS) == b"sealed"
    assert store.take(ONE, LINK, NOW_MS) is None
    assert stored.another().take(ONE, LINK, NOW_MS) is None


def test_of_many_who_take_at_once_one_gets_it(stored: Stored) -> None:
    stored.another().put(ONE, LINK, HOLDER, b"sealed", END_MS)
    stores, gate = [stored.another() for _ in range(8)], threading.Barrier(8)
    got: list[bytes | None] = []

    def take(number: int) -> None:
        gate.wait()
        got.append(stores[number].take(ONE, LINK, NOW_MS))

    takers = [threading.Thread(target=take, args=(number,)) for number in range(8)]
    for taker in takers:
        taker.start()
    for taker in takers:
        taker.join()
    assert sorted(got, key=bool) == [*[None] * 7, b"sealed"]


def test_a_link_is_no_session_and_a_session_no_link(stored: Stored) -> None:
    store = stored.another()
    store.put(ONE, LINK, HOLDER, b"a link", END_MS)
    store.put(TWO, SESSION, HOLDER, b"a session", END_MS)
    assert store.get(ONE, SESSION, NOW_MS) is None
    assert store.take(ONE, SESSION, NOW_MS) is None
    assert store.take(TWO, LINK, NOW_MS) is None
    assert store.take(ONE, LINK, NOW_MS) == b"a link"
    assert store.get(TWO, SESSION, NOW_MS) == b"a session"


def test_what_is_dropped_is_gone_everywhere_and_dropping_it_again_is_harmless(stored: Stored) -> None:
    store = stored.another()
    store.put(ONE, SESSION, HOLDER, b"one", END_MS)
    store.put(TWO, SESSION, HOLDER, b"two", END_MS)
    store.drop(ONE)
    store.drop(ONE)
    assert stored.another().get(ONE, SESSION, NOW_MS) is None
    assert stored.another().get(TWO, SESSION, NOW_MS) == b"two"


def test_a_sweep_removes_what_has_expired_and_nothing_else(stored: Stored) -> None:
    store = stored.another()
    store.put(ONE, LINK, HOLDER, b"ended-bytes", END_MS)
    store.put(TWO, SESSION, HOLDER, b"live-bytes", END_MS + 1)
    assert store.sweep(END_MS) == 1
    assert store.sweep(END_MS) == 0
    assert store.get(TWO, SESSION, END_MS) == b"live-bytes"
    store.close()
    assert b"live-bytes" in stored.everything()
    assert b"ended-bytes" not in stored.everything()


@pytest.mark.parametrize(("kind", "other", "most"), [
    (LINK, SESSION, limits.CONSOLE_LINKS_PER_KEY_MAX), (SESSION, LINK, limits.CONSOLE_SESSIONS_PER_KEY_MAX),
])
def test_beyond_a_number_those_of_a_key_that_end_first_go_and_no_others(
    stored: Stored, kind: str, other: str, most: int,
) -> None:
    store = stored.another()
    store.put(b"a" * 32, other, HOLDER, b"of the other kind", END_MS)
    store.put(b"b" * 32, kind, OTHER, b"of another key", END_MS)
    digests = [bytes([number]) * 32 for number in range(1, most + 3)]
    for number, digest in enumerate(digests):
        store.put(digest, kind, HOLDER, b"sealed", END_MS + number)
    kept = [digest for digest in digests if store.get(digest, kind, NOW_MS) is not None]
    assert kept == digests[2:]
    assert store.get(b"a" * 32, other, NOW_MS) is not None
    assert store.get(b"b" * 32, kind, NOW_MS) is not None


def test_the_file_is_its_owners_alone_and_is_made_anew_when_it_was_removed(tmp_path: Path) -> None:
    store = SqliteSessions(tmp_path)
    assert not (tmp_path / CONSOLE_FILE).exists()
    assert store.get(ONE, SESSION, NOW_MS) is None
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob(f"{CONSOLE_FILE}*")} == {0o600}
    store.close()
    for path in tmp_path.glob(f"{CONSOLE_FILE}*"):
        path.unlink()
    again = SqliteSessions(tmp_path)
    again.put(ONE, SESSION, HOLDER, b"sealed", END_MS)
    assert again.get(ONE, SESSION, NOW_MS) == b"sealed"
    again.close()


def test_a_file_that_cannot_be_read_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / CONSOLE_FILE).write_bytes(b"no database at all, but long enough to be one" * 100)
    with pytest.raises(JournalFailed, match=r"console\.db.*remove the file"):
        SqliteSessions(tmp_path).get(ONE, SESSION, NOW_MS)
