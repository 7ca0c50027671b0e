"""What every test shares: hypothesis profiles, the path of the load tests, and the guard that keeps Ray out."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from support.postgres import PostgresServer, binaries

settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(
    "ci", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True, print_blob=True,
)
settings.load_profile("ci" if os.environ.get("CI") else "default")

_REAL_RAY = Path(__file__).parent / "cluster"
#: The load tests are part of the checkout, not of the installed package: the checkout goes last on the path, so that
#: what is installed is still what is tested.
_CHECKOUT = str(Path(__file__).parents[1])
if _CHECKOUT not in sys.path:
    sys.path.append(_CHECKOUT)


@pytest.fixture(autouse=True)
def no_ray_outside_cluster_tests(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only ``tests/cluster`` may start Ray: anything else that tries fails at once."""
    if not request.path.is_relative_to(_REAL_RAY):
        ray = pytest.importorskip("ray", reason="Ray is a dependency; install from the lock")

        def refuse(*_: object, **__: object) -> None:
            raise AssertionError("a test outside tests/cluster must not start Ray")

        monkeypatch.setattr(ray, "init", refuse)


@pytest.fixture(autouse=True)
def no_password_stays_behind() -> Iterator[None]:
    """Settings move a password of the store's address into the environment, where the next test would find it."""
    before = os.environ.get("PGPASSWORD")
    yield
    if before is None:
        os.environ.pop("PGPASSWORD", None)
    else:
        os.environ["PGPASSWORD"] = before


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One throw-away PostgreSQL for the session; each test makes a database of its own. A test that stops, kills or
    halts it starts it again, or better makes a server of its own."""
    if binaries() is None:
        if os.environ.get("KAIROS_REQUIRE_POSTGRES") == "1":
            pytest.fail("PostgreSQL is missing: install Debian's postgresql")
        pytest.skip("PostgreSQL is missing: install Debian's postgresql")
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()
