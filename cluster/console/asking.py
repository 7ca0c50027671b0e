"""Asking a live server for a link that opens its console once."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from cluster.console.address import page
from models.errors import BadInput, KairosError
from models.times import parse_time_ms

#: The console starts beside the API, and a few seconds after it.
WAIT_S: Final = 30.0
_PAUSE_S: Final = 0.2
_CALL_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Link:
    #: Whoever has it gets in, once.
    url: str = field(repr=False)
    expires: str
    expires_ms: int


def ask_for_link(url: str, key: str, wait_s: float = WAIT_S) -> Link:
    """Raises ``BadInput`` for a key that the server refuses, ``KairosError`` when no console answers in time."""
    deadline = time.monotonic() + wait_s
    while True:
        said = _asked(url, key)
        if isinstance(said, Link):
            return said
        if time.monotonic() > deadline:
            raise KairosError(
                f"no console answers at {url}{page('')} ({said}); is it off (`console: false`, --no-console)? "
                f"`kairos doctor` looks"
            )
        time.sleep(_PAUSE_S)


def _asked(url: str, key: str) -> Link | str:
    """The link, or why there is none yet."""
    try:
        answer = httpx.post(
            f"{url}{page('/links')}", headers={"authorization": f"Bearer {key}"}, timeout=_CALL_S, trust_env=False,
        )
        told = _told(answer)
    except httpx.HTTPError as error:
        return str(error) or type(error).__name__
    if answer.status_code in (401, 403, 422):
        raise BadInput(f"{url} gives no link for this key: {told.get('detail', answer.status_code)}")
    if answer.status_code != httpx.codes.OK or "link" not in told:
        return str(told.get("detail") or f"status {answer.status_code}")
    return Link(f"{url}{told['link']}", told["expires"], parse_time_ms(told["expires"]))


def _told(answer: httpx.Response) -> dict[str, Any]:
    try:
        told = answer.json()
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
