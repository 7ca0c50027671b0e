"""Every port of a live installation, and what it tells a stranger: nothing, anywhere but at the API's public pages."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest
from support.doors import Port, grpc_answers, http_status, link_refuses, listening
from support.server import Server, eventually

from actors.access.denials.file_denials import FileDenials
from cluster.doors import answers_without_token
from cluster.haproxy import TRUSTED_HEADERS

PUBLIC = ("/healthz", "/readyz", "/docs", "/openapi.json")


def ports(server: Server) -> list[Port]:
    return listening(json.loads((server.data_dir / "run.json").read_text())["up"]["pid"])


def is_the_api(port: Port) -> bool:
    """Behind it is the gateway: public pages, and 401 for the rest."""
    return http_status(port, "/v1/catalog") == http_status(port, "/metrics") == 401 and all(
        http_status(port, path) == 200 for path in PUBLIC
    )


def is_rays(port: Port) -> bool:
    """Ray's and Serve's own servers: every call but their health check wants the token."""
    answers = {call: code for call, code in grpc_answers(port).items() if "grpc.health" not in call}
    if answers:
        return set(answers.values()) == {"UNAUTHENTICATED"}
    return {http_status(port, path) for path in ("/", "/api/version", "/metrics", "/log/list")} == {401}


def is_a_side_port(port: Port) -> bool:
    """HAProxy's statistics and Serve's port of a scorer, which serves nothing over HTTP: for this machine alone."""
    return port.name == "haproxy" or (
        "kairos-scorer" in port.process and http_status(port, "/") in (404, 500) and not grpc_answers(port)
    )


def is_the_console(port: Port) -> bool:
    """It serves nothing but its pages, and without a session none of them."""
    paths = ("/console", "/console/in/guess", "/", "/metrics", "/v1/catalog")
    return "kairos-console" in port.process and [http_status(port, path) for path in paths] == [
        401, 410, 404, 404, 404,
    ]


KINDS: dict[str, Callable[[Port], bool]] = {
    "link": lambda port: link_refuses(port) is True, "api": is_the_api, "console": is_the_console, "ray": is_rays,
    "side": is_a_side_port,
}


def kind_of(port: Port) -> str:
    return next((name for name, fits in KINDS.items() if fits(port)), "nobody knows what")


def test_every_port_wants_a_key_a_token_or_a_proof(server: Server) -> None:
    eventually("the console is there", lambda: httpx.get(f"{server.url}/console").status_code == 401)
    found = {(port.name, port.port): kind_of(port) for port in ports(server)}
    assert "nobody knows what" not in found.values(), found
    kinds = list(found.values())
    assert {"link", "api", "console", "ray", "side"} == set(kinds), found
    assert sum(process == "raylet" for process, _ in found) == 2
    assert [found[process, port] for process, port in found if port == server.port] == ["api"]


def test_nothing_listens_where_others_could_reach_it(server: Server) -> None:
    assert [port for port in ports(server) if not port.is_loopback] == []


def test_the_probe_is_answered_with_the_token_so_its_refusal_means_something(server: Server) -> None:
    (gcs,) = (port for port in ports(server) if port.name == "gcs_server")
    token = (server.data_dir / "ray.token").read_text()
    assert grpc_answers(gcs, token)["/ray.rpc.NodeInfoGcsService/GetAllNodeInfo"] == "OK"
    assert set(grpc_answers(gcs, "0" * len(token)).values()) == {"OK", "UNAUTHENTICATED"}  # OK: its health check
    assert not answers_without_token(f"127.0.0.1:{gcs.port}")


def test_haproxys_side_ports_change_nothing(server: Server) -> None:
    order = {"s": "x", "action": "maint", "b": "#1"}
    for port in ports(server):
        if port.name == "haproxy" and port.port != server.port:
            with httpx.Client(base_url=port.url, trust_env=False) as client:
                ordered = client.post("/stats", data=order)
                assert ordered.status_code == 500 or ordered.headers["location"].endswith("st=DENY")
                assert client.post("/", data=order).status_code == 500


def haproxies(server: Server) -> list[psutil.Process]:
    return [process for process in server.processes("haproxy") if "-f" in process.cmdline()]


def test_only_the_owner_may_command_haproxy(server: Server) -> None:
    folders = {Path(process.cmdline()[process.cmdline().index("-f") + 1]).parent for process in haproxies(server)}
    sockets = [path for folder in folders for path in folder.iterdir() if path.is_socket()]
    assert sockets
    assert {path.name for path in sockets if path.stat().st_mode & 0o077} == set()


@pytest.mark.parametrize("header", TRUSTED_HEADERS)
def test_a_header_by_which_serve_could_be_steered_changes_nothing(server: Server, header: str) -> None:
    """A timeout of a millionth of a second would end the call before it begins."""
    for value in ("0.000001", "1", "x"):
        answer = server.client.get("/v1/status", headers={header: value})
        assert answer.status_code == 200, answer.text


def test_behind_haproxy_such_a_header_would_count(server: Server) -> None:
    (replica,) = (port for port in ports(server) if ":Gateway" in port.process and is_the_api(port))
    headers = {"authorization": f"Bearer {server.key}", "x-request-timeout-seconds": "0.000001"}
    assert http_status(replica, "/v1/status", headers) == 408


def test_the_client_cannot_say_who_it_is(server: Server) -> None:
    forged = "203.0.113.99"
    headers = {"x-kairos-peer": forged, "authorization": "Bearer kairos_nobody"}
    assert httpx.get(f"{server.url}/v1/budgets", headers=headers).status_code == 401

    def peers() -> set[str]:
        store = FileDenials(server.data_dir)
        told = [entry.body() for chain in store.chains() for entry in store.entries(chain)]
        return {one["peer"] for one in told if one["call"] == "budgets" and one["status"] == 401}

    eventually("the refusal is written", lambda: bool(peers()))
    assert peers() == {"127.0.0.1"}


def test_with_another_host_only_the_api_is_open(tmp_path: Path, starting: Callable[..., Server]) -> None:
    server = starting(tmp_path / "data", "--host", "0.0.0.0")
    assert [port.port for port in ports(server) if not port.is_loopback] == [server.port]
    own = socket.gethostbyname(socket.gethostname())
    assert httpx.get(f"http://{own}:{server.port}/v1/catalog", trust_env=False).status_code == 401
    key = server.key
    assert httpx.get(
        f"http://{own}:{server.port}/v1/catalog", headers={"authorization": f"Bearer {key}"}, trust_env=False,
    ).status_code == 200
