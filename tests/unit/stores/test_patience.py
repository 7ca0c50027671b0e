"""At a start the store is waited for, and for nothing else."""

from __future__ import annotations

import pytest

from actors.stores.patience import patiently
from models import limits
from models.errors import JournalFailed, StoreAway


def test_a_store_that_is_away_is_asked_until_it_answers() -> None:
    answers = iter([StoreAway("away"), StoreAway("away"), "secret"])
    slept: list[float] = []

    def work() -> str:
        answer = next(answers)
        if isinstance(answer, StoreAway):
            raise answer
        return answer

    assert patiently(work, slept.append) == "secret"
    assert slept == [limits.LOCK_RETRY_MS / 1_000] * 2


def test_any_other_error_ends_the_wait() -> None:
    def work() -> None:
        raise JournalFailed("damaged")

    with pytest.raises(JournalFailed):
        patiently(work)
