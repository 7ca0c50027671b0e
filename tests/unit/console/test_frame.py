"""The frame: who may come in, what every answer carries, and what a request that changes something must prove."""

from __future__ import annotations

import asyncio

from support.console_browser import Browser
from support.console_sessions import COOKIE


def test_a_page_is_shown_to_who_is_signed_in() -> None:
    answer = asyncio.run(Browser().get("/console/session"))
    assert answer.status_code == 200
    assert "profiles:read" in answer.text


def test_without_a_session_every_page_says_how_to_sign_in() -> None:
    browser = Browser()
    browser.sessions.live.clear()
    answer = asyncio.run(browser.get("/console/session"))
    assert answer.status_code == 401
    assert "kairos console" in answer.text


def test_a_key_that_ended_ends_the_session() -> None:
    browser = Browser()
    browser.api.revoked = True
    answer = asyncio.run(browser.get("/console/session"))
    assert answer.status_code == 401
    assert browser.sessions.ended == [COOKIE]
