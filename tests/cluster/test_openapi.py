"""schemathesis asks everything that the server's own description allows, and much that it does not.

It asks with the shortest deadline too, 10 ms, which a busy machine may miss: 504 is then no fault of the server (its
configuration beside this file). The clock is left alone: forward only, one call would move it for every other test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from support.server import Server


def test_the_server_keeps_to_its_own_description(server: Server) -> None:
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            "--config-file", str(Path(__file__).with_name("schemathesis.toml")), "run", f"{server.url}/openapi.json",
            "--header", f"Authorization: Bearer {server.key}", "--max-examples", "25", "--seed", "1",
            "--checks", "not_a_server_error,status_code_conformance,content_type_conformance,"
            "response_schema_conformance,negative_data_rejection,ignored_auth",
            "--exclude-path-regex", "/v1/clock",
        ],
        capture_output=True, text=True, check=False, timeout=300, env={**os.environ, "NO_COLOR": "1"},
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
