"""A copy of the source in which builds are broken and tested, one after the other."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from .builds import Build
from .watch import PRODUCT, REPORT

ROOT: Final = Path(__file__).resolve().parents[2]
_COPIED: Final = (*PRODUCT, "tests")
_LEFT_OUT: Final = ("__pycache__", ".hypothesis", ".pytest_cache", ".mypy_cache", ".ruff_cache")
_WAIT_S: Final = 240


class WorkshopError(Exception):
    """The answer to whether a test catches a build cannot be found: says why."""


@dataclass(frozen=True)
class Verdict:
    """What the named tests said of one build."""

    #: (test, what it said) of each test that failed; empty when nobody noticed.
    failed: tuple[tuple[str, str], ...]
    #: (where, what) of other trouble: a collection error, a fixture that broke, no end in time.
    errors: tuple[tuple[str, str], ...] = ()
    passed: int = 0

    @property
    def is_caught(self) -> bool:
        """By a test that failed; what its fixtures found besides, at its end, does no harm."""
        return bool(self.failed)


class Workshop:
    """``directory`` is empty and becomes a copy of the source."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        for name in _COPIED:
            shutil.copytree(ROOT / name, directory / name, ignore=shutil.ignore_patterns(*_LEFT_OUT))
        shutil.copy(ROOT / "pyproject.toml", directory)

    def check(self, build: Build) -> None:
        """Raises ``WorkshopError`` unless the text that the build replaces stands in its file once."""
        file = self._directory / build.file
        count = file.read_text().count(build.old) if file.is_file() else 0
        if count != 1:
            raise WorkshopError(f"{build.file}: the text to replace occurs {count} times, not once: {build.old!r}")

    @contextmanager
    def broken(self, build: Build) -> Iterator[None]:
        """The copy with one replacement, undone at the end."""
        self.check(build)
        file = self._directory / build.file
        sound = file.read_text()
        broken = sound.replace(build.old, build.new)
        compile(broken, build.file, "exec")
        try:
            self._write(file, broken)
            yield
        finally:
            self._write(file, sound)

    @staticmethod
    def _write(file: Path, text: str) -> None:
        """Compiled code is recognised by size and second alone: it goes, or the old would run."""
        file.write_text(text)
        for compiled in (file.parent / "__pycache__").glob(f"{file.stem}.*.pyc"):
            compiled.unlink()

    def test(self, tests: Sequence[str]) -> Verdict:
        """Run these tests on the copy. Raises ``WorkshopError`` when other code than the copy's was imported."""
        report = self._directory / "report.json"
        report.unlink(missing_ok=True)
        environment = {**os.environ, "PYTHONPATH": str(self._directory), "CI": "1", REPORT: str(report)}
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "tests.broken_builds.watch", *tests]
        try:
            done = subprocess.run(
                command, cwd=self._directory, env=environment, capture_output=True, text=True, check=False,
                timeout=_WAIT_S,
            )
        except subprocess.TimeoutExpired:
            return Verdict((), (("pytest", f"no end within {_WAIT_S} s"),))
        if not report.is_file():
            return Verdict((), (("pytest", (done.stdout + done.stderr)[-500:]),))
        return self._verdict(json.loads(report.read_text()))

    def _verdict(self, seen: dict[str, Any]) -> Verdict:
        for name, file in seen["imported"].items():
            if not Path(file).is_relative_to(self._directory):
                raise WorkshopError(f"the tests imported {name} from {file}, not from the copy")
        failed = tuple((test, said) for test, said in seen["failed"])
        return Verdict(failed, tuple((test, said) for test, said in seen["errors"]), seen["passed"])
