"""What must never leave: customers' data and every secret, looked for where operators and strangers look."""

from __future__ import annotations

import base64
import json
import os
import secrets
import subprocess
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from support.server import Server, eventually, kairos
from support.streams import open_stream

from actors import access
from actors.access.denials.file_denials import FileDenials
from actors.link.handshake import link_key
from actors.stores.opening import open_store

#: A fresh one for each thing that could leak, so that what leaked is named by what is found.
CUSTOMER = f"canary-customer-{secrets.token_hex(8)}"
ATTRIBUTE = f"canary-attribute-{secrets.token_hex(8)}"
PROPERTY = f"canary-property-{secrets.token_hex(8)}"
CONTEXT = f"canary-context-{secrets.token_hex(8)}"
GARBAGE = f"kairos_{secrets.token_urlsafe(32)}"
PASSWORD = f"canary-password-{secrets.token_hex(8)}"


@pytest.fixture(scope="module")
def secret(server: Server) -> dict[str, bytes]:
    """Everything that must not be found, by its name, after a session that touches all of it."""
    plain = {"store": "sqlite", "data_dir": str(server.data_dir)}
    master = (server.data_dir / "master.key").read_text().split()[0]
    installed = open_store(plain).secret()
    made = subprocess.run(
        [*kairos(), "key", "create", "--name", "canary", "--scope", "decide:app", "--data-dir", str(server.data_dir)],
        capture_output=True, text=True, check=True, timeout=60,
    ).stdout.strip()
    token = jwt.encode({"alg": "RS256"}, {"sub": "canary"}, RSAKey.generate_key(2048), algorithms=["RS256"])
    found = {
        "customer id": CUSTOMER, "attribute": ATTRIBUTE, "event property": PROPERTY, "context": CONTEXT,
        "admin key": server.key, "another key": made, "a key that is none": GARBAGE, "an issuer's token": token,
        "Ray's token": (server.data_dir / "ray.token").read_text().strip(), "master key": master,
        "customer secret": installed.hex(), "customer secret, base64": base64.b64encode(installed).decode(),
        "link key": link_key(installed).hex(), "link key, base64": base64.b64encode(link_key(installed)).decode(),
        "database password": PASSWORD,
    }
    _session(server, made, token)
    return {name: value.encode() for name, value in found.items()} | {
        "customer secret, raw": installed, "link key, raw": link_key(installed),
        "master key, raw": base64.b64decode(master),
    }


def _session(server: Server, key: str, token: str) -> None:
    """Right and wrong calls of every kind, over HTTP and a stream, with a shard that dies in between."""
    server.event(CUSTOMER, "basket", total=3.0, note=PROPERTY)
    decided = server.decide(CUSTOMER, "web", "home_hero", context={"page": CONTEXT}, explain=True)
    for item in decided["placements"][0]["items"]:
        server.outcome(decided["decision_id"], item["action"], "impression")
    path = f"/v1/customers/{urllib.parse.quote(CUSTOMER)}"
    for ask in (
        lambda: server.client.put(f"{path}/attributes", json={ATTRIBUTE: PROPERTY}),
        lambda: server.client.put(f"{path}/consent", json={ATTRIBUTE: True}),
        lambda: server.client.get(path), lambda: server.client.get(f"{path}/{PROPERTY}"),
        lambda: server.client.get(f"{path}/timeline", params={"limit": PROPERTY}),
        lambda: server.client.post("/v1/events", content=PROPERTY.encode()),
        lambda: server.client.post("/v1/events", json={"events": [{"event_id": PROPERTY, "customer_id": CUSTOMER}]}),
        lambda: server.client.post("/v1/decisions", json={"customer_id": CUSTOMER, "channel": CUSTOMER, "x": PROPERTY}),
        lambda: server.client.get(f"/v1/decisions/{CUSTOMER}/explanation"),
        lambda: server.client.get(f"/v1/status?token={GARBAGE}"),
    ):
        ask()
    for shown in (key, GARBAGE, token):
        headers = {"authorization": f"Bearer {shown}"}
        for _ in range(2):
            assert server.client.get(path, headers=headers).status_code in (401, 403)
        server.client.post("/v1/decisions", headers=headers, json={"customer_id": CUSTOMER, "channel": CUSTOMER})
    with open_stream(server) as stream:
        stream.send(b"\xff" + PROPERTY.encode())
    server.kill("ray::ProfileShard")
    server.retried("/v1/decisions", {
        "request_id": f"r-{secrets.token_hex(8)}", "customer_id": CUSTOMER, "channel": "web",
        "placements": [{"id": "home_hero"}],
    })
    server.client.delete(path)


