"""Commands say how the console is opened, and go on where it is not there."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from rich.console import Console

from cluster import preflight
from cluster.cli import demo
from cluster.console.asking import Link
from models.errors import KairosError


def said_by_demo(monkeypatch: pytest.MonkeyPatch, asked: Any, *, has_console: bool = True) -> str:
    monkeypatch.setattr(demo, "ask_for_link", asked)
    screen = Console(width=40, record=True)
    running: Any = SimpleNamespace(
        settings=SimpleNamespace(console=has_console), url="http://127.0.0.1:8000", key="the-key",
    )
    demo._show_console(screen, running, Path("place"))
    return screen.export_text()


def test_the_demo_prints_a_link_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    link = Link(f"http://127.0.0.1:8000/console/in/{'t' * 43}", "2026-11-22T14:10:00Z", 0)
    said = said_by_demo(monkeypatch, lambda url, key: link)
    assert f"console {link.url}\n" in said
    assert "the-key" not in said


def test_the_demo_serves_on_without_a_console(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(url: str, key: str) -> Link:
        raise KairosError("no console answers")

    assert "no console answers" in said_by_demo(monkeypatch, none)
    assert said_by_demo(monkeypatch, none, has_console=False) == ""


@pytest.mark.parametrize(("answer", "said"), [
    (httpx.Response(401, html="<html>"), "prints a link"), (httpx.Response(404, json={}), "nothing answers"),
    (httpx.ConnectError("refused"), "nothing answers"),
])
def test_the_doctor_says_whether_it_is_there(
    monkeypatch: pytest.MonkeyPatch, answer: httpx.Response | Exception, said: str,
) -> None:
    def get(url: str, **_: object) -> httpx.Response:
        assert url == "http://there/console"
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(preflight.httpx, "get", get)
    found = preflight.console("http://there")
    assert found.ok
    assert said in found.detail
