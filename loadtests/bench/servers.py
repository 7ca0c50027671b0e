"""A measured server: a process of its own that says when it is ready and ends when its standard input ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from models.errors import KairosError

_END_WAIT_S = 90.0


class Server:
    """``python -m module arguments``, ready once it was made. Use as a context."""

    def __init__(self, module: str, *arguments: object, environment: Mapping[str, str] | None = None) -> None:
        """``environment``: beside this process's own."""
        self._module = module
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, env={**os.environ, **(environment or {})},
        )
        self.facts = self._ready()

    def _ready(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith('{"ready"'):
                facts: dict[str, Any] = json.loads(line)
                return facts
            print(line, end="", file=sys.stderr, flush=True)
        raise KairosError(f"{self._module} ended with {self._process.wait()} before it was ready; see its output above")

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def port(self) -> int:
        return int(self.facts["port"])

    def stop(self) -> None:
        """Close its standard input; it drains and ends."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(_END_WAIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None,
    ) -> None:
        self.stop()
