"""What must be shut before anything starts."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from actors import access
from cluster import doors
from cluster.settings import Settings
from models.errors import KairosError


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (doors.MODE, doors.TOKEN, doors.TOKEN_PATH):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def test_a_cluster_of_our_own_gets_a_token_that_only_its_owner_reads(tmp_path: Path) -> None:
    doors.force_token(tmp_path, None)
    path = tmp_path / "ray.token"
    assert (doors.os.environ[doors.MODE], doors.os.environ[doors.TOKEN_PATH]) == ("token", str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(path.read_text()) >= 32
    held = path.read_text()
    doors.force_token(tmp_path, None)
    assert path.read_text() == held


@pytest.mark.parametrize("mode", ["disabled", "k8s", "none"])
def test_another_mode_than_token_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    monkeypatch.setenv(doors.MODE, mode)
    with pytest.raises(KairosError, match="unset it, or say token"):
        doors.force_token(tmp_path, None)


def test_joining_without_a_token_says_how_to_make_and_distribute_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(KairosError, match=r"ray get-auth-token --generate.*on every node"):
        doors.force_token(tmp_path, "10.0.0.1:6379")
    assert not (tmp_path / "ray.token").exists()
    empty = tmp_path / "token"
    empty.write_text("\n")
    monkeypatch.setenv(doors.TOKEN_PATH, str(empty))
    with pytest.raises(KairosError, match="holds no token"):
        doors.force_token(tmp_path, "10.0.0.1:6379")
    empty.write_text("f" * 32)
    doors.force_token(tmp_path, "10.0.0.1:6379")


@pytest.fixture
def control_store() -> Iterator[Callable[[grpc.StatusCode], str]]:
    """Starts what stands for Ray's: every call ends with that status; its address."""
    servers = []

    def begin(status: grpc.StatusCode) -> str:
        def answer(_: bytes, context: grpc.ServicerContext) -> bytes:
            if status is not grpc.StatusCode.OK:
                context.abort(status, "as the test wants")
            return b""

        server = grpc.server(ThreadPoolExecutor(1))
        handler = grpc.unary_unary_rpc_method_handler(answer)
        server.add_generic_rpc_handlers([
            grpc.method_handlers_generic_handler("ray.rpc.NodeInfoGcsService", {"CheckAlive": handler})
        ])
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        servers.append(server)
        return f"127.0.0.1:{port}"

    yield begin
    for server in servers:
        server.stop(None)


def test_a_cluster_that_answers_without_a_token_is_not_joined(
    control_store: Callable[[grpc.StatusCode], str],
) -> None:
    with pytest.raises(KairosError, match=r"wants no token.*ray get-auth-token"):
        doors.refuse_open_cluster(control_store(grpc.StatusCode.OK))
    with pytest.raises(KairosError, match="wants no token"):
        doors.refuse_open_cluster(control_store(grpc.StatusCode.INVALID_ARGUMENT))
    doors.refuse_open_cluster(control_store(grpc.StatusCode.UNAUTHENTICATED))


def test_a_cluster_that_says_nothing_is_not_called_open(
    monkeypatch: pytest.MonkeyPatch, control_store: Callable[[grpc.StatusCode], str],
) -> None:
    monkeypatch.setattr(doors, "_PROBE_WAIT_S", 0.05)
    with pytest.raises(KairosError, match="does not answer"):
        doors.refuse_open_cluster(control_store(grpc.StatusCode.UNAVAILABLE))


def test_a_token_in_the_environment_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(doors.TOKEN, "f" * 32)
    doors.force_token(tmp_path, "10.0.0.1:6379")
    assert not (tmp_path / "ray.token").exists()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "api.example"])
def test_an_api_that_others_reach_needs_a_live_key_or_an_issuer(tmp_path: Path, host: str) -> None:
    keys = access.FileAccess(tmp_path)
    with pytest.raises(KairosError, match="kairos key create"):
        doors.refuse_open_bind(Settings(host=host), keys)
    doors.refuse_open_bind(Settings(host=host, oidc_issuer="https://issuer.example", oidc_audience="kairos"), keys)
    access.create(keys, "till", ["events:write"], now_ms=1, expires_ms=2)
    with pytest.raises(KairosError, match="neither a live key"):
        doors.refuse_open_bind(Settings(host=host), keys)
    access.create(keys, "till", ["events:write"], now_ms=3)
    doors.refuse_open_bind(Settings(host=host), keys)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.0.0.2"])
def test_on_this_machine_alone_nothing_is_asked_for(tmp_path: Path, host: str) -> None:
    doors.refuse_open_bind(Settings(host=host), access.FileAccess(tmp_path))


def test_an_issuer_without_an_audience_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="oidc_audience is missing"):
        Settings(oidc_issuer="https://issuer.example")
    monkeypatch.setenv("KAIROS_OIDC_ALGORITHMS", "RS256, ES256")
    named = Settings(oidc_issuer="https://issuer.example", oidc_audience="kairos").oidc()
    assert named is not None
    assert named.algorithms == ("RS256", "ES256")