def logs(server: Server) -> Iterator[Path]:
    """Every log of the installation: Ray's whole session folder, and what `kairos up` wrote."""
    yield server.data_dir / "up.log"
    run = json.loads((server.data_dir / "run.json").read_text())
    session = next(
        Path(part.partition("=")[2]) for process in psutil.Process(run["up"]["pid"]).children(recursive=True)
        for part in process.cmdline() if part.startswith("--session-dir=")
    )
    for path in session.rglob("*"):
        if path.is_file() and not path.is_symlink():
            yield path


def found_in(content: bytes, secret: dict[str, bytes]) -> list[str]:
    return [name for name, value in secret.items() if value in content]


def test_what_is_looked_for_would_be_found(server: Server, secret: dict[str, bytes]) -> None:
    assert found_in((server.data_dir / "admin.key").read_bytes(), secret) == ["admin key"]
    assert found_in((server.data_dir / "ray.token").read_bytes(), secret) == ["Ray's token"]
    assert found_in(b"x" + CUSTOMER.encode() + b"x", secret) == ["customer id"]


def test_no_log_holds_a_customer_or_a_secret(server: Server, secret: dict[str, bytes]) -> None:
    looked = {path: found_in(path.read_bytes(), secret) for path in logs(server)}
    assert len(looked) > 20
    assert any(path.name.endswith(".err") and path.stat().st_size for path in looked), "the actors wrote their logs"
    assert {path.name: names for path, names in looked.items() if names} == {}


def test_no_metric_and_no_status_holds_a_customer_or_a_secret(server: Server, secret: dict[str, bytes]) -> None:
    for path in ("/metrics", "/v1/status", "/openapi.json", "/healthz", "/readyz"):
        answer = server.client.get(path)
        assert answer.status_code == 200
        assert found_in(answer.content, secret) == [], path


def test_no_process_shows_a_secret_in_its_arguments(server: Server, secret: dict[str, bytes]) -> None:
    run = json.loads((server.data_dir / "run.json").read_text())
    up = psutil.Process(run["up"]["pid"])
    shown = {process.pid: " ".join(process.cmdline()) for process in [up, *up.children(recursive=True)]}
    assert {pid: names for pid, line in shown.items() if (names := found_in(line.encode(), secret))} == {}


def test_no_process_holds_a_key_of_the_api_or_the_store_in_its_environment(
    server: Server, secret: dict[str, bytes],
) -> None:
    run = json.loads((server.data_dir / "run.json").read_text())
    up = psutil.Process(run["up"]["pid"])
    for process in [up, *up.children(recursive=True)]:
        try:
            environment = Path(f"/proc/{process.pid}/environ").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        assert found_in(environment, secret) == [], process.name()


def test_the_chain_of_refusals_holds_neither(server: Server, secret: dict[str, bytes]) -> None:
    def is_written() -> bool:
        store = FileDenials(server.data_dir)
        return any(entry.body()["key"] == "canary" for chain in store.chains() for entry in store.entries(chain))

    eventually("the refusals are written", is_written)
    for path in (server.data_dir / "audit").rglob("*"):
        if path.is_file():
            assert found_in(path.read_bytes(), secret) == [], path.name
    done = subprocess.run(
        [*kairos(), "denials", "--verify", "--data-dir", str(server.data_dir)],
        capture_output=True, text=True, check=False, timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert found_in(done.stdout.encode(), secret) == []


def test_files_with_secrets_are_their_owners_alone(server: Server) -> None:
    for name in ("admin.key", "keys.json", "master.key", "customer.secret", "ray.token"):
        assert (server.data_dir / name).stat().st_mode & 0o077 == 0, name
    assert server.data_dir.stat().st_mode & 0o077 == 0


def test_a_password_of_the_store_is_shown_nowhere(tmp_path: Path) -> None:
    """Nobody listens there: what is said about it must not hold what was in the address."""
    url = f"postgresql://kairos:{PASSWORD}@127.0.0.1:9/kairos?connect_timeout=1"
    for arguments in (["doctor"], ["key", "list"], ["denials"]):
        done = subprocess.run(
            [*kairos(), *arguments, "--data-dir", str(tmp_path)], capture_output=True, text=True, check=False,
            timeout=60, env={**os.environ, "KAIROS_STORE": url},
        )
        assert PASSWORD not in done.stdout + done.stderr, arguments


def test_the_admin_key_is_known_by_its_hash_alone(server: Server) -> None:
    assert server.key not in (server.data_dir / access.KEYS_FILE).read_text()
