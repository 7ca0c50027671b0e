"""The console of a live installation: behind the same HAProxy, in a process of its own, open to who has a link."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from support.server import Server, eventually, fresh, kairos

from actors import access
from cluster.console.frame import COOKIE

#: Where the proxy's log lines would go, if it wrote any.
_SYSLOG = ("127.0.0.1", 514)


@contextmanager
def signed_in(server: Server, key: str) -> Iterator[tuple[httpx.Client, str]]:
    """A browser with a session, and the link that it opened."""
    given = httpx.post(f"{server.url}/console/links", headers={"authorization": f"Bearer {key}"}, timeout=30.0)
    assert given.status_code == 200, given.text
    link = given.json()["link"]
    with httpx.Client(base_url=server.url, timeout=30.0) as browser:
        assert browser.get(link).status_code == 200
        yield browser, link


def status(browser: httpx.Client, path: str = "/console/session") -> int:
    return browser.get(path).status_code


def is_shown(browser: httpx.Client) -> bool:
    """A connection over which a process answered is closed when that is killed: then a client opens another."""
    try:
        return status(browser) == 200
    except httpx.TransportError:
        return False


def new_key(server: Server, scope: str) -> tuple[str, str]:
    """Name and text of a key that every gateway knows by now."""
    name = fresh("viewer")
    text = access.create(access.FileAccess(server.data_dir), name, [scope], now_ms=time.time_ns() // 1_000_000)
    headers = {"authorization": f"Bearer {text}"}
    eventually("the key is known", lambda: server.client.get("/v1/caller", headers=headers).status_code == 200)
    return name, text


@pytest.fixture(autouse=True)
def there(server: Server) -> None:
    """It starts after the API."""
    eventually("the console is there", lambda: httpx.get(f"{server.url}/console", timeout=30.0).status_code == 401)


def test_the_command_prints_a_link_that_opens_the_console_once(server: Server) -> None:
    done = subprocess.run(
        [*kairos(), "console", "--data-dir", str(server.data_dir)], capture_output=True, text=True, check=True,
        timeout=120,
    )
    link = done.stdout.strip()
    assert link.startswith(f"{server.url}/console/in/")
    with httpx.Client(timeout=30.0) as browser:
        assert [browser.get(link).status_code for _ in range(2)] == [200, 410]
        assert browser.get(f"{server.url}/console/session").status_code == 200


def test_everything_below_the_console_is_its_own_and_everything_else_the_gateways(server: Server) -> None:
    with httpx.Client(base_url=server.url, timeout=30.0) as stranger:
        for path, expected in (
            ("/console", 401), ("/console/", 401), ("/console/in/abc", 410), ("/console/nothing", 401),
            ("/console/static/nothing", 404),
        ):
            answer = stranger.get(path)
            assert (answer.status_code, answer.headers["content-type"]) == (expected, "text/html; charset=utf-8"), path
            assert "default-src 'none'" in answer.headers["content-security-policy"]
            assert stranger.head(path).status_code == (405 if "/in/" in path else expected)
        for path in ("/consolex", "/v1/console", "/nothing", "/Console"):
            assert stranger.get(path).headers["content-type"].startswith("application/problem+json"), path
        too_long = stranger.get("/console/in/" + "a" * 40_000)
        assert (too_long.status_code, too_long.json()["title"]) == (422, "Invalid field")


def test_a_form_that_is_too_large_is_refused_by_a_page(server: Server) -> None:
    with signed_in(server, server.key) as (browser, _):
        answer = browser.post("/console/out", content=b"csrf=" + b"x" * (4 * 1024 * 1024), headers={
            "origin": server.url, "content-type": "application/x-www-form-urlencoded",
        })
        assert answer.status_code == 413
        assert status(browser) == 200


def test_a_session_outlives_the_consoles_process_and_the_gateway_notices_nothing(server: Server) -> None:
    ended, failed = threading.Event(), list[object]()

    def ask() -> None:
        while not ended.wait(0.02):
            answer = server.client.get("/v1/catalog")
            if answer.status_code != 200:
                failed.append(answer.text)

    asking = threading.Thread(target=ask)
    asking.start()
    with signed_in(server, server.key) as (browser, _):
        old = server.kill("ray::ServeReplica:kairos-console")
        eventually("another process has the console", lambda: all(
            process.pid != old for process in server.processes("ray::ServeReplica:kairos-console")
        ) and is_shown(browser), 30.0)
    ended.set()
    asking.join()
    assert failed == []


def test_a_revoked_key_ends_its_session_at_the_next_page(server: Server) -> None:
    name, key = new_key(server, "config:read")
    with signed_in(server, key) as (browser, _):
        assert status(browser, "/console/cluster") == 200
        access.revoke(access.FileAccess(server.data_dir), name, now_ms=time.time_ns() // 1_000_000)
        eventually("the session has ended", lambda: status(browser, "/console/cluster") == 401, 10.0)
        cookie = browser.cookies.get(COOKIE)
    assert cookie is None


def test_a_key_that_may_read_nothing_gets_in_and_is_told_what_it_lacks(server: Server) -> None:
    with signed_in(server, new_key(server, "events:write")[1]) as (browser, _):
        assert status(browser) == 200
        answer = browser.get("/console/cluster")
        assert answer.status_code == 403
        assert "config:read" in answer.text


def test_no_link_no_cookie_and_no_key_is_in_any_log(server: Server) -> None:
    heard: list[bytes] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as syslog:
        try:
            syslog.bind(_SYSLOG)
        except OSError as error:
            pytest.skip(f"this machine's log service has the port: {error}")
        syslog.settimeout(0.2)
        with signed_in(server, server.key) as (browser, link):
            secrets = [server.key, link.rpartition("/")[2], browser.cookies[COOKIE]]
            assert status(browser, link) == 410
            assert status(browser) == 200
        try:
            while True:
                heard.append(syslog.recv(65_536))
        except TimeoutError:
            pass
    assert [line for line in heard if b"/console" in line or b"/v1/" in line] == []
    logs = [path for path in _logs(server) if path.is_file()]
    assert len(logs) > 10
    for path in logs:
        content = path.read_bytes()
        assert [secret for secret in secrets if secret.encode() in content] == [], path


def _logs(server: Server) -> list[Path]:
    """Of Ray, Serve and HAProxy, of this installation's session, and of `kairos up`."""
    (raylet,) = server.processes("raylet/raylet")
    session = next(
        Path(word.partition("=")[2]) for word in raylet.cmdline() if word.startswith("--session_dir=")
    )
    return [*session.rglob("*.log"), *session.rglob("*.err"), *session.rglob("*.out"), server.data_dir / "up.log"]


def test_who_asks_for_a_link_without_a_key_that_lives_gets_none(server: Server) -> None:
    answer = httpx.post(f"{server.url}/console/links", headers={"authorization": "Bearer kairos_nobody"})
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert "link" not in answer.json()


def test_any_gateway_exposes_what_the_console_and_insight_tell_of_themselves(server: Server) -> None:
    def exposed() -> str:
        return server.client.get("/metrics").text

    with signed_in(server, server.key) as (browser, _):
        assert status(browser) == 200
        eventually("the console has told", lambda: 'page="/session",status="200"' in exposed())
        text = exposed()
    assert "kairos_insight_up 1.0" in text
    assert "kairos_insight_behind_rows" in text
    assert 'kairos_serving_replicas{application="kairos-console"} 1.0' in text
    assert browser.cookies[COOKIE] not in text
