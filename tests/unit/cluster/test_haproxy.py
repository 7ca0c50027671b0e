"""What stands between the clients and Serve's ingress: its configuration is mended before it is used."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from cluster import haproxy
from models.errors import BadInput

SERVED = """global
    log 127.0.0.1:514 local0 info
    maxconn 100
    stats socket {folder}/admin.sock mode 666 level admin expose-fd listeners
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
    errorfile 502 {folder}/500.http
    errorfile 503 {folder}/500.http
    errorfile 504 {folder}/500.http
frontend prometheus
    bind :9101
    http-request use-service prometheus-exporter if {{ path /metrics }}
frontend http_frontend
    bind {bind}:8000
    acl is_gateway path_beg /
    use_backend gateway if is_gateway
    default_backend default_backend
backend default_backend
    http-request return status 404 content-type text/plain lf-string "Path \\'%[path]\\' not found. Ping http://.../-/routes"
backend gateway
    server one 127.0.0.1:9
listen stats
  bind *:8404
  stats enable
"""


@pytest.fixture
def mended(tmp_path: Path) -> str:
    return mend(tmp_path)


def mend(tmp_path: Path, bind: str = "127.0.0.1", host: str | None = None) -> str:
    """The configuration after HAProxy itself has checked it, twice, through the wrapper."""
    (tmp_path / "500.http").write_bytes(b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n")
    file = tmp_path / "haproxy.cfg"
    file.write_text(SERVED.format(folder=tmp_path, bind=bind))
    wrapper = haproxy.install_wrapper(tmp_path / "data", host)
    for _ in range(2):
        done = subprocess.run([wrapper, "-c", "-f", file], capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, done.stderr
    return file.read_text()


def test_side_ports_are_bound_to_loopback(mended: str) -> None:
    binds = [line.split()[1] for line in mended.splitlines() if line.split()[:1] == ["bind"]]
    assert binds == ["127.0.0.1:9101", "127.0.0.1:8000", "127.0.0.1:8404"]


@pytest.mark.parametrize(("bind", "host", "bound"), [
    ("127.0.0.1", None, "127.0.0.1"), ("*", None, "*"), ("10.0.0.7", None, "10.0.0.7"),
    ("127.0.0.1", "0.0.0.0", "0.0.0.0"),
    ("127.0.0.1", "localhost", "localhost"), ("127.0.0.1", "::", "::"), ("127.0.0.1", "127.0.0.1", "127.0.0.1"),
])
def test_the_api_is_bound_where_the_settings_say_and_nothing_else_is(
    tmp_path: Path, bind: str, host: str | None, bound: str,
) -> None:
    binds = [line.split()[1] for line in mend(tmp_path, bind, host).splitlines() if line.split()[:1] == ["bind"]]
    assert binds == ["127.0.0.1:9101", f"{bound}:8000", "127.0.0.1:8404"]


@pytest.mark.parametrize("host", ["", "a b", "x\nstats enable", "0.0.0.0/;s", "host'"])
def test_a_host_that_is_none_never_reaches_haproxy(tmp_path: Path, host: str) -> None:
    with pytest.raises(BadInput, match="neither a name nor an address"):
        haproxy.install_wrapper(tmp_path, host)


def test_only_the_owner_may_command_haproxy(mended: str) -> None:
    (line,) = [line for line in mended.splitlines() if "stats socket" in line]
    assert line.split()[3:] == ["mode", "600", "level", "admin", "expose-fd", "listeners"]


def test_no_request_is_logged_for_its_path_may_hold_a_customer_or_a_link(mended: str) -> None:
    (line,) = [line for line in mended.splitlines() if line.split()[:1] == ["log"]]
    assert line.split()[2:] == ["local0", "notice"]


def test_headers_by_which_a_client_would_steer_serve_are_taken_off(mended: str) -> None:
    front = mended.partition("frontend http_frontend")[2].partition("backend")[0]
    for header in haproxy.TRUSTED_HEADERS:
        assert front.count(f"http-request del-header {header}\n") == 1


def test_every_request_is_read_by_the_gateway_alone_whatever_the_client_said(mended: str) -> None:
    front = [line.strip() for line in mended.partition("frontend http_frontend")[2].splitlines()]
    taken_off = front.index("http-request del-header x-request-disconnect-disabled")
    assert taken_off < front.index("http-request set-header x-request-disconnect-disabled ?1")


def test_the_address_of_a_client_is_told_and_never_taken_from_the_client(mended: str) -> None:
    front = [line.strip() for line in mended.partition("frontend http_frontend")[2].splitlines()]
    assert front.count("http-request set-header x-kairos-peer %[src]") == 1


def test_a_stream_is_never_compressed(mended: str) -> None:
    front = [line.strip() for line in mended.partition("frontend http_frontend")[2].splitlines()]
    assert front.count("http-request del-header sec-websocket-extensions if { path /v1/stream }") == 1


def test_a_silent_stream_is_kept_longer_than_two_pings(mended: str) -> None:
    (line,) = [line for line in mended.splitlines() if "timeout tunnel" in line]
    assert int(line.split()[-1].removesuffix("ms")) > 2 * 20_000


def test_its_own_errors_are_problem_documents(mended: str) -> None:
    files = dict(line.split()[1:] for line in mended.splitlines() if line.split()[:1] == ["errorfile"])
    assert sorted(files) == ["400", "408", "502", "503", "504"]
    for status, told in (("400", 400), ("503", 500)):
        head, _, body = Path(files[status]).read_bytes().partition(b"\r\n\r\n")
        assert b"application/problem+json" in head
        assert json.loads(body)["status"] == told
        assert head.startswith(b"HTTP/1.1 %d " % told)


def test_a_path_too_long_for_the_gateway_is_answered_as_a_problem(mended: str) -> None:
    (line,) = [line for line in mended.splitlines() if "http-request return status 422" in line]
    words = line.split()
    assert json.loads(Path(words[words.index("file") + 1]).read_bytes())["status"] == 422
    assert words[words.index("content-type") + 1] == "application/problem+json"


def test_a_host_that_knows_no_gateway_yet_asks_to_come_again(mended: str) -> None:
    (line,) = [line.strip() for line in mended.partition("\nbackend default_backend\n")[2].splitlines()[:1]]
    words = line.split()
    assert words[:4] == ["http-request", "return", "status", "503"]
    assert words[words.index("hdr") + 1 : words.index("hdr") + 3] == ["retry-after", "1"]
    assert json.loads(Path(words[words.index("file") + 1]).read_bytes())["status"] == 503


def test_a_process_that_replaced_itself_does_not_wrap_the_wrapper(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = haproxy.install_wrapper(tmp_path)
    monkeypatch.setenv(haproxy.VARIABLE, str(first))
    assert str(first) not in haproxy.install_wrapper(tmp_path).read_text().splitlines()[-1]


def test_an_operators_own_haproxy_is_wrapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "own"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    monkeypatch.setenv(haproxy.VARIABLE, str(own))
    assert haproxy.install_wrapper(tmp_path / "data").read_text().splitlines()[-1] == f'exec {own} "$@"'
